using System.Buffers;
using System.Net;
using System.Text;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Writer;

/// <summary>Events of a History through every door.</summary>
[Collection(WriterTests.Name)]
public sealed class AppendTests(WriterFixture fixture)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private readonly string _vault = $"a{Guid.NewGuid():N}";

    private WriterUnderTest Writer => fixture.Writer;

    [Fact]
    public async Task An_event_without_a_key_gets_its_facts_id()
    {
        var receipt = await AppendAsync("", "\"first\"");
        receipt.Status.ShouldBe(HttpStatusCode.Created, receipt.Text);
        var key = receipt.Json.GetProperty("key").GetString()!;
        key.ShouldBe(receipt.Json.GetProperty("factId").GetString());
        (receipt.Number("sequence"), receipt.Header("ETag")).ShouldBe((1, "\"1\""));
        var envelope = await Writer.GetAsync($"/v1/vaults/{_vault}/log/{key}");
        envelope.Json.GetProperty("op").GetString().ShouldBe("append");
        envelope.Json.GetProperty("value").GetString().ShouldBe("first");
        (await AppendAsync("", "\"first\"")).Text.ShouldNotContain(key);
    }

    [Fact]
    public async Task A_repeat_gets_the_first_receipt_and_another_event_is_refused()
    {
        (string, string) idempotency = ("Idempotency-Key", Guid.NewGuid().ToString());
        var first = await AppendAsync("", "1", idempotency);
        var again = await AppendAsync("", "1", idempotency);
        (again.Status, again.Text, again.Header("Sync-Replayed")).ShouldBe((HttpStatusCode.Created, first.Text, "true"));
        var other = await AppendAsync("", "2", idempotency);
        (other.Status, other.Problem).ShouldBe((HttpStatusCode.UnprocessableEntity, "idempotency-key-reused"));
        (await AppendAsync("?key=k%2F1", "1")).Json.GetProperty("key").GetString().ShouldBe("k/1");
        var used = await AppendAsync("?key=k%2F1", "1");
        (used.Status, used.Problem).ShouldBe((HttpStatusCode.Conflict, "wrong-shape"));
    }

    [Fact]
    public async Task A_history_takes_events_only_and_a_store_none()
    {
        await AppendAsync("?key=a", "1");
        var put = await Writer.PutAsync($"/v1/vaults/{_vault}/log/a", "2");
        (put.Status, put.Problem).ShouldBe((HttpStatusCode.Conflict, "wrong-shape"));
        var delete = await Writer.DeleteAsync($"/v1/vaults/{_vault}/log/a");
        (delete.Status, delete.Problem).ShouldBe((HttpStatusCode.Conflict, "wrong-shape"));
        await Writer.PutAsync($"/v1/vaults/{_vault}/records/a", "1");
        var append = await Writer.SendAsync(
            HttpMethod.Post, $"/v1/vaults/{_vault}/records", "1"u8.ToArray(), "application/json");
        (append.Status, append.Problem).ShouldBe((HttpStatusCode.Conflict, "wrong-shape"));
    }

    [Fact]
    public async Task The_cause_of_an_event_is_kept()
    {
        var cause = (await AppendAsync("", "1")).Json.GetProperty("factId").GetString()!;
        var effect = await AppendAsync("?key=effect", "2", ("Sync-Causation", cause));
        effect.Json.GetProperty("causation").GetString().ShouldBe(cause);
        (await Writer.GetAsync($"/v1/history/{_vault}/log/effect")).Json.GetProperty("items")[0]
            .GetProperty("causation").GetString().ShouldBe(cause);
        (await AppendAsync("", "3", ("Sync-Causation", "x"))).Problem.ShouldBe("malformed-request");
    }

    [Theory]
    [InlineData("?key=", "invalid-name")]
    [InlineData("?key=%00", "invalid-name")]
    [InlineData("?key=a&key=b", "malformed-request")]
    [InlineData("?kye=a", "malformed-request")]
    public async Task A_wrong_question_is_refused(string query, string problem)
    {
        var answer = await AppendAsync(query, "1");
        (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.BadRequest, problem));
    }

    [Fact]
    public async Task A_batch_appends_in_order()
    {
        var cause = Guid.CreateVersion7();
        var answer = await Writer.BatchAsync($$"""
            {"vault":"{{_vault}}","collection":"log","op":"append","value":1,"idempotency_key":"{{_vault}}"}
            {"vault":"{{_vault}}","collection":"log","op":"append","value":2,"key":"k","causation":"{{cause}}"}
            {"vault":"{{_vault}}","collection":"log","op":"append","value":1,"idempotency_key":"{{_vault}}"}
            {"vault":"{{_vault}}","collection":"log","op":"put","value":1,"key":"p"}
            {"vault":"{{_vault}}","collection":"records","op":"put","value":1,"key":"p","causation":"{{cause}}"}
            {"vault":"{{_vault}}","collection":"records","op":"put","value":1}
            {"vault":"{{_vault}}","collection":"log","op":"append"}
            """);
        var lines = answer.Lines;
        lines.Count.ShouldBe(7);
        lines[0].GetProperty("key").GetString().ShouldBe(lines[0].GetProperty("factId").GetString());
        lines[1].GetProperty("causation").GetGuid().ShouldBe(cause);
        lines[1].GetProperty("position").GetInt64().ShouldBe(lines[0].GetProperty("position").GetInt64() + 1);
        lines[2].GetProperty("factId").GetString().ShouldBe(lines[0].GetProperty("factId").GetString());
        lines[2].GetProperty("replayed").GetBoolean().ShouldBeTrue();
        lines.Skip(3).Select(Answer.ProblemOf)
            .ShouldBe(["wrong-shape", "malformed-request", "invalid-name", "malformed-request"]);
    }

    [Fact]
    public async Task The_bus_appends_with_and_without_a_key()
    {
        await using var bus = await fixture.ConnectAsync();
        var command = new WriteCommand
        {
            Key = new(_vault, "log", ""),
            Op = ChangeOp.Append,
            Value = new byte[] { 7 },
            IdempotencyKey = Guid.NewGuid().ToString(),
        };
        var first = await AppendAsync(bus, command);
        first.Receipt.Key.Key.ShouldBe(first.Receipt.FactId.ToString());
        var again = await AppendAsync(bus, command);
        (again.Receipt, again.Replayed).ShouldBe((first.Receipt, true));
        var keyed = command with { Key = new(_vault, "log", "k"), IdempotencyKey = null, Causation = first.Receipt.FactId };
        (await AppendAsync(bus, keyed)).Receipt.ShouldSatisfyAllConditions(
            receipt => receipt.Key.ShouldBe(keyed.Key), receipt => receipt.Causation.ShouldBe(first.Receipt.FactId));
        (await AskAsync(bus, keyed)).ErrorCode.ShouldBe(409);
        var subject = Subjects.Default.OfRequest(RequestKind.Append, "_state", "log");
        (await bus.RequestAsync(subject, Body(command), null, Timeout)).ErrorCode.ShouldBe(400);
    }

    [Fact]
    public async Task The_client_appends()
    {
        await using var client = new SyncClient(new SyncClientOptions { Writers = [Writer.Address.ToString()] });
        var receipts = await Task.WhenAll(Enumerable.Range(0, 20).Select(n =>
            client.AppendAsync(_vault, "log", (ReadOnlyMemory<byte>)new[] { (byte)n }, schema: SyncSchema.Raw)));
        receipts.Select(receipt => receipt.Position.Value).ShouldBeInOrder();
        receipts.ShouldAllBe(receipt => receipt.Key.Key == receipt.FactId.ToString());
        var refused = await Should.ThrowAsync<SyncException>(() => client.AppendAsync(
            _vault, "log", (ReadOnlyMemory<byte>)new byte[] { 1 }, receipts[0].Key.Key, schema: SyncSchema.Raw));
        refused.Refusal!.Code.ShouldBe(RefusalCode.WrongShape);
    }

    private Task<Answer> AppendAsync(string query, string json, params (string, string)[] headers) => Writer.SendAsync(
        HttpMethod.Post, $"/v1/vaults/{_vault}/log{query}", Encoding.UTF8.GetBytes(json), "application/json", headers);

    private static async Task<WriteResult.Committed> AppendAsync(IBus bus, WriteCommand command)
    {
        var reply = await AskAsync(bus, command);
        reply.IsError.ShouldBeFalse(reply.ErrorText);
        return WriteResultCodec.Decode(reply.Payload.Span).Value.ShouldBeOfType<WriteResult.Committed>();
    }

    private static async Task<BusReply> AskAsync(IBus bus, WriteCommand command) => await bus.RequestAsync(
        Subjects.Default.OfRequest(RequestKind.Append, command.Key.Vault, command.Key.Collection), Body(command), null, Timeout);

    private static ReadOnlyMemory<byte> Body(WriteCommand command)
    {
        var buffer = new ArrayBufferWriter<byte>();
        WriteCommandCodec.EncodeAppend(command, buffer);
        return buffer.WrittenMemory;
    }
}
