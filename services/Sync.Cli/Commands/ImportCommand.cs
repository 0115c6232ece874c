using System.CommandLine;
using Spectre.Console;
using Sync.Cli.Import;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync import FILE|-</c>.</summary>
internal static class ImportCommand
{
    private const int UnderWayMax = 4000;

    public static Command Build()
    {
        var file = new Argument<string>("FILE") { Description = "NDJSON, also gzip; - = standard input" };
        var rejects = new Option<string?>("--rejects")
        {
            Description = "Where bad lines go, with their numbers and reasons (default: FILE.rejects.ndjson; import.rejects.ndjson for -)",
        };
        var command = new Command(
            "import",
            """
            Commit a file of changes, in file order per key.

            Each line is one JSON object: "vault" (or "group" and "partition"), "collection", "key", "op" (put or delete;
            put unless given), "value", and optionally "valid_time" (RFC 3339, like 2026-01-31T12:00:00Z) and "schema_version".
            A line's idempotency key is made from its place and content, so the same file imported twice commits nothing twice. A bad line goes to the
            rejects file and the others go on; the exit code is then 1.
            """) { file, rejects };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => ImportAsync(
            connection, parsed.GetRequiredValue(file), parsed.GetValue(rejects), stop)));
        return command;
    }

    private static async Task<int> ImportAsync(Connection connection, string file, string? rejects, CancellationToken stop)
    {
        if (file != "-" && !File.Exists(file)) return Run.Fail(connection, $"there is no file '{file}'", ExitCode.BadCall);
        rejects ??= file == "-" ? "import.rejects.ndjson" : file + ".rejects.ndjson";
        if (file != "-" && Path.GetFullPath(file) == Path.GetFullPath(rejects))
            return Run.Fail(connection, "--rejects is the file to import; it would be replaced", ExitCode.BadCall);
        var name = file == "-" ? "stdin" : Path.GetFileName(file);
        await using var source = ImportSource.Open(file);
        await using var client = new SyncClient(connection.ClientOptions($"import:{name}") with { WriteTimeout = TimeSpan.FromMinutes(2) });
        // Says at once that there is no writer, instead of after the time of a write.
        await client.Writer.StatusAsync(stop);
        await using var rejected = new RejectsFile(rejects);
        var importer = new Importer(client, new Producer("import", name), UnderWayMax);
        var started = TimeProvider.System.GetTimestamp();
        var complete = false;
        try
        {
            var run = importer.RunAsync(source, rejected.AddAsync, stop);
            if (connection.Json || Console.IsErrorRedirected) await run;
            else await ShowAsync(run, source, importer.Counts);
            complete = true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Output.Note("sync: interrupted; run the same command again to go on: what is committed is not committed twice\n");
        }
        finally
        {
            Print(connection, importer.Counts, rejected, TimeProvider.System.GetElapsedTime(started).TotalSeconds, complete);
        }
        return !complete ? ExitCode.Interrupted : importer.Counts.Rejected == 0 ? ExitCode.Done : ExitCode.Wrong;
    }

    private static async Task ShowAsync(Task run, ImportSource source, ImportCounts counts)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        await console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask("import", maxValue: source.Length ?? double.MaxValue);
                bar.IsIndeterminate = source.Length is null;
                using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
                while (!run.IsCompleted && await tick.WaitForNextTickAsync())
                {
                    bar.Value = source.Read;
                    bar.Description = Markup.Escape($"{counts.Committed:N0} committed, {counts.Replayed:N0} replayed, {counts.Rejected:N0} rejected");
                }
                await run;
            });
    }

    private static void Print(Connection connection, ImportCounts counts, RejectsFile rejected, double seconds, bool complete)
    {
        if (connection.Json)
        {
            Output.Json(json =>
            {
                json.WriteBoolean("complete", complete);
                json.WriteNumber("lines", counts.Lines);
                json.WriteNumber("committed", counts.Committed);
                json.WriteNumber("replayed", counts.Replayed);
                json.WriteNumber("rejected", counts.Rejected);
                json.WriteString("rejects", counts.Rejected == 0 ? null : rejected.Path);
                json.WriteNumber("seconds", Math.Round(seconds, 3));
            });
            return;
        }
        Console.WriteLine(
            $"{counts.Lines} lines{(complete ? "" : " read before the end")}: {counts.Committed} committed, {counts.Replayed} were committed before, {counts.Rejected} rejected"
            + $" ({seconds:F1} s, {counts.Lines / Math.Max(seconds, 0.001):F0} lines/s)");
        if (counts.Rejected > 0) Console.WriteLine($"rejected lines, with the reason of each: {rejected.Path}");
    }
}
