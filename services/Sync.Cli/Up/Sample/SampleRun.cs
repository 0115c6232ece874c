using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Cli.Up.Sample;

/// <summary>Writes the sample at a steady rate through the client library and the writer's front door, as an application would.</summary>
internal sealed class SampleRun(SampleShops shops, int rate, int seed, TimeProvider time)
{
    /// <summary>The box keeps every fact in memory, so its sample ends: about four hours at the default rate.</summary>
    public const int WritesMax = 300_000;

    // What is written at once, so that there is something to see when the page opens.
    private const int OpeningWrites = 120;
    private const int TicksPerSecond = 10;
    private const int FailuresMax = 20;

    private static readonly byte[] Nil = [0xc0];
    private int _failures;

    /// <summary>Writes until cancelled, until <see cref="WritesMax"/>, or until writes keep failing.</summary>
    /// <returns>Why it ended; null when it was cancelled.</returns>
    public async Task<string?> RunAsync(SyncClient client, CancellationToken stop)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / TicksPerSecond), time);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, OpeningWrites).Select(number => WriteAsync(client, number, stop)));
            var (written, owed, last) = (OpeningWrites, 0.0, time.GetTimestamp());
            while (written < WritesMax && _failures < FailuresMax && await tick.WaitForNextTickAsync(stop))
            {
                // After a pause of the process (a closed laptop) it goes on at its rate instead of catching up.
                owed = Math.Min(owed + time.GetElapsedTime(last).TotalSeconds * rate, Math.Max(1.0, 2.0 * rate / TicksPerSecond));
                (last, var count) = (time.GetTimestamp(), (int)owed);
                await Task.WhenAll(Enumerable.Range(written, count).Select(number => WriteAsync(client, number, stop)));
                (written, owed) = (written + count, owed - count);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        return _failures < FailuresMax
            ? $"the sample ends after {WritesMax} writes, as the box keeps all of them in memory; restart it to go on"
            : $"the sample ends: {FailuresMax} of its writes were not committed";
    }

    private async Task WriteAsync(SyncClient client, int number, CancellationToken stop)
    {
        var write = shops.Next();
        var result = await client.WriteAsync(new WriteCommand
        {
            Key = write.Key,
            Op = write.Op,
            Value = write.Json is null ? Nil : JsonTranscoder.ToMsgPack(write.Json, out _),
            IdempotencyKey = $"sample-{seed}-{number}",
        }, stop);
        if (result is not WriteResult.Committed) Interlocked.Increment(ref _failures);
    }
}
