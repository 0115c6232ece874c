using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Faults;

/// <summary>One way to hurt the system: what is done to whom, and how it is undone.</summary>
/// <param name="Kind">What is done; convergence is told by kind.</param>
/// <param name="Target">To whom.</param>
internal sealed record Fault(string Kind, string Target)
{
    /// <summary>Does it; returns when it is done. It may throw when the moment that it waits for does not come.</summary>
    public required Func<World, Harm, Task> Inject { get; init; }

    /// <summary>Undoes it, so that the system can become whole again. Called once after each <see cref="Inject"/>, also a failed
    /// one.</summary>
    public required Func<World, CancellationToken, Task> Heal { get; init; }

    /// <summary>How long it lasts.</summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromSeconds(2.5);

    /// <summary>True: no process was hurt, so replicas must converge sooner.</summary>
    public bool IsOfNetwork { get; init; }

    /// <summary>What else it lays hands on, beside <see cref="Target"/>: no other fault may do so at the same time.</summary>
    public IReadOnlyList<string> Claims { get; init; } = [];

    /// <summary>What it needs of the machine.</summary>
    public Needs Needs { get; init; }

    /// <summary>True: also done alone. False: only together with others.</summary>
    public bool IsSingle { get; init; } = true;

    /// <summary>True: in the short selection that every test run does.</summary>
    public bool IsTelling { get; init; }

    public string Name => $"{Kind} {Target}";

    /// <summary>True when both can be done at the same time.</summary>
    public bool GoesWith(Fault other) => !Hands.Intersect(other.Hands, StringComparer.Ordinal).Any();

    public override string ToString() => Name;

    private IEnumerable<string> Hands => [Target, .. Claims];
}

/// <summary>What an injection gets: chances of its own, and how to say what it saw.</summary>
/// <param name="Chance">Drawn from the seed and the round.</param>
/// <param name="Note">Adds a line to the log of faults.</param>
/// <param name="Cancellation">The run ends.</param>
internal sealed record Harm(Random Chance, Action<string> Note, CancellationToken Cancellation);

/// <summary>What a fault needs beside the servers.</summary>
[Flags]
internal enum Needs
{
    None = 0,
    Root = 1,

    /// <summary>The program strace, and leave to trace.</summary>
    Strace = 2,

    /// <summary>The library libfaketime.</summary>
    FakeTime = 4,
}
