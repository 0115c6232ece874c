using Sync.Contracts;

namespace Sync.Simulation.Insights;

/// <summary>Two feeds of facts as a writer serves them, one call at a time, and the truth that summaries are held
/// against.</summary>
internal sealed class InsightLedger(InsightWorld world)
{
    public const int FeedCount = 2;
    private readonly Dictionary<HistoryId, List<Envelope>[]> _histories = new() { [new(1)] = [[], []] };
    private long _time;

    public HistoryId History { get; private set; } = new(1);

    public static FeedId FeedOf(string vault) => Feeds.Of(vault, FeedCount);

    public Position Head(FeedId feed) => new(Of(feed).Count);

    public List<Envelope> Of(FeedId feed) => _histories[History][feed.Value];

    /// <summary>Records live in a collection as of a position of a history, from scratch.</summary>
    public IEnumerable<Envelope> Fold(string vault, string collection, FeedPosition at)
    {
        var records = new SortedDictionary<string, Envelope>(StringComparer.Ordinal);
        foreach (var fact in _histories[at.History][at.Feed.Value].Take((int)at.Position.Value))
        {
            if (fact.Key.Vault != vault || fact.Key.Collection != collection) continue;
            if (fact.IsTombstone) records.Remove(fact.Key.Key);
            else records[fact.Key.Key] = fact;
        }
        return records.Values;
    }

    /// <summary>The last change of a collection; 0 = none.</summary>
    public Position Last(string vault, string collection) => Of(FeedOf(vault))
        .LastOrDefault(fact => fact.Key.Vault == vault && fact.Key.Collection == collection)?.Position ?? Position.Start;

    public Envelope Add(SyncedKey key, ChangeOp op, ReadOnlyMemory<byte> value)
    {
        var feed = FeedOf(key.Vault);
        var fact = new Envelope
        {
            Key = key,
            Op = op,
            Value = value,
            SchemaVersion = new("1.0"),
            Sequence = (HeadOf(key)?.Sequence ?? Sequence.None).Next,
            Hash = Hash256.Of(value.Span),
            Feed = feed,
            History = History,
            Position = Head(feed).Next,
            Time = new(++_time),
        };
        Of(feed).Add(fact);
        return fact;
    }

    /// <summary>The ledger as a restore leaves it: the last facts of each feed are gone, and it has another
    /// history.</summary>
    public void Restore(int lost)
    {
        var old = _histories[History];
        History = new(History.Value + 1);
        _histories.Add(History, [.. old.Select(facts => facts.SkipLast(lost).Select(Copy).ToList())]);
    }

    public SnapshotPage Snapshot(SyncedPattern scope, SnapshotRequest request)
    {
        var feed = request.Feed ?? (scope.Vault is { } vault ? FeedOf(vault) : new FeedId(0));
        var live = Of(feed).Where(fact => scope.Matches(fact.Key)).GroupBy(fact => fact.Key)
            .Select(facts => facts.Last()).Where(fact => !fact.IsTombstone)
            .OrderBy(fact => fact.Key, Comparer<SyncedKey>.Create(Utf8Order.Instance.Compare))
            .Where(fact => request.After is not { } after || Utf8Order.Instance.Compare(fact.Key, after) > 0).ToList();
        var limit = Math.Min(world.Plan.PageSize, request.Limit);
        return new SnapshotPage
        {
            Feeds = FeedCount,
            Feed = feed,
            History = History,
            Floor = new(1),
            Position = Head(feed),
            Collections = [],
            Envelopes = [.. live.Take(limit)],
            More = live.Count > limit,
        };
    }

    public ChangesPage Changes(SyncedPattern scope, ChangesRequest request)
    {
        var behind = Of(request.Feed).Where(fact => fact.Position > request.After && scope.Matches(fact.Key)).ToList();
        var limit = Math.Min(world.Plan.PageSize, request.Limit);
        if (behind.Count > 0) world.Coverage.Add("insight: changes laid over the pages of a read");
        return new ChangesPage
        {
            Feed = request.Feed,
            History = History,
            Floor = new(1),
            Position = Head(request.Feed),
            Envelopes = [.. behind.Take(limit)],
            Through = behind.Count > limit ? behind[limit - 1].Position : Head(request.Feed),
        };
    }

    public VaultsPage Vaults(string group, VaultsRequest request)
    {
        var vaults = _histories[History].SelectMany(facts => facts)
            .Where(fact => Names.GroupOf(fact.Key.Vault) == group)
            .Where(fact => request.Collection is null || fact.Key.Collection == request.Collection)
            .GroupBy(fact => fact.Key.Vault, StringComparer.Ordinal).OrderBy(vault => vault.Key, Utf8Order.Instance)
            .Where(vault => request.After is null || Utf8Order.Instance.Compare(vault.Key, request.After) > 0)
            .Select(vault => new VaultEntry(vault.Key, FeedOf(vault.Key), vault.Max(fact => fact.Position))).ToList();
        var limit = Math.Min(world.Plan.PageSize, request.Limit);
        return new VaultsPage { History = History, Vaults = [.. vaults.Take(limit)], More = vaults.Count > limit };
    }

    public Envelope? Get(SyncedKey key) => HeadOf(key) is { IsTombstone: false } head ? head : null;

    public WriteResult Write(WriteCommand command)
    {
        var head = HeadOf(command.Key);
        if (command.Expected is { } expected && expected != (head?.Sequence ?? Sequence.None))
            return Refused(RefusalCode.ExpectedSequenceDiffers);
        if (command.OnlyIfNoLiveRecord && head is { IsTombstone: false }) return Refused(RefusalCode.LiveRecordExists);
        world.Written(command.Value, head);
        var fact = Add(command.Key, command.Op, command.Value);
        return new WriteResult.Committed(
            new Receipt
            {
                FactId = fact.Id,
                Key = fact.Key,
                Sequence = fact.Sequence,
                Feed = fact.Feed,
                History = History,
                Position = fact.Position,
                TransactionTime = fact.Time,
                ValueHash = fact.Hash,
            },
            false);
    }

    private WriteResult.Refused Refused(RefusalCode code)
    {
        world.Coverage.Add("insight: race for a summary lost");
        return new(new Refusal(code, code.ToString()));
    }

    private Envelope? HeadOf(SyncedKey key) => Of(FeedOf(key.Vault)).LastOrDefault(fact => fact.Key == key);

    private Envelope Copy(Envelope fact) => new()
    {
        Key = fact.Key,
        Op = fact.Op,
        Value = fact.Value,
        SchemaVersion = fact.SchemaVersion,
        Sequence = fact.Sequence,
        Hash = fact.Hash,
        Feed = fact.Feed,
        History = History,
        Position = fact.Position,
        Time = fact.Time,
    };
}
