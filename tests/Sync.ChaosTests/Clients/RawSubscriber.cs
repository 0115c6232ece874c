using System.Buffers.Text;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;

namespace Sync.ChaosTests.Clients;

/// <summary>What goes over the broker, as anybody with a plain connection sees it: <c>env</c> for each envelope (with
/// the hash made from its value's bytes), <c>beat</c>, and <c>gap</c> when messages may have been missed.</summary>
internal sealed class RawSubscriber(EventLog log) : IBusReceiver
{
    private readonly EnvelopeCodec _codec = new();

    public static async Task RunAsync(ClientArguments arguments, EventLog log, CancellationToken stop)
    {
        var receiver = new RawSubscriber(log);
        await using var bus = await SyncBus.ConnectAsync(
            new BusOptions
            {
                Url = arguments.Nats!,
                Name = "chaos-raw",
                RetryOnInitialConnect = true,
                PingInterval = TimeSpan.FromSeconds(2),
            },
            cancellation: stop);
        await using var envelopes = await bus.SubscribeAsync("synced.>", receiver, cancellation: stop);
        await using var beats = await bus.SubscribeAsync("sync.beat.>", receiver, cancellation: stop);
        await Task.Delay(Timeout.Infinite, stop);
    }

    public void Disrupted(Disruption disruption) =>
        log.Write("gap", json => json.WriteString("why"u8, disruption.ToString()));

    public void Receive(in BusMessage message)
    {
        if (message.Subject.StartsWith("sync.beat."u8)) Beat(message.Payload, message.Subject["sync.beat."u8.Length..]);
        else Envelope(message.Payload, message.Subject);
    }

    private void Envelope(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> subject)
    {
        var decoded = _codec.Decode(payload);
        if (!decoded.IsOk)
        {
            Bad(subject, decoded.Error);
            return;
        }
        var envelope = decoded.Value;
        log.Write("env", json =>
        {
            json.Key(envelope.Key);
            json.Place(envelope.Feed.Value, envelope.Position.Value, envelope.History.Value);
            json.WriteNumber("seq"u8, envelope.Sequence.Value);
            json.WriteString("fact"u8, envelope.Id.Value);
            json.Hash(ChaosValue.Hash(envelope.Op == ChangeOp.Delete ? ChaosValue.Nil : envelope.Value.Span));
        });
    }

    private void Beat(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> feed)
    {
        var decoded = _codec.DecodeBeat(payload);
        if (!decoded.IsOk || !Utf8Parser.TryParse(feed, out int number, out _) || number != decoded.Value.Feed.Value)
        {
            Bad(feed, decoded.IsOk ? "its feed is not that of its subject" : decoded.Error);
            return;
        }
        var beat = decoded.Value;
        log.Write("beat", json =>
        {
            json.Place(beat.Feed.Value, beat.Position.Value, beat.History.Value);
            json.WriteNumber("prev"u8, beat.Prev.Value);
        });
    }

    private void Bad(ReadOnlySpan<byte> subject, string error)
    {
        var name = System.Text.Encoding.UTF8.GetString(subject);
        log.Write("bad", json =>
        {
            json.WriteString("subject"u8, name);
            json.WriteString("why"u8, error);
        });
    }
}
