using System.Diagnostics;
using Npgsql;
using Sync.Benchmarks.Schema;
using Sync.Benchmarks.Way;

namespace Sync.Benchmarks.Bulk;

/// <summary>
/// B2: records through one <c>POST /v1/batch</c>, each with an idempotency key and its value as JSON; beside one connection
/// that writes the same facts, records and idempotency rows set-wise from ready arrays into tables of the same layout,
/// 1,000 a commit. A bare <c>COPY</c> is told beside it.
/// <code>b2 [--rounds N] [--records N] [--rows N] [--growth] [--json FILE]</code>
/// </summary>
internal static class BulkBenchmark
{
    private const string Digest = """
        select count(*), coalesce(encode(sha256(string_agg(
            sha256(convert_to(key, 'UTF8') || int8send(sequence) || value), '' order by key, sequence)), 'hex'), '')
        from {0}.fact where position > $1
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var records = Arguments.Number(args, "--records", 100_000);
        var rows = Prefill.Checked(Arguments.Number(args, "--rows", 0));
        await using var bed = await Bed.MakeAsync(rows);
        await using var setWise = await VariantWriter.CreateAsync(bed.Database, Variant.All[0], 0, rows);
        await using var copy = await BareCopy.CreateAsync(bed.Database);
        var writer = await bed.WriterAsync();
        var report = new Report($"B2 bulk of {records:N0} records through POST /v1/batch, {rounds} alternating rounds");
        var first = rows == 0 ? "first each once, then " : "";
        report.Condition("key mix", $"{GroupSource.KeyCount:N0} keys, {first}updates by a Zipf law of exponent 0.99");
        var run = new Run(bed, setWise, copy, writer, report, new GroupSource(7, BulkRecords.Value, rows), rows);
        // Until every process has compiled its hot paths, and without prefilled rows until every key is there.
        await run.RoundAsync(Math.Max(GroupSource.KeyCount, records / 4), null, null);
        if (args.Contains("--growth", StringComparer.Ordinal))
        {
            foreach (var count in (int[])[records / 10, records, records * 10])
            {
                var line = report.Line($"{count:N0} records", "records/s", null, atLeast: true);
                for (var round = 0; round < rounds; round++) await run.RoundAsync(count, line, null);
            }
            return await report.FinishAsync(args, bed);
        }
        var judged = report.Line("over set-wise writes", "records/s", 0.6, atLeast: true);
        var bare = report.Line("over a bare COPY", "records/s", null, atLeast: true);
        for (var round = 0; round < rounds; round++) await run.RoundAsync(records, judged, bare);
        return await report.FinishAsync(args, bed);
    }

    /// <summary>One round of each way with the same records, its CPU times and its check.</summary>
    private sealed class Run(
        Bed bed, VariantWriter setWise, BareCopy copy, Part writer, Report report, GroupSource source, long rows)
    {
        private long _position = rows;

        public async Task RoundAsync(int count, ReportLine? judged, ReportLine? bare)
        {
            var records = BulkRecords.Make(source, count);
            var yardstick = await TimeAsync("set-wise", judged, count, async () =>
            {
                foreach (var group in records.Groups) await setWise.CommitAsync(group);
            });
            var copied = await TimeAsync("copy", bare, count, () => copy.WriteAsync(records));
            var ours = await TimeAsync("ours", judged, count, () => Upload.RunAsync(writer.Url, records.Lines, count));
            await CheckAsync(count);
            // Each group commit has a time of its own.
            var groups = await bed.CountAsync(
                $"(select distinct time from sync.fact where position > {_position - count}) as groups");
            if (judged is not null) report.Fact("facts per group commit", (double)count / groups);
            judged?.Add(count / yardstick, count / ours);
            bare?.Add(count / copied, count / ours);
        }

        private async Task<double> TimeAsync(string way, ReportLine? line, int count, Func<Task> write)
        {
            var before = Cpu();
            var start = Stopwatch.GetTimestamp();
            await write();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            foreach (var ((name, from), (_, to)) in before.Zip(Cpu()))
                if (line is not null && to > from) report.Fact($"CPU us per record, {way}, {name}", 1e6 * (to - from) / count);
            return seconds;
        }

        private (string Name, double Seconds)[] Cpu() =>
        [
            ("this", CpuTimes.Of(Environment.ProcessId)), ("Postgres", bed.PostgresCpu()), ("writer", writer.Cpu()),
            ("broker", CpuTimes.Of(bed.Nats.Pid)),
        ];

        // Both got the same records, so both must hold the same facts: each key's in the order in which they were sent.
        private async Task CheckAsync(int count)
        {
            var (theirs, ours) = (await DigestAsync(setWise.Schema), await DigestAsync("sync"));
            if (theirs != ours || ours.Count != count)
                throw new InvalidOperationException($"void: of {count} records there are {ours} and {theirs}");
            _position += count;
        }

        private async Task<(long Count, string Digest)> DigestAsync(string schema)
        {
            await using var connection = new NpgsqlConnection(bed.Database);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(Digest.Replace("{0}", schema, StringComparison.Ordinal), connection)
            {
                CommandTimeout = 0,
                Parameters = { new NpgsqlParameter<long> { TypedValue = _position } },
            };
            await using var reader = await command.ExecuteReaderAsync();
            await reader.ReadAsync();
            return (reader.GetInt64(0), reader.GetString(1));
        }
    }
}
