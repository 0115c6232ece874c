using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Integration.Tests.Infra;
using Sync.Integration.Tests.Writer;
using Sync.MessagePack;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Sync.Transport;

namespace Sync.Integration.Tests.Access;

/// <summary>Writers and hosts in processes of their own that ask for tokens, on a real database and a real broker, logging all
/// they can; and tokens of every kind.</summary>
internal sealed class AccessRig : IAsyncDisposable
{
    private const string BusPassword = "s0";
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly List<ServiceProcess> _processes = [];
    private readonly List<ServiceProcess> _hosts = [];
    private readonly StringBuilder _ended = new();

    private readonly bool _isShipped;

    private AccessRig(string database, NatsServer broker, bool isShipped) =>
        (Database, Broker, _isShipped) = (database, broker, isShipped);

    public string Database { get; }

    public NatsServer Broker { get; }

    /// <summary>The root token.</summary>
    public string Root { get; } = AccessToken.Mint();

    /// <summary>Every token that was made: none may be found anywhere but in answers.</summary>
    public List<string> Made { get; } = [];

    /// <summary>Addresses of the writers.</summary>
    public List<Uri> Writers { get; } = [];

    public static Task<AccessRig> StartAsync(
        PostgresFixture postgres, int writers = 1, params (string, string)[] settings) =>
        StartAsync(postgres, isShipped: false, writers, settings);

    /// <summary>With the broker as it is shipped: each service comes as a user of its own, with that user's rights.</summary>
    public static Task<AccessRig> StartShippedAsync(PostgresFixture postgres, params (string, string)[] settings) =>
        StartAsync(postgres, isShipped: true, writers: 1, settings);

    private static async Task<AccessRig> StartAsync(
        PostgresFixture postgres, bool isShipped, int writers, (string, string)[] settings)
    {
        var database = await (await postgres.ServerAsync())
            .CreateDatabaseAsync("access_" + Guid.NewGuid().ToString("N")[..8]);
        var broker = await NatsServer.StartAsync("debug: true\n" + (isShipped ? BrokerConfig.WithPassword(BusPassword) : ""));
        var rig = new AccessRig(database, broker, isShipped);
        rig.Made.Add(rig.Root);
        for (var more = 0; more < writers; more++) await rig.AddWriterAsync(settings);
        return rig;
    }

    /// <summary>All that the processes said.</summary>
    public string Output => _ended + string.Concat(_processes.Concat(_hosts).Select(process => process.Output));

    /// <summary>How a user of the broker reaches it.</summary>
    public BusOptions BusOf(string user) => _isShipped
        ? new() { Url = Broker.Url, Username = user, Password = BusPassword, InboxPrefix = "_INBOX." + user }
        : new() { Url = Broker.Url };

    /// <summary>Starts a host that asks for tokens, reading them over the bus, and waits until it answers.</summary>
    /// <param name="service">The project's name.</param>
    /// <param name="user">Of the broker.</param>
    /// <param name="settings">As environment variables; each host also gets its address.</param>
    public async Task<(Uri Url, ServiceProcess Process)> StartHostAsync(
        string service, string user, params (string Name, string Value)[] settings)
    {
        var url = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var environment = SettingsOf(user);
        environment[$"{service.Replace(".", "__", StringComparison.Ordinal)}__Urls"] = url.ToString();
        foreach (var (name, value) in settings) environment[name] = value;
        var process = Start(service, environment);
        _hosts.Add(process);
        await process.WaitForHttpOkAsync(new Uri(url, "/readyz"));
        return (url, process);
    }

    // The settings by which a service of this system asks for tokens, and logs all it can.
    private Dictionary<string, string?> SettingsOf(string user) => new(StringComparer.Ordinal)
    {
        ["Sync__Nats__Username"] = BusOf(user).Username,
        ["Sync__Nats__Password"] = BusOf(user).Password,
        ["Sync__Access__AdminTokenHash"] = AccessToken.HashOf(Root).ToString(),
        ["Sync__Nats__Url"] = Broker.Url,
        ["Logging__LogLevel__Default"] = "Trace",
        ["Logging__LogLevel__Microsoft"] = "Trace",
        ["Logging__LogLevel__Microsoft.AspNetCore"] = "Trace",
        ["Logging__LogLevel__Microsoft.AspNetCore.Server.Kestrel"] = "Trace",
        ["Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics"] = "Trace",
    };

    public async Task<ServiceProcess> AddWriterAsync(params (string Name, string Value)[] settings)
    {
        var url = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var environment = SettingsOf("writer");
        environment["Sync__Writer__Urls"] = url.ToString();
        environment["Sync__Postgres__ConnectionString"] = Database;
        environment["Sync__Postgres__MigratorConnectionString"] = Database;
        foreach (var (name, value) in settings) environment[name] = value;
        var process = Start("Sync.Writer", environment);
        _processes.Add(process);
        Writers.Add(url);
        await process.WaitUntilAsync(() => IsReadyAsync(url), "be ready");
        return process;
    }

    /// <summary>Ends a writer, keeping what it said.</summary>
    public async Task EndAsync(int writer, bool kill = false)
    {
        var process = _processes[writer];
        if (kill) await process.KillAsync();
        else await process.TerminateAsync();
        _ended.Append(process.Output);
        await process.DisposeAsync();
        _processes.RemoveAt(writer);
        Writers.RemoveAt(writer);
    }

    public Task<Answer> SendAsync(
        string method, string path, string? token = null, string? body = null, string contentType = "application/json",
        int writer = 0, string? purpose = null) =>
        SendAsync(new Uri(Writers[writer], path), method, token, body, contentType, purpose);

    /// <summary>Asks any service; of a stream only the head of the answer is read.</summary>
    public async Task<Answer> SendAsync(
        Uri url, string method, string? token, string? body = null, string contentType = "application/json",
        string? purpose = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), url);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        if (purpose is not null) request.Headers.TryAddWithoutValidation("Sync-Purpose", purpose);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        return new Answer(
            response.StatusCode, isStream ? [] : await response.Content.ReadAsByteArrayAsync(),
            response.Headers.Concat(response.Content.Headers).ToDictionary(
                header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>Opens a stream of the first writer and leaves it open.</summary>
    public Task<HttpResponseMessage> OpenAsync(string path, string token) => OpenAsync(new Uri(Writers[0], path), token);

    /// <summary>Opens a stream and leaves it open.</summary>
    public async Task<HttpResponseMessage> OpenAsync(Uri url, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Issues a token.</summary>
    public async Task<string> IssueAsync(string[] scopes, string? purpose = null, int writer = 0, string? by = null)
    {
        var body = JsonSerializer.Serialize(new { label = "test", scopes, purpose });
        var answer = await SendAsync("POST", "/v1/tokens", by ?? Root, body, writer: writer);
        answer.Status.ShouldBe(HttpStatusCode.Created, answer.Text);
        var token = answer.Json.GetProperty("token").GetString()!;
        Made.Add(token);
        return token;
    }

    public Task<string> IssueAsync(params string[] scopes) => IssueAsync(scopes, null);

    /// <summary>Revokes a token.</summary>
    public async Task RevokeAsync(string token, int writer = 0)
    {
        var answer = await SendAsync("DELETE", "/v1/tokens/" + AccessToken.IdOf(token).ToString(), Root, writer: writer);
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Text);
    }

    /// <summary>A token whose time was over an hour ago. The routes make none; the owner of the feed takes any record from who
    /// may manage tokens.</summary>
    public async Task<string> ExpiredAsync(params string[] scopes)
    {
        var token = AccessToken.Mint();
        Made.Add(token);
        var now = DateTimeOffset.UtcNow;
        var record = new TokenRecord
        {
            Id = AccessToken.IdOf(token).ToString(),
            Hash = AccessToken.HashOf(token),
            Label = "expired",
            Scopes = [.. scopes.Select(scope => AccessScope.Parse(scope).Value)],
            Created = Timestamp.From(now.AddHours(-2)),
            Expires = Timestamp.From(now.AddHours(-1)),
        };
        var reply = await ForwardAsync(record, BusHeaders.Of(BusHeaders.Authorization, "Bearer " + Root));
        reply.IsError.ShouldBeFalse(reply.ErrorText);
        // Its owner hears of it as every writer does.
        await WriterUnderTest.UntilAsync(async () => (await SendAsync("GET", "/v1/status", token)).Text
            .Contains("It has expired", StringComparison.Ordinal));
        return token;
    }

    /// <summary>Hands a token's record to the owner of its feed, as another writer would.</summary>
    public async Task<BusReply> ForwardAsync(TokenRecord record, BusHeaders? headers)
    {
        var body = new ArrayBufferWriter<byte>();
        var command = new WriteCommand
        {
            Key = TokenRecord.KeyOf(record.Id),
            Op = ChangeOp.Put,
            Value = TokenRecordCodec.Encode(record),
            SchemaVersion = SchemaVersion.Default,
            Expected = Sequence.None,
            IdempotencyKey = "forward-" + record.Id,
            Producer = Producer.Anonymous,
        };
        ForwardedWritesCodec.Encode(new ForwardedWrites { Commands = [command] }, body);
        await using var bus = await SyncBus.ConnectAsync(BusOf("writer"));
        var feed = Feeds.Of(AccessScope.TokenVault, Feeds.CountDefault);
        return await bus.RequestAsync(
            Subjects.Default.OfOwn(feed), body.WrittenMemory, headers, TimeSpan.FromSeconds(10));
    }

    /// <summary>Waits until a request is answered so; 30 s is the failure bound.</summary>
    public async Task UntilAsync(string method, string path, string token, HttpStatusCode status, int writer = 0) =>
        await WriterUnderTest.UntilAsync(async () => (await SendAsync(method, path, token, writer: writer)).Status == status);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _hosts.Concat(_processes)) await process.DisposeAsync();
        await Broker.DisposeAsync();
        _http.Dispose();
    }

    // All of their output is kept: it is searched for tokens.
    private static ServiceProcess Start(string service, Dictionary<string, string?> environment) => ServiceProcess.Start(
        ServiceStart.Service(service) with { Environment = environment, OutputLinesMax = 1_000_000 });

    private async Task<bool> IsReadyAsync(Uri url)
    {
        try
        {
            return (await _http.GetStringAsync(new Uri(url, "/readyz")))
                .StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
