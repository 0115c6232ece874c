using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>What happens to whole processes, connections and the ledger; and how all of it ends.</summary>
internal sealed partial class World
{
    private static readonly FaultKinds[] OfProcesses =
    [
        FaultKinds.WriterCrash, FaultKinds.WriterPause, FaultKinds.WriterStop, FaultKinds.WriterCut,
            FaultKinds.BrokerRestart,
        FaultKinds.HostCut, FaultKinds.HostRestart, FaultKinds.HostPause, FaultKinds.Churn, FaultKinds.ClockSteps,
            FaultKinds.Restore,
    ];

    // Up to here a restored ledger takes its facts for published: they were, in the history before.
    private readonly Dictionary<FeedId, Position> _published = [];

    private void Disturb()
    {
        var armed = Array.FindAll(OfProcesses, kind => (Plan.Kinds & kind) != 0);
        if (armed.Length == 0) return;
        var kind = Random.Pick(armed);
        var (node, host) = (Random.Below(_nodes.Length), Random.Below(_hosts.Count));
        Trace.Add("fault", (long)kind, node, host);
        switch (kind)
        {
            case FaultKinds.WriterCrash: Crash(node); break;
            case FaultKinds.WriterPause: Pause(_nodes[node]); break;
            case FaultKinds.WriterStop: Stop(node); break;
            case FaultKinds.WriterCut: _nodes[node].Link.Cut(); break;
            case FaultKinds.BrokerRestart: Bus.Restart(); break;
            case FaultKinds.HostCut: _hosts[host].Link.Cut(); break;
            case FaultKinds.HostPause: Pause(_hosts[host]); break;
            case FaultKinds.ClockSteps: Clock.Step += TimeSpan.FromMinutes(Random.From(-60, 60)); break;
            case FaultKinds.Restore when Restores < 2: Restore(); break;
            case FaultKinds.HostRestart:
                _hosts[host].Kill();
                _hosts[host] = new HostDriver(this);
                break;
            case FaultKinds.Churn:
                _hosts[host].Enter(() => _hosts[host].Close(Random.Pick(_hosts[host].Replicas)));
                _hosts[host].Enter(_hosts[host].Open);
                break;
        }
    }

    private void Crash(int node)
    {
        var died = _nodes[node];
        if (died.IsDead) return;
        died.Kill();
        Schedule.After(Random.Between(5, 900), () => Restart(node, died));
    }

    private void Stop(int node)
    {
        var stopped = _nodes[node];
        stopped.Enter(stopped.Stop);
        Schedule.After(Random.Between(300, 900), () =>
        {
            stopped.Kill();
            Restart(node, stopped);
        });
    }

    private void Restart(int node, NodeDriver died)
    {
        if (_nodes[node] == died) _nodes[node] = new NodeDriver(this, died.Options.Owner);
    }

    private void Pause(SimProcess process)
    {
        process.Pause();
        Schedule.After(Random.Between(20, 2500), process.Resume);
    }

    /// <summary>All writers go, an old copy of the ledger comes back under a new history, and writers start
    /// again.</summary>
    private void Restore()
    {
        var (old, copy) = (Ledger.Now, LedgerOf(new HistoryId(Store.Ledger.Info.History.Value + 1)));
        var before = StoreModel.Done(Store.Ledger.StatusAsync());
        Restores++;
        for (var index = 0; index < Plan.Feeds; index++)
        {
            var feed = new FeedId(index);
            Ledger.Poll(feed, 100);
            var facts = old.Facts(feed);
            var cut = new Position(Random.From(facts.Count / 2, facts.Count));
            _published[feed] = before[index].Published < cut ? before[index].Published : cut;
            Writes.Restored(feed, cut, facts);
            Copy(copy, feed, [.. facts.Take((int)cut.Value)], before[index].Epoch);
        }
        Store.Replace(copy);
        for (var index = 0; index < Plan.Feeds; index++) Ledger.Poll(new(index), 100);
        for (var index = 0; index < _nodes.Length; index++)
        {
            var died = _nodes[index];
            died.Kill();
            Restart(index, died);
        }
    }

    private void Copy(MemoryLedgerStore copy, FeedId feed, IReadOnlyList<Fact> facts, LeaseEpoch epoch)
    {
        var heads = new Dictionary<SyncedKey, HeadState>();
        var pending = new List<PendingFact>();
        foreach (var fact in facts)
        {
            var next = new PendingFact(fact, heads.GetValueOrDefault(fact.Key, HeadState.None));
            heads[fact.Key] = new HeadState(fact.Sequence, fact.Position, fact.Id, fact.Op != ChangeOp.Delete,
                next.Origin);
            pending.Add(next);
        }
        FeedState state;
        do state = StoreModel.Done(copy.AcquireAsync(feed, "restore", TimeSpan.FromSeconds(1)))!;
        while (state.Lease.Epoch.Value < epoch.Value);
        if (pending.Count > 0)
        {
            StoreModel.Done(copy.CommitAsync(new FactGroup
            {
                Lease = state.Lease,
                Expected = Position.Start,
                Facts = pending,
                Published = _published[feed],
                LeaseTtl = TimeSpan.FromSeconds(1),
            }));
        }
        // Not given back: whoever comes next waits for the lease to run out, as after a restore of a running database.
    }

    /// <summary>From here on nothing goes wrong: everybody runs, every connection is up, everything arrives.</summary>
    private void Heal()
    {
        _isHealed = true;
        Trace.Add("healed");
        for (var index = 0; index < _nodes.Length; index++)
        {
            var node = _nodes[index];
            if (node.IsDead || node.IsStopped)
            {
                node.Kill();
                Restart(index, node);
            }
            else node.Resume();
        }
        foreach (var host in _hosts) host.Resume();
        Bus.Connect();
    }
}
