using System.Net;
using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Integration.Tests.Writer;

[Collection(WriterTests.Name)]
public sealed class PageTests(WriterFixture fixture)
{
    private readonly string _vault = $"v{Guid.NewGuid():N}";

    private WriterUnderTest Writer => fixture.Writer;

    [Fact]
    public async Task A_collection_is_read_in_pages_ordered_by_the_bytes_of_the_keys()
    {
        string[] keys = ["B", "a", "ä", "Z", "鍵", "😀", "b"];
        foreach (var key in keys) await Writer.PutAsync($"/v1/vaults/{_vault}/c/{Uri.EscapeDataString(key)}", "1");
        await Writer.PutAsync($"/v1/vaults/{_vault}/c/gone", "1");
        await Writer.DeleteAsync($"/v1/vaults/{_vault}/c/gone");
        var (read, after, pages) = (new List<string>(), "", 0);
        while (true)
        {
            var page = await Writer.GetAsync($"/v1/vaults/{_vault}/c?limit=3{after}");
            page.Status.ShouldBe(HttpStatusCode.OK);
            pages++;
            read.AddRange(page.Json.GetProperty("items").EnumerateArray()
                .Select(item => item.GetProperty("key").GetString()!));
            page.Number("position").ShouldBeGreaterThanOrEqualTo(keys.Length + 2);
            if (page.Json.GetProperty("next").GetString() is not { } next) break;
            after = "&after=" + Uri.EscapeDataString(next);
        }
        pages.ShouldBe(3);
        read.ShouldBe(
            keys.OrderBy(key => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(key)), StringComparer.Ordinal));
        var empty = await Writer.GetAsync($"/v1/vaults/{_vault}/unknown");
        empty.Json.GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task A_keys_facts_are_paged_oldest_first()
    {
        for (var index = 1; index <= 5; index++) await Writer.PutAsync($"/v1/vaults/{_vault}/c/a", $"{index}");
        var first = await Writer.GetAsync($"/v1/history/{_vault}/c/a?limit=2");
        Sequences(first).ShouldBe([1L, 2]);
        var rest = await Writer.GetAsync($"/v1/history/{_vault}/c/a?after={first.Number("next")}");
        Sequences(rest).ShouldBe([3L, 4, 5]);
        rest.Json.GetProperty("next").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_window_of_a_feed_carries_everything_that_its_chain_covers()
    {
        for (var index = 0; index < 4; index++) await Writer.PutAsync($"/v1/vaults/{_vault}/c/k{index}", "1");
        var all = await Writer.GetAsync($"/v1/facts?vault={_vault}&collection=c&limit=1000",
            ("Accept", "application/msgpack"));
        all.Status.ShouldBe(HttpStatusCode.OK);
        var json = await Writer.GetAsync($"/v1/facts?vault={_vault}&collection=c&limit=1000");
        json.Json.GetProperty("items").GetArrayLength().ShouldBe(4);
        var feed = json.Number("feed");
        var head = json.Number("position");
        // The feed's own window, all vaults, is dense, and each fact's chain follows from the one before.
        var previous = default(Hash256);
        var read = 0L;
        for (long? from = 1; from is { } start;)
        {
            var page = await Writer.GetAsync($"/v1/facts?feed={feed}&from={start}&limit=100",
                ("Accept", "application/msgpack"));
            (var facts, from) = ReadPage(page.Body);
            foreach (var fact in facts)
            {
                fact.Position.Value.ShouldBe(++read);
                fact.Chain.ShouldBe(FactChain.Next(previous, fact));
                previous = fact.Chain;
            }
        }
        read.ShouldBeGreaterThanOrEqualTo(head);
        var second = json.Json.GetProperty("items")[1];
        var position = second.GetProperty("position").GetInt64();
        var one = await Writer.GetAsync($"/v1/facts?feed={feed}&from={position}&to={position}");
        one.Json.GetProperty("items").EnumerateArray().Single().GetProperty("key").GetString().ShouldBe("k1");
        var time = second.GetProperty("transaction_time").GetString();
        (await Writer.GetAsync($"/v1/facts?vault={_vault}&from={time}&to={time}")).Json.GetProperty("items")[0]
            .GetProperty("position").GetInt64().ShouldBe(position);
        (await Writer.GetAsync($"/v1/facts?vault={_vault}&collection=c&prefix=k3")).Json.GetProperty("items")
            .GetArrayLength().ShouldBe(1);
    }

    [Theory]
    [InlineData("/v1/facts")]
    [InlineData("/v1/facts?feed=99999")]
    [InlineData("/v1/facts?feed=0&from=soon")]
    [InlineData("/v1/facts?feed=0&collection=c")]
    [InlineData("/v1/facts?vault=acme&prefix=a")]
    [InlineData("/v1/facts?feed=0&limit=0")]
    [InlineData("/v1/facts?feed=0&limit=1001")]
    [InlineData("/v1/facts?feed=0&feed=1")]
    [InlineData("/v1/vaults/acme/c?limit=many")]
    [InlineData("/v1/vaults/acme/c?offset=3")]
    [InlineData("/v1/vaults/acme/c?as_of=2026")]
    [InlineData("/v1/vaults/acme/c/a?sequence=0")]
    [InlineData("/v1/vaults/acme/c/a?sequence=1&as_of=2026-01-01T00:00:00Z")]
    [InlineData("/v1/history/acme/c/a?after=-1")]
    [InlineData("/v1/status?verbose=1")]
    public async Task A_parameter_that_cannot_be_meant_is_refused(string path)
    {
        var refused = await Writer.GetAsync(path);
        refused.Status.ShouldBe(HttpStatusCode.BadRequest);
        refused.Problem.ShouldBe("malformed-request");
    }

    private static long[] Sequences(Answer page) =>
        page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("sequence").GetInt64())
            .ToArray();

    private static (IReadOnlyList<Fact> Facts, long? Next) ReadPage(byte[] body)
    {
        var reader = new MsgPackReader(body);
        reader.TryReadMapHeader(out var members).ShouldBeTrue();
        long? next = null;
        var facts = new List<Fact>();
        for (var member = 0; member < members; member++)
        {
            reader.TryReadString(out var name).ShouldBeTrue();
            if (name == "next" && !reader.TrySkipNil())
            {
                reader.TryReadInt64(out var number).ShouldBeTrue();
                next = number;
            }
            else if (name == "items")
            {
                reader.TryReadArrayHeader(out var count).ShouldBeTrue();
                for (var index = 0; index < count; index++)
                {
                    reader.TryReadRaw(out var raw).ShouldBeTrue();
                    facts.Add(FactCodec.Decode(raw).Value);
                }
            }
            else if (name != "next")
            {
                reader.TrySkip().ShouldBeTrue();
            }
        }
        return (facts, next);
    }
}
