using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A feed row and its facts; position p is at index p - 1.</summary>
internal sealed class MemoryFeed
{
    public List<Fact> Facts { get; } = [];
    public LeaseEpoch Epoch { get; set; }
    public string? Owner { get; set; }
    public TimeSpan LeaseUntil { get; set; }
    public Position Published { get; private set; }

    /// <summary>How many facts, from the first, have lost their idempotency keys.</summary>
    public long Expired { get; set; }

    public Position Position => new(Facts.Count);
    public Hash256 Chain => Facts.Count == 0 ? default : Facts[^1].Chain;
    public Timestamp LastTime => Facts.Count == 0 ? default : Facts[^1].TransactionTime;

    public void SavePublished(Position published)
    {
        if (published > Published) Published = published;
    }
}

/// <summary>A key's facts, oldest first.</summary>
internal sealed class MemoryKey
{
    public List<Fact> Facts { get; } = [];
    public HeadState Head { get; set; }

    /// <summary>The fact of a sequence, null when there is none.</summary>
    public Fact? Of(Sequence sequence) =>
        sequence.Value >= 1 && sequence.Value <= Facts.Count ? Facts[(int)sequence.Value - 1] : null;

    /// <summary>The last fact at or before a position.</summary>
    public Fact? At(Position position)
    {
        int low = 0, high = Facts.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Facts[middle].Position <= position) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? null : Facts[low - 1];
    }
}

/// <summary>A collection: every key that ever had a fact, tombstones included, in the order of lists.</summary>
internal sealed class MemoryCollection
{
    public SortedSet<string> Keys { get; } = new(Utf8Order.Instance);
    public Position LastPosition { get; set; }
    public required CollectionShape Shape { get; init; }

    /// <summary>Keys behind one, in order; the view is not a copy.</summary>
    public IEnumerable<string> KeysBehind(string? after)
    {
        if (after is null) return Keys;
        if (Keys.Max is not { } last || Utf8Order.Instance.Compare(after, last) >= 0) return [];
        var view = Keys.GetViewBetween(after, last);
        return view.Contains(after) ? view.Skip(1) : view;
    }
}
