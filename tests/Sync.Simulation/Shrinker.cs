namespace Sync.Simulation;

/// <summary>Makes a failing history small: takes out kinds of faults, operations and single faults, many at a time and then
/// one by one, as long as the same invariant fails. What is left is run as it stands, so it replays exactly.</summary>
internal sealed class Shrinker(Ending failed, Switches? switches)
{
    private const int RunsMax = 1500;
    private readonly string _invariant = failed.Violation!.Invariant;
    private Ending _best = failed;
    private int _runs;

    public static Ending Shrink(Ending failed, Switches? switches = null) => new Shrinker(failed, switches).Run();

    private Ending Run()
    {
        WithFewerKinds();
        // An operation that is gone may make others needless: until nothing more can be left out.
        for (var before = int.MaxValue; _best.Plan.Steps.Length < before && _runs < RunsMax;)
        {
            before = _best.Plan.Steps.Length;
            WithFewerSteps();
        }
        WithFewerKinds();
        WithFewerStrikes();
        return _best;
    }

    private void WithFewerKinds()
    {
        for (var kind = 1UL; kind <= (ulong)FaultKinds.All; kind <<= 1)
            if (((ulong)_best.Plan.Kinds & kind) != 0)
                Try(_best.Plan with { Kinds = _best.Plan.Kinds & ~(FaultKinds)kind });
    }

    private void WithFewerSteps()
    {
        for (var size = Math.Max(1, _best.Plan.Steps.Length / 2); size >= 1; size /= 2)
            for (var end = _best.Plan.Steps.Length; end > 0; end -= size)
            {
                var from = Math.Max(0, end - size);
                var steps = _best.Plan.Steps;
                if (end <= steps.Length) Try(_best.Plan with { Steps = [.. steps[..from], .. steps[end..]] });
            }
    }

    private void WithFewerStrikes()
    {
        for (var size = Math.Max(1, _best.Strikes / 2); size >= 1; size /= 2)
            for (var from = 0; from < _best.Strikes; from += size)
            {
                var spared = new HashSet<int>(_best.Plan.Spared);
                for (var number = from; number < from + size; number++) spared.Add(number);
                if (spared.Count > _best.Plan.Spared.Count) Try(_best.Plan with { Spared = spared });
            }
    }

    private void Try(Plan smaller)
    {
        if (++_runs > RunsMax) return;
        var ending = History.Run(smaller, switches);
        if (ending.Violation?.Invariant == _invariant) _best = ending;
    }
}
