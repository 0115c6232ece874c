using System.Globalization;

namespace Sync.ChaosTests.Schedule;

/// <summary>What the command line of <c>run</c> says.</summary>
internal sealed record RunOptions
{
    public const string Help = """
        run: does faults to a whole system of real processes, under load, and checks the invariants after each round.

          --minutes N   how long, 2..600 (default 10)
          --seed N      which plan (default: drawn; it is printed)
          --phase X     only A (single faults), B (swarms), C (some never heal) or D (disk full, old copy restored);
                        several: --phase AB (default ABCD)
          --fault TEXT  only faults whose name contains this, in A and B
          --without TEXT  none whose name contains this: without clock-step nothing runs under libfaketime, which
                        takes most of two cores, so the times are those of the machine
          --logs DIR    where to keep the logs (default: a new folder in the temp folder, removed when all held)
          --list        shows all faults and ends
          --help        shows this and ends

        Ends with 0 when all held, 1 when something is broken (seed, rounds and offending facts are printed, logs kept),
        2 when the machine lacks something (it is named), 130 after Ctrl-C.
        """;

    public int Seed { get; init; }

    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(10);

    public string Phases { get; init; } = "ABCD";

    /// <summary>Part of a fault's name; empty = all.</summary>
    public string Fault { get; init; } = "";

    /// <summary>Part of the name of faults that are left out; empty = none are.</summary>
    public string Without { get; init; } = "";

    /// <summary>Null = a temporary folder.</summary>
    public string? Logs { get; init; }

    public bool IsList { get; init; }

    public bool IsHelp { get; init; }

    /// <exception cref="FormatException">An argument is unknown or out of range; says what would be right.</exception>
    public static RunOptions Parse(IReadOnlyList<string> arguments, int drawnSeed)
    {
        var options = new RunOptions { Seed = drawnSeed };
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--help" or "-h" => options with { IsHelp = true },
                "--list" => options with { IsList = true },
                "--seed" => options with { Seed = Number(name, Value(ref i), 0, int.MaxValue) },
                "--minutes" => options with { Time = TimeSpan.FromMinutes(Number(name, Value(ref i), 2, 600)) },
                "--phase" => options with { Phases = Phase(Value(ref i)) },
                "--fault" => options with { Fault = Value(ref i) },
                "--without" => options with { Without = Value(ref i) },
                "--logs" => options with { Logs = Value(ref i) },
                _ => throw new FormatException($"{name} is no option; see --help"),
            };
        }
        return options;

        string Value(ref int i) =>
            ++i < arguments.Count ? arguments[i] : throw new FormatException($"{arguments[i - 1]} has no value; see --help");
    }

    private static int Number(string name, string text, int min, int max) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new FormatException($"{name} is {text}; must be {min}..{max}");

    private static string Phase(string text) =>
        text.Length > 0 && text.All(phase => "ABCD".Contains(phase, StringComparison.Ordinal))
            ? text
            : throw new FormatException($"--phase is {text}; must be of A, B, C and D");
}
