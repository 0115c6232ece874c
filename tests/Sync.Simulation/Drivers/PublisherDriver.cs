using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>Carries out what a publisher's core decides, one step an event, so that anything may come between two
/// steps.</summary>
internal sealed class PublisherDriver(NodeDriver node, FeedState state)
{
    private readonly World _world = node.World;
    private readonly PublisherCore _core = new(
        state, node.World.Store.Ledger.Info.History, node.Options, node.World.LedgerFaults);
    private readonly WriterLink _link = node.Link;
    private readonly HistoryId _history = node.World.Store.Ledger.Info.History;
    private readonly FeedId _feed = state.Lease.Feed;
    private long _connection;
    private long _wait;
    private int _failures;
    private bool _isWaiting;
    private bool _isStopped;

    public Position ToSave => _core.ToSave;

    public bool IsDrained => _core.Confirmed == _core.Committed;

    public void Start()
    {
        _connection = _link.Epoch;
        if (_core.Handed < _core.Committed) _world.Coverage.Add("publisher restart behind confirmed");
        Step();
    }

    public void Append(IReadOnlyList<Fact> facts)
    {
        _core.Append(facts);
        Signal();
    }

    public void TakenOver(FeedState taken)
    {
        _core.TakenOver(taken);
        Signal();
    }

    public void Stop() => _isStopped = true;

    private void Signal()
    {
        if (!_isWaiting) return;
        _isWaiting = false;
        node.After(TimeSpan.Zero, Step);
    }

    private void Step()
    {
        if (_isStopped) return;
        if (_link.Epoch != _connection) Restart();
        _connection = _link.Epoch;
        Bounds.Check("facts to publish", _core.Buffered, node.Options.PublishBufferFactsMax);
        var step = _core.Next(_world.Schedule.Now, node.Wall);
        switch (step.Kind)
        {
            case PublishKind.Envelope when !_link.TryPublish(new(step.Fact!.ToEnvelope(_history), null)):
            case PublishKind.Beat when !_link.TryPublish(new(null, step.Beat)):
                Restart();
                node.After(Pause(), Step);
                return;
            case PublishKind.Flush:
                Flush(step.Token, _connection);
                break;
            case PublishKind.Read:
                Read(step);
                break;
            case PublishKind.Wait:
                Wait(step.WakeAt);
                return;
        }
        node.After(node.Random.Between(0.01, 0.3), Step);
    }

    private void Wait(TimeSpan wakeAt)
    {
        _isWaiting = true;
        var wait = ++_wait;
        var due = wakeAt - _world.Schedule.Now;
        node.After(due < TimeSpan.FromMinutes(1) ? due : TimeSpan.FromMinutes(1), () =>
        {
            if (wait == _wait) Signal();
        });
    }

    private void Flush(long token, long connection) => _link.Flush(isThere => node.Enter(() =>
    {
        if (_isStopped) return;
        if (isThere)
        {
            _failures = 0;
            FlushReturned(token, _link.Epoch == connection);
            return;
        }
        node.After(Pause(), () => FlushReturned(token, isConfirmed: false));
    }));

    private void FlushReturned(long token, bool isConfirmed)
    {
        if (!isConfirmed && _core.Handed > _core.Confirmed) _world.Coverage.Add("publisher restart behind confirmed");
        _core.FlushReturned(token, isConfirmed);
        _world.Trace.Add("confirmed", _core.Confirmed.Value, _core.Handed.Value, _core.Committed.Value);
        Signal();
    }

    private void Read(PublishStep step)
    {
        _world.Coverage.Add("publisher read from the ledger");
        _world.Store.Call(node,
            store => store.ReadFeedAsync(_feed, step.After, node.Options.PublishReadFactsMax,
                node.Options.GroupBytesMax),
            page => Returned(page.Facts),
            () => node.After(Pause(), () => Returned([])));

        void Returned(IReadOnlyList<Fact> facts)
        {
            _core.ReadReturned(step.Token, facts);
            Signal();
        }
    }

    private void Restart()
    {
        if (_core.Handed > _core.Confirmed) _world.Coverage.Add("publisher restart behind confirmed");
        _core.Restart();
    }

    private TimeSpan Pause() => node.RetryDelay(++_failures);
}
