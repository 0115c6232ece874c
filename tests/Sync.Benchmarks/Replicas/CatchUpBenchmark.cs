using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Sync.Benchmarks.Way;
using Sync.Client;
using Sync.Contracts;
using Sync.Testing.Processes;
using Sync.Transport;

namespace Sync.Benchmarks.Replicas;

/// <summary>
/// B8: cold catch-up of a collection replica in another process, from nothing held to all loaded; beside
/// <c>COPY … TO STDOUT (FORMAT binary)</c> of the same rows, decoded into a dictionary by another process too.
/// <code>b8 [--rounds N] [--records N] [--json FILE]</code>
/// </summary>
internal static class CatchUpBenchmark
{
    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var records = Arguments.Number(args, "--records", 1_000_000);
        await using var bed = await Bed.MakeAsync();
        var writer = await bed.WriterAsync();
        await FillAsync(bed, writer, records);
        var report = new Report($"B8 cold catch-up of {records:N0} records, {rounds} alternating rounds");
        var line = report.Line("records/s over a binary COPY", "records/s", 0.4, atLeast: true);
        for (var round = 0; round < rounds; round++)
        {
            var (copied, reading) = await TimeAsync("copy-out", "--database", bed.Database, "--records", Text(records));
            report.Fact("CPU us per record, copy, reader", 1e6 * reading / records);
            var before = Others();
            var (caughtUp, cpu) = await TimeAsync(
                "catch-up", "--nats", bed.Nats.Url, "--writer", writer.Url, "--records", Text(records));
            line.Add(records / copied, records / caughtUp);
            report.Fact("CPU us per record, ours, replica", 1e6 * cpu / records);
            foreach (var ((name, from), (_, to)) in before.Zip(Others()))
                report.Fact($"CPU us per record, ours, {name}", 1e6 * (to - from) / records);
        }
        return await report.FinishAsync(args, bed);

        (string Name, double Cpu)[] Others() =>
            [("writer", writer.Cpu()), ("Postgres", bed.PostgresCpu()), ("broker", CpuTimes.Of(bed.Nats.Pid))];
    }

    /// <summary>A collection replica, loaded once: prints how long it took.
    /// <code>catch-up --nats URL --writer URL --records N</code></summary>
    public static async Task<int> ReplicaAsync(string[] args)
    {
        var records = Arguments.Number(args, "--records", 0);
        var options = new SyncClientOptions { Writers = [Arguments.Required(args, "--writer")] };
        await using var client = new SyncClient(options, new BusOptions { Url = Arguments.Required(args, "--nats") });
        var start = Stopwatch.GetTimestamp();
        await using var replica = await client.CollectionAsync(Item.Vault, Item.Collection, ItemSchema.Instance);
        await replica.WhenLoadedAsync();
        Took(start, records, replica.Count);
        return 0;
    }

    /// <summary>The yardstick: prints how long it took.
    /// <code>copy-out --database CONNECTION --records N</code></summary>
    public static async Task<int> CopyAsync(string[] args)
    {
        var records = Arguments.Number(args, "--records", 0);
        await using var source = NpgsqlDataSource.Create(Arguments.Required(args, "--database"));
        await using var connection = await source.OpenConnectionAsync();
        var start = Stopwatch.GetTimestamp();
        var held = Copy(connection);
        Took(start, records, held.Count);
        return 0;
    }

    // Synchronous: the fastest way to read rows.
    private static Dictionary<string, (Item Value, long Sequence, long Position)> Copy(NpgsqlConnection connection)
    {
        var held = new Dictionary<string, (Item, long, long)>(StringComparer.Ordinal);
        using var reader = connection.BeginBinaryExport(
            "copy (select key, sequence, position, value from sync.fact) to stdout (format binary)");
        while (reader.StartRow() >= 0)
        {
            var key = reader.Read<string>();
            var (sequence, position) = (reader.Read<long>(), reader.Read<long>());
            held.Add(key, (ItemSchema.Instance.Parse(reader.Read<byte[]>()).Value, sequence, position));
        }
        return held;
    }

    private static void Took(long start, long wanted, long held)
    {
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (held != wanted) throw new InvalidOperationException($"void: {held} records instead of {wanted}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"took {seconds} {Environment.CpuUsage.TotalTime.TotalSeconds}"));
    }

    private static async Task<(double Seconds, double Cpu)> TimeAsync(string mode, params string[] arguments)
    {
        await using var process = ServiceProcess.Start(
            new ServiceStart("dotnet") { Arguments = [typeof(Bed).Assembly.Location, mode, .. arguments] });
        var line = await process.WaitForLineAsync("took ", TimeSpan.FromMinutes(5));
        var parts = line.Split(' ');
        return (double.Parse(parts[^2], CultureInfo.InvariantCulture), double.Parse(parts[^1], CultureInfo.InvariantCulture));
    }

    private static async Task FillAsync(Bed bed, Part writer, int records)
    {
        await using var client = bed.Client(writer);
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 1024).Select(_ => Task.Run(async () =>
        {
            for (var number = Interlocked.Increment(ref next); number < records; number = Interlocked.Increment(ref next))
            {
                var command = new WriteCommand
                {
                    Key = Item.Key(number),
                    Op = ChangeOp.Put,
                    Value = Item.Bytes(Item.Make(number)),
                };
                if (await client.WriteAsync(command) is not WriteResult.Committed)
                    throw new InvalidOperationException("void: a write failed");
            }
        })));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
