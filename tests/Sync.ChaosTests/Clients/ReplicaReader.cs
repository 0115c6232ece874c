using Sync.Client;
using Sync.Contracts;
using Sync.Replication;
using Sync.Transport;

namespace Sync.ChaosTests.Clients;

/// <summary>Holds replicas as a service does and reads them all the time from a thread of its own. Lines: <c>held</c>
/// whenever a reader sees another sequence or value (with <c>r</c>: key or list, and <c>gone</c> when there is no
/// record), <c>status</c> (how a replica says that it stands, as a number), <c>refused</c> (a key of the
/// collection whose newest value a gate refused), <c>fresh</c> (the replica claims to be current as of a position: read
/// before what was held was), <c>counters</c>.</summary>
internal sealed class ReplicaReader(EventLog log)
{
    private const int KeysPerVault = 8;
    private static readonly TimeSpan SampleEvery = TimeSpan.FromMilliseconds(15);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(90);
    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(500);
    private static readonly HashSet<SyncedKey> Followed =
    [
        .. from vault in Load.Vaults
           from i in Enumerable.Range(0, KeysPerVault)
           select new SyncedKey(vault, Load.Collection, LoadPlan.KeyOf(i * Load.Keys / KeysPerVault)),
    ];

    private readonly Dictionary<SyncedKey, (long Sequence, ulong Hash, bool Gone)> _shown = [];
    private readonly Dictionary<SyncedKey, (long Sequence, ulong Hash, bool Gone)> _listed = [];
    private readonly Dictionary<SyncedKey, long> _refused = [];
    private readonly Dictionary<SyncedKey, ReplicaStatus> _statuses = [];
    private readonly Dictionary<int, (long History, long Position)> _claims = [];
    private CollectionStatus? _status;

    /// <summary>True when the key has a replica of its own.</summary>
    public static bool Follows(SyncedKey key) => Followed.Contains(key);

    public static async Task RunAsync(ClientArguments arguments, EventLog log, CancellationToken stop)
    {
        var broker = new BusOptions
        {
            Url = arguments.Nats!,
            Name = "chaos-replica",
            RetryOnInitialConnect = true,
            PingInterval = TimeSpan.FromSeconds(2),
        };
        await using var client = new SyncClient(new SyncClientOptions { Writers = arguments.Writers }, broker);
        var schema = ChaosValue.SchemaOf(arguments.Major);
        var keys = new List<Replica<ulong>>();
        foreach (var key in Followed)
            keys.Add(await OpenAsync(
                () => client.ReplicaAsync(key.Vault, key.Collection, key.Key, schema, stop), stop));
        var list = await OpenAsync(
            () => client.GroupAsync(Load.Group, Load.Collection, schema, stop), stop);
        log.Write("open", json => json.WriteNumber("major"u8, arguments.Major));
        var reader = new ReplicaReader(log);
        await Task.Factory.StartNew(
            () => reader.ReadUntil(keys, list, stop), stop, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // The broker may be away just now.
    private static async Task<T> OpenAsync<T>(Func<Task<T>> open, CancellationToken stop)
    {
        while (true)
        {
            try { return await open(); }
            catch (SyncException error) when (error.IsTransient) { await Task.Delay(TimeSpan.FromMilliseconds(200), stop); }
        }
    }

    private void ReadUntil(IReadOnlyList<Replica<ulong>> keys, CollectionReplica<ulong> list, CancellationToken stop)
    {
        var (told, looked) = (0L, 0L);
        while (!stop.WaitHandle.WaitOne(SampleEvery))
        {
            // A claim first, then what is held: what is held is then at least what was claimed.
            var mustTell = MachineClock.Now - told > TellEvery.TotalMicroseconds;
            IReadOnlyList<CollectionFeed> claims = mustTell ? list.Feeds : [];
            foreach (var key in keys) Sample(key);
            foreach (var vault in Load.Vaults)
                for (var i = 0; i < Load.Keys; i++)
                    Sample(list, new SyncedKey(vault, Load.Collection, LoadPlan.KeyOf(i)));
            if (MachineClock.Now - looked > LookEvery.TotalMicroseconds)
            {
                Look(list);
                looked = MachineClock.Now;
            }
            if (!mustTell) continue;
            foreach (var claim in claims) Tell(claim);
            Tell(keys, list);
            told = MachineClock.Now;
        }
    }

    private void Sample(Replica<ulong> replica)
    {
        var (hash, metadata) = replica.State;
        var held = (metadata.Sequence.Value, metadata.HasValue ? hash : 0, !metadata.HasValue);
        if (metadata.Sequence >= Sequence.None && (!_shown.TryGetValue(replica.Key, out var before) || before != held))
        {
            _shown[replica.Key] = held;
            Held("key", replica.Key, held, metadata.At);
        }
        if (_statuses.TryGetValue(replica.Key, out var status) && status == metadata.Status) return;
        _statuses[replica.Key] = metadata.Status;
        log.Write("status", json =>
        {
            json.WriteString("r"u8, "key");
            json.Key(replica.Key);
            json.WriteNumber("status"u8, (int)metadata.Status);
        });
    }

    // What it refuses, then whether it says so.
    private void Look(CollectionReplica<ulong> list)
    {
        foreach (var refused in list.RefusedCount == 0 ? [] : list.Refused())
        {
            if (_refused.TryGetValue(refused.Key, out var before) && before == refused.Sequence.Value) continue;
            _refused[refused.Key] = refused.Sequence.Value;
            log.Write("refused", json =>
            {
                json.WriteString("r"u8, "list");
                json.Key(refused.Key);
                json.WriteNumber("seq"u8, refused.Sequence.Value);
            });
        }
        if (list.Status == _status) return;
        _status = list.Status;
        log.Write("status", json =>
        {
            json.WriteString("r"u8, "list");
            json.WriteNumber("status"u8, (int)_status);
        });
    }

    private void Sample(CollectionReplica<ulong> list, SyncedKey key)
    {
        var isHeld = list.TryGet(key, out var record);
        _listed.TryGetValue(key, out var before);
        if (!isHeld)
        {
            if (before is { Sequence: > 0, Gone: false })
                Held("list", key, _listed[key] = (before.Sequence, 0, true), default);
            return;
        }
        var held = (record.Sequence.Value, record.Value, false);
        // Of an old history until the new one says what became of it: shown, and marked so.
        if (before == held || record.IsOld) return;
        _listed[key] = held;
        Held("list", key, held, record.At);
    }

    private void Held(string reader, SyncedKey key, (long Sequence, ulong Hash, bool Gone) held, FeedPosition at) =>
        log.Write("held", json =>
    {
        json.WriteString("r"u8, reader);
        json.Key(key);
        json.WriteNumber("seq"u8, held.Sequence);
        if (held.Gone) json.WriteBoolean("gone"u8, true);
        else json.Hash(held.Hash);
        json.Place(at.Feed.Value, at.Position.Value, at.History.Value);
    });

    private void Tell(CollectionFeed claim)
    {
        var at = claim.Freshness.AsOf;
        if (claim.Feed is not { } feed || !claim.Freshness.IsKnown) return;
        var place = (at.History.Value, at.Position.Value);
        if (_claims.TryGetValue(feed.Value, out var before) && before == place) return;
        _claims[feed.Value] = place;
        log.Write("fresh", json => json.Place(feed.Value, at.Position.Value, at.History.Value));
    }

    private void Tell(IReadOnlyList<Replica<ulong>> keys, CollectionReplica<ulong> list)
    {
        var all = list.Counters;
        log.Write("counters", json =>
        {
            json.WriteNumber("gap"u8, keys.Sum(key => key.Counters.Gaps) + all.Gaps);
            json.WriteNumber("tail gap"u8, keys.Sum(key => key.Counters.TailGaps) + all.TailGaps);
            json.WriteNumber("stale ignored"u8, keys.Sum(key => key.Counters.IgnoredStale) + all.IgnoredStale);
            json.WriteNumber("skew by major"u8, keys.Sum(key => key.Counters.SchemaSkews) + all.SchemaSkews);
            json.WriteNumber("parse error"u8, keys.Sum(key => key.Counters.ParseErrors) + all.ParseErrors);
            json.WriteNumber("refetch"u8, keys.Sum(key => key.Counters.Refetches) + all.Refetches);
            json.WriteNumber("coalesced refetch"u8, keys.Sum(key => key.Counters.Coalesced));
            json.WriteNumber("refetch failure"u8, keys.Sum(key => key.Counters.RefetchFailures) + all.Failures);
        });
    }
}
