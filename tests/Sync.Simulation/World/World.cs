using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>START HERE. One history: two writer processes, a ledger, a broker, hosts with replicas, a client; all
/// chance from one seed, all time virtual, all decisions by the production cores. First the faults, then quiet, then
/// the reckoning.</summary>
internal sealed partial class World
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ConvergesWithin = TimeSpan.FromSeconds(5);
    private readonly ClientDriver _client;
    private readonly NodeDriver[] _nodes = new NodeDriver[2];
    private readonly List<HostDriver> _hosts = [];
    private readonly Dictionary<FeedId, NodeDriver> _lastOwners = [];
    private int _operations;
    private bool _isHealed;

    public World(Plan plan, Ledger.PlantedFaults? ledgerFaults = null, Replication.PlantedFaults? replicaFaults = null)
    {
        (Plan, Random) = (plan, new SimRandom(plan.Seed ^ 0xD1CE));
        LedgerFaults = ledgerFaults ?? Sync.Ledger.PlantedFaults.None;
        ReplicaFaults = replicaFaults ?? Replication.PlantedFaults.None;
        Schedule = new Schedule(Random);
        (Clock, Trace) = (new VirtualClock(Schedule), new Trace(Schedule));
        Keys = [.. Enumerable.Range(0, plan.Keys).Select(plan.KeyOf)];
        Store = new StoreModel(this, LedgerOf(new HistoryId(1)));
        (Bus, Ledger, Writes) = (new BusModel(this), new LedgerTruth(this), new WriteTruth(this));
        _client = new ClientDriver(this);
        for (var index = 0; index < _nodes.Length; index++) _nodes[index] = new NodeDriver(this, $"node{index}");
        for (var index = 0; index < plan.Hosts; index++) _hosts.Add(new HostDriver(this));
    }

    public Plan Plan { get; }
    public SimRandom Random { get; }
    public Schedule Schedule { get; }
    public VirtualClock Clock { get; }
    public Trace Trace { get; }
    public Coverage Coverage { get; } = new();
    public SeededIds Ids { get; } = new();
    public StoreModel Store { get; }
    public BusModel Bus { get; }
    public LedgerTruth Ledger { get; }
    public WriteTruth Writes { get; }
    public IReadOnlyList<SyncedKey> Keys { get; }
    public Sync.Ledger.PlantedFaults LedgerFaults { get; }
    public Replication.PlantedFaults ReplicaFaults { get; }
    public int Restores { get; private set; }

    /// <summary>True when a fault of this kind is to happen here and now.</summary>
    public bool Strikes(FaultKinds kind) => !_isHealed && (Plan.Kinds & kind) != 0 && Random.Chance(Plan.Intensity);

    public FeedId FeedOf(SyncedKey key) => new(key.Vault == "acme" ? 0 : 1);

    /// <summary>Mostly the owner; at times whoever: a client's knowledge is old.</summary>
    public NodeDriver Target(FeedId feed)
    {
        var owner = Random.Chance(85) ? Array.Find(_nodes, node => node.Owns(feed)) : null;
        return owner ?? Random.Pick(_nodes);
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
        Operate();
        while (_operations < Plan.Operations) Schedule.RunUntil(Schedule.Now + TimeSpan.FromMilliseconds(20));
        Heal();
        var until = Schedule.Now + ReadyWithin;
        while (!IsReady())
        {
            Violation.Unless(Schedule.Now < until, Invariants.Answered,
                () => $"{ReadyWithin} after the faults {Writes.Unsettled} writes are open, or a feed has no owner");
            Schedule.RunUntil(Schedule.Now + TimeSpan.FromMilliseconds(20));
        }
        Trace.Add("ready");
        Schedule.RunUntil(Schedule.Now + ConvergesWithin);
        Reckon();
    }

    private void Operate()
    {
        if (_operations == Plan.Operations) return;
        _operations++;
        _client.Begin();
        if (Random.Chance(Plan.Intensity)) Disturb();
        if (Random.Chance(10)) Ledger.Poll(new(Random.Below(Plan.Feeds)), Random.From(1, 5));
        // Bursts make groups and gaps; pauses make beats and lost tails.
        Schedule.After(Random.Chance(50) ? Random.Between(0, 2) : Random.Chance(90) ? Random.Between(2, 50)
            : Random.Between(50, 600), Operate);
    }

    private bool IsReady()
    {
        if (Writes.Unsettled > 0) return false;
        for (var index = 0; index < Plan.Feeds; index++)
            if (!Array.Exists(_nodes, node => node.Owns(new(index)))) return false;
        return true;
    }

    private void Reckon()
    {
        Ledger.PollFromStart();
        Writes.CheckAtRest();
        for (var index = 0; index < Plan.Feeds; index++)
        {
            var feed = new FeedId(index);
            var (next, last) = (_published.GetValueOrDefault(feed).Next, Ledger.Now.Position(feed));
            for (var position = next; position <= last; position = position.Next)
                Violation.Unless(Ledger.Now.Published.Contains((feed, position)), Invariants.Published,
                    () => $"the broker never got position {position} of feed {feed}");
        }
        foreach (var host in _hosts)
            foreach (var replica in host.Replicas)
            {
                replica.CheckAtRest();
                host.Count(replica);
            }
    }

    private MemoryLedgerStore LedgerOf(HistoryId history) => new(Clock, new MemoryLedgerOptions
    {
        Feeds = Plan.Feeds,
        History = history,
        Overrides = new Dictionary<string, FeedId>(StringComparer.Ordinal)
        {
            ["acme"] = new(0),
            ["beta"] = new(Plan.Feeds - 1),
        },
    }, LedgerFaults);
}
