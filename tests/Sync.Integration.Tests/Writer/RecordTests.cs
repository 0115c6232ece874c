using System.Net;
using System.Text;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.Writer;

[Collection(WriterTests.Name)]
public sealed class RecordTests(WriterFixture fixture)
{
    private readonly string _path = $"/v1/vaults/acme/r{Guid.NewGuid():N}";

    private WriterUnderTest Writer => fixture.Writer;

    [Fact]
    public async Task A_put_answers_with_a_receipt_and_the_record_can_be_read()
    {
        var put = await Writer.PutAsync(
            _path + "/a", """{"name":"Ü","n":[1,2.0,-0.0]}""", ("Sync-Schema-Version", "3.1"),
                ("Sync-Producer", "service:billing"),
            ("Sync-Valid-Time", "2026-01-31T12:00:00.5+02:00"));
        put.Status.ShouldBe(HttpStatusCode.Created);
        put.Header("ETag").ShouldBe("\"1\"");
        put.Header("Content-Type").ShouldBe("application/json");
        put.Json.EnumerateObject().Select(member => member.Name).ShouldBe(
            ["factId", "vault", "collection", "key", "sequence", "feed", "history", "position", "transactionTime",
                "valueHash", "causation"]);
        var got = await Writer.GetAsync(_path + "/a");
        got.Status.ShouldBe(HttpStatusCode.OK);
        got.Header("ETag").ShouldBe("\"1\"");
        got.Json.GetProperty("value").GetRawText().ShouldBe("""{"name":"Ü","n":[1,2.0,-0.0]}""");
        got.Json.GetProperty("schema_version").GetString().ShouldBe("3.1");
        got.Json.GetProperty("producer").GetString().ShouldBe("service:billing");
        got.Json.GetProperty("id").GetString().ShouldBe(put.Json.GetProperty("factId").GetString());
        got.Json.GetProperty("hash").GetString().ShouldBe(put.Json.GetProperty("valueHash").GetString());
        var history = await Writer.GetAsync(_path.Replace("vaults", "history", StringComparison.Ordinal) + "/a");
        history.Json.GetProperty("items")[0].GetProperty("valid_time").GetString()
            .ShouldBe("2026-01-31T10:00:00.500000Z");
    }

    [Fact]
    public async Task A_second_put_is_the_next_sequence_and_names_its_cause()
    {
        var first = await Writer.PutAsync(_path + "/a", "1");
        var second = await Writer.PutAsync(_path + "/a", "1");
        second.Status.ShouldBe(HttpStatusCode.OK);
        second.Number("sequence").ShouldBe(2);
        second.Json.GetProperty("causation").GetString().ShouldBe(first.Json.GetProperty("factId").GetString());
    }

    [Fact]
    public async Task A_delete_leaves_a_tombstone_whose_sequence_goes_on()
    {
        await Writer.PutAsync(_path + "/a", "1");
        (await Writer.DeleteAsync(_path + "/a")).Number("sequence").ShouldBe(2);
        var gone = await Writer.GetAsync(_path + "/a");
        gone.Status.ShouldBe(HttpStatusCode.NotFound);
        gone.Header("ETag").ShouldBe("\"2\"");
        gone.Problem.ShouldBe("not-found");
        var again = await Writer.DeleteAsync(_path + "/a");
        again.Status.ShouldBe(HttpStatusCode.NotFound);
        again.Problem.ShouldBe("no-live-record");
        (await Writer.PutAsync(_path + "/a", "2", ("If-None-Match", "*"))).Number("sequence").ShouldBe(3);
        (await Writer.GetAsync(_path + "/a?sequence=1")).Number("value").ShouldBe(1);
    }

    [Fact]
    public async Task An_expected_sequence_that_differs_is_412_with_the_current_envelope()
    {
        await Writer.PutAsync(_path + "/a", """{"v":1}""", ("If-Match", "\"0\""));
        var refused = await Writer.PutAsync(_path + "/a", "2", ("If-Match", "\"7\""));
        refused.Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        refused.Problem.ShouldBe("expected-sequence-differs");
        refused.Header("ETag").ShouldBe("\"1\"");
        refused.Json.GetProperty("current").GetProperty("value").GetRawText().ShouldBe("""{"v":1}""");
        (await Writer.PutAsync(_path + "/a", "2", ("If-Match", "\"1\""))).Number("sequence").ShouldBe(2);
        var live = await Writer.PutAsync(_path + "/a", "2", ("If-None-Match", "*"));
        live.Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        live.Problem.ShouldBe("live-record-exists");
    }

    [Fact]
    public async Task A_repeated_idempotency_key_gets_the_first_receipt_before_anything_is_expected()
    {
        var key = Guid.NewGuid().ToString();
        var first = await Writer.PutAsync(_path + "/a", "1", ("If-Match", "\"0\""), ("Idempotency-Key", key));
        var repeat = await Writer.PutAsync(_path + "/a", "1", ("If-Match", "\"0\""), ("Idempotency-Key", key));
        repeat.Status.ShouldBe(first.Status);
        repeat.Text.ShouldBe(first.Text);
        repeat.Header("Sync-Replayed").ShouldBe("true");
        first.Header("Sync-Replayed").ShouldBeNull();
        var other = await Writer.PutAsync(_path + "/a", "2", ("Idempotency-Key", key));
        other.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        other.Problem.ShouldBe("idempotency-key-reused");
    }

    [Fact]
    public async Task A_known_sequence_is_not_sent_again()
    {
        await Writer.PutAsync(_path + "/a", "1");
        var same = await Writer.GetAsync(_path + "/a", ("If-None-Match", "W/\"9\", \"1\""));
        same.Status.ShouldBe(HttpStatusCode.NotModified);
        same.Body.ShouldBeEmpty();
        (await Writer.GetAsync(_path + "/a", ("If-None-Match", "\"2\""))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_moment_of_the_past_can_be_read()
    {
        var first = await Writer.PutAsync(_path + "/a", "1");
        await Writer.PutAsync(_path + "/a", "2");
        var then = first.Json.GetProperty("transactionTime").GetString();
        (await Writer.GetAsync($"{_path}/a?as_of={then}")).Number("value").ShouldBe(1);
        (await Writer.GetAsync($"{_path}/a?sequence=2")).Number("value").ShouldBe(2);
        (await Writer.GetAsync($"{_path}/a?as_of=2020-01-01T00:00:00Z")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Writer.GetAsync($"{_path}?as_of={then}")).Json.GetProperty("items")[0].GetProperty("value").GetInt32()
            .ShouldBe(1);
    }

    [Theory]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a b")]
    [InlineData("*")]
    [InlineData(">")]
    [InlineData("a/b/../c")]
    [InlineData("a%2Fb")]
    [InlineData("a+b&c=d?e#f")]
    [InlineData("ключ-鍵-🔑")]
    [InlineData("\\\"'<script>")]
    public async Task Every_printable_key_is_one_record_of_its_own(string key)
    {
        var path = $"{_path}/{Uri.EscapeDataString(key).Replace(".", "%2E", StringComparison.Ordinal)}";
        var put = await Writer.PutAsync(path, "1");
        put.Status.ShouldBe(HttpStatusCode.Created, put.Text);
        put.Json.GetProperty("key").GetString().ShouldBe(key);
        (await Writer.GetAsync(path)).Json.GetProperty("key").GetString().ShouldBe(key);
        (await Writer.GetAsync(_path)).Json.GetProperty("items").EnumerateArray()
            .Select(item => item.GetProperty("key").GetString())
            .ShouldBe([key]);
    }

    [Theory]
    [InlineData("/v1/vaults/acme/c/a%0D%0Ab", "invalid-name")]
    [InlineData("/v1/vaults/acme/c/a%09b", "invalid-name")]
    [InlineData("/v1/vaults/acme/c/%C2%85", "invalid-name")]
    [InlineData("/v1/vaults/acme/c/%FF%FE", "invalid-name")]
    [InlineData("/v1/vaults/acme/c/a%2", "invalid-name")]
    [InlineData("/v1/vaults/acme/c/", "invalid-name")]
    [InlineData("/v1/vaults/.acme/c/a", "invalid-name")]
    [InlineData("/v1/vaults/a%20b/c/a", "invalid-name")]
    [InlineData("/v1/vaults/a%2Fb/c/a", "invalid-name")]
    [InlineData("/v1/vaults/acme/c%C3%A4/a", "invalid-name")]
    [InlineData("/v1/vaults/g--_/c/a", "invalid-name")]
    [InlineData("/v1/vaults/_state/c/a", "invalid-name")]
    [InlineData("/v1/vaults/acme/_insight/a", "invalid-name")]
    public async Task Names_that_break_the_rules_are_refused(string path, string code)
    {
        var refused = await Writer.PutAsync(path, "1");
        refused.Status.ShouldBe(HttpStatusCode.BadRequest);
        refused.Header("Content-Type").ShouldBe("application/problem+json");
        refused.Problem.ShouldBe(code);
        refused.Json.GetProperty("detail").GetString().ShouldNotBeNullOrWhiteSpace();
    }

    [Fact]
    public async Task A_key_has_at_most_512_bytes()
    {
        (await Writer.PutAsync($"{_path}/{new string('k', 512)}", "1")).Status.ShouldBe(HttpStatusCode.Created);
        (await Writer.PutAsync($"{_path}/{new string('k', 513)}", "1")).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("If-Match", "7", 400)]
    [InlineData("If-Match", "W/\"7\"", 400)]
    [InlineData("If-Match", "*", 400)]
    [InlineData("If-Match", "\"-1\"", 400)]
    [InlineData("If-Match", "\"99999999999999999999\"", 400)]
    [InlineData("If-None-Match", "\"1\"", 400)]
    [InlineData("Sync-Valid-Time", "yesterday", 400)]
    [InlineData("Sync-Valid-Time", "2026-01-31T12:00:00", 400)]
    [InlineData("Sync-Schema-Version", "3", 422)]
    [InlineData("Sync-Schema-Version", "3.1.2", 422)]
    [InlineData("Accept", "text/html", 406)]
    public async Task A_header_that_cannot_be_meant_is_refused(string name, string value, int status)
    {
        var refused = await Writer.PutAsync(_path + "/a", "1", (name, value));
        ((int)refused.Status).ShouldBe(status);
        refused.Json.GetProperty("status").GetInt32().ShouldBe(status);
        (await Writer.GetAsync(_path + "/a")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("", 400, "malformed-request")]
    [InlineData("{\"a\":1", 400, "malformed-request")]
    [InlineData("1 2", 400, "malformed-request")]
    [InlineData("{\"a\":1,\"a\":2}", 422, "invalid-value")]
    [InlineData("1e999", 422, "invalid-value")]
    public async Task A_body_that_is_no_value_is_refused(string body, int status, string code)
    {
        var refused = await Writer.PutAsync(_path + "/a", body);
        ((int)refused.Status).ShouldBe(status);
        refused.Problem.ShouldBe(code);
    }

    [Theory]
    [InlineData("93A3", 400, "malformed-request")]
    [InlineData("C1", 400, "malformed-request")]
    [InlineData("0102", 400, "malformed-request")]
    [InlineData("82A16101A16102", 422, "invalid-value")]
    public async Task MessagePack_that_is_no_value_is_refused(string hex, int status, string code)
    {
        var refused =
            await Writer.SendAsync(HttpMethod.Put, _path + "/a", Convert.FromHexString(hex), "application/msgpack");
        ((int)refused.Status).ShouldBe(status, refused.Text);
        refused.Problem.ShouldBe(code);
    }

    [Fact]
    public async Task MessagePack_is_kept_as_sent_and_given_back_when_asked_for()
    {
        var value = Convert.FromHexString("81A162C403010203"); // {"b": bin 01 02 03}
        var put = await Writer.SendAsync(HttpMethod.Put, _path + "/a", value, "application/msgpack",
            ("Accept", "application/msgpack"));
        put.Status.ShouldBe(HttpStatusCode.Created);
        put.Header("Content-Type").ShouldBe("application/msgpack");
        var got = await Writer.GetAsync(_path + "/a", ("Accept", "application/msgpack"));
        var envelope = Sync.MessagePack.EnvelopeCodec.Default.Decode(got.Body).Value;
        envelope.Value.ToArray().ShouldBe(value);
        var json = await Writer.GetAsync(_path + "/a");
        json.Status.ShouldBe(HttpStatusCode.NotAcceptable);
        json.Problem.ShouldBe("not-acceptable");
        (await Writer.GetAsync(_path)).Status.ShouldBe(HttpStatusCode.NotAcceptable);
        (await Writer.GetAsync(_path, ("Accept", "application/msgpack"))).Status.ShouldBe(HttpStatusCode.OK);
        var refused = await Writer.PutAsync(_path + "/a", "1", ("If-Match", "\"9\""));
        refused.Json.GetProperty("current").GetProperty("value_msgpack").GetBytesFromBase64().ShouldBe(value);
    }

    [Fact]
    public async Task What_could_not_be_published_is_refused_at_the_write()
    {
        // Under the limit of the body, over what a message of the broker holds beside the envelope's other fields.
        var fits = await Writer.PutAsync(_path + "/a", $"\"{new string('x', 1_039_000)}\"");
        fits.Status.ShouldBe(HttpStatusCode.Created);
        var large = await Writer.PutAsync(_path + "/b", $"\"{new string('x', 1_040_300)}\"");
        large.Status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        large.Problem.ShouldBe("too-large");
        var body = await Writer.PutAsync(_path + "/b", $"\"{new string('x', 1 << 21)}\"");
        body.Status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        body.Problem.ShouldBe("too-large");
    }

    [Fact]
    public async Task Another_media_type_is_refused()
    {
        var refused = await Writer.SendAsync(HttpMethod.Put, _path + "/a", Encoding.UTF8.GetBytes("1"), "text/plain");
        refused.Status.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        refused.Problem.ShouldBe("unsupported-media-type");
    }

    [Fact]
    public async Task A_put_of_null_is_a_live_record()
    {
        await Writer.PutAsync(_path + "/a", "null");
        var got = await Writer.GetAsync(_path + "/a");
        got.Status.ShouldBe(HttpStatusCode.OK);
        got.Json.GetProperty("value").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }
}
