using System.Globalization;

namespace Sync.HostileTests.Run;

/// <summary>What to run, from the command line or the environment.</summary>
internal sealed record Options
{
    public const long InputsDefault = 10_000_000;
    public const int SeedDefault = 20_260_101;

    public const string Help = """
        Sync.HostileTests: hostile inputs against every decoder.

          --inputs N     inputs in total, shared out by weight (default 10,000,000; environment SYNC_HOSTILE_INPUTS)
          --seed S       seed of all randomness (default 20260101; environment SYNC_HOSTILE_SEED)
          --target T     this target only
          --slice K      with --target: one slice of 20,000 inputs again
          --input HEX    with --target: one input, and what is said of it
          --grow         add what reached new answers to tests/Sync.HostileTests/corpus/
          --list         the targets
          --help         this

        With none of these it is a test runner: -class NAME, -noColor and so on.
        Exit code 1 = a finding; its report says how to see it again and how to keep it.
        """;

    public long Inputs { get; init; } = InputsDefault;

    public int Seed { get; init; } = SeedDefault;

    public string? Target { get; init; }

    public int? Slice { get; init; }

    public byte[]? Input { get; init; }

    public bool Grow { get; init; }

    /// <summary>As the environment says.</summary>
    public static Options FromEnvironment() => new()
    {
        Inputs = long.Parse(Environment.GetEnvironmentVariable("SYNC_HOSTILE_INPUTS") ?? $"{InputsDefault}", CultureInfo.InvariantCulture),
        Seed = int.Parse(Environment.GetEnvironmentVariable("SYNC_HOSTILE_SEED") ?? $"{SeedDefault}", CultureInfo.InvariantCulture),
    };

    /// <summary>As the command line says; null when it is for the test runner.</summary>
    /// <exception cref="FormatException">A number cannot be read.</exception>
    public static Options? Of(string[] args)
    {
        if (args.Length == 0 || args[0] is not ("--inputs" or "--seed" or "--target" or "--slice" or "--input" or "--grow")) return null;
        var options = FromEnvironment();
        for (var at = 0; at < args.Length; at++)
            options = args[at] switch
            {
                "--inputs" => options with { Inputs = long.Parse(Value(args, ++at), NumberStyles.AllowThousands, CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = int.Parse(Value(args, ++at), CultureInfo.InvariantCulture) },
                "--target" => options with { Target = Value(args, ++at) },
                "--slice" => options with { Slice = int.Parse(Value(args, ++at), CultureInfo.InvariantCulture) },
                "--input" => options with { Input = Convert.FromHexString(Value(args, ++at)) },
                "--grow" => options with { Grow = true },
                _ => throw new FormatException($"'{args[at]}' is not an option; see --help"),
            };
        return options;
    }

    private static string Value(string[] args, int at) =>
        at < args.Length ? args[at] : throw new FormatException($"{args[^1]} needs a value; see --help");
}
