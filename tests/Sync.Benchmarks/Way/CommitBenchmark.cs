using Sync.Benchmarks.Bulk;
using Sync.Client;

namespace Sync.Benchmarks.Way;

/// <summary>
/// B1: durable commits/s of 256 producers, client library to writer process to Postgres, published, one replica following;
/// beside the same client on a plain service, and beside 16 direct connections.
/// <code>b1 [--rounds N] [--seconds S] [--keys zipf|even] [--producers N] [--lanes N] [--rows N] [--profile yes]
/// [--json FILE]</code>
/// With <c>--profile</c> only ours runs, for a profiler: no ratio.
/// </summary>
internal static class CommitBenchmark
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var seconds = TimeSpan.FromSeconds(Arguments.Number(args, "--seconds", 8));
        var isZipf = Arguments.Text(args, "--keys") != "even";
        var producers = Arguments.Number(args, "--producers", 256);
        var rows = Prefill.Checked(Arguments.Number(args, "--rows", 0));
        await using var bed = await Bed.MakeAsync(rows);
        if (rows > 0) await Prefill.PlainAsync(bed.Database, Records.Collection);
        var writer = await bed.WriterAsync();
        var plain = await bed.PlainDoorAsync();
        var follower = await bed.FollowerAsync(writer, key: 0);
        var lanes = Arguments.Number(args, "--lanes", 4);
        await using var ours = bed.Client(writer, lanes);
        await using var theirs = bed.Client(plain, lanes);
        var report = new Report(
            $"B1 durable commits, {Records.ValueBytes}-byte values, {Records.KeyCount} keys, {producers} producers, "
            + $"{(isZipf ? "Zipf" : "even")} updates, {rounds} alternating rounds (min / median / max)");
        var run = new Run(bed, report, writer, plain, follower, producers);

        if (Arguments.Text(args, "--profile") is not null)
        {
            await run.OursAsync(ours, Load.EachOnce(), null);
            await run.OursAsync(ours, Load.For(WarmUp, isZipf), null);
            for (var round = 0; round < rounds; round++)
                report.Fact("commits/s, ours", (await run.OursAsync(ours, Load.For(seconds, isZipf), "ours")).Rate);
            return await report.FinishAsync(args);
        }

        report.Fact("commits/s of new keys, plain", (await run.PlainAsync(theirs, Load.EachOnce(), null)).Rate);
        report.Fact("commits/s of new keys, ours", (await run.OursAsync(ours, Load.EachOnce(), null)).Rate);
        // Until the runtime has compiled the hot paths of every process.
        await run.PlainAsync(theirs, Load.For(WarmUp, isZipf), null);
        await run.OursAsync(ours, Load.For(WarmUp, isZipf), null);
        var a = report.Line("(a) beside a plain service", "commits/s", 4, atLeast: true);
        var b = report.Line("(b) beside 16 direct connections", "commits/s", 2, atLeast: true);
        for (var round = 0; round < rounds; round++)
        {
            var direct = await run.DirectAsync(Load.For(seconds, isZipf), "direct");
            var service = await run.PlainAsync(theirs, Load.For(seconds, isZipf), "plain");
            var way = await run.OursAsync(ours, Load.For(seconds, isZipf), "ours");
            a.Add(service.Rate, way.Rate);
            b.Add(direct.Rate, way.Rate);
        }

        return await report.FinishAsync(args, bed);
    }

    /// <summary>One round of each way, with its CPU times and its check.</summary>
    private sealed class Run(Bed bed, Report report, Part writer, Part plain, Part follower, int producers)
    {
        public async Task<LoadResult> OursAsync(SyncClient client, Func<Random, int?> next, string? name)
        {
            var before = await bed.CountAsync("sync.fact");
            var result = await MeasureAsync(() => Load.ClientAsync(client, producers, next), name,
                [("writer", writer.Cpu), ("follower", follower.Cpu), ("broker", () => CpuTimes.Of(bed.Nats.Pid))]);
            Check("ours", result, await bed.CountAsync("sync.fact") - before);
            // One vault, so one feed: positions count all facts, and each group commit has a time of its own.
            var groups = await bed.CountAsync($"(select distinct time from sync.fact where position > {before}) as groups");
            if (name is not null) report.Fact("facts per group commit", (double)result.Committed / groups);
            var last = await bed.CountAsync("sync.fact where key = 'customer-00000000'");
            return await bed.Visible.WaitForAsync(last)
                ? result
                : throw new InvalidOperationException($"void: the replica does not show sequence {last}");
        }

        public async Task<LoadResult> PlainAsync(SyncClient client, Func<Random, int?> next, string? name)
        {
            var before = await bed.CountAsync("plain.fact");
            var result = await MeasureAsync(
                () => Load.ClientAsync(client, producers, next), name, [("service", plain.Cpu)]);
            Check("plain", result, await bed.CountAsync("plain.fact") - before);
            return result;
        }

        public async Task<LoadResult> DirectAsync(Func<Random, int?> next, string name)
        {
            var before = await bed.CountAsync("plain.fact");
            var result = await MeasureAsync(
                () => Load.DirectAsync(bed.Database, PlainTable.ConnectionsMax, next), name, []);
            Check("direct", result, await bed.CountAsync("plain.fact") - before);
            return result;
        }

        private async Task<LoadResult> MeasureAsync(
            Func<Task<LoadResult>> load, string? name, (string Name, Func<double> Cpu)[] processes)
        {
            (string Name, Func<double> Cpu)[] all =
                [("client", () => CpuTimes.Of(Environment.ProcessId)), ("Postgres", bed.PostgresCpu), .. processes];
            var before = all.Select(process => process.Cpu()).ToArray();
            var result = await load();
            if (name is null) return result;
            for (var index = 0; index < all.Length; index++)
                report.Fact(
                    $"CPU us per commit, {name}, {all[index].Name}",
                    1e6 * (all[index].Cpu() - before[index]) / result.Committed);
            return result;
        }

        private static void Check(string name, LoadResult result, long counted)
        {
            if (result.Failed > 0 || counted != result.Committed)
                throw new InvalidOperationException(
                    $"void: {name} reports {result.Committed} commits and {result.Failed} failures, {counted} rows are there");
        }
    }
}
