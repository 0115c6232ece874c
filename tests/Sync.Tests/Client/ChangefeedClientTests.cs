using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Sync.Client;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.Testing.Changefeeds;
using Xunit;

namespace Sync.Tests.Client;

/// <summary>What the changefeed's client makes of a stream that is not as it should be.</summary>
public sealed class ChangefeedClientTests
{
    private const string Change1 = "id: 0-1-1\nevent: change\ndata: {\"value\":1,\"sequence\":1,\"vault\":\"acme\",\"collection\":\"c\",\"key\":\"a\",\"feed\":0,\"position\":1,\"history\":1,\"after\":0}\n\n";
    private static readonly FeedFilter Everything = new(new FeedId(0));

    [Fact]
    public async Task A_stream_is_read_the_same_however_its_bytes_are_cut_and_its_lines_end()
    {
        var text = "retry: 20\n\n:\n\nid: 0-1-0\n\n" + Change1 + Change1.Replace("-1-1", "-1-2", StringComparison.Ordinal)
            .Replace("\"position\":1", "\"position\":2", StringComparison.Ordinal) + "id: 0-1-3\nevent: dropped\ndata: {\"after\":\"0-1-2\",\ndata: \"next\":\"0-1-3\"}\n\n";
        foreach (var end in new[] { "\n", "\r", "\r\n" })
        {
            var bytes = Encoding.UTF8.GetBytes(text.Replace("\n", end, StringComparison.Ordinal));
            foreach (var size in new[] { 1, 2, 3, 7, bytes.Length })
            {
                using var client = Client(_ => Ok(new ChunkStream(bytes, size)));
                await using var run = new FeedRun(client, new(Everything));
                (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reached>().At.Position.Value.ShouldBe(0);
                (await run.NextChangeAsync()).Position.Value.ShouldBe(1);
                (await run.NextChangeAsync()).Position.Value.ShouldBe(2);
                (await run.NextAsync()).ShouldBeOfType<FeedEvent.Dropped>().After.Position.Value.ShouldBe(2);
            }
        }
    }

    [Fact]
    public async Task A_repeated_change_is_passed_over_and_a_hole_is_an_error()
    {
        var hole = Change1.Replace("-1-1", "-1-3", StringComparison.Ordinal).Replace("\"position\":1", "\"position\":3", StringComparison.Ordinal);
        using var client = Client(_ => Ok(Change1 + Change1 + hole));
        await using var run = new FeedRun(client, new(Everything, FromBeginning: true));
        (await run.NextChangeAsync()).Position.Value.ShouldBe(1);
        var error = await Should.ThrowAsync<SyncException>(run.NextAsync);
        (error.Code, run.Changes.Count).ShouldBe((SyncErrorCode.Corrupt, 1));
    }

    [Theory]
    [InlineData("id: 0-1\n\n")]
    [InlineData("id: 0-1-1\nevent: change\ndata: {}\n\n")]
    [InlineData("id: 0-1-2\nevent: reset\ndata: {\"reason\":\"tired\"}\n\n")]
    [InlineData("id: 0-1-2\nevent: reset\ndata: [\n\n")]
    [InlineData("id: 0-1-2\nevent: dropped\ndata: {\"after\":7}\n\n")]
    public async Task What_cannot_be_read_ends_the_read_with_a_clear_error(string text)
    {
        using var client = Client(_ => Ok(text));
        await using var run = new FeedRun(client, new(Everything, FromBeginning: true));
        (await Should.ThrowAsync<SyncException>(run.NextAsync)).Code.ShouldBe(SyncErrorCode.Corrupt);
    }

    [Fact]
    public async Task Another_history_without_a_reset_is_an_error()
    {
        using var client = Client(_ => Ok("id: 0-2-5\n\n"));
        await using var run = new FeedRun(client, new(Everything, new FeedPosition(new(0), new(1), new(4))));
        (await Should.ThrowAsync<SyncException>(run.NextAsync)).Code.ShouldBe(SyncErrorCode.Corrupt);
    }

    [Fact]
    public async Task A_silent_stream_is_left_for_another_writer_behind_the_last_item()
    {
        var asked = new List<(string Writer, string? Cursor)>();
        using var client = Client(
            request =>
            {
                asked.Add((request.RequestUri!.Authority, request.Headers.TryGetValues("Last-Event-ID", out var id) ? id.Single() : null));
                return Ok(asked.Count == 1 ? new ChunkStream(Encoding.UTF8.GetBytes("retry: 10\n\nid: 0-1-0\n\n" + Change1), 1000, hangs: true)
                    : new ChunkStream(Encoding.UTF8.GetBytes("id: 0-1-9\n\n"), 1000, hangs: true));
            },
            "http://one:1", "http://two:1");
        await using var run = new FeedRun(client, new(new FeedFilter(Vault: "acme"), FromBeginning: true));
        await run.ReachAsync(new Position(9));
        asked.ShouldBe([("one:1", null), ("two:1", "0-1-1")]);
    }

    [Fact]
    public async Task A_refusal_that_passes_is_repeated_and_one_that_does_not_ends_the_read()
    {
        var calls = 0;
        using var client = Client(_ => ++calls < 4 ? new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) : Ok("id: 0-1-0\n\n"));
        await using (var run = new FeedRun(client, new(Everything))) await run.NextAsync();
        calls.ShouldBe(4);
        using var refusing = Client(_ => new HttpResponseMessage(HttpStatusCode.NotFound));
        await using var refused = new FeedRun(refusing, new(Everything));
        (await Should.ThrowAsync<SyncException>(refused.NextAsync)).Code.ShouldBe(SyncErrorCode.Refused);
    }

    [Fact]
    public async Task A_connection_that_is_reset_in_the_moment_it_stands_is_tried_again()
    {
        var calls = 0;
        using var client = Client(_ => ++calls < 3 ? throw new SocketException((int)SocketError.NotConnected) : Ok("id: 0-1-0\n\n"));
        await using var run = new FeedRun(client, new(Everything));
        (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reached>();
        calls.ShouldBe(3);
    }

    [Fact]
    public async Task When_no_writer_answers_for_long_the_read_gives_up()
    {
        using var client = Client(_ => throw new HttpRequestException("Connection refused"));
        await using var run = new FeedRun(client, new(Everything));
        var error = await Should.ThrowAsync<SyncException>(run.NextAsync);
        (error.Code, error.IsTransient).ShouldBe((SyncErrorCode.NoAnswer, true));
    }

    private static ChangefeedClient Client(Func<HttpRequestMessage, HttpResponseMessage> answer, params string[] writers) => new(
        new SyncClientOptions
        {
            Writers = writers.Length == 0 ? ["http://one:1"] : writers,
            FeedSilenceMax = TimeSpan.FromMilliseconds(200),
            FeedGiveUpAfter = TimeSpan.FromSeconds(1),
            RetryDelayMin = TimeSpan.FromMilliseconds(1),
            RetryDelayMax = TimeSpan.FromMilliseconds(20),
        },
        random: new Random(1), http: new Answering(answer));

    private static HttpResponseMessage Ok(string text) => Ok(new ChunkStream(Encoding.UTF8.GetBytes(text), 1000, hangs: true));

    private static HttpResponseMessage Ok(Stream body)
    {
        var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(body) };
        response.Content.Headers.ContentType = new("text/event-stream");
        return response;
    }

    private sealed class Answering(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }

    /// <summary>Gives its bytes in pieces; at their end it stays open and silent, or ends.</summary>
    private sealed class ChunkStream(byte[] bytes, int size, bool hangs = false) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (hangs && Position == Length) await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            return Read(buffer.Span[..Math.Min(size, buffer.Length)]);
        }
    }
}
