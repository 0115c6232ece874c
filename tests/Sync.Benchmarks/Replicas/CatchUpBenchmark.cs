using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;
using Sync.Benchmarks.Bulk;
using Sync.Benchmarks.Way;
using Sync.Client;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing.Processes;
using Sync.Transport;

namespace Sync.Benchmarks.Replicas;

/// <summary>
/// B8: cold catch-up of a collection replica in another process, from nothing held to all loaded; beside
/// <c>COPY … TO STDOUT (FORMAT binary)</c> of the same rows, decoded into a dictionary by another process too.
/// <code>b8 [--rounds N] [--records N] [--growth] [--ahead] [--json FILE]</code>
/// With <c>--growth</c> at a hundredth and a tenth of the records too; with <c>--ahead</c> also what a second page ahead
/// gives.
/// </summary>
internal static class CatchUpBenchmark
{
    private const int UploadLines = 50_000;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var records = Arguments.Number(args, "--records", 1_000_000);
        var isGrowth = args.Contains("--growth", StringComparer.Ordinal);
        await using var bed = await Bed.MakeAsync();
        var writer = await bed.WriterAsync();
        var report = new Report($"B8 cold catch-up of {records:N0} records, {rounds} alternating rounds");
        var run = new Run(bed, writer, report);
        foreach (var count in (int[])(isGrowth ? [records / 100, records / 10, records] : [records]))
        {
            await run.FillAsync(count);
            var line = report.Line($"{count:N0} records over a binary COPY", "records/s", count == records ? 0.4 : null, atLeast: true);
            var ahead = args.Contains("--ahead", StringComparer.Ordinal)
                ? report.Line($"{count:N0} records, over one page ahead", "records/s", null, atLeast: true)
                : null;
            for (var round = 0; round < rounds; round++) await run.RoundAsync(line, ahead);
        }
        return await report.FinishAsync(args, bed);
    }

    /// <summary>A collection replica, loaded once: prints how long it took, and the digest of what it holds.
    /// <code>catch-up --nats URL --writer URL --records N [--requests N]</code></summary>
    public static async Task<int> ReplicaAsync(string[] args)
    {
        var records = Arguments.Number(args, "--records", 0);
        var options = new SyncClientOptions { Writers = [Arguments.Required(args, "--writer")] };
        await using var client = new SyncClient(options, new BusOptions { Url = Arguments.Required(args, "--nats") });
        var start = Stopwatch.GetTimestamp();
        await using var replica = await client.CollectionAsync(new CollectionReplicaOptions<Item>
        {
            Scope = SyncedPattern.OfCollection(Item.Vault, Item.Collection),
            Schema = ItemSchema.Instance,
            Rules = new CollectionRules { RequestsMax = Arguments.Number(args, "--requests", new CollectionRules().RequestsMax) },
        });
        await replica.WhenLoadedAsync();
        Took(start, records, replica.Count);
        Console.WriteLine($"digest {replica.Digest(Item.Vault, Item.Collection).Digest}");
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

    /// <summary>The records that are there, and rounds of reading them.</summary>
    private sealed class Run(Bed bed, Part writer, Report report)
    {
        private int _records;
        private string _digest = "";

        public async Task FillAsync(int records)
        {
            while (_records < records)
            {
                var count = Math.Min(UploadLines, records - _records);
                var lines = string.Concat(Enumerable.Range(_records, count).Select(Line));
                await Upload.RunAsync(writer.Url, Encoding.UTF8.GetBytes(lines), count);
                _records += count;
            }
            if (await bed.CountAsync("sync.fact") != records) throw new InvalidOperationException("void: not all records were taken");
            await using var client = bed.Client(writer);
            _digest = (await client.Writer.DigestAsync(Item.Vault, Item.Collection)).Digest.ToString();
        }

        public async Task RoundAsync(ReportLine line, ReportLine? ahead)
        {
            var suffix = $"us per record of {_records:N0}";
            var (copied, reading) = await TimeAsync("copy-out", "--database", bed.Database);
            report.Fact($"CPU {suffix}, copy, reader", 1e6 * reading / _records);
            var before = Others();
            var (caughtUp, cpu) = await TimeAsync("catch-up", "--nats", bed.Nats.Url, "--writer", writer.Url);
            report.Fact($"CPU {suffix}, ours, replica", 1e6 * cpu / _records);
            foreach (var ((name, from), (_, to)) in before.Zip(Others()))
                report.Fact($"CPU {suffix}, ours, {name}", 1e6 * (to - from) / _records);
            line.Add(_records / copied, _records / caughtUp);
            if (ahead is null) return;
            var (one, _) = await TimeAsync("catch-up", "--nats", bed.Nats.Url, "--writer", writer.Url, "--requests", "2");
            ahead.Add(_records / one, _records / caughtUp);
        }

        private (string Name, double Cpu)[] Others() =>
            [("writer", writer.Cpu()), ("Postgres", bed.PostgresCpu()), ("broker", CpuTimes.Of(bed.Nats.Pid))];

        private async Task<(double Seconds, double Cpu)> TimeAsync(string mode, params string[] arguments)
        {
            await using var process = ServiceProcess.Start(new ServiceStart("dotnet")
            {
                Arguments = [typeof(Bed).Assembly.Location, mode, .. arguments, "--records", _records.ToString(CultureInfo.InvariantCulture)],
            });
            var line = await process.WaitForLineAsync("took ", TimeSpan.FromMinutes(5));
            if (mode == "catch-up" && !(await process.WaitForLineAsync("digest ", TimeSpan.FromMinutes(1))).EndsWith(_digest, StringComparison.Ordinal))
                throw new InvalidOperationException("void: the replica holds other records than the writer");
            var parts = line.Split(' ');
            return (double.Parse(parts[^2], CultureInfo.InvariantCulture), double.Parse(parts[^1], CultureInfo.InvariantCulture));
        }

        private static string Line(int number)
        {
            var key = Item.Key(number);
            var value = Convert.ToBase64String(Item.Bytes(Item.Make(number)));
            return $$"""{"vault":"{{key.Vault}}","collection":"{{key.Collection}}","key":"{{key.Key}}","value_msgpack":"{{value}}"}""" + "\n";
        }
    }
}
