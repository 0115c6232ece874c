using Shouldly;
using Sync.Nats;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Tests.Nats;

/// <summary>The send path: order, bounds, policies, fences, and what never gets as far as the wire.</summary>
public sealed class PublishTests : NatsFakeTestBase
{
    public static TheoryData<string> BadSubjects => new(
        "", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\rb", "a\nb", "a\r\nPUB x 0\r\n\r\n", "a\0b", "a\u007Fb", "a.*",
        "a.>", "*", ">",
        "ä", "a\u2028b", "a\u0120b", "\uD83D\uDE00", "a\uD800");

    [Theory]
    [MemberData(nameof(BadSubjects))]
    public async Task A_subject_that_could_be_more_than_a_subject_never_reaches_the_wire(string bad)
    {
        var (connection, peer) = await ConnectAsync();
        Should.Throw<NatsException>(() => connection.TryPublish(bad, default)).Error.ShouldBe(NatsError.InvalidName);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync(bad)))
            .Error.ShouldBe(NatsError.InvalidName);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("ok", replyTo: bad)))
            .Error.ShouldBe(NatsError.InvalidName);
        if (!bad.Contains('*') && !bad.Contains('>'))
            Should.Throw<NatsException>(() => connection.SubscribeQueued(bad)).Error.ShouldBe(NatsError.InvalidName);
        await connection.PublishAsync("clean");
        (await peer.ReadLineAsync()).ShouldBe("PUB clean 0");
    }

    [Theory]
    [InlineData("a.b*", null)]
    [InlineData("a.>.b", null)]
    [InlineData("a>", null)]
    [InlineData("a", "")]
    [InlineData("a", "group 1\r\n")]
    public async Task A_subscription_with_a_misplaced_wildcard_or_group_is_refused(string subject, string? group)
    {
        var (connection, _) = await ConnectAsync();
        Should.Throw<NatsException>(() => connection.SubscribeQueued(subject, group))
            .Error.ShouldBe(NatsError.InvalidName);
    }

    [Fact]
    public async Task Every_character_outside_printable_ascii_is_refused()
    {
        var (connection, _) = await ConnectAsync();
        for (var c = 0; c <= char.MaxValue; c++)
        {
            if (c is > 0x20 and < 0x7F)
                continue;
            Should.Throw<NatsException>(() => connection.TryPublish($"a{(char)c}b", default))
                .Error.ShouldBe(NatsError.InvalidName);
        }
    }

    [Theory]
    [InlineData("", "v")]
    [InlineData("a b", "v")]
    [InlineData("a:b", "v")]
    [InlineData("a\r\nb", "v")]
    [InlineData("ä", "v")]
    [InlineData("name", "a\rb")]
    [InlineData("name", "a\nb")]
    [InlineData("name", "a\0b")]
    public void A_header_that_could_be_two_is_refused(string name, string value) =>
        Should.Throw<NatsException>(() => new NatsHeaders { { name, value } }).Error.ShouldBe(NatsError.InvalidName);

    [Fact]
    public async Task Frames_are_what_the_protocol_says()
    {
        var (connection, peer) = await ConnectAsync();
        await connection.PublishAsync("s", "body"u8.ToArray(), new NatsHeaders { { "A", "1" }, { "B", "ü" } }, "r");
        foreach (var line in (string[])["HPUB s r 25 29", "NATS/1.0", "A: 1", "B: ü", "", "body"])
            (await peer.ReadLineAsync()).ShouldBe(line);
        await connection.PublishAsync("s", "x"u8.ToArray(), replyTo: "r");
        (await peer.ReadLineAsync()).ShouldBe("PUB s r 1");
    }

    [Fact]
    public async Task Headers_and_payload_together_must_fit_the_servers_max_payload()
    {
        var (connection, peer) = await ConnectAsync(infoFields: ",\"max_payload\":100");
        var headers = new NatsHeaders { { "A", "12345" } };
        await connection.PublishAsync("s", new byte[100]);
        await connection.PublishAsync("s", new byte[100 - 22], headers);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("s", new byte[101])))
            .Error.ShouldBe(NatsError.PayloadTooLarge);
        (await Should.ThrowAsync<NatsException>(async () =>
            await connection.PublishAsync("s", new byte[100 - 21], headers)))
            .Error.ShouldBe(NatsError.PayloadTooLarge);
        (await peer.ReadLineAsync()).ShouldBe("PUB s 100");
        // Another server may take less, or more.
        await CutAsync(connection, peer);
        await Server.AcceptAndHandshakeAsync(",\"max_payload\":10");
        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("s", new byte[11])))
            .Error.ShouldBe(NatsError.PayloadTooLarge);
    }

    [Fact]
    public async Task Publishes_made_in_an_outage_without_awaiting_arrive_complete_and_in_order()
    {
        var (connection, peer) = await ConnectAsync(
            Opts with { PendingBytesMax = 64 * 1024, PendingWaitersMax = 5000 });
        await CutAsync(connection, peer);
        var publishes = Enumerable.Range(0, 5000).Select(i => connection.PublishAsync($"n.{i}", new byte[4]).AsTask())
            .ToArray();
        publishes.ShouldContain(p => !p.IsCompleted);
        var second = await Server.AcceptAndHandshakeAsync();
        for (var i = 0; i < 5000; i++)
        {
            (await second.ReadLineAsync()).ShouldBe($"PUB n.{i} 4");
            await second.ReadLineAsync();
        }

        await Task.WhenAll(publishes).WaitAsync(Bound);
        connection.Statistics.MessagesOut.ShouldBe(5000);
    }

    [Fact]
    public async Task Waiting_is_bounded_in_number_and_in_time()
    {
        var (connection, peer) = await ConnectAsync(Opts with
        {
            PendingBytesMax = 64 * 1024,
            PendingWaitersMax = 3,
            PublishTimeout = TimeSpan.FromMilliseconds(100),
        });
        await CutAsync(connection, peer);
        await connection.PublishAsync("fill", new byte[60 * 1024]);
        var waiting = Enumerable.Range(0, 3).Select(_ => connection.PublishAsync("w", new byte[8 * 1024]).AsTask())
            .ToArray();
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("w", new byte[8 * 1024])))
            .Error.ShouldBe(NatsError.PendingFull);
        foreach (var one in waiting)
            (await Should.ThrowAsync<NatsException>(one.WaitAsync(Bound))).Error.ShouldBe(NatsError.PendingFull);

        // Their places are free again, and what gave up is never sent.
        using var cancel = new CancellationTokenSource();
        var cancelled = connection.PublishAsync("w", new byte[8 * 1024], cancellationToken: cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled.WaitAsync(Bound));
        var second = await Server.AcceptAndHandshakeAsync();
        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        await connection.PublishAsync("next");
        await second.ExpectAsync("PUB fill ");
        await second.ReadLineAsync();
        await second.ExpectAsync("PUB next 0");
    }

    [Theory]
    [InlineData(NatsPendingPolicy.Discard)]
    [InlineData(NatsPendingPolicy.Fail)]
    public async Task A_full_buffer_discards_or_fails_by_choice(NatsPendingPolicy policy)
    {
        var (connection, peer) = await ConnectAsync(Opts with { PendingBytesMax = 64 * 1024, PendingPolicy = policy });
        await CutAsync(connection, peer);
        await connection.PublishAsync("fill", new byte[60 * 1024]);
        var over = connection.PublishAsync("over", new byte[8 * 1024]).AsTask();
        connection.TryPublish("over", new byte[8 * 1024]).ShouldBeFalse();
        if (policy == NatsPendingPolicy.Fail)
            (await Should.ThrowAsync<NatsException>(over)).Error.ShouldBe(NatsError.PendingFull);
        else
            await over;
        connection.Statistics.PublishesDiscarded.ShouldBe(policy == NatsPendingPolicy.Discard ? 1 : 0);
        var second = await Server.AcceptAndHandshakeAsync();
        await second.ExpectAsync("PUB fill ");
    }

    [Fact]
    public async Task Without_buffering_nothing_crosses_from_one_epoch_into_the_next()
    {
        var (connection, peer) = await ConnectAsync(Opts with { BufferWhileDisconnected = false });
        await connection.PublishAsync("one", epoch: 1);
        await peer.ExpectAsync("PUB one 0");
        await CutAsync(connection, peer);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("down")))
            .Error.ShouldBe(NatsError.NotConnected);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("down", epoch: 1)))
            .Error.ShouldBe(NatsError.StaleEpoch);
        (await Should.ThrowAsync<NatsException>(async () => await connection.FlushAsync()))
            .Error.ShouldBe(NatsError.NotConnected);
        var second = await Server.AcceptAndHandshakeAsync();
        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        (await Should.ThrowAsync<NatsException>(async () => await connection.PublishAsync("stale", epoch: 1)))
            .Error.ShouldBe(NatsError.StaleEpoch);
        connection.TryPublish("stale", default, epoch: 1).ShouldBeFalse();
        await connection.PublishAsync("two", epoch: connection.Epoch);
        (await second.ReadLineAsync()).ShouldBe("PUB two 0");
    }

    [Fact]
    public async Task A_flush_confirms_its_epoch_and_fails_when_the_connection_is_lost_in_between()
    {
        var (connection, peer) = await ConnectAsync();
        await connection.PublishAsync("one");
        var flush = connection.FlushAsync().AsTask();
        await peer.ExpectAsync("PUB one 0");
        await peer.ExpectAsync("");
        await peer.PongAsync();
        (await flush.WaitAsync(Bound)).ShouldBe(1);

        await connection.PublishAsync("two");
        var lost = connection.FlushAsync().AsTask();
        await peer.ExpectAsync("PUB two 0");
        peer.Reset();
        (await Should.ThrowAsync<NatsException>(lost.WaitAsync(Bound))).Error.ShouldBe(NatsError.ConnectionLost);

        // The lost PING is not sent again: its PONG would confirm what came later.
        var second = await Server.AcceptAndHandshakeAsync();
        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        await connection.PublishAsync("three");
        (await second.ReadLineAsync()).ShouldBe("PUB three 0");
    }

    [Fact]
    public async Task A_request_fails_at_once_when_its_connection_is_lost()
    {
        var (connection, peer) = await ConnectAsync();
        var request = connection.RequestAsync("q").AsTask();
        await peer.ExpectAsync("SUB _INBOX.");
        await peer.ExpectAsync("PUB q _INBOX.");
        peer.Reset();
        (await Should.ThrowAsync<NatsException>(request.WaitAsync(Bound))).Error.ShouldBe(NatsError.ConnectionLost);
    }

    [Fact]
    public async Task Late_and_foreign_replies_are_ignored()
    {
        var (connection, peer) = await ConnectAsync(Opts with { InboxPrefix = "_INBOX.me" });
        var late = connection.RequestAsync("q", timeout: TimeSpan.FromMilliseconds(50)).AsTask();
        var sid = (await peer.ExpectAsync("SUB _INBOX.me.")).Split(' ')[^1];
        var replyTo = (await peer.ExpectAsync("PUB q ")).Split(' ')[2];
        await peer.ReadLineAsync();
        (await Should.ThrowAsync<NatsException>(late.WaitAsync(Bound))).Error.ShouldBe(NatsError.Timeout);
        var next = connection.RequestAsync("q").AsTask();
        var nextReplyTo = (await peer.ExpectAsync("PUB q ")).Split(' ')[2];
        await peer.SendMessageAsync(replyTo, sid, "late");
        await peer.SendMessageAsync(replyTo + "999999999999999999999", sid, "no number");
        await peer.SendMessageAsync(nextReplyTo, sid, "mine");
        (await next.WaitAsync(Bound)).Data.Span.SequenceEqual("mine"u8).ShouldBeTrue();
    }

    [Fact]
    public async Task Closing_while_disconnected_with_a_full_buffer_is_quick_and_fails_who_waits()
    {
        var (connection, peer) = await ConnectAsync(Opts with { PendingBytesMax = 64 * 1024 });
        await CutAsync(connection, peer);
        await connection.PublishAsync("fill", new byte[60 * 1024]);
        var waiting = connection.PublishAsync("w", new byte[8 * 1024]).AsTask();
        await connection.DisposeAsync().AsTask().WaitAsync(Bound);
        (await Should.ThrowAsync<NatsException>(waiting.WaitAsync(Bound))).Error.ShouldBe(NatsError.Closed);
        connection.ConnectionState.ShouldBe(NatsConnectionState.Closed);
    }
}
