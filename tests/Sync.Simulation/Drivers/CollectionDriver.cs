using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>One collection replica as the production shell drives its core: a step, then what readers see, then the
/// requests that the step asked for, each with a time-out.</summary>
internal sealed class CollectionDriver
{
    private const int AnswerBytesMax = 1 << 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private readonly HostDriver _host;
    private readonly CollectionCore<long> _core;
    private readonly CollectionEffects<long> _effects = new();
    private readonly CollectionWitness _witness;
    private readonly CollectionRules _rules;
    private TimeSpan _wakeAt = TimeSpan.MaxValue;
    private bool _isClosed;

    public CollectionDriver(HostDriver host, SyncedPattern scope, SimSchema schema)
    {
        _rules = host.World.Plan.Collections with { Faults = host.World.CollectionFaults };
        (_host, Scope) = (host, scope);
        _core = new CollectionCore<long>(scope, schema, _rules);
        _witness = new CollectionWitness(host.World, scope, _core);
        host.After(host.Random.Between(0.2, 3), Subscribe);
    }

    public SyncedPattern Scope { get; }

    private TimeSpan Now => _host.World.Schedule.Now;

    private CollectionMoment At => new(Now, _host.Random.Unit());

    public void Receive(Envelope envelope)
    {
        if (_isClosed) return;
        _core.Receive(envelope, At, _effects);
        _witness.Hear(envelope);
        Finish();
    }

    public void Receive(Beat beat)
    {
        if (_isClosed) return;
        _core.Receive(beat, At, _effects);
        _witness.Hear(beat);
        Finish();
    }

    /// <summary>An envelope as it came under another's name: only what is of the scope may have an effect.</summary>
    public void Misrouted(Envelope envelope)
    {
        if (_isClosed) return;
        _core.Receive(envelope, At, _effects);
        Finish();
    }

    public void Disrupted()
    {
        if (_isClosed) return;
        _core.Disrupted(At, _effects);
        Finish();
    }

    public void Close()
    {
        _isClosed = true;
        _core.Dispose();
        _host.Link.Unsubscribe(this);
        Count();
    }

    public void CheckAtRest() => _witness.CheckAtRest();

    public void Count()
    {
        var (coverage, counters) = (_host.World.Coverage, _core.Counters);
        coverage.Add("collection loaded", counters.Snapshots);
        coverage.Add("collection changes read", counters.ChangesPages);
        coverage.Add("collection gap", counters.Gaps);
        coverage.Add("collection tail gap", counters.TailGaps);
        coverage.Add("collection reset", counters.Resets);
        coverage.Add("collection refused value", counters.ParseErrors + counters.SchemaSkews);
        coverage.Add("collection refetch", counters.Refetches);
        coverage.Add("collection request failed", counters.Failures);
    }

    // Subscribed, then confirmed, then the core may load. The connection may be down: then it takes longer.
    private void Subscribe()
    {
        if (_isClosed) return;
        if (!_host.Link.IsUp)
        {
            _host.After(_host.Random.Between(0.2, 20), Subscribe);
            return;
        }
        _host.Link.Subscribe(this);
        _host.After(_host.Random.Between(0.1, 2), () =>
        {
            if (_isClosed) return;
            _core.Subscribed(At, _effects);
            Finish();
        });
    }

    private void Finish()
    {
        _witness.See(_effects);
        Bounds.Check("envelopes before the first page", _core.Buffered, _rules.BufferMax);
        Bounds.Check("requests of a collection", _core.RequestsUnderWay, _rules.RequestsMax);
        foreach (var request in _effects.Requests) Send(request);
        _effects.Clear();
        if (_core.NextDue is { } due) WakeAt(due > Now ? due : Now);
    }

    // One waking is planned at a time, at the earliest of what was asked for.
    private void WakeAt(TimeSpan due)
    {
        if (due >= _wakeAt) return;
        _wakeAt = due;
        _host.After(due - Now, () =>
        {
            if (_wakeAt != due) return;
            _wakeAt = TimeSpan.MaxValue;
            if (_isClosed) return;
            _core.Advance(At, _effects);
            Finish();
        });
    }

    private void Send(CollectionRequest request)
    {
        var isOver = false;
        _host.World.Trace.Add("collection asks", (long)request.Kind, request.Id);
        _host.After(Timeout, Failed);
        switch (request.Kind)
        {
            case CollectionRequestKind.Snapshot:
                var (feed, after, limit) = request.Snapshot;
                var from = feed ?? (Scope.Vault is { } vault ? _host.World.Plan.FeedOf(vault) : new FeedId(0));
                _host.Ask(ledger => ledger.SnapshotAsync(Scope, from, after, limit, AnswerBytesMax), page =>
                {
                    // Shown first, so that the next page is on its way while this one is applied.
                    if (!isOver && !_isClosed) _core.ReadAhead(request.Id, page, _effects);
                    Answered(() => _core.Answered(request.Id, page, At, _effects));
                }, Failed);
                break;
            case CollectionRequestKind.Changes:
                var changes = request.Changes;
                _host.Ask(
                    ledger => ledger.ChangesAsync(Scope, changes.Feed, changes.After, changes.Limit, AnswerBytesMax),
                    page => Answered(() => _core.Answered(request.Id, page, At, _effects)), Failed);
                break;
            default:
                _host.Ask(ledger => ledger.GetManyAsync(request.Vault, request.Items, AnswerBytesMax),
                    answer => Answered(() => _core.Answered(request.Id, answer, At, _effects)), Failed);
                break;
        }

        void Failed() => Answered(() => _core.Failed(request.Id, At, _effects));

        void Answered(Action take)
        {
            if (isOver || _isClosed) return;
            isOver = true;
            take();
            Finish();
        }
    }
}
