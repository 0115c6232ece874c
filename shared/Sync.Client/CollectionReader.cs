using Sync.Contracts;

namespace Sync.Client;

/// <summary>Reads a whole collection as it was at one position: the fold of the feed's facts 1 to that position. Pages
/// of a snapshot may each stand at another position, so the changes from the lowest of them through the highest are
/// laid over the pages, in their order. Safe from any thread.</summary>
/// <param name="source">Where to read.</param>
/// <param name="limits">Bounds; null = the defaults.</param>
public sealed class CollectionReader(ICollectionSource source, CollectionReaderLimits? limits = null)
{
    private const int AttemptsMax = 5;
    private readonly CollectionReaderLimits _limits = limits ?? new CollectionReaderLimits();

    /// <summary>Reads the live records of a collection of one vault.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Exhausted"/>: more than the limits allow; transient: no
    /// answer, or the ledger's history or floor moved while it was read, again and again.</exception>
    public async Task<CollectionState> ReadAsync(string vault, string collection, CancellationToken cancellation = default)
    {
        var scope = SyncedPattern.OfCollection(vault, collection);
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
            if (await TryReadAsync(scope, cancellation).ConfigureAwait(false) is { } state) return state;
        throw new SyncException(
            SyncErrorCode.NoAnswer, $"{scope}: history or floor of its feed moved {AttemptsMax} times during the read", true);
    }

    // Null: what was read so far is of another history, or the changes that would join it are gone.
    private async Task<CollectionState?> TryReadAsync(SyncedPattern scope, CancellationToken cancellation)
    {
        var records = new Held(scope, _limits);
        SnapshotPage? first = null;
        Position lowest = default, highest = default;
        SyncedKey? after = null;
        while (true)
        {
            var request = new SnapshotRequest(first?.Feed, after, _limits.PageRecords);
            var page = await source.SnapshotAsync(scope, request, cancellation).ConfigureAwait(false);
            if (first is null) (first, lowest, highest) = (page, page.Position, page.Position);
            if (page.History != first.History) return null;
            if (page.Position < lowest) lowest = page.Position;
            if (page.Position > highest) highest = page.Position;
            foreach (var envelope in page.Envelopes) records.Put(envelope);
            if (!page.More) break;
            after = page.Envelopes[^1].Key;
        }
        if (lowest == highest) return records.At(new FeedPosition(first.Feed, first.History, highest));
        return await JoinAsync(scope, records, new FeedPosition(first.Feed, first.History, lowest), highest, cancellation)
            .ConfigureAwait(false);
    }

    // The last change of a key up to the end decides, so laying all of them over the pages needs no look at sequences:
    // a change that a page had already is followed by every later one of its key.
    private async Task<CollectionState?> JoinAsync(
        SyncedPattern scope, Held records, FeedPosition start, Position to, CancellationToken cancellation)
    {
        var through = start.Position;
        while (through < to)
        {
            var page = await source.ChangesAsync(scope, new ChangesRequest(start.Feed, through, _limits.PageRecords), cancellation)
                .ConfigureAwait(false);
            if (page.History != start.History || page.Floor > through.Next || page.Through <= through) return null;
            foreach (var change in page.Envelopes)
            {
                if (change.IsTombstone) records.Remove(change.Key);
                else records.Put(change);
            }
            through = page.Through;
        }
        return records.At(start with { Position = through });
    }

    private sealed class Held(SyncedPattern scope, CollectionReaderLimits limits)
    {
        private readonly SortedDictionary<string, Envelope> _records = new(Utf8Order.Instance);
        private long _bytes;

        public void Put(Envelope envelope)
        {
            Remove(envelope.Key);
            _records.Add(envelope.Key.Key, envelope);
            _bytes += envelope.Value.Length;
            if (_records.Count > limits.RecordsMax || _bytes > limits.BytesMax)
                throw new SyncException(
                    SyncErrorCode.Exhausted,
                    $"{scope} has more than {limits.RecordsMax} records or {limits.BytesMax} bytes; raise the limit or split the vault");
        }

        public void Remove(SyncedKey key)
        {
            if (_records.Remove(key.Key, out var held)) _bytes -= held.Value.Length;
        }

        public CollectionState At(FeedPosition at) => new(at, [.. _records.Values]);
    }
}

/// <summary>A collection at one position.</summary>
/// <param name="At">Feed, history and position; every fact of the collection up to it is in the records, none behind
/// it.</param>
/// <param name="Records">The live records in the order of their keys' UTF-8 bytes.</param>
public sealed record CollectionState(FeedPosition At, IReadOnlyList<Envelope> Records);

/// <summary>How much a <see cref="CollectionReader"/> holds.</summary>
public sealed record CollectionReaderLimits
{
    /// <summary>Most live records. Default 500,000; at least 1.</summary>
    public int RecordsMax { get; init; } = 500_000;

    /// <summary>Most bytes of their values. Default 64 MiB; at least 1.</summary>
    public long BytesMax { get; init; } = 64L << 20;

    /// <summary>Most records of one request. Default 1,000; 1 to 10,000.</summary>
    public int PageRecords { get; init; } = 1000;
}
