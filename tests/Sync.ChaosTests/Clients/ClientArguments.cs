using System.Globalization;

namespace Sync.ChaosTests.Clients;

/// <summary>The command line of a client process; <see cref="ClientCommand"/> says what each kind needs.</summary>
internal sealed record ClientArguments
{
    public required string Out { get; init; }

    public int Seed { get; init; }

    public int Index { get; init; }

    public IReadOnlyList<string> Writers { get; init; } = [];

    public string? Nats { get; init; }

    public string? Host { get; init; }

    public bool Slow { get; init; }

    /// <summary>The newest major that a reader knows.</summary>
    public int Major { get; init; } = ChaosValue.OldMajor;

    /// <summary>True for the producers that a deploy replaces: the second half.</summary>
    public bool IsNewVersion => Index >= Load.Clients / 2;

    /// <summary>While this file exists no write begins.</summary>
    public string LoadPaused => Folder.LoadPaused;

    /// <summary>While this file exists producers of the new version write the new major.</summary>
    public string NewMajor => Folder.NewMajor;

    private RunFolder Folder => new(Path.GetDirectoryName(Path.GetFullPath(Out))!);

    /// <exception cref="ArgumentException">An argument is unknown, or what the kind needs is missing.</exception>
    public static ClientArguments Parse(string kind, IReadOnlyList<string> arguments)
    {
        string? file = null, nats = null, host = null;
        var (seed, index, slow, major) = (1, 0, false, ChaosValue.OldMajor);
        var writers = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--out": file = Next(ref i); break;
                case "--seed": seed = int.Parse(Next(ref i), CultureInfo.InvariantCulture); break;
                case "--index": index = int.Parse(Next(ref i), CultureInfo.InvariantCulture); break;
                case "--writer": writers.Add(Next(ref i)); break;
                case "--nats": nats = Next(ref i); break;
                case "--host": host = Next(ref i); break;
                case "--slow": slow = true; break;
                case "--major": major = int.Parse(Next(ref i), CultureInfo.InvariantCulture); break;
                case var other: throw new ArgumentException($"{other} is no argument of {kind}", nameof(arguments));
            }
        }
        var missing = file is null ? "--out"
            : kind is "client" or "feed" && writers.Count == 0 ? "--writer"
            : kind is "raw" or "replica" && nats is null ? "--nats"
            : kind is "sse" && host is null ? "--host"
            : null;
        if (missing is not null) throw new ArgumentException($"{kind} needs {missing}", nameof(arguments));
        return new()
        {
            Out = file!,
            Seed = seed,
            Index = index,
            Writers = writers,
            Nats = nats,
            Host = host,
            Slow = slow,
            Major = major,
        };

        string Next(ref int i) => ++i < arguments.Count ? arguments[i]
            : throw new ArgumentException($"{arguments[i - 1]} has no value", nameof(arguments));
    }
}
