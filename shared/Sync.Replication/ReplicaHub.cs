using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>START HERE. The replicas of one process and connection: owns their subscriptions, the beats, the way
/// back to the writer.
/// <para>Why it is safe: <c>_gate</c> guards the three cores (refetch queue, feed tracker, waits) and the registry;
/// it is held for pure steps only, never while a source, a transport or an observer runs. One loop sends what is due
/// and does what time brings; it is woken by a signal or one timer, and everybody else only steps a core and
/// signals. No inbox is needed, so none can overflow: what waits, waits in the cores, which are bounded. Order of
/// locks: hub, then replica; a replica calls the hub only outside its own gate.</para></summary>
public sealed partial class ReplicaHub : IAsyncDisposable, IBeatHandler
{
    private readonly Lock _gate = new();
    private readonly ITransport _transport;
    private readonly IEnvelopeSource? _source;
    private readonly ReplicaHubOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly RefetchCore _refetch;
    private readonly FeedTrackerCore _tracker;
    private readonly FeedWaits _waits;
    private readonly Dictionary<SyncedKey, KeyGroup> _groups = [];
    private readonly Dictionary<(string Vault, string Collection), KeyCollection> _keyCollections = [];
    private readonly HashSet<Replica> _failed = [];
    // An auto-reset event: one signal is as good as ten.
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _backfills;
    private readonly long _startedAt;
    private readonly DateTimeOffset _startedOn;
    private IAsyncDisposable? _beats;
    private Task _loop = Task.CompletedTask;
    private TimeSpan? _checkAllAt;
    private int _replicaCount;
    private bool _isDisposed;

    private ReplicaHub(
        ITransport transport, IEnvelopeSource? source, ICollectionSource? pages, ReplicaHubOptions options, TimeProvider time,
        ILogger log, Random random)
    {
        options.Validate();
        (_transport, _source, _pages, _options) = (transport, source, pages, options);
        (_time, Log, _random) = (time, log, random);
        _collectionRandom = new Random(random.Next());
        (_startedAt, _startedOn) = (time.GetTimestamp(), time.GetUtcNow());
        _refetch = new RefetchCore(options.Refetch);
        _tracker = new FeedTrackerCore(options.BeatGrace, options.Faults);
        _waits = new FeedWaits(_tracker, options.WaitAskAfter);
        _backfills = new SemaphoreSlim(options.Refetch.RequestsInFlightMax);
        _pageSlots = new SemaphoreSlim(options.PagesInFlightMax);
    }

    /// <summary>Replicas that are open.</summary>
    public int ReplicaCount => Volatile.Read(ref _replicaCount);

    /// <summary>Keys with a subscription: returns to where it was when replicas have gone.</summary>
    public int KeyCount
    {
        get { lock (_gate) return _groups.Count; }
    }

    /// <summary>Refetch requests in flight.</summary>
    public int RefetchesInFlight
    {
        get { lock (_gate) return _refetch.InFlight; }
    }

    /// <summary>Keys that wait for a refetch or are in flight.</summary>
    public int RefetchKeyCount
    {
        get { lock (_gate) return _refetch.KeyCount; }
    }

    /// <summary>The sum over all open replicas.</summary>
    public ReplicaCounters Counters
    {
        get
        {
            var sum = default(ReplicaCounters);
            foreach (var replica in All()) sum = ReplicationMetrics.Plus(sum, replica.Counters);
            return sum;
        }
    }

    internal ILogger Log { get; }

    internal TimeProvider Time => _time;

    private TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>Starts a hub; completes when the beats of all feeds are known to be delivered.</summary>
    /// <param name="transport">Stays the caller's: disposing the hub does not dispose it.</param>
    /// <param name="source">The way back to the writer; null = none: a failed gate or a gap then ends in stale.
    /// Stays the caller's.</param>
    /// <param name="options">Null = defaults.</param>
    /// <param name="time">Null = the system's.</param>
    /// <param name="log">Null = none.</param>
    /// <param name="random">For jitter only; used under a lock. Null = a new one.</param>
    /// <param name="pages">Where collection replicas load from; null = none can be opened. Stays the caller's.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">An option is refused, or the bus is.</exception>
    public static async Task<ReplicaHub> StartAsync(
        ITransport transport, IEnvelopeSource? source, ReplicaHubOptions? options = null, TimeProvider? time = null,
        ILogger? log = null, Random? random = null, ICollectionSource? pages = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(transport);
        var hub = new ReplicaHub(transport, source, pages, options ?? new ReplicaHubOptions(), time ?? TimeProvider.System,
            log ?? NullLogger.Instance, random ?? new Random());
        hub._beats = await transport.SubscribeBeatsAsync(hub, cancellation).ConfigureAwait(false);
        hub._loop = Task.Run(hub.RunAsync, CancellationToken.None);
        ReplicationMetrics.Add(hub);
        return hub;
    }

    /// <summary>Opens a replica: seed, subscribe, confirmed, and then fetch if there is a source and no usable seed.
    /// Completes when the subscription is confirmed and the fetch is on its way (<see cref="Replica.WhenIdleAsync"/>
    /// waits for it).</summary>
    /// <exception cref="SyncException">An option is refused, there are too many replicas, or the bus is
    /// unavailable.</exception>
    public async Task<Replica<T>> OpenAsync<T>(ReplicaOptions<T> options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var replica = new Replica<T>(this, options, RulesOf(options));
        if (options.Seed is { } seed) replica.Plant(seed);
        var mustFetch = replica.Sequence < Sequence.None;

        var group = Register(replica);
        try
        {
            if (_options.Faults.SubscribeAfterFetch && mustFetch)
            {
                replica.Check(default, Now);
                await replica.WhenIdleAsync(cancellation).ConfigureAwait(false);
                mustFetch = false;
            }
            await SubscribeAsync(group).WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await replica.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        if (mustFetch) replica.Check(default, Now);
        return replica;
    }

    /// <summary>Closes all replicas, then the loop. Idempotent. Transport and source stay the caller's.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }
        if (_beats is not null) await _beats.DisposeAsync().ConfigureAwait(false);
        foreach (var replica in All()) await replica.DisposeAsync().ConfigureAwait(false);
        foreach (var replica in AllCollections()) await replica.DisposeAsync().ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        List<KeyCollection> keyCollections;
        lock (_gate) keyCollections = [.. _keyCollections.Values];
        foreach (var collection in keyCollections) await collection.EndAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        ReplicationMetrics.Remove(this);
        _stopping.Dispose();
    }

    void IBeatHandler.Receive(Beat beat)
    {
        var effects = new List<FeedEffect>();
        lock (_gate) _tracker.Receive(beat, Now, effects);
        Run(effects);
        Wake();
    }

    void IBeatHandler.Disrupted(Disruption disruption) => CheckAll(disruption);

    /// <summary>A subscription may have missed something. A reconnect concerns every key of the connection; an
    /// overflow or bytes that cannot be decoded concern the one key whose mailbox it is (a whole collection's: its keys), else one hot key would have
    /// all others asked for again and again.</summary>
    internal void Disrupted(IReadOnlyCollection<KeyGroup> groups, Disruption disruption)
    {
        if (disruption == Disruption.Reconnected)
        {
            CheckAll(disruption);
            return;
        }
        Log.Disrupted(disruption, groups.Sum(group => group.Replicas.Length));
        Check(groups);
    }

    /// <summary>Asks for keys that may have missed something, after a random part of the spread.</summary>
    internal void Check(IReadOnlyCollection<KeyGroup> groups)
    {
        TimeSpan due;
        lock (_gate) due = Now + Spread();
        foreach (var group in groups)
            foreach (var replica in group.Replicas) replica.Check(default, due);
    }

    // One check of all, after a random part of the spread; each subscription reports the same reconnect, and they
    // are one.
    private void CheckAll(Disruption disruption)
    {
        lock (_gate)
        {
            if (_checkAllAt is not null) return;
            _checkAllAt = Now + Spread();
        }
        Log.Disrupted(disruption, ReplicaCount);
        Wake();
    }

    /// <summary>Something for the loop to look at.</summary>
    internal void Wake() => _signal.Writer.TryWrite(true);

    /// <summary>A replica asks for its key.</summary>
    internal void Request(Replica replica, Sequence have, FeedPosition need, TimeSpan due)
    {
        lock (_gate)
        {
            if (replica.Member.HasLeft) return;
            _failed.Remove(replica);
            // The answer to an earlier request may have been delivered between the replica's step and this one.
            if (_refetch.Request(replica.Key, have, need, due) != RefetchVerdict.Rejected) replica.RefetchBegan();
            else Failed(replica, isLast: true);
        }
        Wake();
    }

    internal Freshness FreshnessOf(FeedMember member)
    {
        FeedFreshness freshness;
        lock (_gate) freshness = _tracker.FreshnessOf(member, Now);
        var time = freshness.IsKnown ? _startedOn + freshness.LearnedAt : default;
        return new(freshness.IsKnown, freshness.At, time, freshness.IsCurrent);
    }

    /// <summary>A replica has gone: no trace of it stays.</summary>
    internal async Task CloseAsync(Replica replica)
    {
        KeyGroup? ended = null;
        List<FeedWait> orphans = [];
        lock (_gate)
        {
            _tracker.Leave(replica.Member);
            _failed.Remove(replica);
            if (_groups.TryGetValue(replica.Key, out var group) && Array.IndexOf(group.Replicas, replica) >= 0)
            {
                _replicaCount--;
                if (group.Remove(replica))
                {
                    _groups.Remove(replica.Key);
                    _refetch.Cancel(replica.Key);
                    Leave(group);
                    ended = group;
                }
            }
            foreach (var wait in _waiting.Keys)
                if (wait.Member == replica.Member) orphans.Add(wait);
        }
        foreach (var wait in orphans) End(wait, Gone(replica));
        ReplicationMetrics.Retire(replica.Counters);
        if (ended is not null) await ended.EndAsync(_gate).ConfigureAwait(false);
    }

    private ReplicaRules RulesOf<T>(ReplicaOptions<T> options)
    {
        if (options.Gaps == GapPolicy.Backfill && _source is not IHistorySource)
            throw new SyncException(SyncErrorCode.Invalid,
                "Sync:Replica:Gaps is Backfill, but the source gives no history; use an IHistorySource, or Refetch");
        return new ReplicaRules
        {
            Expected = options.Expected ?? options.Schema.Version,
            Gaps = options.Gaps,
            CanRefetch = options.Refetch && _source is not null,
            BackfillHeldMax = options.BackfillHeldMax,
            Faults = _options.Faults,
        };
    }

    private KeyGroup Register(Replica replica)
    {
        lock (_gate)
        {
            if (_isDisposed) throw new SyncException(SyncErrorCode.Stopped, "The hub is disposed.");
            if (_replicaCount >= _options.ReplicasMax)
                throw new SyncException(SyncErrorCode.Exhausted,
                    $"There are {_replicaCount} replicas; Sync:Replicas:ReplicasMax allows no more");
            _replicaCount++;
            if (!_groups.TryGetValue(replica.Key, out var group))
            {
                _groups.Add(replica.Key, group = new KeyGroup(this, replica.Key));
                CollectionOf(replica.Key).Add(group);
            }
            group.Add(replica);
            _tracker.Join(replica.Member);
            return group;
        }
    }

    private Task SubscribeAsync(KeyGroup group)
    {
        lock (_gate) return CollectionOf(group.Key).SubscribeAsync(group, _stopping.Token);
    }

    // Under the gate.
    private KeyCollection CollectionOf(SyncedKey key)
    {
        if (_keyCollections.TryGetValue((key.Vault, key.Collection), out var collection)) return collection;
        var pattern = SyncedPattern.OfCollection(key.Vault, key.Collection);
        var times = new KeyCollectionTimes(
            _options.WholeCollectionAbove, _options.Refetch.BackoffMax, _time, _stopping.Token);
        collection = new KeyCollection(this, pattern, _transport, _gate, times);
        _keyCollections.Add((key.Vault, key.Collection), collection);
        return collection;
    }

    // Under the gate.
    private void Leave(KeyGroup group)
    {
        var collection = CollectionOf(group.Key);
        collection.Remove(group);
        Forget(collection);
    }

    internal void Forget(KeyCollection collection)
    {
        if (collection.IsEmpty) _keyCollections.Remove((collection.Pattern.Vault!, collection.Pattern.Collection!));
    }

    internal KeyGroup? GroupOf(SyncedKey key)
    {
        lock (_gate) return _groups.GetValueOrDefault(key);
    }

    private List<Replica> All()
    {
        lock (_gate)
        {
            var all = new List<Replica>(_replicaCount);
            foreach (var group in _groups.Values) all.AddRange(group.Replicas);
            return all;
        }
    }

    // Under the gate: the random source is not safe for two threads.
    private TimeSpan Spread() => _options.Refetch.CheckSpread * _random.NextDouble();
}
