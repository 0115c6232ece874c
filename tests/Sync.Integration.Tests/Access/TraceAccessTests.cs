using System.Net;
using System.Text;
using Shouldly;
using Sync.Integration.Tests.Telemetry;
using Sync.Integration.Tests.Writer;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary>What writer and replica host tell a collector has no token in it, wherever the caller put it.</summary>
public sealed class TraceAccessTests(PostgresFixture postgres)
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task Traces_and_metrics_hold_no_token()
    {
        await using var collector = await Collector.StartAsync();
        (string, string)[] telemetry =
        [
            ("Sync__Telemetry__OtlpEndpoint", collector.Url), ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ];
        await using var rig = await AccessRig.StartShippedAsync(postgres, telemetry);
        var host = await rig.StartReplicaHostAsync(telemetry);
        var token = await rig.IssueAsync(["read:acme/*", "write:acme/*", "status"], "nightly audit");
        await WriterUnderTest.UntilAsync(async () =>
            (await rig.SendAsync(new Uri(host, "/v1/status"), "GET", token)).Problem == "wrong-purpose");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var callers = new List<string>();

        // In the header, in the URL, and in place of a ticket.
        foreach (var (service, path, status) in new[]
        {
            (rig.Writers[0], "/v1/status", HttpStatusCode.OK), (host, "/v1/status", HttpStatusCode.OK),
            (rig.Writers[0], "/v1/status?access_token=" + token, HttpStatusCode.BadRequest),
            (host, "/v1/status?x=" + token, HttpStatusCode.BadRequest),
            (host, $"/v1/stream?vault=acme&ticket={token}", HttpStatusCode.BadRequest),
        })
        {
            callers.Add($"00f067aa0ba9{callers.Count:x4}");
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(service, path));
            request.Headers.Add("traceparent", $"00-{Trace}-{callers[^1]}-01");
            request.Headers.Add("Authorization", "Bearer " + token);
            request.Headers.Add("Sync-Purpose", "nightly audit");
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            response.StatusCode.ShouldBe(status, path.Split('?')[0]);
        }

        await WriterUnderTest.UntilAsync(() => Task.FromResult(
            callers.TrueForAll(caller => collector.Spans.Any(span => span.Parent == caller))
            && collector.Metrics.ContainsKey(("sync-writer", "sync.access.purpose"))
            && collector.Metrics.ContainsKey(("sync-replica-host", "sync.access.purpose"))));
        // The search sees what requests and tokens were: the route of a span, the purpose in a figure.
        foreach (var shown in new[] { "/v1/status", "nightly audit" })
            collector.Bodies.Any(body => body.AsSpan().IndexOf(Encoding.ASCII.GetBytes(shown)) >= 0).ShouldBeTrue(shown);
        rig.ShouldNotLeak(collector);
    }
}
