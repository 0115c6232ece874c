using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Text;
using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Integration.Tests.Writer;
using Sync.MessagePack;
using Sync.Testing.Postgres;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary>Tokens at writers in processes of their own: their way to every writer, their end, and what never shows.</summary>
public sealed class AccessTests(PostgresFixture postgres)
{
    private const string Note = "/v1/vaults/acme/note/a";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Tokens_and_revocations_reach_every_writer_whoever_takes_them_in()
    {
        await using var rig = await AccessRig.StartAsync(postgres, writers: 2);
        for (var writer = 0; writer < 2; writer++)
        {
            // One of the two does not own the feed of tokens.
            var token = await rig.IssueAsync(["write:acme/*", "read:acme/*"], writer: writer);
            (await rig.SendAsync("PUT", Note, token, "1", writer: writer)).Status.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.OK);
            await rig.UntilAsync("GET", Note, token, HttpStatusCode.OK, 1 - writer);
            var clock = Stopwatch.StartNew();
            await rig.RevokeAsync(token, writer);
            (await rig.SendAsync("GET", Note, token, writer: writer)).Problem.ShouldBe("token-invalid");
            await rig.UntilAsync("GET", Note, token, HttpStatusCode.Unauthorized, 1 - writer);
            TestContext.Current.TestOutputHelper?.WriteLine($"revoked everywhere after {clock.ElapsedMilliseconds} ms");
            (await rig.SendAsync("GET", Note, token, writer: 1 - writer)).Json.GetProperty("detail").GetString().ShouldBe("It was revoked. Use another one.");
            await rig.RevokeAsync(token, 1 - writer);
        }
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task Tokens_outlive_a_restart_a_killed_owner_and_a_broker_that_is_away()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        var (kept, gone) = (await rig.IssueAsync("status"), await rig.IssueAsync("status"));
        await rig.RevokeAsync(gone);
        await rig.EndAsync(0);
        await rig.AddWriterAsync();
        await rig.UntilAsync("GET", "/v1/status", kept, HttpStatusCode.OK);
        (await rig.SendAsync("GET", "/v1/status", gone)).Problem.ShouldBe("token-invalid");

        await rig.AddWriterAsync();
        await rig.EndAsync(0, kill: true);
        (await rig.SendAsync("GET", "/v1/status", kept)).Status.ShouldBe(HttpStatusCode.OK);
        await WriterUnderTest.UntilAsync(async () =>
            (await rig.SendAsync("DELETE", "/v1/tokens/" + AccessToken.IdOf(kept).ToString(), rig.Root)).Status == HttpStatusCode.OK);

        // Without a broker nothing is heard: the other writer reads on by itself.
        await rig.AddWriterAsync();
        await rig.Broker.StopAsync();
        var late = await rig.IssueAsync("status");
        await rig.UntilAsync("GET", "/v1/status", late, HttpStatusCode.OK, writer: 1);
        await rig.RevokeAsync(late);
        await rig.UntilAsync("GET", "/v1/status", late, HttpStatusCode.Unauthorized, writer: 1);
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task A_stream_and_a_batch_end_within_five_seconds_when_their_token_is_revoked()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        var token = await rig.IssueAsync("read:acme/*", "write:acme/*");
        var other = await rig.IssueAsync("read:acme/*");
        (await rig.SendAsync("PUT", Note, token, "1")).Status.ShouldBe(HttpStatusCode.Created);
        using var stream = await rig.OpenAsync("/v1/events?vault=acme&from=beginning", token);
        using var goesOn = await rig.OpenAsync("/v1/events?vault=acme&from=beginning", other);
        stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var blocks = await stream.Content.ReadAsStreamAsync();
        (await blocks.ReadAsync(new byte[64 << 10])).ShouldBeGreaterThan(0);
        await rig.RevokeAsync(token);
        var clock = Stopwatch.StartNew();
        await Should.ThrowAsync<Exception>(async () =>
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            while (await blocks.ReadAsync(new byte[64 << 10], limit.Token) > 0) { }
            // An end that is not a cut would look like the end of the feed.
        });
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        await using var lives = await goesOn.Content.ReadAsStreamAsync();
        var writer = await rig.IssueAsync("write:acme/*");
        (await lives.ReadAsync(new byte[64 << 10])).ShouldBeGreaterThan(0);
        await rig.SendAsync("PUT", Note, writer, "2");
        using var limit = new CancellationTokenSource(Timeout);
        (await lives.ReadAsync(new byte[64 << 10], limit.Token)).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_stream_of_a_whole_feed_leaves_tokens_out_unless_its_token_manages_them()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        var feed = Feeds.Of(AccessScope.TokenVault, Feeds.CountDefault).Value;
        var reader = await rig.IssueAsync("read:*/*");
        var manager = await rig.IssueAsync("read:*/*", "admin");
        var all = $"/v1/events?feed={feed}&from=beginning";
        (await FirstBytesAsync(rig, all, manager)).ShouldContain("_access");
        (await FirstBytesAsync(rig, all, reader)).ShouldNotContain("_access");
        (await rig.SendAsync("GET", $"/v1/events?vault=_access", reader)).Problem.ShouldBe("forbidden");
        (await rig.SendAsync("GET", "/v1/vaults/_access/token", reader)).Problem.ShouldBe("forbidden");
        (await rig.SendAsync("GET", "/v1/vaults/_access/token", rig.Root)).Text.ShouldContain("\"hash\"");
        (await rig.SendAsync("GET", "/v1/tokens", rig.Root)).Text.ShouldNotContain("hash");
    }

    [Fact]
    public async Task Nobody_writes_tokens_but_through_their_routes()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        var all = await rig.IssueAsync("read:*/*", "write:*/*", "status", "admin");
        var record = Record(AccessToken.Mint());
        var path = $"/v1/vaults/_access/token/{record.Id}";
        (await rig.SendAsync("PUT", path, all, "1")).Problem.ShouldBe("invalid-name");
        (await rig.SendAsync("DELETE", path, all)).Problem.ShouldBe("invalid-name");
        (await rig.SendAsync("POST", "/v1/vaults/_access/token", all, "1")).Problem.ShouldBe("invalid-name");
        var line = $$"""{"vault":"_access","collection":"token","key":"{{record.Id}}","value":1}""";
        foreach (var query in new[] { "", "?atomic=true" })
            (await rig.SendAsync("POST", "/v1/batch" + query, all, line, "application/x-ndjson")).Text.ShouldContain("invalid-name");
        await using var bus = await SyncBus.ConnectAsync(new BusOptions { Url = rig.Broker.Url });
        (await PutAsync(bus, TokenRecord.KeyOf(record.Id), all)).ErrorCode.ShouldBe(400);

        // As another writer would hand it on: the caller's token decides, not who could reach the subject.
        (await rig.ForwardAsync(record, null)).ErrorText!.ShouldStartWith("token-missing");
        (await rig.ForwardAsync(record, Bearer(AccessToken.Mint()))).ErrorText!.ShouldStartWith("token-invalid");
        var writer = await rig.IssueAsync("write:*/*", "read:*/*", "status");
        (await rig.ForwardAsync(record, Bearer(writer))).ErrorText!.ShouldStartWith("forbidden");
        (await rig.SendAsync("GET", path, rig.Root)).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_bus_takes_writes_with_a_token_that_allows_them_only()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        await using var bus = await SyncBus.ConnectAsync(new BusOptions { Url = rig.Broker.Url });
        var key = new SyncedKey("acme", "note", "a");
        (await PutAsync(bus, key, null)).ErrorText!.ShouldStartWith("token-missing");
        (await PutAsync(bus, key, "nonsense")).ErrorText!.ShouldStartWith("token-invalid");
        (await PutAsync(bus, key, AccessToken.Mint())).ErrorCode.ShouldBe(401);
        (await PutAsync(bus, key, await rig.ExpiredAsync("write:acme/*"))).ErrorText!.ShouldContain("expired");
        foreach (var scope in new[] { "read:acme/note", "write:acme/note2", "write:acme2/note", "admin" })
            (await PutAsync(bus, key, await rig.IssueAsync(scope))).ErrorCode.ShouldBe(403, scope);
        var audit = await rig.IssueAsync(["write:acme/note"], "audit");
        (await PutAsync(bus, key, audit)).ErrorText!.ShouldStartWith("wrong-purpose");
        (await PutAsync(bus, key, audit, "audit")).IsError.ShouldBeFalse();
        (await PutAsync(bus, key, await rig.IssueAsync("write:acme/note"))).IsError.ShouldBeFalse();
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task A_token_in_a_URL_is_refused_and_a_purpose_is_logged_and_neither_shows_a_token()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        var token = await rig.IssueAsync(["status"], "nightly audit");
        foreach (var url in new[] { "/v1/status?access_token=", "/v1/status?token=", "/healthz?x=", "/nowhere?x=", "/v1/vaults?group=" })
        {
            var answer = await rig.SendAsync("GET", url + token, token, purpose: "nightly audit");
            answer.Problem.ShouldBe("token-in-url", url);
            answer.Text.ShouldNotContain(token[25..]);
        }
        (await rig.SendAsync("GET", "/v1/status", token)).Problem.ShouldBe("wrong-purpose");
        (await rig.SendAsync("GET", "/v1/status", token, purpose: "nightly audit")).Status.ShouldBe(HttpStatusCode.OK);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(
            rig.Output.Contains("is used for its purpose: nightly audit", StringComparison.Ordinal)));
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task Who_cannot_read_tokens_for_too_long_lets_nobody_in_until_it_can()
    {
        await using var rig = await AccessRig.StartAsync(
            postgres, 1, ("Sync__Access__StaleMax", "00:00:05"), ("Sync__Access__PollEvery", "00:00:00.2"));
        var token = await rig.IssueAsync("status");
        (await rig.SendAsync("GET", "/v1/status", token)).Status.ShouldBe(HttpStatusCode.OK);
        await using (var connection = new Npgsql.NpgsqlConnection(rig.Database))
        {
            await connection.OpenAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var hold = new Npgsql.NpgsqlCommand("lock table sync.collection in access exclusive mode", connection, transaction);
            await hold.ExecuteNonQueryAsync();
            await rig.UntilAsync("GET", "/v1/status", token, HttpStatusCode.ServiceUnavailable);
            (await rig.SendAsync("GET", "/v1/status", token)).Problem.ShouldBe("access-stale");
            (await rig.SendAsync("GET", "/v1/status", null)).Problem.ShouldBe("token-missing");
            (await rig.SendAsync("GET", "/readyz", null)).Text.ShouldContain("nobody is let in");
        }
        await rig.UntilAsync("GET", "/v1/status", token, HttpStatusCode.OK);
    }

    private static async Task<string> FirstBytesAsync(AccessRig rig, string path, string token)
    {
        using var stream = await rig.OpenAsync(path, token);
        stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var blocks = await stream.Content.ReadAsStreamAsync();
        using var limit = new CancellationTokenSource(Timeout);
        var (bytes, text) = (new byte[64 << 10], "");
        // The facts of both tokens come one by one or together; each moves the cursor.
        while (text.Split("id: ").Length < 3)
        {
            var count = await blocks.ReadAsync(bytes, limit.Token);
            count.ShouldBeGreaterThan(0, text);
            text += Encoding.UTF8.GetString(bytes, 0, count);
        }
        return text;
    }

    private static TokenRecord Record(string token) => new()
    {
        Id = AccessToken.IdOf(token).ToString(),
        Hash = AccessToken.HashOf(token),
        Label = "forged",
        Scopes = [AccessScope.Admin],
        Created = new Timestamp(1),
        Expires = Timestamp.From(DateTimeOffset.UtcNow.AddDays(1)),
    };

    private static BusHeaders Bearer(string token) => BusHeaders.Of(BusHeaders.Authorization, "Bearer " + token);

    private static async Task<BusReply> PutAsync(IBus bus, SyncedKey key, string? token, string? purpose = null)
    {
        var body = new ArrayBufferWriter<byte>();
        WriteCommandCodec.Encode(
            new WriteCommand
            {
                Key = key,
                Op = ChangeOp.Put,
                Value = new byte[] { 7 },
                SchemaVersion = SchemaVersion.Default,
                Producer = Producer.Anonymous,
            },
            body);
        var headers = token is null ? null : Bearer(token);
        if (purpose is not null) headers = headers!.With("Sync-Purpose", purpose);
        return await bus.RequestAsync(Subjects.Default.OfRequest(RequestKind.Put, key), body.WrittenMemory, headers, Timeout);
    }
}
