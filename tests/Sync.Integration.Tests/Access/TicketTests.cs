using System.Diagnostics;
using System.Net;
using System.Text;
using Shouldly;
using Sync.Integration.Tests.Writer;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary>Tickets of a replica host, and what becomes of streams when the token behind them ends.</summary>
public sealed class TicketTests(PostgresFixture postgres)
{
    private const string Notes = "vault=acme&collection=note";
    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_ticket_opens_one_stream_of_what_it_was_made_for()
    {
        await using var rig = await AccessRig.StartShippedAsync(postgres);
        var host = await rig.StartReplicaHostAsync();
        var token = await MakeReaderAsync(rig, host);

        var answer = await rig.SendAsync(new Uri(host, "/v1/tickets?" + Notes), "POST", token);
        answer.Status.ShouldBe(HttpStatusCode.Created, answer.Text);
        answer.Number("expires_in").ShouldBe(30);
        answer.Header("Cache-Control").ShouldBe("no-store");
        var ticket = answer.Json.GetProperty("ticket").GetString()!;
        (await AskAsync(rig, host, "/v1/stream?" + Notes, ticket)).Status.ShouldBe(HttpStatusCode.OK);
        (await AskAsync(rig, host, "/v1/stream?" + Notes, ticket)).Problem.ShouldBe("ticket-invalid");

        // For something wider, narrower or else it is not good, and gone.
        foreach (var other in new[] { "vault=acme", "vault=acme&collection=other", "group=g&collection=note" })
        {
            ticket = await TicketAsync(rig, host, token, Notes);
            (await AskAsync(rig, host, "/v1/stream?" + other, ticket)).Problem.ShouldBe("ticket-invalid", other);
            (await AskAsync(rig, host, "/v1/stream?" + Notes, ticket)).Problem.ShouldBe("ticket-invalid", other);
        }

        // No other route takes one, and a bad one is not made good by a good token beside it.
        ticket = await TicketAsync(rig, host, token, Notes);
        foreach (var path in new[] { "/v1/vaults/acme/note", "/v1/vaults/acme/note/a", "/v1/digests/acme/note", "/v1/vaults?group=g", "/v1/status" })
            (await AskAsync(rig, host, path, ticket)).Problem.ShouldBe("token-missing", path);
        var again = await rig.SendAsync(new Uri(host, $"/v1/tickets?{Notes}&ticket={ticket}"), "POST", null);
        again.Problem.ShouldBe("token-missing");
        (await rig.SendAsync(new Uri(host, $"/v1/stream?{Notes}&ticket=nonsense"), "GET", token)).Problem
            .ShouldBe("ticket-invalid");
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task A_ticket_is_worth_nothing_once_its_token_is_revoked()
    {
        await using var rig = await AccessRig.StartShippedAsync(postgres);
        var host = await rig.StartReplicaHostAsync();
        var token = await MakeReaderAsync(rig, host);
        var ticket = await TicketAsync(rig, host, token, Notes);
        await rig.RevokeAsync(token);
        await UntilAsync(rig, host, token, HttpStatusCode.Unauthorized);
        (await AskAsync(rig, host, "/v1/stream?" + Notes, ticket)).Problem.ShouldBe("ticket-invalid");
    }

    [Fact]
    public async Task Streams_end_within_five_seconds_when_the_token_behind_them_is_revoked_and_others_go_on()
    {
        await using var rig = await AccessRig.StartShippedAsync(postgres);
        var host = await rig.StartReplicaHostAsync();
        var (token, other) = (await MakeReaderAsync(rig, host), await MakeReaderAsync(rig, host));
        var byTicket = $"/v1/stream?{Notes}&ticket={await TicketAsync(rig, host, token, Notes)}";
        using var first = await rig.OpenAsync(new Uri(host, "/v1/stream?" + Notes), token);
        using var second = await rig.OpenAsync(new Uri(host, byTicket), null);
        using var third = await rig.OpenAsync(new Uri(host, "/v1/stream?" + Notes), other);
        foreach (var stream in new[] { first, second, third }) stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var goesOn = await third.Content.ReadAsStreamAsync();

        var clock = Stopwatch.StartNew();
        await rig.RevokeAsync(token);
        var ends = await Task.WhenAll(EndAsync(first, clock), EndAsync(second, clock));

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"after the revocation was sent: by token {ends[0].TotalMilliseconds:F0} ms, by ticket {ends[1].TotalMilliseconds:F0} ms");
        ends.ShouldAllBe(end => end < EndMax);
        var writer = await rig.IssueAsync("write:acme/*");
        (await rig.SendAsync("PUT", "/v1/vaults/acme/note/late", writer, """{"text":"after-the-end"}""")).Status.ShouldBe(HttpStatusCode.Created);
        await ReadUntilAsync(goesOn, "after-the-end");
    }

    private static async Task<string> MakeReaderAsync(AccessRig rig, Uri host)
    {
        var token = await rig.IssueAsync("read:acme/*", "status");
        await UntilAsync(rig, host, token, HttpStatusCode.OK);
        return token;
    }

    private static Task UntilAsync(AccessRig rig, Uri host, string token, HttpStatusCode status) =>
        WriterUnderTest.UntilAsync(
            async () => (await rig.SendAsync(new Uri(host, "/v1/status"), "GET", token)).Status == status);

    private static async Task<string> TicketAsync(AccessRig rig, Uri host, string token, string scope)
    {
        var answer = await rig.SendAsync(new Uri(host, "/v1/tickets?" + scope), "POST", token);
        answer.Status.ShouldBe(HttpStatusCode.Created, answer.Text);
        return answer.Json.GetProperty("ticket").GetString()!;
    }

    private static Task<Answer> AskAsync(AccessRig rig, Uri host, string path, string ticket) => rig.SendAsync(
        new Uri(host, path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "ticket=" + ticket), "GET", null);

    /// <summary>Reads a stream until it is cut; says when that was.</summary>
    private static async Task<TimeSpan> EndAsync(HttpResponseMessage response, Stopwatch clock)
    {
        await using var stream = await response.Content.ReadAsStreamAsync();
        using var limit = new CancellationTokenSource(Timeout);
        // An end that is not a cut would look like the end of what there is.
        await Should.ThrowAsync<IOException>(async () =>
        {
            while (await stream.ReadAsync(new byte[64 << 10], limit.Token) > 0) { }
        });
        return clock.Elapsed;
    }

    private static async Task ReadUntilAsync(Stream stream, string text)
    {
        using var limit = new CancellationTokenSource(Timeout);
        var (bytes, seen) = (new byte[64 << 10], "");
        try
        {
            while (!seen.Contains(text, StringComparison.Ordinal))
            {
                var read = await stream.ReadAsync(bytes, limit.Token);
                read.ShouldBeGreaterThan(0, "the stream ended: " + seen);
                seen += Encoding.UTF8.GetString(bytes, 0, read);
            }
        }
        catch (OperationCanceledException late)
        {
            throw new TimeoutException($"not there after {Timeout}: {seen}", late);
        }
    }
}
