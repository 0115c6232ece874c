using System.Globalization;
using Sync.ChaosTests.Check;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Schedule;
using Sync.ChaosTests.Topology;
using Xunit;

namespace Sync.ChaosTests;

/// <summary>
/// The short selection that every test run does, once for all tests: the telling faults alone, a few swarms, the full check. Always
/// the same seed, so always the same plan. Its tests say what came of each part.
/// </summary>
public sealed class ChaosSelection : IAsyncLifetime
{
    private const int Seed = 1;
    private static readonly TimeSpan SwarmsTime = TimeSpan.FromSeconds(28);
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    private readonly StringWriter _told = new(CultureInfo.InvariantCulture);
    private readonly RunFolder _run = new(Directory.CreateTempSubdirectory("sync-chaos-").FullName);
    private IReadOnlyList<RoundResult> _results = [];
    private Findings? _final;

    internal static IReadOnlyList<Round> Singles { get; } = Plan.Singles(Seed, Catalogue.Telling, TimeSpan.MaxValue);

    internal static IReadOnlyList<Round> Swarms { get; } = Plan.Swarms(
        Seed, [.. Catalogue.All.Where(fault => fault.Needs == Needs.None && fault.Hold <= TimeSpan.FromSeconds(3))], SwarmsTime,
        Singles.Count + 1);

    /// <summary>Fails unless the round was done and held.</summary>
    internal void RoundShouldHold(int number)
    {
        var result = _results.FirstOrDefault(result => result.Round.Number == number);
        if (result is null) Assert.Fail($"not done, since an earlier round did not hold\n{_told}");
        else if (!result.Findings.Hold) Assert.Fail(Report.Failure(Seed, _results, result.Findings, _run));
    }

    /// <summary>Fails unless the last check, when all was quiet, was done and held.</summary>
    internal IReadOnlyDictionary<string, long> EndShouldHold()
    {
        if (_final is null) Assert.Fail($"not done, since a round did not hold\n{_told}");
        if (!_final.Hold) Assert.Fail(Report.Failure(Seed, _results, _final, _run));
        return _final.Counters;
    }

    /// <summary>The moments that faults waited for and that did not come.</summary>
    internal IReadOnlyList<string> MissedMoments() =>
        [.. File.ReadLines(_run.Faults).Where(line => line.Contains(PointFaults.Missed, StringComparison.Ordinal))];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        await using var stage = await Stage.StartAsync(new WorldOptions { Run = _run, Seed = Seed }, _told, CancellationToken.None);
        var held = await stage.Run.RunAsync(Singles.Concat(Swarms), CancellationToken.None);
        _results = stage.Run.Results;
        if (held) _final = await stage.Run.FinishAsync(QuietTime, CancellationToken.None);
    }

    /// <summary>What held needs no logs.</summary>
    public ValueTask DisposeAsync()
    {
        _told.Dispose();
        if (_final is { Hold: true }) Directory.Delete(_run.Path, recursive: true);
        return ValueTask.CompletedTask;
    }
}
