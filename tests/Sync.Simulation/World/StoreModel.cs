using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>The way to the ledger: a call takes time there and back, may fail or get lost on either way, and goes on when
/// its caller has died. The ledger itself is the production one in memory.</summary>
internal sealed class StoreModel(World world, MemoryLedgerStore ledger)
{
    public MemoryLedgerStore Ledger { get; private set; } = ledger;

    /// <summary>The ledger's members complete at once; anything else would be a wait that virtual time does not
    /// know.</summary>
    public static T Done<T>(ValueTask<T> call)
    {
        if (!call.IsCompleted) throw new InvalidOperationException("The ledger in memory did not complete at once.");
#pragma warning disable VSTHRD002 // complete already: nothing is waited for
        return call.GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
    }

    public void Replace(MemoryLedgerStore ledger) => Ledger = ledger;

    public void Call<T>(NodeDriver caller, Func<ILedgerStore, ValueTask<T>> ask, Action<T> answered, Action failed)
    {
        var ledger = Ledger;
        world.Schedule.After(Latency(caller), () =>
        {
            if (caller.IsStoreMute)
            {
                caller.After(Timeout(caller), failed);
                return;
            }
            if (world.IsStruck(FaultKinds.StoreErrors, caller.Random))
            {
                caller.After(Latency(caller), failed);
                return;
            }
            var result = Done(ask(ledger));
            if (caller.IsStoreDeaf) caller.After(Timeout(caller), failed);
            else caller.After(Latency(caller), () => answered(result));
        });
    }

    public void Commit(NodeDriver caller, FactGroup group, Action<CommitOutcome> answered)
    {
        var (ledger, random) = (Ledger, caller.Random);
        if (world.IsStruck(FaultKinds.CommitCrash, random)) Later(() => world.Crash(caller, random.Between(5, 900)));
        if (world.IsStruck(FaultKinds.CommitPause, random))
            Later(() => world.Pause(caller, caller.Options.LeaseTtl * (1.1 + (2 * random.Unit()))));
        world.Schedule.After(Latency(caller), () =>
        {
            if (caller.IsDead) world.Coverage.Add("process killed with a commit in flight");
            if (caller.IsStoreMute) Lose(null, Timeout(caller));
            else if (HasPoison(group)) Answer(new CommitOutcome.DataError("poison"));
            else if (world.IsStruck(FaultKinds.CommitFailed, random)) Answer(new CommitOutcome.Failed("no connection"));
            else if (world.IsStruck(FaultKinds.CommitUnknownDone, random)) Lose(Apply(ledger, group), Latency(caller));
            else if (world.IsStruck(FaultKinds.CommitUnknownNotDone, random)) Lose(null, Latency(caller));
            else if (world.IsStruck(FaultKinds.Straggler, random)) Straggle();
            else if (caller.IsStoreDeaf) Lose(Apply(ledger, group), Timeout(caller));
            else Answer(Apply(ledger, group));
        });

        // While the call is on its way there, or back.
        void Later(Action act) => world.Schedule.After(random.Between(0, 3), act);

        void Answer(CommitOutcome outcome) => caller.After(Latency(caller), () => answered(outcome));

        void Lose(CommitOutcome? outcome, TimeSpan noticed)
        {
            world.Coverage.Add(outcome is CommitOutcome.Committed
                ? "unknown outcome, committed" : "unknown outcome, not committed");
            caller.After(noticed, () => answered(new CommitOutcome.Unknown("the connection was lost")));
        }

        // The statement is still on its way when its connection is given up: only the fence keeps it out later.
        void Straggle()
        {
            Answer(new CommitOutcome.Unknown("the connection was lost"));
            world.Schedule.After(random.Between(1, 300), () =>
            {
                if (Apply(ledger, group) is CommitOutcome.Fenced) world.Coverage.Add("straggler refused");
            });
        }
    }

    private CommitOutcome Apply(MemoryLedgerStore ledger, FactGroup group)
    {
        var epoch = Done(ledger.StatusAsync())[group.Lease.Feed.Value].Epoch;
        var outcome = Done(ledger.CommitAsync(group));
        world.Trace.Add("commit", group.Expected.Value, group.Facts.Count, outcome is CommitOutcome.Committed ? 1 : 0);
        if (outcome is CommitOutcome.Committed && epoch != group.Lease.Epoch)
            throw new Violation(Invariants.Fenced,
                $"epoch {group.Lease.Epoch} committed behind {group.Expected}; the lease has epoch {epoch}");
        if (outcome is CommitOutcome.Fenced) world.Coverage.Add("fenced commit");
        if (ledger == Ledger) world.Ledger.Poll(group.Lease.Feed, 1 + (group.Facts.Count / 2));
        return outcome;
    }

    private static bool HasPoison(FactGroup group)
    {
        foreach (var pending in group.Facts)
            if (SimValue.Is(pending.Fact.Value, SimValue.Poison)) return true;
        return false;
    }

    private TimeSpan Latency(NodeDriver caller) => world.IsStruck(FaultKinds.StoreSlow, caller.Random)
        ? caller.Random.Between(5, 250) : caller.Random.Between(0.1, 2);

    // A connection that nothing comes back on is given up after a while.
    private static TimeSpan Timeout(NodeDriver caller) => caller.Random.Between(100, 800);
}
