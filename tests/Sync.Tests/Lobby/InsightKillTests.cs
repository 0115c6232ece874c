using Shouldly;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Lobby;

/// <summary>R7 across kills: a process that follows a load is ended before each of its calls in turn; after the next one has
/// settled, every summary is the fold of everything. And a cursor kept apart from the summaries is found out.</summary>
public sealed class InsightKillTests
{
    private const int Calls = 60;

    [Fact]
    public async Task Killed_before_any_of_its_calls_it_leaves_nothing_wrong_that_the_next_start_does_not_put_right()
    {
        for (var call = 1; call <= Calls; call++)
        {
            var ledger = await RunAsync(call, null);
            InsightRunnerTests.ShownOf(ledger).ShouldBe(InsightRunnerTests.OracleOf(ledger), $"killed before call {call}");
        }
    }

    [Fact]
    public async Task The_planted_fault_of_a_cursor_that_is_saved_apart_and_first_is_found()
    {
        var wrong = 0;
        for (var call = 1; call <= Calls; call++)
        {
            var ledger = await RunAsync(call, new PlantedFaults { CursorsApart = new Dictionary<FeedId, FeedPosition>() });
            if (InsightRunnerTests.ShownOf(ledger) != InsightRunnerTests.OracleOf(ledger)) wrong++;
        }
        wrong.ShouldBeGreaterThan(0);
    }

    private static async Task<ModelLedger> RunAsync(int killBefore, PlantedFaults? faults)
    {
        var (ledger, time) = (new ModelLedger(), new ManualTimeProvider());
        for (var number = 0; number < 10; number++) ledger.Put($"g--{number % 4}", $"k{number}", """{"n":1}""");
        var (calls, killed) = (0, new TaskCompletionSource());
        using (var dead = new CancellationTokenSource())
        {
            ledger.Before = async call =>
            {
                if (killed.Task.IsCompleted || Interlocked.Increment(ref calls) >= killBefore)
                {
                    // A dead process makes no further call, and gets no answer.
                    killed.TrySetResult();
                    await new TaskCompletionSource().Task.WaitAsync(dead.Token);
                }
                // The load goes on between the calls.
                if (calls is > 8 and < 40 && call != "write") ledger.Put($"g--{calls % 5}", $"k{calls % 13}", $$"""{"n":{{calls}}}""");
            };
            var first = Group(ledger, time);
            await using (first.Follow(new PolledChangefeed(ledger, TimeSpan.FromMilliseconds(50), time), faults: faults))
            {
                using var most = new CancellationTokenSource(TimeSpan.FromSeconds(20));
                while (!killed.Task.IsCompleted)
                {
                    most.Token.ThrowIfCancellationRequested();
                    time.Advance(TimeSpan.FromMilliseconds(50));
                    await Task.Yield();
                }
                await dead.CancelAsync();
            }
        }
        ledger.Before = _ => Task.CompletedTask;
        var next = Group(ledger, time);
        await using (next.Follow(new PolledChangefeed(ledger, TimeSpan.FromMilliseconds(50), time), faults: faults))
            await InsightRunnerTests.SettleAsync(next, time);
        return ledger;
    }

    private static InsightGroup Group(ModelLedger ledger, ManualTimeProvider time) =>
        new InsightGroup("g", ledger, ledger, InsightRunnerTests.Patient, time).WithCrossVaultDerivation(
            SampleDerivations.Make("counts", null, "live", "item", ("insight", "live"), true));
}
