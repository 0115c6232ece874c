using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Testing.Ledger;
using Sync.Testing.Nats;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Transport;

/// <summary>A broker with users that may little, and a requester that asks for more.</summary>
public sealed class NatsSecurityTests : IAsyncLifetime
{
    private const string Config = """
        authorization {
          default_permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } }
          users: [
            { user: writer, password: w-canary, permissions: {
                publish: ["synced.>", "sync.beat.>", "_INBOX.>"], subscribe: ["sync.>", "_INBOX.writer.>"] } }
            { user: replica, password: r-canary, permissions: {
                publish: ["sync.get.acme.>"], subscribe: ["synced.acme.>", "_INBOX.replica.>"] } }
          ]
        }
        """;

    private NatsServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await NatsServer.StartAsync(Config);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Xunit.Fact]
    public async Task A_reply_subject_chosen_by_the_requester_is_not_published_to()
    {
        await using var writer = await ConnectAsync("writer", "w-canary");
        await using var replica = await ConnectAsync("replica", "r-canary");
        var victim = new BusRecorder();
        await replica.SubscribeAsync("synced.acme.>", victim);
        var handled = 0;
        await using var serving = await writer.ServeAsync("sync.get.*.*.*.*", Subjects.WriterQueueGroup, (request, _) =>
        {
            Interlocked.Increment(ref handled);
            return ValueTask.FromResult(BusReply.Of(request.Payload));
        }, new ServeOptions());
        await using var attacker = new Sync.Nats.NatsConnection(new Sync.Nats.NatsOpts
        {
            Url = _server.Url,
            Username = "replica",
            Password = "r-canary",
            InboxPrefix = "_INBOX.replica",
        });
        await attacker.ConnectAsync();
        using var refused = new MetricCount("Sync.Transport", "sync.transport.replies_refused");
        foreach (var replyTo in new[] { "synced.acme._.user.2", "sync.put.other._.x.1", "sync.beat.0" })
            await attacker.PublishAsync("sync.get.acme._.user.1", new byte[] { 7 }, replyTo: replyTo);
        await attacker.FlushAsync();

        // An honest request behind it, with the user's own inbox.
        var reply = await replica.RequestAsync("sync.get.acme._.user.1", new byte[] { 1 }, null, Recorder.Timeout);
        reply.Payload.ToArray().ShouldBe([1]);
        await writer.FlushAsync();
        await replica.FlushAsync();
        victim.Messages.ShouldBeEmpty();
        handled.ShouldBe(1);
        refused.Value.ShouldBeGreaterThanOrEqualTo(3);
    }

    [Xunit.Fact]
    public async Task A_subscription_that_the_server_forbids_is_refused_and_not_just_silent()
    {
        await using var replica = await ConnectAsync("replica", "r-canary");
        (await Should.ThrowAsync<SyncException>(async () => await replica.SubscribeAsync("synced.other.>", new BusRecorder())))
            .Code.ShouldBe(SyncErrorCode.Refused);
        ((NatsBus)replica).SubscriptionCount.ShouldBe(0);
    }

    [Theory]
    [InlineData("writer", "x-canary")]
    [InlineData("nobody", "w-canary")]
    public async Task Wrong_credentials_do_not_connect_and_are_not_shown(string user, string password)
    {
        var error = await Should.ThrowAsync<SyncException>(async () => await ConnectAsync(user, password));
        error.Code.ShouldBe(SyncErrorCode.BusUnavailable);
        error.ToString().ShouldNotContain(password);
    }

    [Xunit.Fact]
    public async Task A_message_that_the_broker_denies_changes_the_connection_epoch_before_a_flush_returns()
    {
        await using var writer = await ConnectAsync("writer", "w-canary");
        var before = writer.ConnectionEpoch;
        await writer.PublishAsync("synced.acme._.user.1", new byte[] { 1 });
        await writer.FlushAsync();
        writer.ConnectionEpoch.ShouldBe(before);
        await writer.PublishAsync("elsewhere.acme", new byte[] { 1 });
        await writer.FlushAsync();
        writer.ConnectionEpoch.ShouldNotBe(before);
    }

    [Xunit.Fact]
    public async Task What_the_broker_denies_never_counts_as_published()
    {
        await using var bus = await ConnectAsync("replica", "r-canary"); // may publish neither envelopes nor beats
        await using var transport = new NatsTransport(bus, new EnvelopeCodec());
        await using var store = new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 });
        await using var node = new LedgerNode(
            store, transport, new LedgerOptions { Owner = "one", DrainTimeout = TimeSpan.Zero }, TimeProvider.System, new UuidV7Source());
        await node.StartAsync();
        using var restarts = new MetricCount("Sync.Ledger", "sync.ledger.publish.restarts");
        (await node.WriteAsync(LedgerTexts.Put(LedgerTexts.User("a")))).ShouldBeOfType<WriteResult.Committed>();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var most = new CancellationTokenSource(Recorder.Timeout);
        while (restarts.Value < 3) await tick.WaitForNextTickAsync(most.Token);
        node.Owned().ShouldHaveSingleItem().Confirmed.ShouldBe(Position.Start);
    }

    [Xunit.Fact]
    public void Options_print_no_secrets()
    {
        var options = new BusOptions { Url = "nats://u:p-canary@h:1", Password = "w-canary", Username = "writer" };
        options.ToString().ShouldNotContain("canary");
        (options with { Username = null, Password = null, Token = "t-canary" }).ToString().ShouldNotContain("canary");
    }

    private ValueTask<IBus> ConnectAsync(string user, string password) => SyncBus.ConnectAsync(new BusOptions
    {
        Url = _server.Url,
        Username = user,
        Password = password,
        InboxPrefix = "_INBOX." + user,
    });
}
