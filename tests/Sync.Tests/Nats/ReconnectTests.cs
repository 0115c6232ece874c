using Shouldly;
using Sync.Nats;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Tests.Nats;

/// <summary>The connection as one state machine: handshake limits, order after a reconnect, server pool.</summary>
public sealed class ReconnectTests : NatsFakeTestBase
{
    [Theory]
    [InlineData(false, "INFO")]
    [InlineData(true, "CONNECT")]
    public async Task A_server_that_hangs_in_the_handshake_is_given_up_in_time(bool sendsInfo, string step)
    {
        var connection = Create(Opts with { ConnectTimeout = TimeSpan.FromMilliseconds(200) });
        var connecting = connection.ConnectAsync().AsTask();
        using var peer = await Server.AcceptAsync();
        if (sendsInfo)
            await peer.SendAsync(peer.Info());
        var error = await Should.ThrowAsync<NatsException>(connecting.WaitAsync(Bound));
        error.Error.ShouldBe(NatsError.ConnectFailed);
        error.Message.ShouldContain($"no answer to {step}");
        (await peer.IsClosedByClientAsync()).ShouldBeTrue();
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("INFO not json\r\n")]
    [InlineData("INFO []\r\n")]
    [InlineData("PING\r\n")]
    [InlineData("\n")]
    public async Task What_is_no_nats_server_is_refused(string greeting)
    {
        var connecting = Create().ConnectAsync().AsTask();
        using var peer = await Server.AcceptAsync();
        await peer.SendAsync(greeting);
        (await Should.ThrowAsync<NatsException>(connecting.WaitAsync(Bound))).Error.ShouldBe(NatsError.Protocol);
    }

    [Fact]
    public async Task Connect_carries_what_the_options_say()
    {
        var (_, peer) = await ConnectAsync(Opts with { Username = "me", Password = "se\"cret", Name = "unit" });
        foreach (var part in (string[])["\"user\":\"me\"", "\"pass\":\"se\\u0022cret\"", "\"name\":\"unit\"",
            "\"verbose\":false",
            "\"headers\":true", "\"no_responders\":true", "\"protocol\":1"])
            peer.ConnectLine.ShouldContain(part);
    }

    [Fact]
    public async Task After_a_reconnect_all_subscriptions_come_before_anything_published_meanwhile()
    {
        var (connection, peer) = await ConnectAsync();
        connection.Subscribe("one", (in NatsMessageView _) => { });
        connection.Subscribe("two.*", (in NatsMessageView _) => { }, "group");
        var ended = connection.Subscribe("ended", (in NatsMessageView _) => { });
        await ended.UnsubscribeAsync();
        var endedWhileDown = connection.Subscribe("ended.while.down", (in NatsMessageView _) => { });
        (await peer.ReadLineAsync()).ShouldBe("SUB one 1");
        (await peer.ReadLineAsync()).ShouldBe("SUB two.* group 2");
        (await peer.ReadLineAsync()).ShouldBe("SUB ended 3");
        (await peer.ReadLineAsync()).ShouldBe("UNSUB 3");
        (await peer.ReadLineAsync()).ShouldStartWith("SUB ended.while.down ");

        await CutAsync(connection, peer);
        await connection.PublishAsync("p", "1"u8.ToArray());
        await endedWhileDown.UnsubscribeAsync();
        connection.Subscribe("down", (in NatsMessageView _) => { });
        await connection.PublishAsync("p", "2"u8.ToArray());

        var second = await Server.AcceptAndHandshakeAsync();
        var lines = new List<string?>();
        while (lines.LastOrDefault() != "2")
            lines.Add(await second.ReadLineAsync());
        lines[..2].ShouldBe(["SUB one 1", "SUB two.* group 2"]);
        lines[2]!.ShouldStartWith("SUB down ");
        lines[3..].ShouldBe(["PUB p 1", "1", "PUB p 1", "2"]);
        connection.Epoch.ShouldBe(2);
    }

    [Fact]
    public async Task A_subscription_with_a_limit_resumes_with_the_rest()
    {
        var (connection, peer) = await ConnectAsync();
        var subscription = connection.SubscribeQueued("s", opts: new NatsSubOpts { MaxMsgs = 5 });
        await peer.ExpectAsync("SUB s 1");
        await peer.ExpectAsync("UNSUB 1 5");
        await peer.SendMessageAsync("s", "1", "a");
        await peer.SendMessageAsync("s", "1", "b");
        (await FirstAsync(subscription)).Data.Length.ShouldBe(1);
        (await FirstAsync(subscription)).Data.Length.ShouldBe(1);
        peer.Reset();
        var second = await Server.AcceptAndHandshakeAsync();
        await second.ExpectAsync("SUB s 1");
        await second.ExpectAsync("UNSUB 1 3");
        // Four, and some more that were in flight: the count holds on this side, too.
        for (var i = 0; i < 6; i++)
            await second.SendMessageAsync("s", "1", "c");
        await subscription.Ended.WaitAsync(Bound);
        subscription.Received.ShouldBe(5);
        await CutAsync(connection, second);
        var third = await Server.AcceptAndHandshakeAsync();
        await connection.PublishAsync("next");
        (await third.ReadLineAsync()).ShouldBe("PUB next 0");
    }

    [Fact]
    public async Task Late_messages_for_an_ended_subscription_reach_nobody_not_even_who_has_its_place()
    {
        var (connection, peer) = await ConnectAsync();
        var old = connection.Subscribe("old", (in NatsMessageView _) => { });
        await peer.ExpectAsync("SUB old 1");
        await old.UnsubscribeAsync();
        await peer.ExpectAsync("UNSUB 1");
        var young = connection.SubscribeQueued("young");
        var sid = (await peer.ExpectAsync("SUB young ")).Split(' ')[^1];
        await peer.SendMessageAsync("old", "1", "late");
        await peer.SendMessageAsync("young", sid, "mine");
        (await FirstAsync(young)).Subject.ShouldBe("young");
        connection.Statistics.MessagesUnrouted.ShouldBe(1);
    }

    [Fact]
    public async Task Servers_that_info_names_are_used_and_the_lost_one_comes_last()
    {
        await using var other = FakeNatsServer.Start();
        var (connection, peer) = await ConnectAsync();
        await peer.SendAsync(peer.Info($",\"connect_urls\":[\"127.0.0.1:{other.Port}\",\"not an address:::\"]"));
        await peer.SendAsync("PING\r\n");
        await peer.ExpectAsync("PONG");
        peer.Reset();
        using var moved = await other.AcceptAndHandshakeAsync();
        await connection.PublishAsync("there");
        await moved.ExpectAsync("PUB there 0");
    }

    [Fact]
    public async Task Lame_duck_mode_moves_the_connection_without_losing_what_was_published()
    {
        await using var other = FakeNatsServer.Start();
        var (connection, peer) = await ConnectAsync();
        var noticed = NextAsync<NatsEventArgs>(h => connection.LameDuckModeActivated += h);
        await connection.PublishAsync("before");
        await peer.SendAsync(peer.Info($",\"ldm\":true,\"connect_urls\":[\"127.0.0.1:{other.Port}\"]"));
        await noticed;
        await peer.ExpectAsync("PUB before 0");
        await peer.ExpectAsync("");
        await peer.ExpectAsync("PING");
        // The fence is out: what comes now is for the next server.
        var waiting = connection.PublishAsync("after").AsTask();
        await peer.SendAsync("PONG\r\n");
        (await peer.IsClosedByClientAsync()).ShouldBeTrue();
        using var moved = await other.AcceptAndHandshakeAsync();
        await moved.ExpectAsync("PUB after 0");
        await waiting.WaitAsync(Bound);
    }

    [Fact]
    public async Task The_same_refusal_twice_ends_the_connection_and_everybody_learns_it()
    {
        var connection = Create(Opts with { RetryOnInitialConnect = true });
        var connecting = connection.ConnectAsync().AsTask();
        await RefuseAsync();
        await connecting.WaitAsync(Bound);
        var waiting = connection.WaitUntilOpenAsync().AsTask();
        await RefuseAsync();
        (await Should.ThrowAsync<NatsException>(waiting.WaitAsync(Bound))).Error.ShouldBe(NatsError.Authentication);
        connection.ConnectionState.ShouldBe(NatsConnectionState.Failed);
        (await Should.ThrowAsync<NatsException>(connection.PublishAsync("s").AsTask()))
            .Error.ShouldBe(NatsError.Closed);
        (await Should.ThrowAsync<NatsException>(connection.ConnectAsync().AsTask())).Error.ShouldBe(NatsError.Closed);
    }

    [Fact]
    public async Task Expired_credentials_are_asked_for_again()
    {
        var asked = 0;
        var (_, peer) = await ConnectAsync(Opts with
        {
            CredentialsCallback = () => new NatsCredentials { Token = $"token-{++asked}" },
        });
        peer.ConnectLine.ShouldContain("token-1");
        await peer.SendAsync("-ERR 'User Authentication Expired'\r\n");
        (await Server.AcceptAndHandshakeAsync()).ConnectLine.ShouldContain("token-2");
    }

    [Fact]
    public async Task After_the_allowed_rounds_it_gives_up()
    {
        var (connection, _) = await ConnectAsync(Opts with { MaxReconnectRounds = 2 });
        var subscription = connection.SubscribeQueued("s");
        await Server.DisposeAsync();
        await subscription.Ended.WaitAsync(Bound);
        await Should.ThrowAsync<NatsException>(connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound));
        connection.ConnectionState.ShouldBe(NatsConnectionState.Failed);
    }

    private async Task RefuseAsync()
    {
        using var peer = await Server.AcceptAsync();
        await peer.SendAsync(peer.Info(",\"auth_required\":true"));
        await peer.ExpectAsync("CONNECT");
        await peer.SendAsync("-ERR 'Authorization Violation'\r\n");
        await peer.IsClosedByClientAsync();
    }
}
