using System.Net;
using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.Integration.Tests.Hostile;
using Sync.Integration.Tests.Writer;
using Sync.ReplicaHost;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>Hostile bytes to a replica host over real sockets and a real broker: it answers, shows nothing that the writer did
/// not write, counts what it refuses, and follows the writer as if nothing had been.</summary>
[Collection(WriterTests.Name)]
public sealed class HostileDoorTests(WriterFixture fixture) : IAsyncLifetime
{
    private const int Messages = 4000;
    private const int Keys = 10;

    private readonly string _group = $"h{Guid.NewGuid():N}";
    private readonly Dictionary<string, long> _shown = new(StringComparer.Ordinal);
    private HostedApp _host = null!;
    private int _written;

    private string Vault => _group + "--a";

    public async ValueTask InitializeAsync()
    {
        await WriteAsync(Keys * 3);
        _host = await StartHostAsync();
        await _host.ReadyAsync();
        await ShouldHoldWhatTheWriterHoldsAsync(_host);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Hostile_requests_end_with_an_answer_or_a_closed_connection()
    {
        const string host = " HTTP/1.1\r\nHost: localhost\r\n";
        var before = HeldMemory.Now;
        await HttpDoor.ShouldAnswerAsync(
            _host.Port, "replica host", 1000,
            $"GET /v1/vaults/{Vault}/c/k1{host}\r\n",
            $"GET /v1/vaults/{Vault}/c/k1{host}If-None-Match: \"3\", W/\"7\"\r\nAccept: application/msgpack;q=0.5, */*\r\n\r\n",
            $"GET /v1/vaults/{Vault}/c?after=k%2F1&limit=10{host}\r\n",
            $"GET /v1/vaults?group={_group}&after={Vault}&limit=1{host}Sync-Purpose: a\r\n\r\n",
            $"GET /v1/digests/{Vault}/c{host}Authorization: Bearer sync_abcdefghijklmnop_{new string('a', 43)}\r\n\r\n",
            $"GET /v1/stream?group={_group}&collection=c{host}Last-Event-ID: 0-1-7\r\nAccept: text/event-stream\r\n\r\n",
            $"GET /v1/stream?vault={Vault}&ticket={new string('b', 43)}{host}\r\n",
            $"POST /v1/tickets?vault={Vault}&collection=c{host}Content-Length: 2\r\n\r\n{{}}",
            $"GET /v1/status{host}traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
        await ShouldBeWellAsync(before);
    }

    [Theory]
    [InlineData("GET /v1/vaults/{0}/c/k1?{1} HTTP/1.1\r\nHost: localhost\r\n\r\n", 16 << 10, 414)]
    [InlineData("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: {1}\r\n\r\n", 64 << 10, 431)]
    [InlineData("GET /v1/vaults/{0}/c?after={1} HTTP/1.1\r\nHost: localhost\r\n\r\n", 600, 400)]
    [InlineData("GET /v1/vaults/{0}/c/{1} HTTP/1.1\r\nHost: localhost\r\n\r\n", 600, 400)]
    [InlineData("GET /v1/stream?vault={0}&cursor={1} HTTP/1.1\r\nHost: localhost\r\n\r\n", 3, 400)]
    [InlineData("GET /v1/stream?vault={0}&vault={1} HTTP/1.1\r\nHost: localhost\r\n\r\n", 3, 400)]
    public async Task What_is_over_a_limit_or_not_known_is_answered_with_its_status(string form, int length, int status)
    {
        var request = form.Replace("{0}", Vault, StringComparison.Ordinal).Replace("{1}", new string('x', length), StringComparison.Ordinal);
        (await HttpDoor.RawAsync(_host.Port, request)).ShouldStartWith($"HTTP/1.1 {status} ");
    }

    [Fact]
    public async Task Hostile_messages_are_refused_and_counted_and_true_ones_still_arrive()
    {
        await using var bus = await fixture.ConnectAsync();
        await using var noise = await ListenAsync(bus);
        await using var answers = await AnswerWronglyAsync(bus);
        using var undecodable = new MetricCount("Sync.Transport", "sync.transport.decode_errors");
        var before = HeldMemory.Now;

        await noise.MakeAsync(Messages, async () =>
        {
            await WriteAsync(Keys);
            await ShouldShowWhatWasWrittenAsync(_host);
        });

        noise.Unreadable.ShouldBeGreaterThan(Messages / 4);
        noise.Foreign.ShouldBeGreaterThan(10);
        noise.OtherHistory.ShouldBeGreaterThan(10);
        await answers.DisposeAsync();
        answers.Given.ShouldBeGreaterThan(10);
        await WriteAsync(Keys);
        await ShouldHoldWhatTheWriterHoldsAsync(_host);
        // Beats come by another way than what the digest was of.
        await WriterUnderTest.UntilAsync(() => Task.FromResult(undecodable.Value >= noise.Unreadable));
        var counters = (await _host.JsonAsync("/v1/status")).GetProperty("scopes")[0].GetProperty("counters");
        counters.GetProperty("wrong_key").GetInt64().ShouldBeGreaterThanOrEqualTo(noise.Foreign);
        counters.GetProperty("ignored_stale").GetInt64().ShouldBeGreaterThanOrEqualTo(noise.Repeated);
        counters.GetProperty("failures").GetInt64().ShouldBeGreaterThan(0);
        await ShouldBeWellAsync(before);
    }

    [Fact]
    public async Task A_host_that_starts_in_the_middle_of_it_loads_what_the_writer_holds()
    {
        await using var bus = await fixture.ConnectAsync();
        await using var noise = await ListenAsync(bus);
        await using var answers = await AnswerWronglyAsync(bus);

        await using var late = await StartHostAsync();
        await noise.MakeAsync(Messages / 4, () => ShouldShowWhatWasWrittenAsync(late));

        await late.ReadyAsync();
        answers.Given.ShouldBeGreaterThan(0);
        await answers.DisposeAsync();
        await WriteAsync(Keys);
        await ShouldHoldWhatTheWriterHoldsAsync(late);
    }

    private async Task<HostedApp> StartHostAsync() => await HostedApp.StartAsync(ReplicaHostApp.Build(
    [
        "--Sync:ReplicaHost:Urls=http://127.0.0.1:0", "--Sync:Access:Open=true", $"--Sync:ReplicaHost:Follow:0:Group={_group}",
        $"--Sync:Nats:Url={fixture.BrokerUrl}",
    ]));

    // What is written while it listens is what is damaged.
    private async Task<Noise> ListenAsync(IBus bus)
    {
        var noise = await Noise.ListenAsync(bus, SyncedPattern.OfGroup(_group));
        await WriteAsync(Keys);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(noise.Envelopes >= Keys && noise.Beats > 0));
        return noise;
    }

    private static Task<WrongAnswers> AnswerWronglyAsync(IBus bus) =>
        WrongAnswers.StartAsync(bus, "sync.snapshot.>", "sync.changes.>", "sync.getmany.>", "sync.get.>");

    // The number of a value is its sequence: what is shown can be told from what was never written.
    private async Task WriteAsync(int count)
    {
        for (var left = count; left > 0; left--, _written++)
        {
            var answer = await fixture.Writer.PutAsync($"/v1/vaults/{Vault}/c/k{_written % Keys}", $"{{\"n\":{(_written / Keys) + 1}}}");
            answer.Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Created);
        }
    }

    private async Task ShouldShowWhatWasWrittenAsync(HostedApp host)
    {
        for (var key = 0; key < Keys; key++)
        {
            var (status, text) = await host.GetAsync($"/v1/vaults/{Vault}/c/k{key}");
            if (status == HttpStatusCode.ServiceUnavailable && host != _host) continue; // it is loading still
            status.ShouldBe(HttpStatusCode.OK, text);
            var envelope = JsonDocument.Parse(text).RootElement;
            var sequence = envelope.GetProperty("sequence").GetInt64();
            envelope.GetProperty("value").GetProperty("n").GetInt64().ShouldBe(sequence);
            sequence.ShouldBeInRange(_shown.GetValueOrDefault($"{host.Port}/{key}"), (_written / Keys) + 1);
            _shown[$"{host.Port}/{key}"] = sequence;
        }
    }

    private async Task ShouldHoldWhatTheWriterHoldsAsync(HostedApp host)
    {
        var wanted = (await fixture.Writer.GetAsync($"/v1/digests/{Vault}/c")).Text;
        await WriterUnderTest.UntilAsync(async () => await host.TextAsync($"/v1/digests/{Vault}/c") == wanted);
        await host.ReadyAsync();
    }

    private async Task ShouldBeWellAsync(long before)
    {
        await _host.ReadyAsync();
        await HeldMemory.ShouldComeBackToAsync(before);
    }
}
