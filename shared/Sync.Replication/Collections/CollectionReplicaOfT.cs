using System.Diagnostics.CodeAnalysis;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Keeps a collection, a vault or a group in step, in memory: the shell around <see cref="CollectionCore{T}"/>.
/// <para>Why it is safe: <c>_gate</c> guards core, effects, timer and waits; it is held for one step of the core at a time
/// (the longest is a page of a snapshot) and for a reader's look, never while a source, a transport or an observer runs. What
/// a step asks for is sent after it; a request never faults, it ends as an answer or a failure. Changes go to the log inside
/// the gate, in order; cells are set outside, under a lock of their own, each to what is held then.</para></summary>
/// <typeparam name="T">The model.</typeparam>
public sealed partial class CollectionReplica<T> : CollectionReplica
{
    private readonly Lock _gate = new();
    private readonly CollectionEffects<T> _effects = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CollectionReplicaOptions<T> _options;
    private readonly CollectionParts _parts;
    private readonly CollectionCore<T> _core;
    private readonly CollectionChangeLog _log;
    private readonly CollectionCells<T> _cells;
    private readonly CollectionWaits<T> _waits;
    private readonly ITimer _timer;
    private readonly long _startedAt;
    private readonly DateTimeOffset _startedOn;
    private IAsyncDisposable[] _subscriptions = [];
    private int _isDisposed;

    internal CollectionReplica(ReplicaHub hub, CollectionReplicaOptions<T> options, CollectionParts parts)
        : base(hub, options.Scope)
    {
        (_options, _parts) = (options, parts);
        _core = new CollectionCore<T>(
            options.Scope, options.Schema, options.Rules with { Expected = options.Expected ?? options.Schema.Version });
        _log = new CollectionChangeLog(options.ChangesKept);
        _cells = new CollectionCells<T>(ValueOf);
        _waits = new CollectionWaits<T>(_core);
        (_startedAt, _startedOn) = (parts.Time.GetTimestamp(), parts.Time.GetUtcNow());
        _timer = parts.Time.CreateTimer(
            static replica => ((CollectionReplica<T>)replica!).Step(static (core, at, effects, _) => core.Advance(at, effects), 0),
            this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public override CollectionStatus Status
    {
        get { lock (_gate) return _core.Status; }
    }

    /// <inheritdoc/>
    public override CollectionCounters Counters
    {
        get { lock (_gate) return _core.Counters; }
    }

    /// <inheritdoc/>
    public override long Count
    {
        get { lock (_gate) return _core.Count; }
    }

    /// <summary>True when nothing is loaded, missed, checked, refused or in doubt.</summary>
    public bool IsCurrent
    {
        get { lock (_gate) return _core.IsCurrent; }
    }

    /// <summary>Keys whose newest value was refused: exact, while <see cref="Refused"/> is bounded.</summary>
    public int RefusedCount
    {
        get { lock (_gate) return _core.RefusedCount; }
    }

    /// <summary>How each feed of the scope stands, and how fresh it is.</summary>
    public IReadOnlyList<CollectionFeed> Feeds
    {
        get
        {
            lock (_gate) return [.. _core.FeedStatuses.Select(feed => new CollectionFeed(feed.Feed, feed.Status, FreshnessOf(feed)))];
        }
    }

    /// <summary>The collections that are held, with their numbers of records, in no order.</summary>
    public IReadOnlyList<(string Vault, string Collection, int Count)> Collections
    {
        get { lock (_gate) return [.. _core.Collections]; }
    }

    /// <summary>A record that is held.</summary>
    public bool TryGet(SyncedKey key, out CollectionRecord<T> record)
    {
        lock (_gate) return _core.TryGet(key, out record);
    }

    /// <summary>The value of a record that is held.</summary>
    public bool TryGetValue(SyncedKey key, [MaybeNullWhen(false)] out T value)
    {
        lock (_gate) return _core.TryGetValue(key, out value);
    }

    /// <summary>Records of a collection in the order of their keys' UTF-8 bytes.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="after">Behind this key; null = from the first.</param>
    /// <param name="limit">Most records, at least 1.</param>
    /// <param name="records">Receives them.</param>
    /// <returns>True when there are more behind the last one.</returns>
    public bool List(string vault, string collection, string? after, int limit, List<CollectionRecord<T>> records)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        lock (_gate) return _core.List(vault, collection, after, limit, records);
    }

    /// <summary>The records that pass a test, all of one moment, in no order. Looks at every record of the scope while changes
    /// wait: for a large scope list a collection instead.</summary>
    /// <param name="wanted">Must be quick and must not call the replica.</param>
    public IReadOnlyList<CollectionRecord<T>> Query(Func<CollectionRecord<T>, bool> wanted)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        lock (_gate) return [.. _core.Records().Where(wanted)];
    }

    /// <summary>The digest of a collection as it is held; see <see cref="CollectionCore{T}.Digest"/>.</summary>
    public CollectionDigest Digest(string vault, string collection)
    {
        lock (_gate) return _core.Digest(vault, collection);
    }

    /// <summary>The skew list: refused keys, as many as the rules allow.</summary>
    public IReadOnlyList<RefusedRecord> Refused()
    {
        lock (_gate) return [.. _core.Refused()];
    }

    /// <summary>A cell that follows one key, for tracked reads; made when it is asked for, and gone when nobody holds it. Its
    /// value is default while there is none.</summary>
    public ICell<T> Cell(SyncedKey key) => _cells.Of(key);

    /// <summary>Loads the snapshot again over what is held, as after digests that differ.</summary>
    public void Reload() => Step(static (core, at, effects, _) => core.Reload(at, effects), 0);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        Hub.Close(this);
        foreach (var subscription in _subscriptions) await subscription.DisposeAsync().ConfigureAwait(false);
        lock (_gate)
        {
            _core.Dispose();
            _waits.End(Gone());
        }
        _log.Close();
        await _timer.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Subscribes, confirmed; then the core may load.</summary>
    internal async Task OpenAsync(CancellationToken cancellation)
    {
        var envelopes = await _parts.Transport.SubscribeAsync(Scope, this, cancellation).ConfigureAwait(false);
        _subscriptions = [envelopes];
        var beats = await _parts.Transport.SubscribeBeatsAsync(this, cancellation).ConfigureAwait(false);
        _subscriptions = [envelopes, beats];
        Step(static (core, at, effects, _) => core.Subscribed(at, effects), 0);
    }

    private protected override bool Take(Envelope envelope) =>
        Step(static (core, at, effects, one) => core.Receive(one, at, effects), envelope);

    private protected override void Take(Beat beat) =>
        Step(static (core, at, effects, one) => core.Receive(one, at, effects), beat);

    private protected override void MayHaveMissed(Disruption disruption)
    {
        Hub.Log.CollectionDisrupted(Scope, disruption);
        Step(static (core, at, effects, _) => core.Disrupted(at, effects), 0);
    }

    // True when a value or its end became visible.
    private bool Step<TInput>(
        Action<CollectionCore<T>, CollectionMoment, CollectionEffects<T>, TInput> step, TInput input)
    {
        CollectionRequest[] requests;
        List<SyncedKey>? toCells = null;
        bool isApplied;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return false;
            var now = _parts.Time.GetElapsedTime(_startedAt);
            step(_core, new CollectionMoment(now, _parts.NextJitter()), _effects, input);
            if (_effects.Changes.Count > 0)
            {
                _log.Add(_effects.Changes);
                if (!_cells.IsEmpty) toCells = [.. _effects.Changes.Select(change => change.Key)];
                LogRefused();
            }
            if (_effects.StatusChanged) Hub.Log.CollectionStatus(Scope, _core.Status, _core.Count);
            isApplied = _effects.Changes is [.., { Kind: CollectionChangeKind.Put or CollectionChangeKind.Removed }];
            requests = _effects.Requests.Count == 0 ? [] : [.. _effects.Requests];
            _effects.Clear();
            if (!_waits.IsEmpty) _waits.Look();
            var wait = _core.NextDue - now;
            _timer.Change(wait is null ? Timeout.InfiniteTimeSpan : wait > TimeSpan.Zero ? wait.Value : TimeSpan.Zero,
                Timeout.InfiniteTimeSpan);
        }
        foreach (var request in requests) _ = SendAsync(request);
        if (toCells is not null) _cells.Changed(toCells);
        return isApplied;
    }

    // Never faults: whatever happens is an answer or a failure of the request.
    private async Task SendAsync(CollectionRequest request)
    {
        try
        {
            await _parts.Slots.WaitAsync(_stop.Token).ConfigureAwait(false);
            try
            {
                using var limit = new CancellationTokenSource(_options.RequestTimeout, _parts.Time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
                await AskAsync(request, either.Token).ConfigureAwait(false);
            }
            finally
            {
                _parts.Slots.Release();
            }
        }
        catch (Exception error)
        {
            if (_stop.IsCancellationRequested) return;
            Hub.Log.CollectionRequestFailed(Scope, request.Kind, error.Message);
            Step(static (core, at, effects, id) => core.Failed(id, at, effects), request.Id);
        }
    }

    private async Task AskAsync(CollectionRequest request, CancellationToken cancellation)
    {
        switch (request.Kind)
        {
            case CollectionRequestKind.Snapshot:
                var page = await _parts.Source.SnapshotAsync(Scope, request.Snapshot, cancellation).ConfigureAwait(false);
                // A step of its own, so that the next request is on its way while this page is applied.
                Step(static (core, _, effects, answer) => core.ReadAhead(answer.Id, answer.page, effects), (request.Id, page));
                Step(static (core, at, effects, answer) => core.Answered(answer.Id, answer.page, at, effects), (request.Id, page));
                break;
            case CollectionRequestKind.Changes:
                var changes = await _parts.Source.ChangesAsync(Scope, request.Changes, cancellation).ConfigureAwait(false);
                Step(static (core, at, effects, answer) => core.Answered(answer.Id, answer.changes, at, effects),
                    (request.Id, changes));
                break;
            default:
                var some = await _parts.Envelopes.GetManyAsync(request.Vault, request.Items, cancellation).ConfigureAwait(false);
                Step(static (core, at, effects, answer) => core.Answered(answer.Id, answer.some, at, effects), (request.Id, some));
                break;
        }
    }

    private void LogRefused()
    {
        foreach (var change in _effects.Changes)
        {
            if (change.Kind == CollectionChangeKind.Refused) Hub.Log.CollectionRefused(Scope, change.Key, change.Sequence);
            else if (change.Kind == CollectionChangeKind.Reset) Hub.Log.CollectionReset(Scope, _core.History);
        }
    }

    private Freshness FreshnessOf(in CollectionFeedStatus feed) => new(
        feed.Freshness.IsKnown, feed.Freshness.At, feed.Freshness.IsKnown ? _startedOn + feed.Freshness.LearnedAt : default,
        feed.Freshness.IsCurrent);

    private T? ValueOf(SyncedKey key) => TryGetValue(key, out var value) ? value : default;

    private SyncException Gone() => new(SyncErrorCode.Stopped, $"The replica of {Scope} was disposed.");
}

/// <summary>How one feed of a scope stands.</summary>
/// <param name="Feed">The feed; null until the first page named it.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Freshness">Current as of which position, and when that was learned.</param>
public readonly record struct CollectionFeed(FeedId? Feed, CollectionStatus Status, Freshness Freshness);

/// <summary>What a hub lends its collection replicas. The slots bound their requests together.</summary>
internal sealed record CollectionParts(
    ITransport Transport, ICollectionSource Source, IEnvelopeSource Envelopes, SemaphoreSlim Slots, TimeProvider Time, Random Random)
{
    public double NextJitter()
    {
        lock (Random) return Random.NextDouble();
    }
}
