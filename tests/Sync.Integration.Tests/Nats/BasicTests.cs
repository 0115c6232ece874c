using System.Text;
using Shouldly;
using Sync.Nats;
using Xunit;

namespace Sync.Integration.Tests.Nats;

public sealed class BasicTests : NatsTestBase
{
    [Fact]
    public async Task What_is_published_arrives_in_order_with_headers_and_reply()
    {
        var connection = await ConnectAsync();
        await using var subscription = await connection.SubscribeCoreAsync("a.*");
        for (var i = 0; i < 1000; i++)
            await connection.PublishAsync("a.b", BitConverter.GetBytes(i));
        await connection.PublishAsync("a.c", "last"u8.ToArray(),
            new NatsHeaders { { "Name", "välue" }, { "Other", "" } }, "re.ply");

        var messages = await TakeAsync(subscription, 1001);
        messages.Take(1000).Select(m => BitConverter.ToInt32(m.Data.Span)).ShouldBe(Enumerable.Range(0, 1000));
        var last = messages[^1];
        (last.Subject, last.ReplyTo, Encoding.UTF8.GetString(last.Data.Span)).ShouldBe(("a.c", "re.ply", "last"));
        last.Headers!["Name"].ShouldBe("välue");
        last.Headers["Other"].ShouldBe("");
        last.Headers["name"].ShouldBeNull();
        connection.Statistics.MessagesIn.ShouldBe(1001);
        connection.Statistics.MessagesOut.ShouldBe(1001);
    }

    [Fact]
    public async Task A_callback_sees_the_bytes_and_a_literal_subject_costs_no_new_string()
    {
        var connection = await ConnectAsync();
        var subjects = new List<string>();
        var payloads = new List<string>();
        await using var subscription = await connection.SubscribeConfirmedAsync("literal.subject",
            (in NatsMessageView m) =>
        {
            subjects.Add(m.Subject);
            payloads.Add(Encoding.UTF8.GetString(m.Payload));
        });
        await connection.PublishAsync("literal.subject", "1"u8.ToArray());
        await connection.PublishAsync("literal.subject", "2"u8.ToArray());
        await connection.FlushAsync();
        payloads.ShouldBe(["1", "2"]);
        subjects.ShouldAllBe(s => ReferenceEquals(s, subscription.Subject));
    }

    [Fact]
    public async Task Requests_are_answered_each_by_its_own_reply()
    {
        var server = await ConnectAsync();
        var client = await ConnectAsync();
        await using var echo = await server.SubscribeConfirmedAsync("echo", (in NatsMessageView m) =>
            server.TryPublish(m.ReplyTo!, m.Payload).ShouldBeTrue());
        var replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            client.RequestAsync("echo", BitConverter.GetBytes(i)).AsTask()));
        replies.Select(r => BitConverter.ToInt32(r.Data.Span)).ShouldBe(Enumerable.Range(0, 200));
        replies.ShouldAllBe(r => r.Subject.StartsWith("_INBOX."));
    }

    [Fact]
    public async Task What_a_callback_publishes_arrives_complete_and_in_order_however_much_it_is()
    {
        var connection = await ConnectAsync();
        await using var copies = await connection.SubscribeCoreAsync("copy");
        await using var subscription = await connection.SubscribeConfirmedAsync("go", (in NatsMessageView _) =>
        {
            for (var i = 0; i < 2000; i++)
                connection.TryPublish("copy", BitConverter.GetBytes(i)).ShouldBeTrue();
        });
        await connection.PublishAsync("go");
        (await TakeAsync(copies, 2000)).Select(m => BitConverter.ToInt32(m.Data.Span))
            .ShouldBe(Enumerable.Range(0, 2000));
        connection.Statistics.CallbackErrors.ShouldBe(0);
    }

    [Fact]
    public async Task A_request_that_nobody_answers_fails_at_once()
    {
        var connection = await ConnectAsync();
        var start = TimeProvider.System.GetTimestamp();
        var error = await Should.ThrowAsync<NatsException>(connection.RequestAsync("nobody").AsTask());
        error.Error.ShouldBe(NatsError.NoResponders);
        TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(connection.Opts.RequestTimeout);
    }

    [Fact]
    public async Task A_queue_group_shares_the_messages()
    {
        var connection = await ConnectAsync();
        int first = 0, second = 0;
        await using var a = connection.Subscribe("work", (in NatsMessageView _) => first++, "group");
        await using var b = await connection.SubscribeConfirmedAsync("work", (in NatsMessageView _) =>
            second++, "group");
        for (var i = 0; i < 1000; i++)
            await connection.PublishAsync("work");
        await connection.FlushAsync();
        (first + second).ShouldBe(1000);
        first.ShouldBeGreaterThan(0);
        second.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Subscriptions_survive_a_killed_server_and_the_epoch_tells()
    {
        var connection = await ConnectAsync();
        await using var subscription = await connection.SubscribeCoreAsync("again");
        connection.Epoch.ShouldBe(1);
        await Server.RestartAsync();
        await WaitForEpochAboveAsync(connection, 1);
        await connection.PublishAsync("again", "x"u8.ToArray());
        (await TakeAsync(subscription, 1)).Single().Data.Length.ShouldBe(1);
        connection.Statistics.Reconnects.ShouldBe(connection.Epoch - 1);
    }

    [Fact]
    public async Task A_large_message_passes_and_the_buffers_go_back_to_their_size()
    {
        var connection = await ConnectAsync();
        await using var subscription = await connection.SubscribeCoreAsync("large");
        var payload = new byte[connection.ServerInfo!.MaxPayload];
        new Random(1).NextBytes(payload);
        await connection.PublishAsync("large", payload);
        await connection.PublishAsync("large", "small"u8.ToArray());
        var messages = await TakeAsync(subscription, 2);
        messages[0].Data.Span.SequenceEqual(payload).ShouldBeTrue();
        messages[1].Data.Length.ShouldBe(5);
    }

    [Fact]
    public async Task Connecting_to_nobody_fails_with_a_clear_error_and_can_be_tried_again()
    {
        await Server.KillAsync();
        var connection = Create();
        var error = await Should.ThrowAsync<NatsException>(connection.ConnectAsync().AsTask());
        error.Error.ShouldBe(NatsError.ConnectFailed);
        error.Message.ShouldContain(Server.Port.ToString());
        connection.ConnectionState.ShouldBe(NatsConnectionState.Closed);
        await Server.StartAgainAsync();
        await connection.ConnectAsync();
        connection.ConnectionState.ShouldBe(NatsConnectionState.Open);
    }

    [Fact]
    public async Task With_retry_on_initial_connect_it_opens_when_the_server_comes()
    {
        await Server.KillAsync();
        var connection = Create(Opts with { RetryOnInitialConnect = true });
        await connection.ConnectAsync();
        connection.ConnectionState.ShouldBe(NatsConnectionState.Reconnecting);
        await connection.PublishAsync("kept", "until it comes"u8.ToArray());
        var subscription = connection.SubscribeQueued("kept");
        await Server.StartAgainAsync();
        await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        (await TakeAsync(subscription, 1)).Single().Data.Length.ShouldBe(14);
    }
}
