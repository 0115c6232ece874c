using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Threading.Channels;
using Sync.Contracts;
using Sync.HostileTests.Run;
using Sync.MessagePack;
using Sync.Transport;

namespace Sync.Integration.Tests.Hostile;

/// <summary>A peer that answers requests beside the writer, from a seed: with bytes that cannot be read, with pages that no
/// asker can use, with errors that are none; and now and then it leaves a request to the writer. It never lies in the writer's
/// own form: that only the broker's permissions can prevent.</summary>
internal sealed class WrongAnswers : IBusReceiver, IAsyncDisposable
{
    private readonly Channel<string> _asked = Channel.CreateBounded<string>(
        new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Rng _random = new(Rng.Seed(Damage.Seed, "answers", 0));
    private readonly Damage _damage = new(Pages(), Flavor.Packed, "answers");
    private readonly IBus _bus;
    private readonly Task _answering;
    private ImmutableArray<IAsyncDisposable> _subscriptions = [];
    private long _given;

    private WrongAnswers(IBus bus)
    {
        _bus = bus;
        _answering = AnswerAsync();
    }

    /// <summary>Wrong answers sent.</summary>
    public long Given => Interlocked.Read(ref _given);

    public static async Task<WrongAnswers> StartAsync(IBus bus, params string[] subjects)
    {
        var answers = new WrongAnswers(bus);
        foreach (var subject in subjects)
            answers._subscriptions = answers._subscriptions.Add(await bus.SubscribeAsync(subject, answers));
        return answers;
    }

    public void Receive(in BusMessage message)
    {
        if (message.ReplyTo.Length > 0) _asked.Writer.TryWrite(Encoding.ASCII.GetString(message.ReplyTo));
    }

    public void Disrupted(Disruption disruption)
    {
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions) await subscription.DisposeAsync();
        _asked.Writer.TryComplete();
        await _answering;
    }

    private async Task AnswerAsync()
    {
        await foreach (var reply in _asked.Reader.ReadAllAsync())
        {
            // Leaves it to the writer, or gives several.
            for (var answers = _random.Below(3); answers > 0; answers--)
            {
                var headers = _random.OneIn(8) ? BusHeaders.Of(BusHeaders.ErrorCode, _random.Pick(ErrorCodes)) : null;
                await _bus.PublishAsync(_random.OneIn(8) ? reply + "9" : reply, Next(), headers);
                Interlocked.Increment(ref _given);
            }
        }
    }

    private static readonly string[] ErrorCodes = ["", "x", "-1", "0", "99999999999", "404", "503", "200"];

    private byte[] Next()
    {
        if (_random.OneIn(10)) return new byte[_random.Below(100_000)];
        if (_random.OneIn(3)) return Unusable();
        byte[] bytes;
        do bytes = _damage.Next();
        while (SnapshotCodec.DecodePage(bytes).IsOk || ChangesCodec.DecodePage(bytes).IsOk || VaultsCodec.DecodePage(bytes).IsOk);
        return bytes;
    }

    // More behind nothing, and the changes of a feed that nobody asked for, far ahead of any.
    private byte[] Unusable() => _random.OneIn(2)
        ? SnapshotCodec.Encode(Snapshot(more: true, []))
        : ChangesCodec.Encode(new ChangesPage
        {
            Feed = new FeedId(1000),
            History = default,
            Floor = new Position(1),
            Position = new Position(1_000_000),
            Through = new Position(1_000_000),
            Envelopes = [],
        });

    private static IEnumerable<byte[]> Pages()
    {
        var envelope = new Envelope
        {
            Key = new SyncedKey("g--a", "c", "k"),
            Value = new byte[] { 0x81, 0xa1, 0x6e, 0x07 },
            Sequence = new Sequence(7),
            Position = new Position(70),
            After = new Position(60),
            History = new HistoryId(1),
            SchemaVersion = SchemaVersion.Default,
        };
        yield return SnapshotCodec.Encode(Snapshot(more: false, [envelope]));
        yield return ChangesCodec.Encode(new ChangesPage
        {
            Feed = new FeedId(0),
            History = new HistoryId(1),
            Floor = new Position(1),
            Position = new Position(70),
            Through = new Position(70),
            Envelopes = [envelope],
        });
        var vaults = new ArrayBufferWriter<byte>();
        VaultsCodec.Encode(
            new VaultsPage { History = new HistoryId(1), Vaults = [new VaultEntry("g--a", new FeedId(0), new Position(70))], More = false }, vaults);
        yield return vaults.WrittenSpan.ToArray();
    }

    private static SnapshotPage Snapshot(bool more, IReadOnlyList<Envelope> envelopes) => new()
    {
        Feeds = 8,
        Feed = new FeedId(0),
        History = default,
        Floor = new Position(1),
        Position = new Position(70),
        Envelopes = envelopes,
        Collections = [],
        More = more,
    };
}
