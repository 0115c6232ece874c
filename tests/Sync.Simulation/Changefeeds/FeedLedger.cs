using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation.Changefeeds;

/// <summary>Rules of the ledger's model that a fault of it breaks; for the histories of mutants.</summary>
internal sealed record FeedModelFaults
{
    public static readonly FeedModelFaults None = new();

    /// <summary>A cursor is a number that a write draws when it begins, as of a database sequence.</summary>
    public bool CursorOnId { get; init; }

    /// <summary>A page asks for the rows in one statement and for the head in a later one.</summary>
    public bool PageInTwoStatements { get; init; }

    /// <summary>What tells a cursor that it is of another life is the owner's epoch.</summary>
    public bool EpochInCursors { get; init; }

    /// <summary>A client that does not read loses the oldest item that waits for it, not its connection.</summary>
    public bool SlowReaderSkips { get; init; }

    /// <summary>A client that comes back after a cut begins where the feed is now.</summary>
    public bool ReconnectFromNow { get; init; }
}

/// <summary>One feed as a substrate keeps it: facts by position, the fence, a floor that retention moves, a history.
/// The truth of these histories; what it was in earlier ones is kept.</summary>
internal sealed class FeedLedger(FeedModelFaults faults)
{
    private readonly Dictionary<HistoryId, SortedList<long, Fact>> _histories = new()
    {
        [new HistoryId(10)] = [],
    };

    private readonly Dictionary<HistoryId, Position> _floors = [];
    private readonly Dictionary<SyncedKey, Sequence> _sequences = [];
    private long _drawn;
    private long _ids;

    public HistoryId History { get; private set; } = new(10);

    public LeaseEpoch Epoch { get; private set; } = new(1);

    /// <summary>Oldest position kept.</summary>
    public Position Floor => FloorOf(History);

    public Position Head => HeadOf(History);

    /// <summary>What a cursor of now says it is of.</summary>
    public HistoryId Shown => faults.EpochInCursors ? new(History.Value + (Epoch.Value << 20)) : History;

    public SortedList<long, Fact> Of(HistoryId history) => _histories[history];

    public Position HeadOf(HistoryId history) =>
        Of(history) is { Count: > 0 } facts ? new(facts.GetKeyAtIndex(facts.Count - 1)) : Position.Start;

    public Position FloorOf(HistoryId history) => _floors.GetValueOrDefault(history, new(1));

    public bool Knows(HistoryId history) => _histories.ContainsKey(history);

    /// <summary>The history that a cursor names.</summary>
    public HistoryId Named(HistoryId shown) => faults.EpochInCursors ? new(shown.Value & ((1 << 20) - 1)) : shown;

    public LeaseEpoch TakeOver() => Epoch = new(Epoch.Value + 1);

    /// <summary>Draws a number for each fact of a transaction that begins.</summary>
    public long[] Begin(int facts) => [.. Enumerable.Range(0, facts).Select(_ => ++_drawn)];

    /// <summary>Commits a transaction, or nothing when its owner is fenced.</summary>
    public IReadOnlyList<Fact>? Commit(LeaseEpoch epoch, long[] drawn, SimRandom random)
    {
        if (epoch != Epoch) return null;
        var added = new Fact[drawn.Length];
        for (var index = 0; index < added.Length; index++)
            added[index] = Add(faults.CursorOnId ? drawn[index] : Head.Value + 1, random);
        return added;
    }

    /// <summary>A page behind a position, of one snapshot; the caller may hold it as long as it likes.</summary>
    public FeedSlice Page(Position after, FeedFilter filter, int limit, Func<Position> headOfLaterStatement)
    {
        var page = new List<Envelope>();
        var isMore = false;
        foreach (var fact in Of(History).Values)
        {
            if (fact.Position <= after || fact.Position < Floor || !Wants(filter, fact.Key)) continue;
            if (isMore = page.Count == limit) break;
            page.Add(fact.ToEnvelope(Shown));
        }
        var head = faults.PageInTwoStatements ? headOfLaterStatement() : Head;
        return new(Shown, Floor, head, after, isMore ? page[^1].Position : head, page);
    }

    /// <summary>Where the feed stands, without changes.</summary>
    public FeedSlice Stand() => new(Shown, Floor, Head, Head, Head, []);

    /// <summary>Retention dropped what is below.</summary>
    public void MoveFloor(Position floor) => _floors[History] = floor;

    /// <summary>The ledger as a restore leaves it: its last facts are gone, and it has another history.</summary>
    public void Restore(int lost)
    {
        var (kept, floor) = (Of(History).Values.SkipLast(lost).ToList(), Floor);
        History = new(History.Value + 1);
        var facts = new SortedList<long, Fact>();
        foreach (var fact in kept) facts.Add(fact.Position.Value, fact);
        _histories.Add(History, facts);
        (_drawn, Epoch) = (Head.Value, new(Epoch.Value + 1));
        MoveFloor(floor > Head.Next ? Head.Next : floor);
    }

    /// <summary>What a filter wants: stated here once more, apart from the one under test.</summary>
    public static bool Wants(FeedFilter filter, SyncedKey key)
    {
        var isInGroup = filter.Group is null
            || key.Vault.StartsWith(filter.Group + "--", StringComparison.Ordinal);
        return isInGroup && (filter.Vault ?? key.Vault) == key.Vault
            && (filter.Collection ?? key.Collection) == key.Collection;
    }

    private Fact Add(long position, SimRandom random)
    {
        var key = new SyncedKey(random.Pick(FeedPlan.Vaults), random.Pick(FeedPlan.Collections), $"k{random.Below(3)}");
        var id = ++_ids;
        var value = SimValue.Of(SimValue.Good, id);
        var fact = new Fact
        {
            Id = new(new Guid((int)id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
            Key = key,
            Sequence = _sequences[key] = _sequences.GetValueOrDefault(key).Next,
            Op = ChangeOp.Put,
            Value = value,
            ValueHash = Hash256.Of(value.Span),
            SchemaVersion = new("1.0"),
            TransactionTime = new(id),
            Producer = Producer.Anonymous,
            Feed = new(0),
            Position = new(position),
            After = Position.Start,
            Epoch = Epoch,
            Chain = default,
        };
        Of(History).Add(position, fact);
        return fact;
    }
}
