using System.Buffers;
using System.Diagnostics;
using Sync.Benchmarks.Way;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Nats;
using Sync.Replication;
using Sync.Testing.Nats;
using Sync.Transport;

namespace Sync.Benchmarks.Replicas;

/// <summary>
/// B6: 1,000 local replicas of one key, each with its gate state and an observer, 512-byte values; beside (a) 1,000 bare
/// subscriptions of one connection, callback only, and (b) the same replicas, each on a subscription of its own.
/// <code>b6 [--rounds N] [--seconds S] [--json FILE]</code>
/// </summary>
internal static class FanOutBenchmark
{
    private const int Replicas = 1000;
    private const int Burst = 8;
    private const int BurstsAhead = 8;
    private static readonly SyncedKey Key = Item.Key(1);

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Arguments.Number(args, "--rounds", 5);
        var time = TimeSpan.FromSeconds(Arguments.Number(args, "--seconds", 3));
        await using var server = await NatsServer.StartAsync();
        await using var publisher = await Bare.ConnectAsync(server.Url);
        var source = new Source(publisher);
        var report = new Report(
            $"B6 applies/s of {Replicas} replicas of one key, {source.Bytes}-byte envelopes, {rounds} alternating rounds");
        var bare = report.Line("(a) over 1,000 bare subscriptions", "applies/s", 4, atLeast: true);
        var apart = report.Line("(b) over a subscription each", "applies/s", 10, atLeast: true);
        for (var round = 0; round < rounds; round++)
        {
            var plain = await BareAsync(server.Url, source, time);
            var own = await ReplicasAsync(server.Url, source, time, isShared: false);
            var ours = await ReplicasAsync(server.Url, source, time, isShared: true);
            bare.Add(plain.PerSecond, ours.PerSecond);
            apart.Add(own.PerSecond, ours.PerSecond);
            report.Fact("CPU seconds per million applies, ours", ours.Cpu * 1e6);
            report.Fact("CPU seconds per million callbacks, bare", plain.Cpu * 1e6);
        }
        return await report.FinishAsync(args);
    }

    private static async Task<Rate> BareAsync(string url, Source source, TimeSpan time)
    {
        await using var connection = await Bare.ConnectAsync(url);
        var progress = new Progress();
        var subscriptions = new List<IAsyncDisposable>();
        for (var index = 0; index < Replicas; index++)
            subscriptions.Add(await connection.SubscribeConfirmedAsync(
                Subjects.Default.Of(Key), (in NatsMessageView _) => progress.Add()));
        var rate = await source.RunAsync(time, progress);
        foreach (var subscription in subscriptions) await subscription.DisposeAsync();
        return rate;
    }

    private static async Task<Rate> ReplicasAsync(string url, Source source, TimeSpan time, bool isShared)
    {
        await using var bus = await SyncBus.ConnectAsync(new BusOptions { Url = url });
        var sides = new List<(NatsTransport Transport, ReplicaHub Hub)>();
        var progress = new Progress();
        var applied = new Applied(progress);
        for (var index = 0; index < Replicas; index++)
        {
            if (index == 0 || !isShared)
            {
                var transport = new NatsTransport(bus, new EnvelopeCodec());
                sides.Add((transport, await ReplicaHub.StartAsync(transport, null)));
            }
            var replica = await sides[^1].Hub.OpenAsync(new ReplicaOptions<Item> { Key = Key, Schema = ItemSchema.Instance });
            replica.Changes.Subscribe(applied);
        }
        var rate = await source.RunAsync(time, progress);
        foreach (var (transport, hub) in sides)
        {
            await hub.DisposeAsync();
            await transport.DisposeAsync();
        }
        return rate;
    }

    /// <summary>How fast, and the processor time of this process for each.</summary>
    private readonly record struct Rate(double PerSecond, double Cpu);

    /// <summary>Counts what is delivered, and lets the publisher go on.</summary>
    private sealed class Progress
    {
        private long _count;

        public SemaphoreSlim Room { get; } = new(BurstsAhead);

        public long Count => Interlocked.Read(ref _count);

        public void Add()
        {
            if (Interlocked.Increment(ref _count) % ((long)Replicas * Burst) == 0) Room.Release();
        }
    }

    private sealed class Applied(Progress progress) : IObserver<ReplicaChange<Item>>
    {
        public void OnNext(ReplicaChange<Item> value)
        {
            if (value.Kind == ReplicaChangeKind.Applied) progress.Add();
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error) => Console.Error.WriteLine(error);
    }

    /// <summary>Publishes versions of the one key, a bounded number ahead of its receivers, so that nothing overflows and all
    /// of it counts.</summary>
    private sealed class Source(NatsConnection connection)
    {
        private readonly byte[] _value = Item.Bytes(Item.Make(1, noteLength: 452));
        private long _sequence;

        public int Bytes => Encode(1).Length;

        public async Task<Rate> RunAsync(TimeSpan time, Progress progress)
        {
            var sent = 0L;
            var (start, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                if (!await progress.Room.WaitAsync(TimeSpan.FromSeconds(60))) throw new InvalidOperationException("void: it stands still");
                for (var one = 0; one < Burst; one++, sent++)
                    await connection.PublishAsync(Subjects.Default.Of(Key), Encode(++_sequence).ToArray());
            }
            for (var ahead = 0; ahead < BurstsAhead; ahead++)
                if (!await progress.Room.WaitAsync(TimeSpan.FromSeconds(60)))
                    throw new InvalidOperationException($"void: {(sent * Replicas) - progress.Count} were not delivered");
            return new Rate(
                progress.Count / Stopwatch.GetElapsedTime(start).TotalSeconds,
                (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / progress.Count);
        }

        private ReadOnlyMemory<byte> Encode(long sequence)
        {
            var buffer = new ArrayBufferWriter<byte>(1024);
            new EnvelopeCodec().Encode(
                new Envelope
                {
                    Key = Key,
                    Value = _value,
                    SchemaVersion = SchemaVersion.Default,
                    Sequence = new Sequence(sequence),
                },
                buffer);
            return buffer.WrittenMemory;
        }
    }
}
