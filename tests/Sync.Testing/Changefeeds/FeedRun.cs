using Sync.Contracts;

namespace Sync.Testing.Changefeeds;

/// <summary>One read of a changefeed, item by item, and what it must hold: every change once, in order, at a cursor that
/// never goes back without a word.</summary>
public sealed class FeedRun : IAsyncDisposable
{
    /// <summary>The failure bound of every wait.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly IAsyncEnumerator<FeedEvent> _items;
    private readonly List<Envelope> _changes = [];

    /// <summary>Begins; nothing is read before the first item is asked for.</summary>
    public FeedRun(IChangefeed changefeed, FeedRequest request) =>
        _items = changefeed.ReadAsync(request, _stop.Token).GetAsyncEnumerator(_stop.Token);

    /// <summary>The changes so far.</summary>
    public IReadOnlyList<Envelope> Changes => _changes;

    /// <summary>The cursor behind the last item; null = none came yet.</summary>
    public FeedPosition? Cursor { get; private set; }

    /// <summary>The next item.</summary>
    public async Task<FeedEvent> NextAsync()
    {
        if (!await _items.MoveNextAsync().AsTask().WaitAsync(WaitMax)) throw new InvalidOperationException("It ended.");
        var item = _items.Current;
        var isSpoken = item is FeedEvent.Reset or FeedEvent.Dropped;
        if (Cursor is { } before && item.At.Position < before.Position && !isSpoken)
            throw new InvalidOperationException($"{item} comes behind {before}.");
        if (item is FeedEvent.Change change)
        {
            if (Cursor is { } last && change.Envelope.Position <= last.Position)
                throw new InvalidOperationException($"{change.Envelope.Position} comes behind {last}.");
            _changes.Add(change.Envelope);
        }
        Cursor = item.At;
        return item;
    }

    /// <summary>The next change; what else comes before it is passed.</summary>
    public async Task<Envelope> NextChangeAsync()
    {
        while (true)
            if (await NextAsync() is FeedEvent.Change change) return change.Envelope;
    }

    /// <summary>Reads until the cursor is there.</summary>
    public async Task ReachAsync(Position position)
    {
        while (Cursor is not { } cursor || cursor.Position < position) await NextAsync();
    }

    /// <summary>Ends the read.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _items.DisposeAsync();
        _stop.Dispose();
    }
}
