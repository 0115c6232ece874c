namespace Sync.Simulation.Worlds;

/// <summary>How a history of any world ended.</summary>
/// <param name="Seed">Where it came from.</param>
/// <param name="Violation">What does not hold; null = all held.</param>
/// <param name="Steps">How long it was.</param>
/// <param name="Shrunk">Makes a failing one small, and tells it in lines.</param>
internal sealed record SimEnding(ulong Seed, Violation? Violation, long Steps, Func<string> Shrunk)
{
    /// <summary>Runs a history; an exception of a core is a violation too.</summary>
    public static Violation? Caught(Action run)
    {
        try
        {
            run();
            return null;
        }
        catch (Violation found)
        {
            return found;
        }
        catch (Exception exception)
        {
            return new Violation(Invariants.Threw, exception.ToString());
        }
    }
}
