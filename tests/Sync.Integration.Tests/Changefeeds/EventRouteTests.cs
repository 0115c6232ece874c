using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.Integration.Tests.Writer;
using Sync.Testing.Changefeeds;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Changefeeds;

public sealed class EventRouteTests
{
    private static readonly FeedFilter Acme = new(Vault: "acme");

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("0-1")]
    [InlineData("0-1-2-3")]
    [InlineData("00-1-1")]
    [InlineData("0-1-01")]
    [InlineData("-0-1-1")]
    [InlineData("0-1-+1")]
    [InlineData("0-1- 1")]
    [InlineData("0-1-1 ")]
    [InlineData("0-1-١")]
    [InlineData("1024-1-1")]
    [InlineData("0-1-9223372036854775808")]
    [InlineData("0-1-99999999999999999999999999999999999999999999999999999999999999999999")]
    [InlineData("1-1-0")] // of a feed that the vault is not in
    public async Task A_hostile_cursor_is_refused_in_the_query_and_in_the_header(string cursor)
    {
        await using var rig = await HttpRig.StartAsync();
        var query = await rig.Writer.GetAsync("/v1/events?vault=acme&cursor=" + Uri.EscapeDataString(cursor));
        (query.Status, query.Problem).ShouldBe((HttpStatusCode.BadRequest, "malformed-request"));
        // A header keeps neither white space around its value nor, sent so, characters outside ASCII.
        if (cursor.Trim() != cursor || cursor.Any(character => character > 127)) return;
        var header = await rig.Writer.GetAsync("/v1/events?vault=acme", ("Last-Event-ID", cursor));
        (header.Status, header.Problem).ShouldBe((HttpStatusCode.BadRequest, "malformed-request"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?collection=user")]
    [InlineData("?vault=acme&since=1")]
    [InlineData("?vault=acme&vault=acme")]
    [InlineData("?vault=a%0Ab")]
    [InlineData("?feed=1")]
    [InlineData("?feed=-1")]
    [InlineData("?group=pypi")]
    [InlineData("?vault=acme&from=start")]
    [InlineData("?vault=acme&policy=drop")]
    [InlineData("?vault=acme&from=beginning&policy=latest")]
    public async Task A_stream_that_cannot_be_meant_is_refused(string query)
    {
        await using var rig = await HttpRig.StartAsync();
        (await rig.Writer.GetAsync("/v1/events" + query)).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task The_last_event_id_goes_before_the_query_of_the_first_request()
    {
        await using var rig = await HttpRig.StartAsync();
        await rig.PutManyAsync(5);
        using var client = await ConnectAsync(rig.Writer.Address, "/v1/events?vault=acme&cursor=0-1-1", "Last-Event-ID: 0-1-3\r\n");
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        (await LineAsync(reader, "id: ")).ShouldBe("id: 0-1-4");
        (await LineAsync(reader, "event: ")).ShouldBe("event: change");
        using var data = JsonDocument.Parse((await LineAsync(reader, "data: "))["data: ".Length..]);
        data.RootElement.GetProperty("position").GetInt64().ShouldBe(4);
    }

    [Fact]
    public async Task Stuck_clients_cost_good_ones_nothing_and_operators_see_both()
    {
        const int Stuck = 50, Good = 10, Changes = 200;
        await using var rig = await HttpRig.StartAsync(settings: "Events:WriteTimeout=00:00:01");
        var clients = new List<TcpClient>();
        for (var index = 0; index < Stuck; index++)
            clients.Add(await ConnectAsync(rig.Writer.Address, "/v1/events?vault=acme&from=beginning"));
        var runs = Enumerable.Range(0, Good).Select(_ => rig.Read(new(Acme, FromBeginning: true))).ToArray();
        var value = new byte[100_005];
        value[0] = 0xc6;
        (value[2], value[3], value[4]) = (0x01, 0x86, 0xa0);
        var reading = runs.Select(run => run.ReachAsync(new Position(Changes))).ToArray();
        for (var index = 0; index < Changes; index++) await rig.PutAsync($"k{index % 7}", value);
        await Task.WhenAll(reading);
        foreach (var run in runs) run.Changes.Count.ShouldBe(Changes);
        await WriterUnderTest.UntilAsync(async () => (await StatusAsync(rig)).GetProperty("slow_clients_dropped").GetInt64() == Stuck);
        await WriterUnderTest.UntilAsync(async () => (await StatusAsync(rig)).GetProperty("readers").GetInt64() == Good);
        var consumers = (await StatusAsync(rig)).GetProperty("consumers").EnumerateArray().ToArray();
        consumers.Length.ShouldBe(Good);
        consumers.ShouldAllBe(one => one.GetProperty("lag").GetInt64() == 0 && one.GetProperty("vault").GetString() == "acme");
        foreach (var run in runs) await run.DisposeAsync();
        foreach (var client in clients) client.Dispose();
    }

    [Fact]
    public async Task A_restored_ledger_is_a_reset_for_who_was_following()
    {
        var port = Ports.Free();
        FeedRun run;
        var options = HttpRig.OptionsOf(new Uri($"http://127.0.0.1:{port}"));
        using var changefeed = new Sync.Client.Changefeeds.ChangefeedClient(options);
        await using (var first = await HttpRig.StartAsync(1, $"Writer:Urls=http://127.0.0.1:{port}"))
        {
            run = new FeedRun(changefeed, new(Acme, FromBeginning: true));
            var head = (await first.PutManyAsync(5))[^1];
            await run.ReachAsync(head.Position);
        }
        await using var second = await HttpRig.StartAsync(2, $"Writer:Urls=http://127.0.0.1:{port}");
        await using (run)
        {
            var reset = (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reset>();
            (reset.Reason, reset.Head).ShouldBe(
                (ResetReason.OtherHistory, new FeedPosition(new FeedId(0), new HistoryId(2), Position.Start)));
            var receipt = await second.PutAsync("anew");
            (await run.NextChangeAsync()).Id.ShouldBe(receipt.FactId);
        }
    }

    [Fact]
    public async Task A_reader_goes_on_when_its_connection_is_cut_at_any_moment()
    {
        const int Changes = 300;
        await using var rig = await HttpRig.StartAsync();
        await using var link = await CuttingProxy.StartAsync(rig.Writer.Address.Port, seed: 11);
        using var changefeed = new Sync.Client.Changefeeds.ChangefeedClient(HttpRig.OptionsOf(link.Address));
        await using var run = new FeedRun(changefeed, new(new FeedFilter(new FeedId(0)), FromBeginning: true));
        var reading = run.ReachAsync(new Position(Changes));
        await rig.PutManyAsync(Changes);
        await reading;
        run.Changes.Select(change => change.Position.Value).ShouldBe(Enumerable.Range(1, Changes).Select(Convert.ToInt64));
        link.Cuts.ShouldBeGreaterThan(5);
    }

    private static async Task<JsonElement> StatusAsync(HttpRig rig) =>
        (await rig.Writer.GetAsync("/v1/status")).Json.GetProperty("changefeed");

    private static async Task<TcpClient> ConnectAsync(Uri writer, string target, string headers = "")
    {
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(IPAddress.Loopback, writer.Port);
        await client.GetStream().WriteAsync(
            Encoding.UTF8.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        return client;
    }

    private static async Task<string> LineAsync(StreamReader reader, string start)
    {
        using var limit = new CancellationTokenSource(FeedRun.WaitMax);
        while (await reader.ReadLineAsync(limit.Token) is { } line)
            if (line.StartsWith(start, StringComparison.Ordinal)) return line;
        throw new EndOfStreamException("The stream ended.");
    }
}
