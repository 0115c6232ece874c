using Shouldly;
using Sync.Nats;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Integration.Tests.Nats;

/// <summary>Users, permissions and TLS against the real server, with its own words.</summary>
public sealed class SecurityTests : NatsTestBase
{
    protected override string Config =>
        """
        authorization {
          default_permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } }
          users: [
            { user: writer, password: "w-secret", permissions: { publish: ["synced.>"], subscribe: ["sync.>", "_INBOX.writer.>"] } }
            { user: reader, password: "r-secret", permissions: { publish: ["sync.get.>"], subscribe: ["synced.>", "_INBOX.reader.>"] } }
          ]
        }
        """;

    private NatsOpts Reader => Opts with { Username = "reader", Password = "r-secret", InboxPrefix = "_INBOX.reader" };

    [Fact]
    public async Task Wrong_or_missing_credentials_are_refused_with_a_code()
    {
        foreach (var opts in new[] { Opts, Reader with { Password = "wrong" }, Opts with { Token = "no" } })
        {
            var error = await Should.ThrowAsync<NatsException>(Create(opts).ConnectAsync().AsTask());
            error.Error.ShouldBe(NatsError.Authentication);
            error.ToString().ShouldNotContain("secret");
        }
    }

    [Fact]
    public async Task Credentials_in_the_url_work_and_are_not_shown()
    {
        var opts = Opts with { Url = $"nats://reader:r-secret@127.0.0.1:{Server.Port}" };
        var connection = await ConnectAsync(opts);
        opts.ToString().ShouldNotContain("r-secret");
        connection.ConnectionState.ShouldBe(NatsConnectionState.Open);
    }

    [Theory]
    [InlineData("sync.get.>", null)]
    [InlineData(">", null)]
    [InlineData("other.x", "group")]
    [InlineData("_INBOX.>", null)]
    [InlineData("$SYS.>", null)]
    public async Task A_forbidden_subscription_is_told_and_the_connection_stays(string subject, string? group)
    {
        var connection = await ConnectAsync(Reader);
        var error = await Should.ThrowAsync<NatsException>(connection.SubscribeCoreAsync(subject, group).AsTask());
        error.Error.ShouldBe(NatsError.PermissionDenied);
        await using var allowed = await connection.SubscribeCoreAsync("synced.a.>");
        (connection.Epoch, connection.Statistics.PermissionErrors).ShouldBe((1, 1));
    }

    [Fact]
    public async Task A_forbidden_publish_is_counted_and_raised_and_the_connection_stays()
    {
        var connection = await ConnectAsync(Reader);
        var raised = new TaskCompletionSource<NatsException>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ServerError += (_, e) => raised.TrySetResult(e.Error);
        await connection.PublishAsync("synced.a.b");
        await connection.FlushAsync();
        var error = await raised.Task.WaitAsync(Bound);
        error.Error.ShouldBe(NatsError.PermissionDenied);
        error.Message.ShouldContain("synced.a.b");
        (connection.Epoch, connection.Statistics.PermissionErrors).ShouldBe((1, 1));
    }

    [Fact]
    public async Task Requests_work_with_an_inbox_prefix_of_the_users_own()
    {
        var writer = await ConnectAsync(
            Opts with { Username = "writer", Password = "w-secret", InboxPrefix = "_INBOX.writer" });
        var reader = await ConnectAsync(Reader);
        var replyTo = "";
        await using var subscription = await writer.SubscribeConfirmedAsync("sync.get.x", (in NatsMessageView m) =>
            replyTo = m.ReplyTo!);
        var error = await Should.ThrowAsync<NatsException>(
            reader.RequestAsync("sync.get.x", timeout: TimeSpan.FromMilliseconds(200)).AsTask());
        error.Error.ShouldBe(NatsError.Timeout);
        await writer.FlushAsync();
        replyTo.ShouldStartWith("_INBOX.reader.");
        reader.Statistics.PermissionErrors.ShouldBe(0);
    }

    [Fact]
    public async Task Permissions_taken_away_by_a_reload_are_noticed()
    {
        var connection = await ConnectAsync(Reader);
        await using var subscription = await connection.SubscribeCoreAsync("synced.a.>");
        await Server.ReloadAsync(Config.Replace("\"synced.>\", \"_INBOX.reader.>\"", "\"_INBOX.reader.>\""));
        using var bound = new CancellationTokenSource(Bound);
        var error = await Should.ThrowAsync<NatsException>(async () =>
        {
            await foreach (var message in subscription.ReadAllAsync(bound.Token))
                message.Subject.ShouldBe("synced");
        });
        error.Error.ShouldBe(NatsError.PermissionDenied);
    }
}
