using System.Diagnostics;
using Sync.Nats;

namespace Sync.Benchmarks.Nats;

/// <summary>What the yardstick does, with our client. 128-byte payloads, literal subjects.</summary>
internal static class OurNats
{
    private static readonly byte[] Payload = new byte[128];

    public static async Task<Measured> PublishAsync(string url, int count, int publishers)
    {
        await using var connection = await ConnectAsync(url);
        return await MeasureAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(0, publishers)
                .Select(_ => Task.Run(() => PublishLoopAsync(connection, count / publishers))));
            await connection.FlushAsync();
        });
    }

    /// <summary>Also the bytes allocated by publisher and receiver together: the receiver's are at most that.</summary>
    public static async Task<Measured> PubSubAsync(string url, int count)
    {
        await using var publisher = await ConnectAsync(url);
        await using var receiver = await ConnectAsync(url);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var received = 0;
        await using var subscription = await receiver.SubscribeConfirmedAsync("bench.subject",
            (in NatsMessageView message) =>
        {
            if (message.Payload.Length == Payload.Length && ++received == count)
                done.SetResult();
        });
        return await MeasureAsync(async () =>
        {
            await Task.Run(() => PublishLoopAsync(publisher, count));
            await done.Task.WaitAsync(TimeSpan.FromMinutes(2));
        });
    }

    public static async Task<Measured> RequestsAsync(string url, int count)
    {
        await using var client = await ConnectAsync(url);
        await using var responder = await ConnectAsync(url);
        await using var subscription = await responder.SubscribeConfirmedAsync("bench.echo",
            (in NatsMessageView message) =>
            responder.TryPublish(message.ReplyTo!, message.Payload));
        var micros = new double[count];
        for (var i = 0; i < 500; i++)
            await client.RequestAsync("bench.echo", Payload);
        var measured = await MeasureAsync(async () =>
        {
            for (var i = 0; i < count; i++)
            {
                var start = Stopwatch.GetTimestamp();
                await client.RequestAsync("bench.echo", Payload);
                micros[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            }
        });
        Array.Sort(micros);
        return measured with { P50Micros = micros[count / 2], P99Micros = micros[count * 99 / 100] };
    }

    private static async Task PublishLoopAsync(NatsConnection connection, int count)
    {
        for (var i = 0; i < count; i++)
            await connection.PublishAsync("bench.subject", Payload);
    }

    private static async Task<NatsConnection> ConnectAsync(string url)
    {
        var connection = new NatsConnection(new NatsOpts
        {
            Url = url,
            RequestTimeout = TimeSpan.FromMinutes(1),
            PublishTimeout = TimeSpan.FromMinutes(1),
        });
        await connection.ConnectAsync();
        return connection;
    }

    private static async Task<Measured> MeasureAsync(Func<Task> run)
    {
        var cpu = CpuTimes.Of(Environment.ProcessId);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var start = Stopwatch.GetTimestamp();
        await run();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Measured(
            seconds,
            CpuTimes.Of(Environment.ProcessId) - cpu,
            AllocatedBytes: GC.GetTotalAllocatedBytes(precise: true) - allocated);
    }
}
