using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.Writer;

[Collection(WriterTests.Name)]
public sealed class BatchTests(WriterFixture fixture)
{
    private readonly string _vault = $"b{Guid.NewGuid():N}";

    private WriterUnderTest Writer => fixture.Writer;

    [Fact]
    public async Task Receipts_and_errors_come_in_the_order_of_the_lines()
    {
        var answer = await Writer.BatchAsync($$$"""
            {"vault":"{{{_vault}}}","collection":"c","key":"1","value":{"a":1}}
            not json

            {"vault":"{{{_vault}}}","collection":"c","key":"1","value":2,"expected":1,"schema_version":"2.0"}
            {"vault":"{{{_vault}}}","collection":"c","key":"1","value":3,"expected":1}
            {"vault":"{{{_vault}}}","collection":"c","key":"1","op":"delete"}
            {"vault":"{{{_vault}}}","collection":"c","key":"2","value_msgpack":"xAEB","only_if_no_live_record":true}
            {"vault":"{{{_vault}}}","collection":"c","key":"\r\n","value":1}
            {"vault":"{{{_vault}}}","collection":"c","key":"3","op":"append","value":1}
            {"vault":"{{{_vault}}}","collection":"c","key":"3","value":1,"idempotencyKey":"x"}
            {"vault":"{{{_vault}}}","collection":"c","key":"3"}
            {"vault":"{{{_vault}}}","collection":"c","key":"3","value":1,"value":2}
            """);
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Header("Content-Type").ShouldBe("application/x-ndjson");
        answer.Lines.Select(Summary).ShouldBe(
        [
            "1", "malformed-request", "2", "expected-sequence-differs", "3", "1", "invalid-name", "wrong-shape",
            "malformed-request", "malformed-request", "malformed-request",
        ]);
    }

    [Fact]
    public async Task A_receipt_comes_before_the_next_line_is_sent()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Writer.Address.Port);
        await using var stream = socket.GetStream();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        await SendAsync(stream, $"POST /v1/batch HTTP/1.1\r\nHost: localhost:{Writer.Address.Port}\r\n"
            + "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
        for (var sequence = 1; sequence <= 3; sequence++)
        {
            await SendChunkAsync(stream,
                $$"""{"vault":"{{_vault}}","collection":"c","key":"k","value":{{sequence}}}""" + "\n");
            var receipt = await NextObjectAsync(reader);
            receipt.GetProperty("sequence").GetInt64().ShouldBe(sequence);
        }
        // A line that comes in pieces is one line.
        await SendChunkAsync(stream, $$"""{"vault":"{{_vault}}","coll""");
        await SendChunkAsync(stream, "ection\":\"c\",\"key\":\"k\",\"value\":4}");
        await SendAsync(stream, "0\r\n\r\n");
        (await NextObjectAsync(reader)).GetProperty("sequence").GetInt64().ShouldBe(4);
        (await reader.ReadToEndAsync()).ShouldNotContain("{");
    }

    [Fact]
    public async Task A_long_batch_is_answered_line_by_line_and_keeps_the_order_of_a_key()
    {
        const int lines = 5000;
        var batch = new StringBuilder();
        for (var index = 0; index < lines; index++)
            batch.Append(Line($"k{index % 50}", $"{index}", $",\"idempotency_key\":\"{_vault}-{index}\""));
        var first = await Writer.BatchAsync(batch.ToString());
        var receipts = first.Lines;
        receipts.Count.ShouldBe(lines);
        for (var index = 0; index < lines; index++)
            receipts[index].GetProperty("sequence").GetInt64().ShouldBe(index / 50 + 1);
        var again = await Writer.BatchAsync(batch.ToString());
        again.Lines.ShouldAllBe(line => line.GetProperty("replayed").GetBoolean());
        again.Lines.Select(line => line.GetProperty("factId").GetGuid())
            .ShouldBe(receipts.Select(line => line.GetProperty("factId").GetGuid()));
    }

    [Fact]
    public async Task A_batch_of_known_length_keeps_the_order_of_its_lines_over_parts_and_feeds()
    {
        const int lines = 1800;
        string[] vaults = [_vault, _vault + "x", _vault + "y"];
        var batch = new StringBuilder();
        for (var index = 0; index < lines; index++)
            batch.Append(Line($"k{index % 4}", $"{index}").Replace(_vault, vaults[index % 3], StringComparison.Ordinal));
        var receipts = (await Writer.BatchAsync(batch.ToString())).Lines;
        receipts.Count.ShouldBe(lines);
        for (var index = 0; index < lines; index++)
        {
            receipts[index].GetProperty("vault").GetString().ShouldBe(vaults[index % 3]);
            receipts[index].GetProperty("key").GetString().ShouldBe($"k{index % 4}");
            receipts[index].GetProperty("sequence").GetInt64().ShouldBe(index / 12 + 1);
        }
    }

    [Fact]
    public async Task A_line_over_the_limit_fails_alone()
    {
        var answer = await Writer.BatchAsync(
            Line("1", "1") + Line("2", $"\"{new string('x', 2 << 20)}\"") + Line("3",
                $"\"{new string('x', 1_300_000)}\"") + Line("4", "1"));
        answer.Lines.Select(Summary).ShouldBe(["1", "too-large", "too-large", "1"]);
    }

    [Fact]
    public async Task An_atomic_batch_commits_whole_or_not_at_all()
    {
        var refused = await Writer.BatchAsync(Line("a", "1") + Line("b", "1", ",\"expected\":5"), "?atomic=true");
        refused.Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        refused.Problem.ShouldBe("expected-sequence-differs");
        refused.Number("line").ShouldBe(2);
        (await Writer.GetAsync($"/v1/vaults/{_vault}/c")).Json.GetProperty("items").GetArrayLength().ShouldBe(0);
        var committed = await Writer.BatchAsync(Line("a", "1") + Line("b", "1"), "?atomic=true");
        committed.Status.ShouldBe(HttpStatusCode.OK);
        var positions = committed.Lines.Select(line => line.GetProperty("position").GetInt64()).ToArray();
        positions[1].ShouldBe(positions[0] + 1);
        committed.Lines.Select(line => line.GetProperty("transactionTime").GetString())
            .Distinct(StringComparer.Ordinal).Count().ShouldBe(1);
    }

    [Fact]
    public async Task An_atomic_batch_has_bounds()
    {
        (await Writer.BatchAsync("", "?atomic=true")).Problem.ShouldBe("invalid-batch");
        var many = string.Concat(Enumerable.Range(0, 1001).Select(index => Line($"{index}", "1")));
        (await Writer.BatchAsync(many, "?atomic=true")).Problem.ShouldBe("invalid-batch");
        var bad = await Writer.BatchAsync(Line("a", "1") + "nope\n", "?atomic=true");
        bad.Status.ShouldBe(HttpStatusCode.BadRequest);
        bad.Number("line").ShouldBe(2);
        var vaults = Enumerable.Range(0, 50)
            .Select(index => Line("a", "1").Replace(_vault, $"{_vault}{index}", StringComparison.Ordinal));
        (await Writer.BatchAsync(string.Concat(vaults), "?atomic=true")).Problem.ShouldBe("invalid-batch");
    }

    [Theory]
    [InlineData("application/json", "", 415)]
    [InlineData("", "", 415)]
    [InlineData("application/x-ndjson", "?atomic=yes", 400)]
    [InlineData("application/x-ndjson", "?all=true", 400)]
    public async Task A_batch_that_cannot_be_meant_is_refused(string contentType, string query, int status)
    {
        var refused = await Writer.SendAsync(HttpMethod.Post, "/v1/batch" + query,
            Encoding.UTF8.GetBytes(Line("a", "1")), contentType);
        ((int)refused.Status).ShouldBe(status);
    }

    [Fact]
    public async Task An_empty_batch_is_answered_with_nothing()
    {
        var answer = await Writer.BatchAsync("\n \n");
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Body.ShouldBeEmpty();
    }

    private string Line(string key, string value, string more = "") =>
        $$"""{"vault":"{{_vault}}","collection":"c","key":"{{key}}","value":{{value}}{{more}}}""" + "\n";

    private static string Summary(JsonElement line) =>
        line.TryGetProperty("sequence", out var sequence) ? sequence.GetRawText() : Answer.ProblemOf(line);

    private static async Task<JsonElement> NextObjectAsync(StreamReader reader)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
            if (line.StartsWith('{')) return JsonDocument.Parse(line).RootElement;
        throw new EndOfStreamException("The answer ended.");
    }

    private static Task SendChunkAsync(NetworkStream stream, string text) =>
        SendAsync(stream, $"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n");

    private static async Task SendAsync(NetworkStream stream, string text) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text));
}
