using System.Globalization;
using System.Text;

namespace Sync.Simulation;

/// <summary>The text that names one history exactly: its seed, which of its steps are left, which kinds of faults, and which
/// single faults do not happen. <c>seed/steps=0-12,15/kinds=1F/spared=3,7</c>; what is left out is as the seed says.</summary>
internal static class Replay
{
    public const string Variable = "SYNC_SIM_REPLAY";
    public const string Command = "dotnet tests/Sync.Simulation/bin/Release/net10.0/Sync.Simulation.dll "
        + "-method '*A_replayed_history_ends_as_it_did'";

    public static string TextOf(Plan plan)
    {
        var whole = Plan.Of(plan.Seed);
        var text = new StringBuilder(plan.Seed.ToString(CultureInfo.InvariantCulture));
        if (plan.Steps.Length != whole.Steps.Length)
            text.Append("/steps=").Append(Runs(plan.Steps.Select(step => step.Index)));
        if (plan.Kinds != whole.Kinds)
            text.Append("/kinds=").Append(((ulong)plan.Kinds).ToString("X", CultureInfo.InvariantCulture));
        if (plan.Spared.Count > 0) text.Append("/spared=").Append(Runs(plan.Spared.Order()));
        return text.ToString();
    }

    /// <summary>The plan that a text names.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static Plan PlanOf(string text)
    {
        var parts = text.Trim().Split('/');
        var plan = Plan.Of(ulong.Parse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture));
        foreach (var part in parts.Skip(1))
        {
            var (name, value) = part.Split('=') is [var left, var right] ? (left, right)
                : throw new FormatException($"'{part}' is no part of a history");
            plan = name switch
            {
                "steps" => plan with { Steps = Chosen(plan.Steps, Numbers(value)) },
                "kinds" => plan with { Kinds = (FaultKinds)ulong.Parse(value, NumberStyles.HexNumber, CultureInfo.InvariantCulture) },
                "spared" => plan with { Spared = Numbers(value) },
                _ => throw new FormatException($"'{name}' is no part of a history"),
            };
        }
        return plan;
    }

    private static PlannedStep[] Chosen(PlannedStep[] steps, HashSet<int> numbers) =>
        Array.FindAll(steps, step => numbers.Contains(step.Index));

    private static string Runs(IEnumerable<int> numbers)
    {
        var text = new StringBuilder();
        int? first = null;
        var last = 0;
        foreach (var number in numbers)
        {
            if (first is not null && number == last + 1)
            {
                last = number;
                continue;
            }
            if (first is { } begun) Append(begun);
            (first, last) = (number, number);
        }
        if (first is { } open) Append(open);
        return text.ToString();

        void Append(int from)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{from}");
            if (last > from) text.Append(CultureInfo.InvariantCulture, $"-{last}");
        }
    }

    private static HashSet<int> Numbers(string text)
    {
        var numbers = new HashSet<int>();
        foreach (var run in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = run.Split('-');
            var from = int.Parse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture);
            var to = int.Parse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture);
            for (var number = from; number <= to; number++) numbers.Add(number);
        }
        return numbers;
    }
}
