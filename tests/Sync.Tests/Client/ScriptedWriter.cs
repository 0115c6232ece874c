using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Tests.Client;

/// <summary>Stands for writers: hands every request to the test, which says how it is answered.</summary>
internal sealed class ScriptedWriter : HttpMessageHandler
{
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);
    private readonly Channel<Call> _calls = Channel.CreateBounded<Call>(1000);
    private readonly ConcurrentDictionary<string, bool> _down = new(StringComparer.Ordinal);

    /// <summary>Requests that nobody took from the queue yet.</summary>
    public bool IsQuiet => _calls.Reader.Count == 0;

    public static SyncClientOptions Options { get; } = new()
    {
        Writers = ["http://one:1"],
        Producer = "test:client",
        Lanes = 1,
        WriteTimeout = TimeSpan.FromMinutes(5),
        RequestTimeout = TimeSpan.FromMinutes(10),
    };

    public SyncClient Client(PauseClock clock, SyncClientOptions? options = null) =>
        new(options ?? Options, broker: null, time: clock, http: this);

    public static WriteCommand Put(string key, byte value = 1) => new()
    {
        Key = new SyncedKey("acme", "user", key),
        Op = ChangeOp.Put,
        Value = new[] { value },
    };

    /// <summary>Connections to it are refused from now on.</summary>
    public void TakeDown(string authority) => _down[authority] = true;

    /// <summary>The next request.</summary>
    public async Task<Call> NextAsync() => await _calls.Reader.ReadAsync().AsTask().WaitAsync(WaitMax);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (_down.ContainsKey(request.RequestUri!.Authority))
            throw new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused");
        var text = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var call = new Call(request, [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)]);
        await _calls.Writer.WriteAsync(call, cancellationToken);
        return await call.Response.WaitAsync(cancellationToken);
    }
}

/// <summary>One request and its answer.</summary>
internal sealed class Call(HttpRequestMessage request, IReadOnlyList<JsonNode> lines)
{
    private readonly TaskCompletionSource<HttpResponseMessage> _response = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Authority => request.RequestUri!.Authority;

    public string? TraceParent => Header("traceparent");

    public string? Header(string name) => request.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    public IReadOnlyList<JsonNode> Lines => lines;

    public IEnumerable<string> Keys => lines.Select(line => (string)line["key"]!);

    public IEnumerable<string> IdempotencyKeys => lines.Select(line => (string)line["idempotency_key"]!);

    public Task<HttpResponseMessage> Response => _response.Task;

    public void Commit() => Answer([.. lines.Select(line => Receipt(line))]);

    public void Answer(params string[] answers) => Answer(HttpStatusCode.OK, string.Concat(answers.Select(line => line + "\n")));

    public void Answer(HttpStatusCode status, string body) => _response.TrySetResult(
        new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8), RequestMessage = request });

    public void Lose(Exception error) => _response.TrySetException(error);

    public string Receipt(int line, bool replayed = false) => Receipt(lines[line], replayed);

    public static string Problem(string code, int status, string detail = "for a reason", long? last = null) =>
        $$"""{"type":"urn:sync:problem:{{code}}","title":"t","status":{{status}},"detail":"{{detail}}"{{(last is null ? "" : $",\"last\":{last}")}}}""";

    private static string Receipt(JsonNode line, bool replayed = false) => new JsonObject
    {
        ["factId"] = "01890000-0000-7000-8000-000000000001",
        ["vault"] = (string)line["vault"]!,
        ["collection"] = (string)line["collection"]!,
        ["key"] = (string)line["key"]!,
        ["sequence"] = 1,
        ["feed"] = 3,
        ["history"] = 77,
        ["position"] = 12,
        ["transactionTime"] = "2026-01-01T00:00:00.000001Z",
        ["valueHash"] = new string('a', 64),
        ["causation"] = null,
        ["replayed"] = replayed,
    }.ToJsonString();
}
