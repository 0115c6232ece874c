using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation.Changefeeds;

/// <summary>Readers of the changefeed of one feed, the processes that serve them, and a ledger that both can trust. Each
/// step one of them does one thing, or something goes wrong; at the end all is well, and everybody must catch up.</summary>
internal sealed class FeedWorld
{
    private const int SettleRounds = 600;
    private const int LinesMax = 80;
    private readonly List<FeedNode> _nodes = [];
    private readonly List<FeedClient> _clients = [];
    private readonly Queue<string> _last = new();
    private bool _isQuiet;

    public FeedWorld(FeedPlan plan, PlantedFaults faults, FeedModelFaults model, Coverage coverage)
    {
        (Plan, Faults, Model, Coverage) = (plan, faults, model, coverage);
        Random = new SimRandom(plan.Seed ^ 0xFEED);
        Ledger = new FeedLedger(model);
        for (var number = 0; number < plan.Nodes; number++) _nodes.Add(new FeedNode(this, number));
        _nodes[0].TakeOver();
    }

    public FeedPlan Plan { get; }
    public PlantedFaults Faults { get; }
    public FeedModelFaults Model { get; }
    public Coverage Coverage { get; }
    public SimRandom Random { get; }
    public FeedLedger Ledger { get; }
    public int Step { get; private set; }
    public ulong Hash { get; private set; } = 14695981039346656037;

    public string Tail => string.Join('\n', _last);

    public bool Strikes(FeedFaultKinds kind) => !_isQuiet && Plan.Has(kind) && Random.Chance(Plan.Intensity);

    public int Trace(string what, long a = 0, long b = 0, long c = 0)
    {
        foreach (var unit in what) Mix(unit);
        Mix((ulong)a);
        Mix((ulong)b);
        Mix((ulong)c);
        _last.Enqueue(FormattableString.Invariant($"  step {Step,4}  {what} {a} {b} {c}"));
        if (_last.Count > LinesMax) _last.Dequeue();
        return Step;
    }

    public void Run()
    {
        for (; Step < Plan.Steps; Step++)
        {
            Fault();
            Act();
        }
        Settle();
        foreach (var client in _clients) CheckReplay(client);
    }

    /// <summary>A page of the ledger, of one snapshot: what commits in between is in none of its parts.</summary>
    public FeedSlice Page(Position after, FeedFilter filter) => Ledger.Page(after, filter, Plan.PageSize, () =>
    {
        Owner()?.Own();
        return Ledger.Head;
    });

    /// <summary>The owner tells the others how long the feed is.</summary>
    public void Beat(FeedNode owner)
    {
        foreach (var node in _nodes)
        {
            if (node == owner) continue;
            if (Strikes(FeedFaultKinds.BeatLost)) Coverage.Add("changefeed: beat lost");
            else node.Hear(Ledger.Head);
        }
    }

    private FeedNode? Owner() => _nodes.LastOrDefault(node => node.IsOwner);

    private void Act()
    {
        var (weights, drawn) = (Plan.Weights, Random.Below(Plan.Weights.Sum()));
        if (drawn < weights[0]) Random.Pick(_nodes.Where(node => node.IsOwner).DefaultIfEmpty(_nodes[0]).ToList()).Own();
        else if (drawn < weights[0] + weights[1]) Serve();
        else if (drawn < weights[0] + weights[1] + weights[2]) Take();
        else
        {
            var node = Random.Pick(_nodes);
            if (Random.Chance(10)) node.Poll();
            if (Random.Chance(10)) node.Renew();
            node.ReadTail();
        }
    }

    private void Serve()
    {
        if (_clients.Count < Plan.Readers && Random.Chance(20))
        {
            _clients.Add(new FeedClient(this, _clients.Count, Plan.RequestOf(Random, Ledger)));
            _clients[^1].Connect(Random.Pick(_nodes));
        }
        if (_clients.Count == 0) return;
        var client = Random.Pick(_clients);
        if (client.Server is { } server) server.Step();
        else if (Random.Chance(30)) client.Connect(Random.Pick(_nodes));
    }

    private void Take()
    {
        if (_clients.Count > 0) Random.Pick(_clients).Step();
    }

    private void Fault()
    {
        if (Strikes(FeedFaultKinds.TakeOver) && Random.Chance(40)) TakeOver();
        if (Strikes(FeedFaultKinds.NodeCrash) && Random.Chance(30)) Crash(Random.Below(_nodes.Count));
        if (Strikes(FeedFaultKinds.Cut) && _clients.Count > 0)
        {
            Coverage.Add("changefeed: cut");
            Random.Pick(_clients).Cut();
        }
        if (Strikes(FeedFaultKinds.SlowReader) && _clients.Count > 0) Random.Pick(_clients).Stalled = Random.From(5, 40);
        if (Strikes(FeedFaultKinds.FloorMoves) && Ledger.Head >= Ledger.Floor) MoveFloor();
        if (Strikes(FeedFaultKinds.Restore) && Random.Chance(6)) Restore();
    }

    private void TakeOver()
    {
        Coverage.Add("changefeed: take-over");
        Trace("take-over");
        Random.Pick(_nodes).TakeOver();
    }

    private void MoveFloor()
    {
        var steps = Random.From(1, (int)(Ledger.Head.Value - Ledger.Floor.Value) + 1);
        Ledger.MoveFloor(new(Ledger.Floor.Value + steps));
        Trace("floor", Ledger.Floor.Value);
        Coverage.Add("changefeed: floor moved");
    }

    // A restore stops every process first; they come back with what the ledger says it is.
    private void Restore()
    {
        Ledger.Restore(Random.Below(4));
        Trace("restore", Ledger.History.Value, Ledger.Head.Value);
        Coverage.Add("changefeed: restore");
        for (var number = 0; number < _nodes.Count; number++) Crash(number);
        _nodes[0].TakeOver();
    }

    private void Crash(int number)
    {
        foreach (var server in _nodes[number].Servers.ToList()) server.End();
        var wasOwner = _nodes[number].IsOwner;
        _nodes[number] = new FeedNode(this, number);
        Trace("crash", number);
        if (wasOwner) Random.Pick(_nodes).TakeOver();
    }

    // Nothing goes wrong any more: whoever reads must be told of everything within so many rounds.
    private void Settle()
    {
        _isQuiet = true;
        foreach (var node in _nodes) node.Settle();
        if (Owner() is null) Random.Pick(_nodes).TakeOver();
        foreach (var client in _clients) client.Stalled = 0;
        for (var round = 0; round < SettleRounds && !_clients.TrueForAll(client => client.IsCaughtUp); round++)
        {
            foreach (var node in _nodes)
            {
                if (round % 20 == 0) node.Poll();
                node.ReadTail();
            }
            foreach (var client in _clients) StepOf(client);
        }
        var late = _clients.Find(client => !client.IsCaughtUp);
        Violation.Unless(late is null, FeedInvariants.CaughtUp,
            () => $"reader {late!.Number} is not at {Ledger.Head} after {SettleRounds} rounds without a fault");
    }

    private void StepOf(FeedClient client)
    {
        if (client.Server is null) client.Connect(Random.Pick(_nodes));
        client.Server?.Step();
        client.Step();
    }

    // What a reader of everything from the beginning gets now is what this one was given, as far as both reach.
    private void CheckReplay(FeedClient client)
    {
        if (client.LogFrom is not { } from || Ledger.Named(from.History) != Ledger.History) return;
        var replay = new FeedClient(this, -1, new FeedRequest(client.Filter, FromBeginning: true));
        replay.Connect(new FeedNode(this, -1));
        for (var round = 0; round < SettleRounds && !replay.IsCaughtUp; round++) StepOf(replay);
        var least = new Position(Math.Max(from.Position.Value, Ledger.Floor.Value - 1));
        var live = client.Log.Where(change => change.Position > least).Select(change => change.Id);
        var told = replay.Log.Where(change => change.Position > least).Select(change => change.Id);
        Violation.Unless(live.SequenceEqual(told), FeedInvariants.Replay,
            () => $"reader {client.Number} was given {live.Count()} changes behind {least}, a replay {told.Count()}");
        Coverage.Add("changefeed: replay compared");
    }

    private void Mix(ulong value) => Hash = (Hash ^ value) * 1099511628211;
}
