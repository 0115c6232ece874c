using Sync.Contracts;

namespace Sync.Testing.Transport;

/// <summary>A transport under test and what is around it. Disposing ends both.</summary>
public sealed class TransportRig(ITransport transport, Func<int>? busSubscriptions, Func<ValueTask> dispose) : IAsyncDisposable
{
    public ITransport Transport => transport;

    /// <summary>Subscriptions held at the bus; null where there is no bus.</summary>
    public int? BusSubscriptions => busSubscriptions?.Invoke();

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync();
        await dispose();
    }
}

/// <summary>Keys and envelopes for tests.</summary>
public static class Sample
{
    public static readonly SyncedKey Key = new("acme", "user", "123");

    public static SyncedKey KeyOf(int number) => new("acme", "user", "k" + number);

    public static Envelope Envelope(SyncedKey key, long sequence, string? traceParent = null) => new()
    {
        Key = key,
        Value = new byte[] { 0xA1, (byte)('a' + (sequence % 26)) },
        SchemaVersion = new SchemaVersion("1.0"),
        Sequence = new Sequence(sequence),
        Feed = new FeedId(1),
        Position = new Position(sequence),
        History = new HistoryId(77),
        TraceParent = traceParent,
    };

    public static Beat Beat(int feed, long position) => new()
    {
        Feed = new FeedId(feed),
        History = new HistoryId(77),
        Prev = new Position(position - 1),
        Position = new Position(position),
    };
}
