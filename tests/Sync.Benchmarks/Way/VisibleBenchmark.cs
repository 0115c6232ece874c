using System.Diagnostics;
using System.Globalization;
using Sync.Client;
using Sync.Contracts;
using Sync.Nats;
using Sync.Transport;

namespace Sync.Benchmarks.Way;

/// <summary>
/// B4: from the return of the commit in the writer to the value in a replica of another process, for one key that gets 100
/// writes/s, alone and among as many writes as half of what B1 reaches; beside the bare publish of the same bytes, received
/// in another process, among as many other bytes.
/// <code>b4 [--rounds N] [--seconds S] [--json FILE]</code>
/// </summary>
internal static class VisibleBenchmark
{
    private const int ProbesPerSecond = 100;
    private const int Followed = 0;
    private const int Producers = 256;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var seconds = Arguments.Number(args, "--seconds", 5);
        await using var bed = await Bed.MakeAsync();
        var writer = await bed.TimedWriterAsync(Followed);
        await using var client = bed.Client(writer);
        await using var bare = await Bare.ConnectAsync(bed.Nats.Url);
        var bytes = await EnvelopeBytesAsync(bare, client);
        await bed.FollowerAsync(writer, Followed);
        await bed.ReceiverAsync();
        var run = new Run(bed, client, bare, bytes, seconds);
        await run.FillAsync();
        var half = (int)((await run.TopAsync()).Rate / 2);
        var report = new Report(
            $"B4 commit returned to value visible in another process, {bytes.Length}-byte envelopes, {rounds} alternating rounds");
        report.Fact("writes/s, half of what closed-loop producers reached", half);

        await run.OursAsync(0);
        await run.YardstickAsync(0);
        foreach (var (name, others) in ((string, int)[])[("at 100 writes/s", 0), ("at half of B1", half)])
        {
            var median = report.Line($"{name}, p50", "us", 1.5, atLeast: false);
            var slow = report.Line($"{name}, p99", "us", 2, atLeast: false);
            for (var round = 0; round < rounds; round++)
            {
                var yardstick = await run.YardstickAsync(others);
                var (ours, reached) = await run.OursAsync(others);
                median.Add(yardstick.Percentile(0.5), ours.Percentile(0.5));
                slow.Add(yardstick.Percentile(0.99), ours.Percentile(0.99));
                report.Fact($"{name}: other writes/s beside the probe, reached", reached);
            }
        }

        return await report.FinishAsync(args, bed);
    }

    // One real envelope off the wire, so that the yardstick carries what the writer publishes.
    private static async Task<byte[]> EnvelopeBytesAsync(NatsConnection bare, SyncClient client)
    {
        var seen = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await bare.SubscribeConfirmedAsync(
            Subjects.Default.Of(Records.Key(Followed)),
            (in NatsMessageView message) => seen.TrySetResult(message.Payload.ToArray()));
        if (!await Load.PutAsync(client, Followed, Records.Value(new Random(1))))
            throw new InvalidOperationException("void: the first write failed");
        return await seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private sealed class Run(Bed bed, SyncClient client, NatsConnection bare, byte[] bytes, int seconds)
    {
        private readonly byte[] _other = Records.Value(new Random(2));
        private readonly Random _random = new(7);
        private long _number;

        public async Task FillAsync()
        {
            var last = Followed;
            await Load.ClientAsync(client, Producers,
                _ => Interlocked.Increment(ref last) is var key && key < Records.KeyCount ? key : null);
        }

        public Task<LoadResult> TopAsync() =>
            Load.ClientAsync(client, Producers, Load.For(TimeSpan.FromSeconds(seconds), isZipf: false));

        public async Task<(Latencies Latencies, double Reached)> OursAsync(int others)
        {
            using var stop = new CancellationTokenSource();
            var beside = PacedAsync(others, PutOther, stop.Token);
            var sequences = new List<Task<long>>();
            await PacedAsync(ProbesPerSecond, () => sequences.Add(ProbeAsync()), After(seconds));
            var latencies = new Latencies();
            foreach (var sequence in await Task.WhenAll(sequences))
            {
                if (!await bed.Visible.WaitForAsync(sequence) || bed.Committed[sequence] == 0)
                    throw new InvalidOperationException($"void: sequence {sequence} was not seen");
                latencies.Add(Stopwatch.GetElapsedTime(bed.Committed[sequence], bed.Visible[sequence]));
            }
            await stop.CancelAsync();
            return (latencies, await beside);
        }

        public async Task<Latencies> YardstickAsync(int others)
        {
            using var stop = new CancellationTokenSource();
            var beside = PacedAsync(others, () => bare.TryPublish(Bare.OtherSubject, bytes), stop.Token);
            var sent = new List<(long Number, long Ticks)>();
            await PacedAsync(ProbesPerSecond, () =>
            {
                Bare.Number(bytes, ++_number);
                sent.Add((_number, Stopwatch.GetTimestamp()));
                bare.TryPublish(Bare.NumberSubject, bytes);
            }, After(seconds));
            var latencies = new Latencies();
            foreach (var (number, ticks) in sent)
            {
                if (!await bed.Received.WaitForAsync(number))
                    throw new InvalidOperationException($"void: message {number} did not arrive");
                latencies.Add(Stopwatch.GetElapsedTime(ticks, bed.Received[number]));
            }
            await stop.CancelAsync();
            await beside;
            return latencies;
        }

        private async Task<long> ProbeAsync() =>
            await client.WriteAsync(new WriteCommand
            {
                Key = Records.Key(Followed),
                Op = ChangeOp.Put,
                Value = Records.Value(_random),
                SchemaVersion = SchemaVersion.Default,
            }) is WriteResult.Committed committed
                ? committed.Receipt.Sequence.Value
                : throw new InvalidOperationException("void: a probe failed");

        // Not awaited: the pace must not depend on the answers. What fails shows in the next check of a probe.
        private void PutOther() => _ = Load.PutAsync(client, 1 + Random.Shared.Next(Records.KeyCount - 1), _other);

        private static CancellationToken After(int seconds) =>
            new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

        // Open loop: what is due is done, whatever the answers do. The rate that was really reached comes back.
        private static async Task<double> PacedAsync(int perSecond, Action act, CancellationToken stop)
        {
            if (perSecond == 0) return 0;
            var start = Stopwatch.GetTimestamp();
            var done = 0L;
            using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Clamp(1000 / perSecond, 1, 1000)));
            try
            {
                while (await tick.WaitForNextTickAsync(stop))
                {
                    for (var due = (long)(Stopwatch.GetElapsedTime(start).TotalSeconds * perSecond); done < due; done++) act();
                }
            }
            catch (OperationCanceledException)
            {
                // The normal end.
            }
            return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
