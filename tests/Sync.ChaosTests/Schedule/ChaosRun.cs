using Sync.ChaosTests.Check;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Schedule;

/// <summary>Does rounds to a world, one after the other, and checks after each. The first that does not hold is the last.</summary>
internal sealed class ChaosRun(World world, FaultLog log, Checker checker, MachinePace pace, int seed, TextWriter output)
{
    /// <summary>Longest time until every process answers again, lease and restarts included.</summary>
    private static readonly TimeSpan ReadyMax = TimeSpan.FromSeconds(30);

    private static readonly IReadOnlyDictionary<string, long> NoCounters = new Dictionary<string, long>(StringComparer.Ordinal);

    private readonly List<RoundResult> _results = [];

    public IReadOnlyList<RoundResult> Results => _results;

    /// <summary>Runs these rounds; false when one did not hold.</summary>
    public async Task<bool> RunAsync(IEnumerable<Round> rounds, CancellationToken cancellation)
    {
        foreach (var round in rounds)
        {
            var result = await RoundAsync(round, cancellation);
            _results.Add(result);
            await output.WriteLineAsync(Report.Line(result));
            if (!result.Findings.Hold) return false;
        }
        return true;
    }

    /// <summary>The full check of the end, when all is quiet: the load has ended and replicas must equal the heads.</summary>
    public async Task<Findings> FinishAsync(TimeSpan quiet, CancellationToken cancellation)
    {
        await world.Crew.StopLoadAsync();
        await world.ReadyAsync(ReadyMax, cancellation);
        log.Ready(0);
        await Pauses.ForAsync(quiet, cancellation);
        var findings = await checker.CheckAsync(TimeSpan.FromSeconds(5) * pace.Allowance, isFinal: true, cancellation: cancellation);
        await world.Crew.StopAsync();
        return findings;
    }

    private async Task<RoundResult> RoundAsync(Round round, CancellationToken cancellation)
    {
        var ready = ReadyMax;
        try
        {
            await Task.WhenAll(round.Faults.Select((planned, place) => FaultAsync(round, place, planned, cancellation)));
            ready = await world.ReadyAsync(ReadyMax * pace.Allowance, cancellation);
            log.Ready(round.Number);
            await world.Crew.ShouldLiveAsync();
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // A process that ended by itself or did not come back, or a fault that could not be done: broken as well.
            return new RoundResult(round, ready, new Findings([new Finding("run", error.ToString(), [])], null, NoCounters), 1);
        }
        var allowance = pace.Allowance;
        var findings = await checker.CheckAsync(round.ConvergeWithin * allowance, cancellation: cancellation);
        return new RoundResult(round, ready, findings, allowance);
    }

    // Healed in any case, also when the run is being ended: a process left stopped would not end.
    private async Task FaultAsync(Round round, int place, Planned planned, CancellationToken cancellation)
    {
        var fault = planned.Fault;
        await Pauses.ForAsync(planned.After, cancellation);
        var harm = new Harm(
            new Random(seed + (round.Number * 16) + place), note => log.Noted(round.Number, fault, note), cancellation);
        log.Injected(round.Number, fault);
        try
        {
            await fault.Inject(world, harm);
            await Pauses.ForAsync(planned.Hold, cancellation);
        }
        finally
        {
            await fault.Heal(world, CancellationToken.None);
            log.Healed(round.Number, fault);
        }
    }
}
