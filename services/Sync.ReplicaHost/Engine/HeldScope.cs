using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;

using Record = Sync.Replication.CollectionRecord<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Engine;

/// <summary>Drives the core of one scope: what arrives goes in under one lock, what it asks for is sent outside of it, what
/// changed goes to the change log in order. The lock guards core, effects and timer.</summary>
internal sealed class HeldScope : IHeld, IEnvelopeHandler, IBeatHandler
{
    private readonly Lock _gate = new();
    private readonly CollectionEffects<ReadOnlyMemory<byte>> _effects = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CollectionCore<ReadOnlyMemory<byte>> _core;
    private readonly HeldScopeParts _parts;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly long _born;
    private readonly DateTimeOffset _bornAt;
    private IAsyncDisposable[] _subscriptions = [];

    private HeldScope(HeldScopeParts parts, ReplicaHostOptions options)
    {
        _parts = parts;
        _logger = parts.Loggers.CreateLogger<HeldScope>();
        _core = new CollectionCore<ReadOnlyMemory<byte>>(parts.Followed.Scope, SyncSchema.Document, new CollectionRules
        {
            RecordsMax = options.RecordsMax,
            SkewsListedMax = options.SkewsListedMax,
        });
        _born = parts.Time.GetTimestamp();
        _bornAt = parts.Time.GetUtcNow();
        _timer = parts.Time.CreateTimer(
            static held => ((HeldScope)held!).Put(static (core, at, effects, _) => core.Advance(at, effects), 0), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public CollectionStatus Status
    {
        get { lock (_gate) return _core.Status; }
    }

    public bool IsCurrent
    {
        get { lock (_gate) return _core.IsCurrent; }
    }

    public long Count
    {
        get { lock (_gate) return _core.Count; }
    }

    public int RefusedCount
    {
        get { lock (_gate) return _core.RefusedCount; }
    }

    public CollectionCounters Counters
    {
        get { lock (_gate) return _core.Counters; }
    }

    /// <summary>Subscribes, and lets the core load.</summary>
    /// <exception cref="SyncException">The bus does not confirm; transient ones say so.</exception>
    public static async Task<HeldScope> OpenAsync(
        HeldScopeParts parts, ReplicaHostOptions options, CancellationToken cancellation)
    {
        var held = new HeldScope(parts, options);
        try
        {
            var envelopes = await parts.Transport.SubscribeAsync(parts.Followed.Scope, held, cancellation);
            held._subscriptions = [envelopes];
            held._subscriptions = [envelopes, await parts.Transport.SubscribeBeatsAsync(held, cancellation)];
        }
        catch
        {
            await held.DisposeAsync();
            throw;
        }
        held.Put(static (core, at, effects, _) => core.Subscribed(at, effects), 0);
        return held;
    }

    public void Receive(Envelope envelope) =>
        Put(static (core, at, effects, one) => core.Receive(one, at, effects), envelope);

    public void Receive(Beat beat) => Put(static (core, at, effects, one) => core.Receive(one, at, effects), beat);

    public void Disrupted(Disruption disruption) =>
        Put(static (core, at, effects, _) => core.Disrupted(at, effects), disruption);

    public IReadOnlyList<HeldFeed> Feeds()
    {
        lock (_gate)
        {
            return [.. _core.FeedStatuses.Select(feed => new HeldFeed(feed.Feed, feed.Status, new Freshness(
                feed.Freshness.IsKnown, feed.Freshness.At, _bornAt + feed.Freshness.LearnedAt,
                feed.Freshness.IsCurrent)))];
        }
    }

    public IReadOnlyList<(string Vault, string Collection, int Count)> Collections()
    {
        lock (_gate) return [.. _core.Collections];
    }

    public IReadOnlyList<RefusedRecord> Refused()
    {
        lock (_gate) return [.. _core.Refused()];
    }

    public bool TryGet(SyncedKey key, out Record record)
    {
        lock (_gate) return _core.TryGet(key, out record);
    }

    public bool List(string vault, string collection, string? after, int limit, List<Record> records)
    {
        lock (_gate) return _core.List(vault, collection, after, limit, records);
    }

    public CollectionDigest Digest(string vault, string collection)
    {
        lock (_gate) return _core.Digest(vault, collection);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var subscription in _subscriptions) await subscription.DisposeAsync();
        lock (_gate) _core.Dispose();
        await _timer.DisposeAsync();
    }

    private void Put<TInput>(
        Action<CollectionCore<ReadOnlyMemory<byte>>, CollectionMoment, CollectionEffects<ReadOnlyMemory<byte>>, TInput> step,
        TInput input)
    {
        CollectionRequest[] requests;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            var now = _parts.Time.GetElapsedTime(_born);
            step(_core, new CollectionMoment(now, _parts.NextJitter()), _effects, input);
            foreach (var change in _effects.Changes) Tell(change);
            if (_effects.StatusChanged)
                ReplicaHostLog.StatusChanged(
                    _logger, _parts.Followed.Scope.ToString(), Http.Stand.TextOf(_core.Status), _core.Count);
            requests = [.. _effects.Requests];
            _effects.Clear();
            var wait = _core.NextDue - now;
            _timer.Change(wait is null ? Timeout.InfiniteTimeSpan : wait > TimeSpan.Zero ? wait.Value : TimeSpan.Zero,
                Timeout.InfiniteTimeSpan);
        }
        foreach (var request in requests) _ = SendAsync(request);
    }

    private void Tell(in CollectionChange<ReadOnlyMemory<byte>> change)
    {
        if (change.Kind == CollectionChangeKind.Refused)
            ReplicaHostLog.Refused(_logger, _parts.Followed.Scope.ToString(), change.Key.ToString());
        else _parts.Followed.Changes.Add(new ChangeNote(change.Kind, change.Key, change.Sequence, change.At));
    }

    // Never faults: whatever happens is an answer or a failure of the request.
    private async Task SendAsync(CollectionRequest request)
    {
        var scope = _parts.Followed.Scope;
        try
        {
            switch (request.Kind)
            {
                case CollectionRequestKind.Snapshot:
                    var page = await _parts.Source.SnapshotAsync(scope, request.Snapshot, _stop.Token);
                    Put(static (core, at, effects, answer) => core.Answered(answer.Id, answer.page, at, effects),
                        (request.Id, page));
                    break;
                case CollectionRequestKind.Changes:
                    var changes = await _parts.Source.ChangesAsync(scope, request.Changes, _stop.Token);
                    Put(static (core, at, effects, answer) => core.Answered(answer.Id, answer.changes, at, effects),
                        (request.Id, changes));
                    break;
                default:
                    var envelopes = await _parts.Envelopes.GetManyAsync(request.Vault, request.Items, _stop.Token);
                    Put(static (core, at, effects, answer) => core.Answered(answer.Id, answer.envelopes, at, effects),
                        (request.Id, envelopes));
                    break;
            }
        }
        catch (Exception error)
        {
            if (_stop.IsCancellationRequested) return;
            ReplicaHostLog.RequestFailed(_logger, scope.ToString(), request.Kind, error.Message);
            Put(static (core, at, effects, id) => core.Failed(id, at, effects), request.Id);
        }
    }
}

/// <summary>What a scope is held with.</summary>
internal sealed record HeldScopeParts(
    Followed Followed, ITransport Transport, ICollectionSource Source, IEnvelopeSource Envelopes, TimeProvider Time,
    Random Random, ILoggerFactory Loggers)
{
    public double NextJitter()
    {
        lock (Random) return Random.NextDouble();
    }
}
