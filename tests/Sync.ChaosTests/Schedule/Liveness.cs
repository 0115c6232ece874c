using System.Globalization;
using Sync.ChaosTests.Check;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Schedule;

/// <summary>
/// Phase C: some never come back, and everyone else must neither stop nor become slow. One replica host hears nothing from the
/// broker any more, one subscriber and one stream never read, and a flood of large writes fills their buffers.
/// </summary>
internal sealed class Liveness(World world, FaultLog log, Checker checker, MachinePace pace, TextWriter output)
{
    /// <summary>Slower than this, and than twice the quiet time, is too slow. On two shared cores less is noise.</summary>
    private static readonly TimeSpan SlowFloor = TimeSpan.FromMilliseconds(150);

    /// <summary>The load takes a while to start: so many windows are given to see it at work.</summary>
    private const int QuietWindowsMax = 6;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    /// <summary>How the two that hear nothing are called: the host, and the replicas behind the same faults.</summary>
    private HashSet<string> CutOff => new(StringComparer.Ordinal) { world.Replicas[1].Url.ToString(), "replica-1", "sse-1" };

    /// <summary>What is broken; empty = all others went on.</summary>
    /// <param name="time">How long, in windows of 10 s; the first with writes is the quiet one to compare with.</param>
    /// <param name="round">Its number in the log of faults.</param>
    /// <param name="cancellation">Ends it early.</param>
    public async Task<Findings> RunAsync(TimeSpan time, int round, CancellationToken cancellation)
    {
        var quiet = await WindowAsync(round, cancellation);
        for (var more = 1; more < QuietWindowsMax && quiet is { Findings.Hold: true, P99: null }; more++)
            quiet = await WindowAsync(round, cancellation);
        if (!quiet.Findings.Hold) return quiet.Findings;
        if (quiet.P99 is not { } calm)
            return quiet.Findings with { Broken = [new Finding("vacuous", "the load never came up to compare with", [])] };
        var fault = new Fault("never-heals", "replica-2-broker") { Inject = (_, _) => Task.CompletedTask, Heal = (_, _) => Task.CompletedTask };
        using var deaf = new DeafClients();
        await using var flood = new Flood(world.Writers[0].Url);
        log.Injected(round, fault);
        world.Links.ReplicaNats.ToClient.Stall();
        try
        {
            await deaf.SubscribeAsync(world.Nats.Port);
            await deaf.StreamAsync(new Uri(world.Replicas[0].Url, $"/v1/stream?group={Load.Group}"));
            for (var left = time - Window; left > TimeSpan.Zero; left -= Window)
            {
                var window = await WindowAsync(round, cancellation);
                var broken = window.Findings.Hold ? TooSlow(calm, window.P99) : window.Findings.Broken;
                if (broken.Count > 0) return window.Findings with { Broken = broken };
            }
        }
        finally
        {
            world.Links.ReplicaNats.Heal();
            log.Healed(round, fault);
        }
        var after = await WindowAsync(round, cancellation, isHealed: true);
        var vacuous = Vacuous(flood);
        return after.Findings.Hold && vacuous.Count > 0 ? after.Findings with { Broken = vacuous } : after.Findings;
    }

    private async Task<(Findings Findings, TimeSpan? P99)> WindowAsync(int round, CancellationToken cancellation, bool isHealed = false)
    {
        var from = MachineClock.Now;
        if (!isHealed) await Pauses.ForAsync(Window, cancellation);
        log.Ready(round);
        var p99 = isHealed ? null : checker.P99(from, MachineClock.Now);
        var findings = await checker.CheckAsync(TimeSpan.FromSeconds(5) * pace.Allowance, isHealed ? null : CutOff, cancellation: cancellation);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"C: {(isHealed ? "healed" : "window")}: {(findings.Hold ? "held" : "BROKEN")}, p99 of writes {p99?.TotalMilliseconds:0} ms, "
            + $"converged after {findings.Convergence?.TotalSeconds:0.00} s"));
        return (findings, p99);
    }

    private List<Finding> TooSlow(TimeSpan calm, TimeSpan? p99) =>
        p99 is null ? [new Finding("liveness", "writes no longer go on", [])]
        : p99 > SlowFloor * pace.Allowance && p99 > 2 * calm ? [new Finding("R12", "writes became slow because others do not read", [$"p99 {p99}, quiet {calm}"])]
        : [];

    // What did not happen was not tested.
    private List<Finding> Vacuous(Flood flood)
    {
        var vacuous = new List<Finding>();
        if (flood.Taken < 100) vacuous.Add(new Finding("vacuous", $"the flood had {flood.Taken} writes only", []));
        if (!world.Nats.Log.Contains("Slow Consumer", StringComparison.Ordinal))
            vacuous.Add(new Finding("vacuous", "the broker never met a subscriber that does not read", []));
        return vacuous;
    }
}
