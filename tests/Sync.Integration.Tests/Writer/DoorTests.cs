using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.Writer;

[Collection(WriterTests.Name)]
public sealed class DoorTests(WriterFixture fixture)
{
    private WriterUnderTest Writer => fixture.Writer;

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v2/status")]
    [InlineData("GET", "/v1/vaults/acme")]
    [InlineData("GET", "/v1/vaults/acme/c/a/b")]
    [InlineData("PUT", "/v1/%76aults/acme/c/a")]
    [InlineData("GET", "/v1/history/acme/c")]
    public async Task An_unknown_route_is_a_problem(string method, string path)
    {
        var answer = await Writer.SendAsync(new HttpMethod(method), path, null, "");
        answer.Status.ShouldBe(HttpStatusCode.NotFound);
        answer.Problem.ShouldBe("unknown-route");
    }

    [Theory]
    [InlineData("POST", "/v1/vaults/acme/c/a")]
    [InlineData("PUT", "/v1/vaults/acme/c")]
    [InlineData("GET", "/v1/batch")]
    [InlineData("DELETE", "/v1/status")]
    [InlineData("PATCH", "/v1/vaults/acme/c/a")]
    public async Task A_wrong_method_is_a_problem_that_names_the_right_ones(string method, string path)
    {
        var answer = await Writer.SendAsync(new HttpMethod(method), path, null, "");
        answer.Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
        answer.Problem.ShouldBe("method-not-allowed");
        answer.Header("Allow").ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("GET", "Host: evil.example", 421)]
    [InlineData("GET", "Host: localhost.evil.example", 421)]
    [InlineData("GET", "Host: localhost", 200)]
    [InlineData("GET", "Host: [::1]:9", 200)]
    [InlineData("GET", "Host: localhost\r\nOrigin: http://evil.example", 200)]
    [InlineData("POST", "Host: localhost\r\nOrigin: http://evil.example", 403)]
    [InlineData("POST", "Host: localhost\r\nOrigin: null", 403)]
    [InlineData("POST", "Host: localhost:80\r\nOrigin: http://localhost:81", 403)]
    [InlineData("POST", "Host: localhost\r\nOrigin: http://localhost", 405)]
    public async Task Foreign_hosts_and_origins_are_refused(string method, string headers, int status) =>
        (await RawAsync(
            $"{method} /v1/status HTTP/1.1\r\n{headers}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
            .ShouldStartWith($"HTTP/1.1 {status} ");

    [Theory]
    [InlineData("GET http://localhost/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200)]
    [InlineData("GET /v1/vaults/acme/c/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("GARBAGE\r\n\r\n", 400)]
    [InlineData("GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("PUT /v1/vaults/acme/c/a HTTP/1.1\r\n"
        + "Host: localhost\r\nIf-Match: \"1\"\r\nIf-Match: \"2\"\r\nContent-Length: 1\r\n"
        + "Connection: close\r\n\r\n1", 400)]
    [InlineData("PUT /v1/vaults/acme/c/a HTTP/1.1\r\n"
        + "Host: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n", 400)]
    [InlineData("PUT /v1/vaults/acme/c/a HTTP/1.1\r\n"
        + "Host: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n99999999999\r\n", 400)]
    [InlineData("PUT /v1/vaults/acme/c/a HTTP/1.1\r\n"
        + "Host: localhost\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n", 413)]
    public async Task Requests_that_break_the_protocol_are_answered(string request, int status) =>
        (await RawAsync(request)).ShouldStartWith($"HTTP/1.1 {status} ");

    [Fact]
    public async Task Health_readiness_and_status_tell_how_it_stands()
    {
        (await Writer.GetAsync("/healthz")).Status.ShouldBe(HttpStatusCode.OK);
        var ready = await Writer.GetAsync("/readyz");
        ready.Status.ShouldBe(HttpStatusCode.OK);
        ready.Json.GetProperty("checks").EnumerateObject().Select(check => check.Name)
            .ShouldBe(["database", "broker", "lease"]);
        var status = await Writer.GetAsync("/v1/status");
        status.Number("uptime_ms").ShouldBeGreaterThan(0);
        status.Json.GetProperty("feeds")[0].GetProperty("publish_lag").GetInt64().ShouldBeGreaterThanOrEqualTo(0);
        status.Json.GetProperty("substrate").GetString().ShouldBe("postgres");
        status.Json.GetProperty("feeds").EnumerateArray()
            .ShouldAllBe(feed => feed.GetProperty("owned_here").GetBoolean());
    }

    [Fact]
    public async Task The_description_lists_every_route_with_its_answers()
    {
        var document = (await Writer.GetAsync("/openapi/v1.json")).Json;
        var routes = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name} {path.Name}"));
        string.Join('\n', routes.Order(StringComparer.Ordinal)).ShouldBe(string.Join('\n',
            new[]
            {
                "put /v1/vaults/{vault}/{collection}/{key}", "delete /v1/vaults/{vault}/{collection}/{key}",
                "get /v1/vaults/{vault}/{collection}/{key}", "get /v1/vaults/{vault}/{collection}", "post /v1/vaults/{vault}/{collection}",
                "get /v1/history/{vault}/{collection}/{key}", "get /v1/facts", "get /v1/events", "post /v1/batch", "get /v1/status",
                    "get /v1/digests/{vault}/{collection}", "get /v1/vaults", "post /v1/tokens", "get /v1/tokens",
                    "delete /v1/tokens/{id}",
                    "get /healthz",
                "get /readyz",
            }.Order(StringComparer.Ordinal)));
        var put =
            document.GetProperty("paths").GetProperty("/v1/vaults/{vault}/{collection}/{key}").GetProperty("put");
        put.GetProperty("parameters").EnumerateArray()
            .ShouldContain(parameter => parameter.GetProperty("name").GetString() == "Idempotency-Key");
        put.GetProperty("responses").EnumerateObject().Select(answer => answer.Name)
            .ShouldBe(["200", "201", "400", "401", "403", "406", "412", "413", "415", "422", "503"]);
    }

    private async Task<string> RawAsync(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Writer.Address.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        var first = new byte[64];
        var read = 0;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (read < 16 && await stream.ReadAsync(first.AsMemory(read), limit.Token) is var count and > 0)
            read += count;
        return Encoding.Latin1.GetString(first, 0, read);
    }
}
