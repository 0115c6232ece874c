using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Faults;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Writer;

/// <summary>The writer as a process of its own.</summary>
public sealed class ProcessTests(PostgresFixture postgres) : IDisposable
{
    private readonly int _port = Ports.Free();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task A_stop_under_load_keeps_every_receipt_and_ends_quietly()
    {
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync("stopping");
        await using var broker = await NatsServer.StartAsync();
        await using var writer = Start(database, broker.Url);
        await writer.WaitForHttpOkAsync(Url("/readyz"));
        var receipts = new ConcurrentDictionary<Guid, (string Key, long Sequence)>();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clients = Enumerable.Range(0, 6)
            .Select(client => Task.Run(() => WriteUntilRefusedAsync(client, receipts, enough))).ToArray();
        await enough.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var code = await writer.TerminateAsync();
        await Task.WhenAll(clients);
        code.ShouldBe(0, writer.Output);
        writer.Output.ShouldContain(" stopped");
        writer.Output.ShouldNotContain("Unhandled exception");
        writer.Output.ShouldNotContain(" fail: ");
        writer.Output.ShouldNotContain(" crit: ");
        await using var store =
            await PostgresLedgerStore.OpenAsync(new PostgresOptions { ConnectionString = database });
        foreach (var (id, (key, sequence)) in receipts)
        {
            var fact =
                await store.GetAsync(new SyncedKey("acme", "c", key), new AsOf(new Sequence(sequence), null, null));
            fact!.Id.Value.ShouldBe(id);
        }
        // The leases were given back: the next writer does not wait for them.
        (await store.StatusAsync()).ShouldAllBe(feed => feed.Owner == null || feed.LeaseLeft <= TimeSpan.Zero);
    }

    [Fact]
    public async Task A_database_that_is_away_at_the_start_is_waited_for()
    {
        await using var server = await PostgresServer.CreateAsync();
        var database = await server.CreateDatabaseAsync("late");
        await server.StopAsync(immediate: true);
        await using var broker = await NatsServer.StartAsync();
        await using var writer = Start(database, broker.Url);
        await writer.WaitForHttpOkAsync(Url("/healthz"));
        await writer.WaitForLineAsync("The ledger cannot be opened yet");
        (await StatusOfAsync("/readyz")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var refused = await PutAsync("a");
        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        refused.Headers.RetryAfter.ShouldNotBeNull();
        await server.StartAsync();
        await writer.WaitForHttpOkAsync(Url("/readyz"));
        using var taken = await PutAsync("a");
        taken.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await writer.TerminateAsync()).ShouldBe(0);
        writer.Output.ShouldNotContain("Unhandled exception");
    }

    [Fact]
    public async Task A_broker_that_is_away_degrades_and_delays_but_refuses_nothing()
    {
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync("brokerless");
        await using var broker = await NatsServer.StartAsync();
        await broker.KillAsync();
        await using var writer = Start(database, broker.Url);
        await writer.WaitForHttpOkAsync(Url("/readyz"));
        (await _http.GetStringAsync(Url("/readyz"))).ShouldContain("\"status\":\"degraded\"");
        using var taken = await PutAsync("a");
        taken.StatusCode.ShouldBe(HttpStatusCode.Created);
        await broker.StartAgainAsync();
        await writer.WaitUntilAsync(
            async () => (await _http.GetStringAsync(Url("/readyz")))
                .StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal), "be ready");
        await writer.WaitUntilAsync(
            async () => (await _http.GetStringAsync(Url("/v1/status")))
                .Contains("\"position\":1,\"published\":1", StringComparison.Ordinal),
            "publish what waited");
        (await writer.TerminateAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Who_does_not_answer_on_the_bus_yet_does_not_say_ready()
    {
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync("bus_door");
        await using var broker = await NatsServer.StartAsync();
        await using var proxy = FaultProxy.Start(broker.Port);
        var lastDoor = proxy.ToServer.HoldAtAsync("sync.append"u8);
        await using var writer = Start(database, $"nats://127.0.0.1:{proxy.Port}");
        await lastDoor.WaitAsync(TimeSpan.FromSeconds(60));
        await writer.WaitUntilAsync(
            async () => (await TextAsync("/readyz")).Contains("\"lease\":{\"status\":\"ready\"}", StringComparison.Ordinal),
            "own its feeds");
        (await TextAsync("/readyz")).ShouldContain("requests on the bus are not answered yet");
        proxy.Heal();
        await writer.WaitUntilAsync(
            async () => (await TextAsync("/readyz")).StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal), "be ready");
    }

    [Theory]
    [InlineData("Sync__Writer__Urls", "http://0.0.0.0:5080", "only loopback addresses")]
    [InlineData("Sync__Writer__Urls", "https://localhost:1", "must be like http://127.0.0.1:5080")]
    [InlineData("Sync__Writer__BodyBytesMax", "0", "Sync:Writer:BodyBytesMax is 0; must be 1024..67108864 bytes")]
    [InlineData("Sync__Writer__BodyBytesMax", "many", "Sync:Writer:BodyBytesMax")]
    [InlineData("Sync__Writer__BodyByteMax", "1", "Sync:Writer:BodyByteMax is not a setting")]
    [InlineData("Sync__Ledger__GroupFactsMax", "0", "Sync:Ledger:GroupFactsMax is 0; must be 1..10000 facts")]
    [InlineData("Sync__Ledger__Substrate", "files", "must be postgres or memory")]
    [InlineData("Sync__Postgres__ConnectionString", "", "Sync:Postgres:ConnectionString is missing")]
    [InlineData("Sync__Access__Open", "false", "Sync:Access:AdminTokenHash is missing: nobody could come in")]
    [InlineData("Sync__Access__AdminTokenHash", "canary-secret", "Sync:Access:Open is true and a hash of a root token is given")]
    [InlineData("Sync__Access__AdminTokenHashFile", "/nowhere", "Sync:Access:Open is true and a hash of a root token is given")]
    [InlineData("Sync__Access__StaleMax", "00:00:01", "Sync:Access:StaleMax is 00:00:01; must be 00:00:05..01:00:00")]
    [InlineData("Sync__Nats__PingInterval", "00:00:00", "Sync:Nats:PingInterval")]
    public async Task A_wrong_setting_ends_the_process_at_once_with_one_line(string name, string value, string said)
    {
        await using var writer =
            Start("Host=127.0.0.1;Port=1;Username=x;Password=canary-secret", "nats://127.0.0.1:1", (name, value));
        (await writer.WaitForExitAsync()).ShouldBe(78, writer.Output);
        var line = await writer.WaitForLineAsync(said);
        line.ShouldNotContain("canary-secret");
        writer.Output.Trim().Split('\n').Length.ShouldBe(1, writer.Output);
    }

    [Fact]
    public async Task A_taken_port_is_named_with_the_setting_that_changes_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, _port);
        taken.Start();
        await using var writer = Start("Host=127.0.0.1;Port=1", "nats://127.0.0.1:1");
        (await writer.WaitForExitAsync()).ShouldBe(69, writer.Output);
        await writer.WaitForLineAsync($"Cannot listen on 127.0.0.1 port {_port}");
        writer.Output.ShouldContain("Sync:Writer:Urls");
    }

    [Fact]
    public async Task A_wrong_password_of_the_database_ends_the_process()
    {
        var database = await (await postgres.ServerAsync()).CreateDatabaseAsync("secret");
        var wrong = new Npgsql.NpgsqlConnectionStringBuilder(database) { Password = "canary-secret" }.ConnectionString;
        await using var broker = await NatsServer.StartAsync();
        await using var writer = Start(wrong, broker.Url);
        (await writer.WaitForExitAsync()).ShouldBe(78, writer.Output);
        writer.Output.ShouldNotContain("canary-secret");
    }

    private async Task<string> TextAsync(string path)
    {
        using var answer = await _http.GetAsync(Url(path));
        return await answer.Content.ReadAsStringAsync();
    }

    private Uri Url(string path) => new($"http://127.0.0.1:{_port}{path}");

    private ServiceProcess Start(string database, string broker, params (string Name, string Value)[] more)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Sync__Access__Open"] = "true",
            ["Sync__Writer__Urls"] = $"http://127.0.0.1:{_port}",
            ["Sync__Postgres__ConnectionString"] = database,
            ["Sync__Postgres__MigratorConnectionString"] = database,
            ["Sync__Nats__Url"] = broker,
        };
        foreach (var (name, value) in more) environment[name] = value;
        return ServiceProcess.Start(ServiceStart.Service("Sync.Writer") with { Environment = environment });
    }

    private async Task<HttpStatusCode> StatusOfAsync(string path)
    {
        using var answer = await _http.GetAsync(Url(path));
        return answer.StatusCode;
    }

    private async Task<HttpResponseMessage> PutAsync(string key)
    {
        using var body = new StringContent("1", Encoding.UTF8, "application/json");
        return await _http.PutAsync(Url($"/v1/vaults/acme/c/{key}"), body);
    }

    // Ends when the writer no longer takes anything; what it acknowledged until then is what counts.
    private async Task WriteUntilRefusedAsync(
        int client, ConcurrentDictionary<Guid, (string, long)> receipts, TaskCompletionSource enough)
    {
        try
        {
            for (var round = 0; ; round++)
            {
                var lines = string.Concat(Enumerable.Range(0, 100).Select(index =>
                    $$"""{"vault":"acme","collection":"c","key":"c{{client}}-{{index % 10}}","value":{{round}}}"""
                    + "\n"));
                using var request = new HttpRequestMessage(HttpMethod.Post, Url("/v1/batch"))
                {
                    Content = new StringContent(lines, Encoding.UTF8, "application/x-ndjson"),
                };
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                if (!response.IsSuccessStatusCode) return;
                using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
                while (await reader.ReadLineAsync() is { } line)
                {
                    var answer = System.Text.Json.JsonDocument.Parse(line).RootElement;
                    if (!answer.TryGetProperty("factId", out var id)) return;
                    receipts[id.GetGuid()] =
                        (answer.GetProperty("key").GetString()!, answer.GetProperty("sequence").GetInt64());
                }
                if (receipts.Count > 2000) enough.TrySetResult();
            }
        }
        catch (Exception error) when (error is HttpRequestException or IOException or System.Text.Json.JsonException)
        {
            // The connection ended with the writer.
        }
        finally
        {
            enough.TrySetResult();
        }
    }
}
