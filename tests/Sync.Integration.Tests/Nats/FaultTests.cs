using System.Collections.Concurrent;
using Shouldly;
using Sync.Nats;
using Sync.Testing.Faults;
using Sync.Testing.Nats;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Nats;

/// <summary>The real server behind a network that breaks: frames stay whole, order stays, everything heals by
/// itself.</summary>
public sealed class FaultTests : NatsTestBase
{
    private FaultProxy _proxy = null!;

    private NatsOpts ProxyOpts => Opts with { Url = $"nats://127.0.0.1:{_proxy.Port}" };

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _proxy = FaultProxy.Start(Server.Port);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task Cuts_inside_frames_never_reorder_repeat_or_tear_a_message()
    {
        var receiver = await ConnectAsync();
        var numbers = new ConcurrentQueue<long>();
        var torn = 0;
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await receiver.SubscribeConfirmedAsync("n", (in NatsMessageView m) =>
        {
            if (m.Payload.Length == 0)
            {
                last.TrySetResult();
                return;
            }

            var number = BitConverter.ToInt64(m.Payload);
            if (m.Payload.Length != 200 || m.Payload[8..].ContainsAnyExcept((byte)number))
                torn++;
            numbers.Enqueue(number);
        });

        var publisher = await ConnectAsync(ProxyOpts);
        var body = new byte[200];
        for (var i = 0L; i < 20_000; i++)
        {
            // At a different byte of a frame each time.
            if (i % 1000 == 500)
                _proxy.ToServer.CutAfter(3000 + (i / 1000 * 11));
            body.AsSpan().Fill((byte)i);
            BitConverter.TryWriteBytes(body, i);
            await publisher.PublishAsync("n", body.ToArray());
            // Small batches: a lost connection takes all that was in flight with it, as core NATS does.
            if (i % 50 == 49)
                await FlushUntilConfirmedAsync(publisher);
        }

        await publisher.PublishAsync("n");
        await FlushUntilConfirmedAsync(publisher);
        await last.Task.WaitAsync(Bound);
        torn.ShouldBe(0);
        var received = numbers.ToArray();
        received.Zip(received.Skip(1)).ShouldAllBe(pair => pair.First < pair.Second);
        received.Length.ShouldBeGreaterThan(15_000);
        Server.Log.ShouldNotContain("arser");
        publisher.Statistics.Reconnects.ShouldBeGreaterThanOrEqualTo(20);
    }

    [Fact]
    public async Task Slices_of_one_to_seven_bytes_both_ways_change_nothing()
    {
        _proxy.ToServer.SliceBytes = 7;
        _proxy.ToClient.SliceBytes = 1;
        var connection = await ConnectAsync(ProxyOpts);
        await using var subscription = await connection.SubscribeCoreAsync("s");
        for (var i = 0; i < 20; i++)
            await connection.PublishAsync("s", new byte[i], new NatsHeaders { { "N", $"{i}" } });
        var messages = await TakeAsync(subscription, 20);
        messages.Select(m => $"{m.Data.Length}").ShouldBe(messages.Select(m => m.Headers!["N"]!));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stall_in_one_direction_is_noticed_and_left(bool toServer)
    {
        var connection = await ConnectAsync(ProxyOpts with { PingInterval = TimeSpan.FromMilliseconds(200) });
        var lane = toServer ? _proxy.ToServer : _proxy.ToClient;
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionDisconnected += (_, _) => lost.TrySetResult();
        lane.Stall();
        await lost.Task.WaitAsync(Bound);
        lane.Heal();
        await WaitForEpochAboveAsync(connection, 1);
        await FlushUntilConfirmedAsync(connection);
    }

    [Fact]
    public async Task A_paused_server_is_left_and_the_unconfirmed_publisher_knows()
    {
        var connection = await ConnectAsync(
            Opts with { PingInterval = TimeSpan.FromMilliseconds(200), ConnectTimeout = TimeSpan.FromSeconds(1) });
        Server.Pause();
        await connection.PublishAsync("s", new byte[10]);
        var flush = connection.FlushAsync().AsTask();
        (await Should.ThrowAsync<NatsException>(flush.WaitAsync(Bound))).Error.ShouldBe(NatsError.ConnectionLost);
        Server.Resume();
        await WaitForEpochAboveAsync(connection, 1);
    }

    [Fact]
    public async Task A_refused_reconnect_goes_on_until_it_succeeds_and_order_holds()
    {
        var receiver = await ConnectAsync();
        await using var subscription = await receiver.SubscribeCoreAsync("n");
        var publisher = await ConnectAsync(ProxyOpts);
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        publisher.ReconnectFailed += (_, _) => failed.TrySetResult();
        _proxy.Refuse();
        _proxy.Cut();
        await failed.Task.WaitAsync(Bound);
        var publishes = Enumerable.Range(0, 3000)
            .Select(i => publisher.PublishAsync("n", BitConverter.GetBytes(i)).AsTask()).ToArray();
        _proxy.Accept();
        await Task.WhenAll(publishes).WaitAsync(Bound);
        (await TakeAsync(subscription, 3000)).Select(m => BitConverter.ToInt32(m.Data.Span))
            .ShouldBe(Enumerable.Range(0, 3000));
    }

    [Fact]
    public async Task Four_publishers_keep_their_own_order_through_a_full_buffer()
    {
        var receiver = await ConnectAsync();
        await using var subscription = await receiver.SubscribeCoreAsync("p.*");
        var publisher = await ConnectAsync(Opts with { WriterBatchBytes = 4096 });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(p => Task.Run(async () =>
        {
            for (var i = 0; i < 5000; i++)
                await publisher.PublishAsync($"p.{p}", BitConverter.GetBytes(i));
        })));
        var messages = await TakeAsync(subscription, 20_000);
        for (var p = 0; p < 4; p++)
        {
            messages.Where(m => m.Subject == $"p.{p}").Select(m => BitConverter.ToInt32(m.Data.Span))
                .ShouldBe(Enumerable.Range(0, 5000));
        }
    }

    [Fact]
    public async Task Lame_duck_mode_of_a_real_cluster_moves_the_client_before_the_server_goes()
    {
        var routes = (Ports.Free(), Ports.Free());
        await using var one = await NatsServer.StartAsync(Cluster(routes.Item1, routes.Item2));
        await using var two = await NatsServer.StartAsync(Cluster(routes.Item2, routes.Item1));
        var connection = await ConnectAsync(Opts with { Url = one.Url, NoRandomize = true });
        var duck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.LameDuckModeActivated += (_, _) => duck.TrySetResult();
        await WaitUntilKnownAsync(connection, two.Port);
        one.EnterLameDuckMode();
        await duck.Task.WaitAsync(Bound);
        await WaitForEpochAboveAsync(connection, 1);
        connection.ServerInfo!.Id.ShouldNotBeEmpty();
        one.IsRunning.ShouldBeTrue();
        await connection.FlushAsync();

        static string Cluster(int own, int other) =>
            $"cluster {{ name: c, listen: \"127.0.0.1:{own}\", routes: [\"nats://127.0.0.1:{other}\"] }}\n" +
            "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"10s\"";
    }

    // The cluster tells its members by INFO as it finds them.
    private static async Task WaitUntilKnownAsync(NatsConnection connection, int port)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (connection.ServerInfo!.ConnectUrls.All(u => !u.EndsWith($":{port}", StringComparison.Ordinal)))
            await connection.PingAsync(bound.Token);
    }

    private static async Task FlushUntilConfirmedAsync(NatsConnection connection)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (true)
        {
            try
            {
                await connection.WaitUntilOpenAsync(bound.Token);
                await connection.FlushAsync(bound.Token);
                return;
            }
            catch (NatsException e) when (e.IsTransient)
            {
                // Lost in between: again, on the next connection.
            }
        }
    }
}
