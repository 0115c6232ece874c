using System.Diagnostics;
using Sync.Client;
using Sync.Nats;

namespace Sync.Benchmarks.Way;

/// <summary>
/// B3: the time of one durable write when nothing else goes on, client library to receipt; beside the single statement on a
/// direct connection plus one bare request-reply with another process. Behind the rounds, as a floor: the same client's write to the
/// plain service, which runs just the statement.
/// <code>b3 [--rounds N] [--count N] [--json FILE]</code>
/// </summary>
internal static class LatencyBenchmark
{
    // Until the runtime has compiled the hot paths of every process: with 300 its compiler took two thirds of the writer's
    // processor time in the rounds that followed.
    private const int WarmUp = 4000;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var count = Arguments.Number(args, "--count", 500);
        await using var bed = await Bed.MakeAsync();
        var writer = await bed.WriterAsync();
        await bed.ReceiverAsync();
        await using var client = bed.Client(writer);
        await using var pool = PlainTable.Pool(bed.Database);
        await using var connection = await pool.OpenConnectionAsync();
        await using var statement = PlainTable.Write(connection);
        await statement.PrepareAsync();
        await using var bare = await Bare.ConnectAsync(bed.Nats.Url);
        var report = new Report($"B3 latency of one durable write, one at a time, {rounds} rounds of {count}, by turns");
        var median = report.Line("p50", "us", 1.25, atLeast: false);
        var slow = report.Line("p99", "us", 2, atLeast: false);
        var random = new Random(7);

        await RoundAsync(WarmUp);
        for (var round = 0; round < rounds; round++)
        {
            var (statements, requests, both, ours) = await RoundAsync(count);
            median.Add(both.Percentile(0.5), ours.Percentile(0.5));
            slow.Add(both.Percentile(0.99), ours.Percentile(0.99));
            // Where neighbours disturb least.
            report.Fact("p10 us, yardstick", both.Percentile(0.1));
            report.Fact("p10 us, ours", ours.Percentile(0.1));
            report.Fact("p50 us of the statement alone", statements.Percentile(0.5));
            report.Fact("p50 us of the request-reply alone", requests.Percentile(0.5));
        }
        var written = WarmUp + (long)rounds * count;
        if (await bed.CountAsync("sync.fact") != written || await bed.CountAsync("plain.fact") != written)
            throw new InvalidOperationException($"void: {written} writes were acknowledged, the tables hold other counts");

        await using var plain = bed.Client(await bed.PlainDoorAsync());
        await FloorAsync(WarmUp);
        var floor = await FloorAsync(count);
        report.Fact("p50 us of the same client and the plain service", floor.Percentile(0.5));
        report.Fact("p10 us of the same client and the plain service", floor.Percentile(0.1));
        return await report.FinishAsync(args, bed);

        async Task<Latencies> FloorAsync(int times)
        {
            var latencies = new Latencies();
            for (var index = 0; index < times; index++)
            {
                var start = Stopwatch.GetTimestamp();
                if (!await Load.PutAsync(plain, Records.Draw(random, isZipf: false), Records.Value(random)))
                    throw new InvalidOperationException("void: a plain write failed");
                latencies.Add(Stopwatch.GetElapsedTime(start));
            }
            return latencies;
        }

        // Yardstick and ours take turns write by write: a disk that is slow for a second is slow for both.
        async Task<(Latencies Statements, Latencies Requests, Latencies Both, Latencies Ours)> RoundAsync(int times)
        {
            var (statements, requests, both, ours) = (new Latencies(), new Latencies(), new Latencies(), new Latencies());
            for (var index = 0; index < times; index++)
            {
                var value = Records.Value(random);
                var key = Records.Draw(random, isZipf: false);
                var start = Stopwatch.GetTimestamp();
                await PlainTable.ExecuteAsync(statement, Records.Key(key).Key, value);
                var committed = Stopwatch.GetTimestamp();
                await bare.RequestAsync(Bare.EchoSubject, value);
                var end = Stopwatch.GetTimestamp();
                if (!await Load.PutAsync(client, key, value)) throw new InvalidOperationException("void: a write failed");
                ours.Add(Stopwatch.GetElapsedTime(end));
                statements.Add(Stopwatch.GetElapsedTime(start, committed));
                requests.Add(Stopwatch.GetElapsedTime(committed, end));
                both.Add(Stopwatch.GetElapsedTime(start, end));
            }
            return (statements, requests, both, ours);
        }
    }
}
