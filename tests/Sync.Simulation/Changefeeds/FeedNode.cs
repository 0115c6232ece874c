using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation.Changefeeds;

/// <summary>A process that serves readers, and may own the feed. Does what the shell does around the production tail: the
/// same calls in the same order, with anything in between.</summary>
internal sealed class FeedNode
{
    private readonly FeedWorld _world;
    private readonly Queue<IReadOnlyList<Fact>> _committed = new();
    private readonly List<long[]> _open = [];
    private (Position Known, Position End)? _reading;
    private FeedSlice? _read;
    private bool _isPollDue;
    private LeaseEpoch? _epoch;

    public FeedNode(FeedWorld world, int number)
    {
        (_world, Number) = (world, number);
        Tail = new FeedTail(new(0), world.Ledger.Shown, world.Plan.Options, world.Faults);
    }

    public int Number { get; }

    public FeedTail Tail { get; }

    public bool IsOwner => _epoch is not null;

    /// <summary>Readers that end when this process does.</summary>
    public List<FeedServer> Servers { get; } = [];

    /// <summary>Takes the feed, whoever held it; that one may not know yet.</summary>
    public void TakeOver()
    {
        _open.Clear();
        _epoch = _world.Ledger.TakeOver();
        Tail.Own(_world.Ledger.Head);
    }

    /// <summary>Begins a transaction, ends one, or tells the tail of one that is committed.</summary>
    public void Own()
    {
        if (_committed.Count > 0 && _world.Random.Chance(60)) Told();
        else if (_open.Count < 3 && _world.Random.Chance(50)) _open.Add(_world.Ledger.Begin(_world.Random.From(1, 3)));
        else if (_open.Count > 0) Commit();
    }

    /// <summary>A beat says how long the feed is.</summary>
    public void Hear(Position head) => Tail.Hint(head);

    public void Poll() => _isPollDue = true;

    /// <summary>One step of the read for all readers of the tail.</summary>
    public void ReadTail()
    {
        if (_read is { } slice)
        {
            var isMore = Tail.Learn(slice, _reading!.Value.Known);
            (_reading, _read) = (isMore ? (Tail.Known, Tail.End) : null, null);
        }
        else if (_reading is { } asked)
        {
            if (_world.Strikes(FeedFaultKinds.ReadFailed)) _reading = null;
            else _read = _world.Page(asked.End, new FeedFilter(new FeedId(0)));
        }
        else
        {
            var isDue = Tail.IsReadDue(_isPollDue);
            _isPollDue = false;
            if (isDue) _reading = (Tail.Known, Tail.End);
        }
    }

    /// <summary>Renews the lease, or hears that another has it.</summary>
    public void Renew()
    {
        if (IsOwner && _epoch != _world.Ledger.Epoch) Lose();
    }

    /// <summary>Nothing under way is left to do.</summary>
    public void Settle()
    {
        Renew();
        while (_committed.Count > 0) Told();
        _open.Clear();
    }

    private void Commit()
    {
        var drawn = _open[_world.Random.Below(_open.Count)];
        _open.Remove(drawn);
        var isUnknown = _world.Strikes(FeedFaultKinds.CommitUnknown);
        if (isUnknown && _world.Random.Chance(50)) _world.Coverage.Add("changefeed: unknown commit, not done");
        else if (_world.Ledger.Commit(_epoch!.Value, drawn, _world.Random) is { } facts) Committed(facts, isUnknown);
        else
        {
            _world.Coverage.Add("changefeed: fenced owner");
            Lose();
        }
    }

    private void Lose()
    {
        _world.Trace("lost", Number);
        _epoch = null;
        _open.Clear();
        Tail.Lose();
    }

    private void Committed(IReadOnlyList<Fact> facts, bool isUnknown)
    {
        _world.Trace("commit", facts[0].Position.Value, facts.Count);
        _committed.Enqueue(facts);
        _world.Beat(this);
        if (!isUnknown) return;
        // The owner takes the feed over from itself and finds what it sent.
        _world.Coverage.Add("changefeed: unknown commit, done");
        _open.Clear();
        _epoch = _world.Ledger.TakeOver();
    }

    private void Told() => Tail.Committed(_committed.Dequeue());
}
