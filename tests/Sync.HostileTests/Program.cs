using Sync.HostileTests.Run;
using Sync.HostileTests.Targets;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

if (args is ["--help" or "-h"])
{
    Console.WriteLine(Options.Help);
    return 0;
}
if (args is ["--list"])
{
    Console.WriteLine(string.Join('\n', AllTargets.Names));
    return 0;
}
if (args.Contains("--server") || args.Contains("--internal-msbuild-node"))
    return await TestPlatformTestFramework.RunAsync(args, (_, _) => { });
try
{
    return Options.Of(args) is { } options ? Sync.HostileTests.Run.CommandLine.Run(options) : await ConsoleRunner.Run(args);
}
catch (Exception error) when (error is FormatException or ArgumentException)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
