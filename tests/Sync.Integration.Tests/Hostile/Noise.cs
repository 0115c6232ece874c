using System.Collections.Concurrent;
using System.Text;
using Sync.Contracts;
using Sync.HostileTests.Run;
using Sync.MessagePack;
using Sync.Transport;

namespace Sync.Integration.Tests.Hostile;

/// <summary>True envelopes and beats of a group, damaged from a seed and published where its followers listen. What the damage
/// leaves readable, in scope and of the true history is not published: a lie in the writer's own form only the broker's
/// permissions can prevent.</summary>
internal sealed class Noise : IBusReceiver, IAsyncDisposable
{
    private static readonly HistoryId Other = new(4_321);

    private readonly ConcurrentQueue<(string Subject, byte[] Bytes)> _heard = new();
    private readonly IBus _bus;
    private readonly SyncedPattern _scope;
    private IAsyncDisposable[] _subscriptions = [];

    private Noise(IBus bus, SyncedPattern scope) => (_bus, _scope) = (bus, scope);

    /// <summary>Published messages whose bytes nobody can read.</summary>
    public long Unreadable { get; private set; }

    /// <summary>Published envelopes that name no key of the scope.</summary>
    public long Foreign { get; private set; }

    /// <summary>Published messages of a history that is not the ledger's.</summary>
    public long OtherHistory { get; private set; }

    /// <summary>Envelopes published once more as they were.</summary>
    public long Repeated { get; private set; }

    /// <summary>Envelopes heard.</summary>
    public int Envelopes => Of([.. _heard], "synced.").Length;

    /// <summary>Beats heard.</summary>
    public int Beats => Of([.. _heard], "sync.beat.").Length;

    /// <summary>Begins to listen: what is heard is what is damaged later.</summary>
    public static async Task<Noise> ListenAsync(IBus bus, SyncedPattern scope)
    {
        var noise = new Noise(bus, scope);
        noise._subscriptions =
        [
            await bus.SubscribeAsync(Subjects.Default.Of(scope), noise), await bus.SubscribeAsync(Subjects.Default.Beats, noise),
        ];
        return noise;
    }

    public void Receive(in BusMessage message)
    {
        if (_heard.Count < 500) _heard.Enqueue((Encoding.ASCII.GetString(message.Subject), message.Payload.ToArray()));
    }

    public void Disrupted(Disruption disruption)
    {
    }

    /// <summary>Publishes.</summary>
    /// <param name="count">How many messages.</param>
    /// <param name="between">Runs now and then, in the middle of it.</param>
    public async Task MakeAsync(int count, Func<Task> between)
    {
        var heard = _heard.ToArray();
        var (envelopes, beats) = (Of(heard, "synced."), Of(heard, "sync.beat."));
        var random = new Rng(Rng.Seed(Damage.Seed, "noise", 0));
        var damagedEnvelopes = new Damage(envelopes.Select(one => one.Bytes), Flavor.Packed, "envelopes");
        var damagedBeats = new Damage(beats.Select(one => one.Bytes), Flavor.Packed, "beats");
        for (var index = 0; index < count; index++)
        {
            var isBeat = random.OneIn(4);
            var (subject, bytes) = random.Pick(isBeat ? beats : envelopes);
            if (!isBeat && random.OneIn(10)) Repeated++;
            else bytes = isBeat ? NextBeat(damagedBeats, random) : NextEnvelope(damagedEnvelopes, random);
            await _bus.PublishAsync(subject, bytes);
            if (index % 100 != 99) continue;
            await _bus.FlushAsync();
            await between();
        }
        await _bus.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions) await subscription.DisposeAsync();
    }

    private static (string Subject, byte[] Bytes)[] Of((string Subject, byte[] Bytes)[] heard, string prefix) =>
        [.. heard.Where(one => one.Subject.StartsWith(prefix, StringComparison.Ordinal))];

    private byte[] NextEnvelope(Damage damage, Rng random)
    {
        while (true)
        {
            var bytes = damage.Next();
            var decoded = EnvelopeCodec.Default.Decode(bytes);
            if (!decoded.IsOk) Unreadable++;
            else if (IsForeign(decoded.Value)) Foreign++;
            else if (!random.OneIn(4)) continue;
            else
            {
                OtherHistory++;
                bytes = Bytes(decoded.Value);
            }
            return bytes;
        }
    }

    private bool IsForeign(Envelope envelope) =>
        envelope.Key is not { Vault: not null, Collection: not null, Key: not null } || !_scope.Matches(envelope.Key)
        || envelope.Position <= Position.Start || envelope.Sequence <= Sequence.None;

    private byte[] NextBeat(Damage damage, Rng random)
    {
        while (true)
        {
            var bytes = damage.Next();
            var decoded = EnvelopeCodec.Default.DecodeBeat(bytes);
            if (!decoded.IsOk)
            {
                Unreadable++;
                return bytes;
            }
            if (!random.OneIn(4)) continue;
            OtherHistory++;
            return Bytes(decoded.Value);
        }
    }

    // As it is, but of a history that is none.
    private static byte[] Bytes(Envelope envelope)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        EnvelopeCodec.Default.Encode(
            new Envelope
            {
                Key = envelope.Key,
                Value = envelope.Value,
                SchemaVersion = envelope.SchemaVersion,
                Sequence = envelope.Sequence,
                Op = envelope.Op,
                Feed = envelope.Feed,
                Position = envelope.Position,
                After = envelope.After,
                History = Other,
            },
            buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Bytes(Beat beat)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        EnvelopeCodec.Default.Encode(
            new Beat { Feed = beat.Feed, History = Other, Prev = beat.Prev, Position = beat.Position, Keys = beat.Keys, Collections = beat.Collections },
            buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
