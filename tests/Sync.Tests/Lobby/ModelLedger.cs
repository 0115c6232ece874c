using System.Text;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Sync.MessagePack;

namespace Sync.Tests.Lobby;

/// <summary>A ledger in a few lists: feeds of facts, read and written as a writer would, one call at a time. A test sees every call
/// before it is carried out, and may write in between, fail it, or end the caller's life with it.</summary>
internal sealed class ModelLedger(int feeds = 2) : ICollectionSource, ISummaryStore
{
    private readonly Lock _gate = new();
    private readonly List<Envelope>[] _facts = [.. Enumerable.Range(0, feeds).Select(_ => new List<Envelope>())];

    public HistoryId History { get; set; } = new(7);

    public Timestamp Now { get; set; } = new(1_000_000);

    public int PageMax { get; set; } = int.MaxValue;

    /// <summary>Called before each call with its name; may throw.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    public static byte[] Pack(string json) => JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes(json), out _)!;

    public static string Json(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(JsonTranscoder.ToJson(value.Span, out _)!);

    public Envelope Put(string vault, string key, string json, string collection = "item", string version = "1.0") =>
        Add(new SyncedKey(vault, collection, key), ChangeOp.Put, Pack(json), version);

    public Envelope Delete(string vault, string key, string collection = "item") =>
        Add(new SyncedKey(vault, collection, key), ChangeOp.Delete, Pack("null"), "1.0");

    /// <summary>The ledger as a restore leaves it: other history, the last facts of each feed gone.</summary>
    public void Restore(int lost)
    {
        lock (_gate)
        {
            History = new HistoryId(History.Value + 1);
            for (var feed = 0; feed < feeds; feed++)
            {
                var left = _facts[feed].Take(Math.Max(0, _facts[feed].Count - lost)).ToList();
                _facts[feed].Clear();
                foreach (var fact in left) _facts[feed].Add(With(fact, fact.Position));
            }
        }
    }

    /// <summary>Live records as of a position: the oracle's fold.</summary>
    public IReadOnlyList<Envelope> Fold(string vault, string collection, Position through)
    {
        lock (_gate) return [.. Live(SyncedPattern.OfCollection(vault, collection), FeedOf(vault).Value, through)];
    }

    public Position Last(string vault, string collection)
    {
        lock (_gate)
            return _facts[FeedOf(vault).Value].Where(fact => fact.Key.Vault == vault && fact.Key.Collection == collection)
                .Select(fact => fact.Position).LastOrDefault();
    }

    public IReadOnlyList<string> Shards(string group)
    {
        lock (_gate) return [.. _facts.SelectMany(facts => facts).Select(fact => fact.Key.Vault).Distinct(StringComparer.Ordinal).Where(vault => Names.GroupOf(vault) == group)];
    }

    public InsightSummary? Summary(string vault, string collection, string partition)
    {
        var key = new SyncedKey(vault, collection, partition);
        lock (_gate) return Head(key) is { IsTombstone: false } head ? InsightSummary.TryRead(head.Value) : null;
    }

    public FeedId FeedOf(string vault) => Feeds.Of(vault, feeds);

    public async ValueTask<SnapshotPage> SnapshotAsync(SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default)
    {
        await Before("snapshot");
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var feed = request.Feed?.Value ?? (scope.Vault is { } vault ? FeedOf(vault).Value : 0);
            var live = Live(scope, feed, Head(feed))
                .Where(one => request.After is not { } after || Utf8Order.Instance.Compare(one.Key, after) > 0).ToList();
            var limit = Math.Min(PageMax, request.Limit);
            return new SnapshotPage
            {
                Feeds = feeds,
                Feed = new(feed),
                History = History,
                Floor = new(1),
                Position = Head(feed),
                Collections = [],
                Envelopes = [.. live.Take(limit)],
                More = live.Count > limit,
            };
        }
    }

    public async ValueTask<ChangesPage> ChangesAsync(SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default)
    {
        await Before("changes");
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var behind = _facts[request.Feed.Value].Where(fact => fact.Position > request.After && scope.Matches(fact.Key)).ToList();
            var limit = Math.Min(PageMax, request.Limit);
            var (page, head) = (behind.Take(limit).ToList(), Head(request.Feed.Value));
            return new ChangesPage
            {
                Feed = request.Feed,
                History = History,
                Floor = new(1),
                Position = head,
                Envelopes = page,
                Through = behind.Count > limit ? page[^1].Position : head,
            };
        }
    }

    public async ValueTask<VaultsPage> VaultsAsync(string group, VaultsRequest request, CancellationToken cancellation = default)
    {
        await Before("vaults");
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var vaults = _facts.SelectMany(facts => facts)
                .Where(fact => Names.GroupOf(fact.Key.Vault) == group && (request.Collection is null || fact.Key.Collection == request.Collection))
                .GroupBy(fact => fact.Key.Vault, StringComparer.Ordinal).OrderBy(vault => vault.Key, Utf8Order.Instance)
                .Where(vault => request.After is null || Utf8Order.Instance.Compare(vault.Key, request.After) > 0)
                .Select(vault => new VaultEntry(vault.Key, FeedOf(vault.Key), vault.Max(fact => fact.Position))).ToList();
            var limit = Math.Min(PageMax, request.Limit);
            return new VaultsPage { History = History, Vaults = [.. vaults.Take(limit)], More = vaults.Count > limit };
        }
    }

    public async Task<Envelope?> GetAsync(SyncedKey key, CancellationToken cancellation = default)
    {
        await Before("get");
        lock (_gate) return Head(key) is { IsTombstone: false } head ? head : null;
    }

    public async Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default)
    {
        await Before("write");
        lock (_gate)
        {
            var head = Head(command.Key);
            if (command.Expected is { } expected && expected != (head?.Sequence ?? Sequence.None))
                return Refused(RefusalCode.ExpectedSequenceDiffers);
            if (command.OnlyIfNoLiveRecord && head is { IsTombstone: false }) return Refused(RefusalCode.LiveRecordExists);
            var fact = Add(command.Key, command.Op, command.Value.ToArray(), command.SchemaVersion.Text!);
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
    }

    private static WriteResult.Refused Refused(RefusalCode code) => new(new Refusal(code, code.ToString()));

    private Envelope Add(SyncedKey key, ChangeOp op, byte[] value, string version)
    {
        lock (_gate)
        {
            var feed = FeedOf(key.Vault);
            var fact = new Envelope
            {
                Key = key,
                Op = op,
                Value = value,
                SchemaVersion = new(version),
                Sequence = (Head(key)?.Sequence ?? Sequence.None).Next,
                Hash = Hash256.Of(value),
                Feed = feed,
                History = History,
                Position = new(_facts[feed.Value].Count + 1),
                Time = Now = new(Now.UnixMicroseconds + 1),
            };
            _facts[feed.Value].Add(fact);
            return fact;
        }
    }

    private Envelope With(Envelope fact, Position position) => new()
    {
        Key = fact.Key,
        Op = fact.Op,
        Value = fact.Value,
        SchemaVersion = fact.SchemaVersion,
        Sequence = fact.Sequence,
        Hash = fact.Hash,
        Feed = fact.Feed,
        History = History,
        Position = position,
        Time = fact.Time,
    };

    private Position Head(int feed) => new(_facts[feed].Count);

    private Envelope? Head(SyncedKey key) => _facts[FeedOf(key.Vault).Value].LastOrDefault(fact => fact.Key == key);

    private IEnumerable<Envelope> Live(SyncedPattern scope, int feed, Position through) => _facts[feed]
        .Where(fact => fact.Position <= through && scope.Matches(fact.Key))
        .GroupBy(fact => fact.Key).Select(key => key.Last()).Where(fact => !fact.IsTombstone)
        .OrderBy(fact => fact.Key, Comparer<SyncedKey>.Create(Utf8Order.Instance.Compare));
}
