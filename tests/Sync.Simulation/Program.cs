using Sync.Simulation.CommandLine;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Sync.Simulation;

/// <summary>Two programs in one: with an option of the simulation it runs histories, else it is the test runner.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (SimOptions.AreFor(args)) return new SimCommand(Console.Out, Console.Error).Run(args);
        return args.Any(static arg => arg is "--server" or "--internal-msbuild-node")
            ? await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await ConsoleRunner.Run(args);
    }
}
