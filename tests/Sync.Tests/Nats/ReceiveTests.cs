using System.Text;
using Shouldly;
using Sync.Nats;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Tests.Nats;

/// <summary>The receive path: parsing in pieces, limits, errors in any place, slow consumers, callbacks that throw,
/// liveness.</summary>
public sealed class ReceiveTests : NatsFakeTestBase
{
    [Fact]
    public async Task Frames_split_at_every_byte_with_everything_in_between_are_read()
    {
        var (connection, peer) = await ConnectAsync();
        var subscription = connection.SubscribeQueued("s.*");
        await peer.ExpectAsync("SUB s.* 1");
        var serverError = NextAsync<NatsErrorEventArgs>(h => connection.ServerError += h);
        await peer.SendByteByByteAsync(
            "MSG s.a 1 5\r\nhello\r\n+OK\r\nPING\r\n-ERR 'Invalid Subject'\r\n" +
            "HMSG s.b 1 reply.to 23 27\r\nNATS/1.0\r\nName: v  \r\n\r\nbody\r\n" +
            peer.Info() + "MSG s.c 1 0\r\n\r\nMSG s.d 1 2\r\n\r\n\r\n");
        var a = await FirstAsync(subscription);
        (a.Subject, Encoding.UTF8.GetString(a.Data.Span), a.ReplyTo, a.Headers).ShouldBe(("s.a", "hello", null, null));
        var b = await FirstAsync(subscription);
        (b.Subject, Encoding.UTF8.GetString(b.Data.Span), b.ReplyTo, b.Headers!["Name"])
            .ShouldBe(("s.b", "body", "reply.to", "v"));
        (await FirstAsync(subscription)).Data.Length.ShouldBe(0);
        Encoding.UTF8.GetString((await FirstAsync(subscription)).Data.Span).ShouldBe("\r\n");
        await peer.ExpectAsync("PONG");
        (await serverError).Error.Message.ShouldContain("Invalid Subject");
        connection.Epoch.ShouldBe(1);
    }

    [Theory]
    [InlineData("MSG s 1 -1\r\n")]
    [InlineData("MSG s 1 99999999999\r\n")]
    [InlineData("MSG s 1 9000000\r\n")]
    [InlineData("MSG s x 1\r\na\r\n")]
    [InlineData("MSG s 1\r\n")]
    [InlineData("MSG  1 1\r\na\r\n")]
    [InlineData("MSG s 1 1\r\nab\r\n")]
    [InlineData("HMSG s 1 5 1\r\na\r\n")]
    [InlineData("HMSG s 1 1\r\na\r\n")]
    [InlineData("PINGPONG\r\n")]
    [InlineData("PING\n")]
    [InlineData("\r\n")]
    [InlineData("GARBAGE THAT NEVER ENDS")]
    [InlineData("INFO {\r\n")]
    public async Task What_breaks_the_protocol_ends_that_connection_only(string bytes)
    {
        var (connection, peer) = await ConnectAsync();
        await peer.SendAsync(bytes);
        (await peer.IsClosedByClientAsync()).ShouldBeTrue();
        await Server.AcceptAndHandshakeAsync();
        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        connection.Epoch.ShouldBe(2);
    }

    [Fact]
    public async Task A_control_line_without_end_is_cut_at_the_limit()
    {
        var (connection, peer) = await ConnectAsync(Opts with { ControlLineBytesMax = 512 });
        await peer.SendAsync("MSG " + new string('a', 600));
        (await peer.IsClosedByClientAsync()).ShouldBeTrue();
        connection.Statistics.MessagesIn.ShouldBe(0);
    }

    [Fact]
    public async Task Random_mutations_of_frames_never_do_more_than_end_a_connection()
    {
        var random = new Random(4711);
        var (connection, peer) = await ConnectAsync();
        connection.Subscribe("s", (in NatsMessageView m) => _ = m.ToMsg());
        var frames = Encoding.ASCII.GetBytes("MSG s 1 5\r\nhello\r\nPONG\r\n-ERR 'Invalid Subject'\r\n" +
            "HMSG s 1 23 27\r\nNATS/1.0\r\nName: v  \r\n\r\nbody\r\n");
        for (var round = 0; round < 200; round++)
        {
            var bytes = frames.ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            await peer.SendAsync(bytes);
            peer.Dispose();
            peer = await Server.AcceptAndHandshakeAsync();
        }

        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        var asked = connection.FlushAsync().AsTask();
        await peer.ExpectAsync("SUB s 1");
        await peer.PongAsync();
        await asked.WaitAsync(Bound);
        connection.Statistics.CallbackErrors.ShouldBe(0);
    }

    [Fact]
    public async Task A_callback_that_throws_is_counted_and_the_next_message_arrives()
    {
        var (connection, peer) = await ConnectAsync();
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Subscribe("s", (in NatsMessageView m) =>
        {
            if (m.Payload[0] == '1')
                throw new InvalidOperationException("of the user");
            second.SetResult();
        });
        await peer.ExpectAsync("SUB s 1");
        await peer.SendMessageAsync("s", "1", "1");
        await peer.SendMessageAsync("s", "1", "2");
        await second.Task.WaitAsync(Bound);
        connection.Statistics.CallbackErrors.ShouldBe(1);
    }

    [Theory]
    [InlineData(3, 1000)]
    [InlineData(1000, 3)]
    public async Task A_slow_consumer_is_told_how_much_it_lost_and_where_and_nobody_waits_for_it(int messagesMax,
        long bytesMax)
    {
        var (connection, peer) = await ConnectAsync();
        var slow = connection.SubscribeQueued("s",
            opts: new NatsSubOpts { MessagesMax = messagesMax, BytesMax = bytesMax });
        var quick = connection.SubscribeQueued("q");
        await peer.ExpectAsync("SUB s 1");
        await peer.ExpectAsync("SUB q 2");
        var told = NextAsync<NatsSlowConsumerEventArgs>(h => connection.SlowConsumer += h);
        for (var i = 0; i < 8; i++)
            await peer.SendMessageAsync("s", "1", $"{i}");
        await peer.SendMessageAsync("q", "2", "x");
        await FirstAsync(quick);
        (await told).Subscription.ShouldBe(slow);

        var seen = new List<string>();
        for (var i = 0; i < 4; i++)
            seen.Add(Describe(await FirstAsync(slow)));
        seen.ShouldBe(["0+0", "1+0", "2+0", "gap+5"]);
        for (var i = 0; i < 5; i++)
            await peer.SendMessageAsync("s", "1", $"{i}");
        await peer.SendMessageAsync("q", "2", "x");
        await FirstAsync(quick);
        (await FirstAsync(slow)).Data.Span[0].ShouldBe((byte)'0');
        await peer.SendMessageAsync("s", "1", "z");
        await peer.SendMessageAsync("q", "2", "x");
        await FirstAsync(quick);
        Describe(await FirstAsync(slow)).ShouldBe("1+0");
        Describe(await FirstAsync(slow)).ShouldBe("2+0");
        Describe(await FirstAsync(slow)).ShouldBe("z+2");
        (slow.Dropped, connection.Statistics.MessagesOverflowed).ShouldBe((7, 7));
        connection.Statistics.SlowConsumerEpisodes.ShouldBe(2);

        static string Describe(NatsMsg m) =>
            $"{(m.IsGapNotice ? "gap" : Encoding.UTF8.GetString(m.Data.Span))}+{m.DroppedBefore}";
    }

    [Fact]
    public async Task A_refused_subscription_learns_it_and_the_connection_stays()
    {
        var (connection, peer) = await ConnectAsync();
        var mine = connection.SubscribeQueued("secret.>");
        var confirming = connection.SubscribeConfirmedAsync("other", (in NatsMessageView _) => { }, "group").AsTask();
        await peer.ExpectAsync("SUB secret.> 1");
        await peer.ExpectAsync("SUB other group 2");
        await peer.ExpectAsync("PING");
        await peer.SendAsync("-ERR 'Permissions Violation for Subscription to \"secret.>\"'\r\n" +
            "-ERR 'Permissions Violation for Subscription to \"other\" using queue \"group\"'\r\n" +
            "-ERR 'Permissions Violation for Publish to \"x\"'\r\nPONG\r\n");
        (await Should.ThrowAsync<NatsException>(confirming.WaitAsync(Bound)))
            .Error.ShouldBe(NatsError.PermissionDenied);
        (await Should.ThrowAsync<NatsException>(FirstAsync(mine))).Error.ShouldBe(NatsError.PermissionDenied);
        connection.Statistics.PermissionErrors.ShouldBe(3);
        connection.Epoch.ShouldBe(1);
        connection.ConnectionState.ShouldBe(NatsConnectionState.Open);
    }

    [Fact]
    public async Task A_silent_server_is_pinged_and_left_after_the_missed_ones()
    {
        var (connection, peer) = await ConnectAsync(
            Opts with { PingInterval = TimeSpan.FromMilliseconds(200), MaxPingOut = 2 });
        await peer.PongAsync();
        var lost = NextAsync<NatsEventArgs>(h => connection.ConnectionDisconnected += h);
        await peer.ExpectAsync("PING");
        await peer.ExpectAsync("PING");
        (await lost).Message.ShouldContain("2 pings");
        await Server.AcceptAndHandshakeAsync();
    }

    [Fact]
    public async Task A_server_that_stalls_while_the_send_buffer_is_full_is_left_as_well()
    {
        var (connection, peer) = await ConnectAsync(
            Opts with { PingInterval = TimeSpan.FromMilliseconds(100), PublishTimeout = TimeSpan.FromMinutes(1) });
        // The peer reads nothing: the kernel's buffers fill, the sender hangs in its write, publishes wait.
        using var stop = new CancellationTokenSource();
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await connection.PublishAsync("s", new byte[64 * 1024], cancellationToken: stop.Token);
        });
        var second = await Server.AcceptAndHandshakeAsync();
        await second.ExpectAsync("PUB s 65536");
        await stop.CancelAsync();
        await publishing.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Bound);
        connection.Statistics.PublishesLostInFlight.ShouldBeGreaterThan(0);
        peer.Dispose();
    }

    [Fact]
    public async Task A_slow_callback_is_not_taken_for_a_dead_server()
    {
        var (connection, peer) = await ConnectAsync(
            Opts with { PingInterval = TimeSpan.FromMilliseconds(200), MaxPingOut = 3 });
        using var release = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Subscribe("s", (in NatsMessageView _) =>
        {
            entered.SetResult();
            // Many ping intervals pass; the bound is the failure's.
            release.Wait(TimeSpan.FromMilliseconds(1500));
        });
        await peer.SendMessageAsync("s", "1", "x");
        await entered.Task.WaitAsync(Bound);
        var flush = connection.FlushAsync().AsTask();
        while (!flush.IsCompleted)
        {
            // The liveness pings go on, so there is always a next line.
            if (await peer.ReadLineAsync() == "PING")
                await peer.SendAsync("PONG\r\n");
        }

        (await flush).ShouldBe(1);
    }

    [Fact]
    public async Task Draining_handles_what_was_on_its_way_and_then_ends()
    {
        var (connection, peer) = await ConnectAsync();
        var subscription = connection.SubscribeQueued("s");
        await peer.ExpectAsync("SUB s 1");
        await connection.PublishAsync("last");
        var draining = connection.DrainAsync().AsTask();
        await peer.ExpectAsync("PUB last 0");
        await peer.ExpectAsync("");
        await peer.ExpectAsync("UNSUB 1");
        await peer.ExpectAsync("PING");
        await peer.SendMessageAsync("s", "1", "on its way");
        await peer.SendAsync("PONG\r\n");
        await peer.PongAsync();
        (await peer.IsClosedByClientAsync()).ShouldBeTrue();
        await draining.WaitAsync(Bound);
        var read = new List<NatsMsg>();
        await foreach (var message in subscription.ReadAllAsync())
            read.Add(message);
        read.Count.ShouldBe(1);
    }
}
