namespace Sync.ChaosTests.Schedule;

/// <summary><c>run [--minutes N] [--seed N] [--phase A|B|C|D] [--list] [--help]</c></summary>
internal static class RunCommand
{
    public static Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        Console.WriteLine($"run {string.Join(' ', arguments)}");
        return Task.FromResult(0);
    }
}
