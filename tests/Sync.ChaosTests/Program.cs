using Sync.ChaosTests;
using Sync.ChaosTests.Clients;
using Sync.ChaosTests.Schedule;
using Xunit.Runner.InProc.SystemConsole;

// The first word says what this process is; without one of these words it runs the tests.
return args switch
{
    ["run", .. var rest] => await RunCommand.RunAsync(rest),
    [var kind, .. var rest] when ClientCommand.Kinds.Contains(kind, StringComparer.Ordinal) => await ClientCommand.RunAsync(kind, rest),
    _ => await ConsoleRunner.Run(args),
};
