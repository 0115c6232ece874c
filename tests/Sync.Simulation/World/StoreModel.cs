using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>The way to the ledger: a call takes time there and back, may fail on either way, and goes on when its
/// caller has died. The ledger itself is the production one in memory.</summary>
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

    public void Call<T>(SimProcess caller, Func<ILedgerStore, ValueTask<T>> ask, Action<T> answered, Action failed)
    {
        var ledger = Ledger;
        world.Schedule.After(Latency(), () =>
        {
            if (world.Strikes(FaultKinds.StoreErrors))
            {
                caller.After(Latency(), failed);
                return;
            }
            var result = Done(ask(ledger));
            caller.After(Latency(), () => answered(result));
        });
    }

    public void Commit(SimProcess caller, FactGroup group, Action<CommitOutcome> answered)
    {
        var ledger = Ledger;
        world.Schedule.After(Latency(), () =>
        {
            if (caller.IsDead) world.Coverage.Add("process killed with a commit in flight");
            if (HasPoison(group)) Answer(new CommitOutcome.DataError("poison"));
            else if (world.Strikes(FaultKinds.CommitFailed)) Answer(new CommitOutcome.Failed("no connection"));
            else if (world.Strikes(FaultKinds.CommitUnknownDone)) Lose(Apply(ledger, group));
            else if (world.Strikes(FaultKinds.CommitUnknownNotDone)) Lose(null);
            else if (world.Strikes(FaultKinds.Straggler)) Straggle();
            else Answer(Apply(ledger, group));
        });

        void Answer(CommitOutcome outcome) => caller.After(Latency(), () => answered(outcome));

        void Lose(CommitOutcome? outcome)
        {
            world.Coverage.Add(outcome is CommitOutcome.Committed
                ? "unknown outcome, committed" : "unknown outcome, not committed");
            Answer(new CommitOutcome.Unknown("the connection was lost"));
        }

        // The statement is still on its way when its connection is given up: only the fence keeps it out later.
        void Straggle()
        {
            Answer(new CommitOutcome.Unknown("the connection was lost"));
            world.Schedule.After(world.Random.Between(1, 300), () =>
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
        Violation.Unless(outcome is not CommitOutcome.Committed || epoch == group.Lease.Epoch, Invariants.Fenced,
            () => $"epoch {group.Lease.Epoch} committed behind {group.Expected}; the lease has epoch {epoch}");
        if (outcome is CommitOutcome.Fenced) world.Coverage.Add("fenced commit");
        if (ledger == Ledger) world.Ledger.Poll(group.Lease.Feed, world.Random.From(1, 4));
        return outcome;
    }

    private static bool HasPoison(FactGroup group)
    {
        foreach (var pending in group.Facts)
            if (SimValue.Is(pending.Fact.Value, SimValue.Poison)) return true;
        return false;
    }

    private TimeSpan Latency() => world.Strikes(FaultKinds.StoreSlow)
        ? world.Random.Between(5, 250) : world.Random.Between(0.1, 2);
}
