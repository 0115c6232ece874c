using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>What happens to whole processes, connections and the ledger; and how all of it ends.</summary>
internal sealed partial class World
{
    // Up to here a restored ledger takes its facts for published: they were, in the history before.
    private readonly Dictionary<FeedId, Position> _published = [];

    private void Disturb(FaultKinds kind, SimRandom random)
    {
        Trace.Add("fault", (long)kind);
        if (kind == FaultKinds.Restore)
        {
            if (Restores < 2) Restore(random);
        }
        else if (kind == FaultKinds.BrokerRestart)
        {
            Bus.Restart();
            Coverage.Add(kind);
        }
        else if (kind >= FaultKinds.HostCut)
        {
            if (AnyHost(random) is { } host) Disturb(kind, host, random);
        }
        else if (AnyNode(random) is { IsDead: false } node) Disturb(kind, node, random);
    }

    private void Disturb(FaultKinds kind, NodeDriver node, SimRandom random)
    {
        Coverage.Add(kind);
        var span = random.Between(20, 2500);
        switch (kind)
        {
            case FaultKinds.WriterCrash: Crash(node, random.Between(5, 900)); break;
            case FaultKinds.WriterPause: Pause(node, span); break;
            case FaultKinds.WriterStop: Stop(node, random.Between(300, 900)); break;
            case FaultKinds.WriterCut: node.Link.Cut(); break;
            case FaultKinds.WriterMute: node.Link.Mute(); break;
            case FaultKinds.StoreMute: For(span, on => node.IsStoreMute = on); break;
            case FaultKinds.StoreDeaf: For(span, on => node.IsStoreDeaf = on); break;
            case FaultKinds.ClientMute: For(span, on => node.IsClientMute = on); break;
            case FaultKinds.ClientDeaf: For(span, on => node.IsClientDeaf = on); break;
            case FaultKinds.ClockSteps: node.ClockStep = TimeSpan.FromMinutes(random.From(-60, 60)); break;
        }
    }

    private void Disturb(FaultKinds kind, HostDriver host, SimRandom random)
    {
        Coverage.Add(kind);
        var span = random.Between(20, 2500);
        switch (kind)
        {
            case FaultKinds.HostCut: host.Link.Cut(); break;
            case FaultKinds.HostDeaf: For(span, on => host.Link.IsDeaf = on); break;
            case FaultKinds.HostMute: For(span, on => host.Link.IsMute = on); break;
            case FaultKinds.HostPause: Pause(host, span); break;
            case FaultKinds.HostSlow: For(span, on => host.IsSlow = on); break;
            case FaultKinds.HostRestart:
                host.Kill();
                _hosts[Array.IndexOf(_hosts, host)] = new HostDriver(this, host.Name + "'");
                break;
            case FaultKinds.Churn:
                host.Enter(() => host.Close(random.Pick(host.Replicas)));
                host.Enter(() => host.Open(random));
                if (random.Chance(30)) host.Enter(() => host.Reopen(random));
                break;
        }
    }

    private void For(TimeSpan span, Action<bool> set)
    {
        if (_isHealed) return;
        set(true);
        Schedule.After(span, () =>
        {
            if (!_isHealed) set(false);
        });
    }

    /// <summary>It dies here and now, and comes back later.</summary>
    public void Crash(NodeDriver died, TimeSpan span)
    {
        if (died.IsDead) return;
        died.Kill();
        Schedule.After(span, () => Restart(died));
    }

    private void Stop(NodeDriver stopped, TimeSpan span)
    {
        stopped.Enter(stopped.Stop);
        Schedule.After(span, () =>
        {
            if (IsSpared(stopped)) return;
            stopped.Kill();
            Restart(stopped);
        });
    }

    private void Restart(NodeDriver died)
    {
        var index = Array.IndexOf(_nodes, died);
        if (index >= 0 && !IsSpared(died)) _nodes[index] = new NodeDriver(this, died.Options.Owner);
    }

    /// <summary>It stands still, and goes on later as if nothing had happened.</summary>
    public void Pause(SimProcess process, TimeSpan span)
    {
        if (process.IsPaused || process.IsDead) return;
        process.Pause();
        if (process is NodeDriver { OwnsAny: true } node && span > Plan.Ledger.LeaseTtl)
            Coverage.Add(node.IsCommitting ? "pause beyond the lease, commit in flight" : "pause beyond the lease");
        Schedule.After(span, () =>
        {
            if (!IsSpared(process)) process.Resume();
        });
    }

    /// <summary>All writers go, an old copy of the ledger comes back under a new history, and writers start
    /// again.</summary>
    private void Restore(SimRandom random)
    {
        var (old, copy) = (Ledger.Now, LedgerOf(new HistoryId(Store.Ledger.Info.History.Value + 1)));
        var before = StoreModel.Done(Store.Ledger.StatusAsync());
        Restores++;
        Coverage.Add(FaultKinds.Restore);
        for (var index = 0; index < Plan.Feeds; index++)
        {
            var feed = new FeedId(index);
            Ledger.Poll(feed, 100);
            var facts = old.Facts(feed);
            var cut = new Position(random.From(facts.Count / 2, facts.Count));
            _published[feed] = before[index].Published < cut ? before[index].Published : cut;
            Writes.Restored(feed, cut, facts);
            Copy(copy, feed, [.. facts.Take((int)cut.Value)], before[index].Epoch);
        }
        _import.Void();
        Store.Replace(copy);
        for (var index = 0; index < Plan.Feeds; index++) Ledger.Poll(new(index), 100);
        foreach (var died in (NodeDriver[])[.. _nodes])
        {
            died.Kill();
            Restart(died);
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

    /// <summary>From here on nothing goes wrong but the handicap: everybody else runs, every other connection is up,
    /// everything arrives.</summary>
    private void Heal()
    {
        _isHealed = true;
        Trace.Add("healed");
        foreach (var node in (NodeDriver[])[.. _nodes])
        {
            if (IsSpared(node)) continue;
            node.Mend();
            if (node.IsDead || node.IsStopped)
            {
                node.Kill();
                Restart(node);
            }
            else node.Resume();
        }
        foreach (var host in _hosts)
            if (!IsSpared(host)) host.Mend();
        Bus.Connect(_handicappedHost);
    }
}
