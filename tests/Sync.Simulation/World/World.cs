using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>START HERE. One history: writer processes, a ledger, a broker, hosts with replicas of keys and of collections,
/// clients; all chance from one seed, all time virtual, all decisions by the production cores. First the faults, then
/// quiet, then the reckoning.</summary>
internal sealed partial class World
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ConvergesWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);
    private readonly ClientDriver _client;
    private readonly ImportDriver _import;
    private readonly NodeDriver[] _nodes;
    private readonly HostDriver[] _hosts;
    private readonly Dictionary<FeedId, NodeDriver> _lastOwners = [];
    private int _stepsLeft;
    private int _strikes;
    private bool _isHealed;

    public World(Plan plan, Ledger.PlantedFaults? ledgerFaults = null, Replication.PlantedFaults? replicaFaults = null,
        Replication.CollectionPlantedFaults? collectionFaults = null, Worlds.ModelFaults? modelFaults = null)
    {
        Plan = plan;
        LedgerFaults = ledgerFaults ?? Sync.Ledger.PlantedFaults.None;
        ReplicaFaults = replicaFaults ?? Replication.PlantedFaults.None;
        ModelFaults = modelFaults ?? Worlds.ModelFaults.None;
        CollectionFaults = collectionFaults ?? Replication.CollectionPlantedFaults.None;
        Schedule = new Schedule(RandomOf("ties"));
        (Clock, Trace) = (new VirtualClock(Schedule), new Trace(Schedule));
        Keys = [.. Enumerable.Range(0, plan.Keys).Select(plan.KeyOf)];
        Store = new StoreModel(this, LedgerOf(new HistoryId(1)));
        (Bus, Ledger, Writes) = (new BusModel(this), new LedgerTruth(this), new WriteTruth(this));
        (_client, _import) = (new ClientDriver(this), new ImportDriver(this));
        Followed = [.. Keys, .. _import.Keys];
        _nodes = new NodeDriver[plan.Writers];
        for (var index = 0; index < _nodes.Length; index++) _nodes[index] = new NodeDriver(this, $"node{index}");
        _hosts = new HostDriver[plan.Hosts];
        for (var index = 0; index < _hosts.Length; index++) _hosts[index] = new HostDriver(this, $"host{index}");
    }

    public Plan Plan { get; }
    public Schedule Schedule { get; }
    public VirtualClock Clock { get; }
    public Trace Trace { get; }
    public Coverage Coverage { get; } = new();
    public SeededIds Ids { get; } = new();
    public StoreModel Store { get; }
    public BusModel Bus { get; }
    public LedgerTruth Ledger { get; }
    public WriteTruth Writes { get; }

    /// <summary>Records that all clients write.</summary>
    public IReadOnlyList<SyncedKey> Keys { get; }

    /// <summary>Records that replicas of keys follow: also those of the import.</summary>
    public IReadOnlyList<SyncedKey> Followed { get; }

    public Ledger.PlantedFaults LedgerFaults { get; }
    public Replication.PlantedFaults ReplicaFaults { get; }
    public Replication.CollectionPlantedFaults CollectionFaults { get; }
    public Worlds.ModelFaults ModelFaults { get; }

    public int Restores { get; private set; }

    /// <summary>Faults that happened at single calls and messages.</summary>
    public int Strikes => _strikes;

    /// <summary>A stream of its own for whoever has this name.</summary>
    public SimRandom RandomOf(string name)
    {
        var seed = Plan.Seed ^ 14695981039346656037;
        foreach (var letter in name) seed = (seed ^ letter) * 1099511628211;
        return new SimRandom(seed);
    }

    /// <summary>True when a fault of this kind is to happen here and now.</summary>
    public bool IsStruck(FaultKinds kind, SimRandom random)
    {
        if (_isHealed || (Plan.Kinds & kind) == 0 || !random.Chance(Plan.Intensity)) return false;
        if (Plan.Spared.Contains(_strikes++)) return false;
        Coverage.Add(kind);
        return true;
    }

    public FeedId FeedOf(SyncedKey key) => Plan.FeedOf(key.Vault);

    /// <summary>Mostly the owner; at times whoever, and best one that was the owner and does not know better: so is a
    /// client's knowledge. That it knows so little is a fault too, and over with the others: else who is handicapped would
    /// now and then be asked for longer than a write may take.</summary>
    public NodeDriver Target(FeedId feed, SimRandom random)
    {
        if (!_isHealed && random.Chance(40))
            foreach (var node in _nodes)
                if (node.IsDeposed(feed)) return node;
        if (random.Chance(85))
            foreach (var node in _nodes)
                if (node.Owns(feed)) return node;
        return random.Pick(_nodes);
    }

    /// <summary>Who gets a request to the writers' queue group: one that is connected, as far as the broker knows. Null: nobody
    /// is.</summary>
    public NodeDriver? Responder(SimRandom random)
    {
        var first = random.Below(_nodes.Length);
        for (var turn = 0; turn < _nodes.Length; turn++)
        {
            var node = _nodes[(first + turn) % _nodes.Length];
            if (!node.IsDead && node.Link.IsUp && node != _handicapped) return node;
        }
        return null;
    }

    /// <summary>Who gets what is forwarded to a feed's owner: one of those that serve it, as far as the broker knows. Null:
    /// nobody does.</summary>
    public NodeDriver? Server(FeedId feed, SimRandom random)
    {
        var first = random.Below(_nodes.Length);
        for (var turn = 0; turn < _nodes.Length; turn++)
        {
            var node = _nodes[(first + turn) % _nodes.Length];
            if (node.Serves(feed) && node != _handicapped) return node;
        }
        return null;
    }

    public void TakenOver(FeedId feed, NodeDriver by)
    {
        if (_lastOwners.TryGetValue(feed, out var last) && last != by)
            Coverage.Add(last.IsPaused ? "take-over from a paused writer" : last.IsDead ? "take-over from a dead writer"
                : "take-over");
        _lastOwners[feed] = by;
    }

    /// <summary>Runs the history.</summary>
    /// <exception cref="Violation">An invariant does not hold.</exception>
    public void Run()
    {
        _stepsLeft = Plan.Steps.Length;
        foreach (var step in Plan.Steps) Schedule.At(step.At, () => Take(step));
        if (Plan.Handicap != Handicap.None) Schedule.At(HandicapAt(), Handicapped);
        while (_stepsLeft > 0) Schedule.RunUntil(Schedule.Now + Tick);
        Heal();
        Await(IsReady, ReadyWithin, Invariants.Answered, "a write is open, or a feed has no owner");
        Trace.Add("ready");
        if (Plan.Handicap != Handicap.None) Progress();
        Schedule.RunUntil(Schedule.Now + ConvergesWithin);
        Reckon();
    }

    private void Take(PlannedStep step)
    {
        _stepsLeft--;
        var random = new SimRandom(step.Seed);
        switch (step.Kind)
        {
            case StepKind.Write: _client.Write(random); break;
            case StepKind.Append: _client.Append(random); break;
            case StepKind.Lines: _import.Add(random); break;
            case StepKind.Fault: Disturb(step.Fault, random); break;
        }
        if (random.Chance(10)) Ledger.Poll(new(random.Below(Plan.Feeds)), random.From(1, 5));
    }

    private void Await(Func<bool> isSo, TimeSpan within, string invariant, string what)
    {
        var until = Schedule.Now + within;
        while (!isSo())
        {
            if (Schedule.Now >= until) throw new Violation(invariant, $"{within} after the faults {what}");
            Schedule.RunUntil(Schedule.Now + Tick);
        }
    }

    private bool IsReady() => Writes.Unsettled == 0 && _import.IsIdle && IsOwned();

    private bool IsOwned()
    {
        for (var index = 0; index < Plan.Feeds; index++)
            if (!Array.Exists(_nodes, node => node.Owns(new(index)))) return false;
        return true;
    }

    private void Reckon()
    {
        Ledger.PollFromStart();
        Writes.CheckAtRest();
        _import.CheckAtRest();
        for (var index = 0; index < Plan.Feeds; index++)
        {
            var feed = new FeedId(index);
            var (next, last) = (_published.GetValueOrDefault(feed).Next, Ledger.Now.Position(feed));
            for (var position = next; position <= last; position = position.Next)
                if (!Ledger.Now.Published.Contains((feed, position)))
                    throw new Violation(Invariants.Published, $"the broker never got position {position} of feed {feed}");
        }
        foreach (var host in _hosts) host.Reckon(isWhole: host != _handicappedHost);
    }

    private MemoryLedgerStore LedgerOf(HistoryId history) => new(Clock, new MemoryLedgerOptions
    {
        Feeds = Plan.Feeds,
        History = history,
        Overrides = Plan.Vaults.ToDictionary(vault => vault, Plan.FeedOf, StringComparer.Ordinal),
    }, LedgerFaults);
}
