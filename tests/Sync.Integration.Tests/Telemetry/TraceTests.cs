using System.Text;
using Shouldly;
using Sync.Integration.Tests.ReplicaHost;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Telemetry;

/// <summary>What a writer and a replica host, each a process of its own, tell a collector.</summary>
public sealed class TraceTests(PostgresFixture postgres)
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Other = "5bf92f3577b34da6a3ce929d0e0e4737";
    private const string Caller = "00f067aa0ba902b7";

    [Fact]
    public async Task One_trace_goes_from_the_request_through_commit_and_publication_to_the_apply_in_another_process()
    {
        await using var collector = await Collector.StartAsync();
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync("traces");
        await using var broker = await NatsServer.StartAsync();
        var port = Ports.Free();
        await using var writer = ServiceProcess.Start(ServiceStart.Service("Sync.Writer") with
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Sync__Access__Open"] = "true",
                ["Sync__Writer__Urls"] = $"http://127.0.0.1:{port}",
                ["Sync__Postgres__ConnectionString"] = database,
                ["Sync__Postgres__MigratorConnectionString"] = database,
                ["Sync__Nats__Url"] = broker.Url,
                ["Sync__Telemetry__OtlpEndpoint"] = collector.Url,
                ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
            },
        });
        await using var host = HostProcess.Start([
            ("Nats__Url", broker.Url), ("ReplicaHost__Follow__0__Group", "shops"),
            ("Telemetry__OtlpEndpoint", collector.Url)]);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await writer.WaitForHttpOkAsync(new Uri($"http://127.0.0.1:{port}/readyz"));
        await host.ReadyAsync();

        await PutAsync("not-kept", $"00-{Other}-{Caller}-00");
        await PutAsync("kept", $"00-{Trace}-{Caller}-01");

        var door = await SpanAsync("sync-writer", span => span.Parent == Caller);
        var commit = await SpanAsync("sync-writer", span => span.Name == "sync.commit");
        var publish = await SpanAsync("sync-writer", span => span.Name == "sync.publish");
        var apply = await SpanAsync("sync-replica-host", span => span.Name == "sync.apply");
        commit.Parent.ShouldBe(door.Id);
        publish.Parent.ShouldBe(door.Id);
        apply.Parent.ShouldBe(publish.Id);
        collector.Spans.ShouldNotContain(span => span.Trace == Other);
        await writer.WaitUntilAsync(
            () => Task.FromResult(collector.Metrics.ContainsKey(("sync-writer", "sync.ledger.publish.lag"))),
            "export its metrics");

        async Task PutAsync(string key, string traceParent)
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Put, $"http://127.0.0.1:{port}/v1/vaults/shops--a/item/{key}");
            request.Content = new StringContent("{\"n\":1}", Encoding.UTF8, "application/json");
            request.Headers.Add("traceparent", traceParent);
            using var response = await http.SendAsync(request);
            response.EnsureSuccessStatusCode();
        }

        async Task<Span> SpanAsync(string service, Func<Span, bool> wanted)
        {
            bool IsWanted(Span span) => span.Service == service && span.Trace == Trace && wanted(span);
            await writer.WaitUntilAsync(
                () => Task.FromResult(collector.Spans.Any(IsWanted)),
                $"have its trace at the collector, which knows {string.Join("; ", collector.Spans)}");
            return collector.Spans.First(IsWanted);
        }
    }
}
