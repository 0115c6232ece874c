using System.Diagnostics;
using Npgsql;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Benchmarks.Way;

/// <summary>Closed-loop producers: each draws a key, writes, and awaits its own answer before the next.</summary>
internal static class Load
{
    /// <summary>Through the client library.</summary>
    public static Task<LoadResult> ClientAsync(SyncClient client, int producers, Func<Random, int?> next) =>
        RunAsync(producers, next, _ => (key, value) => PutAsync(client, key, value));

    /// <summary>A connection for each producer, the statement prepared on it.</summary>
    public static async Task<LoadResult> DirectAsync(string database, int producers, Func<Random, int?> next)
    {
        await using var pool = PlainTable.Pool(database);
        var commands = new NpgsqlCommand[producers];
        for (var index = 0; index < producers; index++)
        {
            commands[index] = PlainTable.Write(await pool.OpenConnectionAsync());
            await commands[index].PrepareAsync();
        }
        var result = await RunAsync(producers, next, index => async (key, value) =>
        {
            await PlainTable.ExecuteAsync(commands[index], Records.Key(key).Key, value);
            return true;
        });
        foreach (var command in commands)
        {
            await command.Connection!.DisposeAsync();
            await command.DisposeAsync();
        }
        return result;
    }

    public static async Task<bool> PutAsync(SyncClient client, int key, byte[] value) =>
        await client.WriteAsync(new WriteCommand
        {
            Key = Records.Key(key),
            Op = ChangeOp.Put,
            Value = value,
            SchemaVersion = SchemaVersion.Default,
        }) is WriteResult.Committed;

    /// <summary>Draws keys until a time is over.</summary>
    public static Func<Random, int?> For(TimeSpan time, bool isZipf)
    {
        var start = Stopwatch.GetTimestamp();
        return random => Stopwatch.GetElapsedTime(start) < time ? Records.Draw(random, isZipf) : null;
    }

    /// <summary>Each key once.</summary>
    public static Func<Random, int?> EachOnce()
    {
        var last = -1;
        return _ => Interlocked.Increment(ref last) is var key && key < Records.KeyCount ? key : null;
    }

    private static async Task<LoadResult> RunAsync(
        int producers, Func<Random, int?> next, Func<int, Func<int, byte[], Task<bool>>> writer)
    {
        long committed = 0, failed = 0;
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, producers).Select(index => Task.Run(async () =>
        {
            var random = new Random(index);
            var write = writer(index);
            while (next(random) is { } key)
            {
                if (await write(key, Records.Value(random))) Interlocked.Increment(ref committed);
                else Interlocked.Increment(ref failed);
            }
        })));
        return new LoadResult(committed, failed, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}

/// <summary>What a load achieved.</summary>
internal sealed record LoadResult(long Committed, long Failed, double Seconds)
{
    public double Rate => Committed / Seconds;
}
