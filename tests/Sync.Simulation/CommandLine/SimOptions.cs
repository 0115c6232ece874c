using System.Globalization;
using Sync.Simulation.Mutants;
using Sync.Simulation.Worlds;

namespace Sync.Simulation.CommandLine;

/// <summary>What to run, as given on the command line.</summary>
internal sealed record SimOptions
{
    public const string Usage = """
        Runs histories of the simulation: the production cores on virtual time, everything from a seed.

          dotnet run -c Release --project tests/Sync.Simulation -- [options]

          --world NAME      whole (default), collections, changefeeds, insights
          --histories N     how many histories; default: what a build runs of that world
          --seed S          seed of the first one; the next ones follow; default: what a build begins with
          --mode NAME       only histories of one mode. safety: faults everywhere, at the end they stop; liveness: one
                            permanent fault, the rest must progress (world whole only). Default: both, as seeds come
          --mutant NAME     break one rule: its own world, and the check that must fail; see --mutants
          --mutants         run every mutant of the simulation until it is found, and list what found it
          --rounds N        with --mutants: from that many first seeds, and show the worst (default 1)
          --threads N       histories at a time; default: the processors of this machine
          --help            this text

        At a failure it prints the seed, the smallest history that still fails, and the command that replays it.
        Ctrl-C ends it after the histories under way, and shows what was done so far.

        Exit code: 0 all held (or: all mutants found); 1 an invariant failed (with --mutant that is what should happen),
        something was not reached, or a mutant was not found; 2 the options are wrong; 130 ended by Ctrl-C.
        Without any of these options this program is the test runner; -? shows its options.
        """;

    private static readonly string[] Names =
    [
        "--world", "--histories", "--seed", "--mode", "--mutant", "--mutants", "--rounds", "--threads", "--help",
    ];

    public SimWorld World { get; private init; } = SimWorld.Whole;
    public int Histories { get; private init; }
    public ulong Seed { get; private init; }
    public SimMode Mode { get; private init; }
    public Mutant? Mutant { get; private init; }
    public bool IsCatalogue { get; private init; }
    public int Rounds { get; private init; } = 1;
    public int Threads { get; private init; } = Environment.ProcessorCount;

    /// <summary>True when the arguments name an option of the simulation.</summary>
    public static bool AreFor(string[] args) => args.Any(arg => Names.Contains(arg, StringComparer.Ordinal));

    /// <summary>Reads the arguments; what is wrong is a sentence for people.</summary>
    public static string? TryRead(string[] args, out SimOptions options)
    {
        options = new SimOptions();
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var index = 0; index < args.Length; index++)
        {
            var name = args[index];
            if (!Names.Contains(name, StringComparer.Ordinal)) return $"'{name}' is no option of the simulation";
            var isFlag = name is "--mutants";
            if (!isFlag && index + 1 == args.Length) return $"{name} needs a value";
            if (!given.TryAdd(name, isFlag ? "" : args[++index])) return $"{name} is given twice";
        }
        return Read(given, ref options);
    }

    private static string? Read(Dictionary<string, string> given, ref SimOptions options)
    {
        var mutant = given.TryGetValue("--mutant", out var named) ? MutantCatalogue.Find(named, given.GetValueOrDefault("--world")) : null;
        if (named is not null && mutant is null) return $"there is no mutant '{named}' there; --mutants lists them";
        var name = given.GetValueOrDefault("--world", mutant?.World.Name ?? SimWorld.Whole.Name);
        var world = SimWorld.All.FirstOrDefault(one => one.Name == name);
        if (world is null) return $"--world is '{name}'; must be one of {string.Join(", ", SimWorld.All.Select(one => one.Name))}";
        if (mutant is not null && mutant.World != world) return $"mutant {mutant.Name} is of the world {mutant.World.Name}";
        if (!Enum.TryParse<SimMode>(given.GetValueOrDefault("--mode", "both"), true, out var mode) || !Enum.IsDefined(mode))
            return $"--mode is '{given["--mode"]}'; must be safety, liveness or both";
        if (mode == SimMode.Liveness && !world.HasLiveness) return $"the world {world.Name} has no mode but safety";
        if (Number(given, "--histories", mutant?.HistoriesMax ?? world.Histories, out var histories) is { } wrong) return wrong;
        if (Number(given, "--threads", Environment.ProcessorCount, out var threads) is { } few) return few;
        if (Number(given, "--rounds", 1, out var rounds) is { } none) return none;
        var seed = mutant is null ? world.Seed : MutantCatalogue.Seed;
        if (given.TryGetValue("--seed", out var text)
            && !ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seed))
            return $"--seed is '{text}'; must be a whole number from 0";
        options = new SimOptions
        {
            World = world,
            Histories = histories,
            Seed = seed,
            Mode = mode,
            Mutant = mutant,
            IsCatalogue = given.ContainsKey("--mutants"),
            Rounds = rounds,
            Threads = threads,
        };
        return null;
    }

    /// <summary>The command that runs one history of these again.</summary>
    public string Replay(ulong seed) => string.Create(CultureInfo.InvariantCulture,
        $"dotnet run -c Release --project tests/Sync.Simulation -- --world {World.Name} --histories 1 --seed {seed}")
        + (Mutant is null ? "" : $" --mutant {Mutant.Name}");

    private static string? Number(Dictionary<string, string> given, string name, int otherwise, out int number)
    {
        number = otherwise;
        if (!given.TryGetValue(name, out var text)) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0
            ? null : $"{name} is '{text}'; must be a whole number from 1";
    }
}
