using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Schedule;

/// <summary>The command <c>run</c>: see <see cref="RunOptions.Help"/>.</summary>
internal static class RunCommand
{
    private const int Held = 0;
    private const int Broken = 1;
    private const int Unable = 2;
    private const int Interrupted = 130;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        RunOptions options;
        try
        {
            options = RunOptions.Parse(arguments, RandomNumberGenerator.GetInt32(1_000_000));
        }
        catch (FormatException wrong)
        {
            await Console.Error.WriteLineAsync(wrong.Message);
            return Unable;
        }
        if (options.IsHelp || options.IsList)
        {
            Console.WriteLine(options.IsHelp ? RunOptions.Help : List());
            return Held;
        }
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        try
        {
            return await RunAsync(options, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.WriteLine("ended by a signal; nothing is left running");
            return Interrupted;
        }

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task<int> RunAsync(RunOptions options, CancellationToken cancellation)
    {
        Fault[] faults =
        [
            .. Catalogue.All.Where(fault => fault.Name.Contains(options.Fault, StringComparison.Ordinal)
                && (options.Without.Length == 0 || !fault.Name.Contains(options.Without, StringComparison.Ordinal))),
        ];
        var missing = Catalogue.Missing(options.Phases.Contains('D', StringComparison.Ordinal) ? [.. faults, .. DiskFaults.All] : faults);
        if (missing.Count > 0)
        {
            foreach (var line in missing) await Console.Error.WriteLineAsync("missing: " + line);
            await Console.Error.WriteLineAsync("infra/dev/chaos installs what is missing and runs this.");
            return Unable;
        }
        var session = new Session(options, faults, Console.Out);
        return await session.RunAsync(cancellation) ? Held : Broken;
    }

    /// <summary>All faults, one a line.</summary>
    internal static string List() => string.Join('\n', Catalogue.All.Concat(DiskFaults.All).Select(fault =>
        $"{fault.Name,-40} {(DiskFaults.All.Contains(fault) ? "  D" : fault.IsSingle ? "A B" : "  B")} {fault.Hold.TotalSeconds,4:0.0} s"
        + (fault.IsTelling ? "  in every test run" : "") + (fault.Needs == Needs.None ? "" : $"  needs {fault.Needs}")));
}
