using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Json;
using Sync.InsightHost.Engine;
using Sync.Lobby.Insights;

namespace Sync.InsightHost.Http;

/// <summary>Refresh, wait, and what failed.</summary>
internal sealed class InsightRoutes(InsightEngine engine, TimeProvider time)
{
    private const int WaitSecondsDefault = 10;
    private const int WaitSecondsMax = 300;

    public async Task RefreshAsync(HttpContext context)
    {
        if (await RefusedAsync(context)) return;
        if (context.Request.ContentType is { } type && !type.StartsWith(MediaTypes.Json, StringComparison.OrdinalIgnoreCase))
        {
            await CommonProblems.UnsupportedMediaType("A refresh is application/json.").AnswerAsync(context);
            return;
        }
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var request = RefreshRequest.Read(body.GetBuffer().AsMemory(0, (int)body.Length));
        try
        {
            await AnswerAsync(context, await RefreshAsync(request, context.RequestAborted));
        }
        catch (SyncException error) when (request.FailFast && error.Code == SyncErrorCode.Refused)
        {
            await Problems.RefreshFailed(error.Message).AnswerAsync(context);
        }
    }

    public async Task SettledAsync(HttpContext context)
    {
        if (await RefusedAsync(context, "wait")) return;
        if (Queries.TryNumber(context.Request, "wait", 0, WaitSecondsMax, out var seconds) is { } wrong)
        {
            await wrong.AnswerAsync(context);
            return;
        }
        using var most = new CancellationTokenSource(TimeSpan.FromSeconds(seconds ?? WaitSecondsDefault), time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, most.Token);
        var isSettled = true;
        try
        {
            foreach (var (group, _) in engine.Groups) await group.WhenInsightsSettledAsync(end.Token);
        }
        catch (OperationCanceledException) when (most.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            isSettled = false;
        }
        await WriteAsync(context, json =>
        {
            json.WriteBoolean("settled"u8, isSettled);
            json.WriteNumber("pending"u8, engine.Groups.Sum(one => one.Runner.Status().Pending));
            json.WriteNumber("dead_letters"u8, engine.Groups.Sum(one => one.Runner.Status().DeadLetters));
        });
    }

    public async Task DeadLettersAsync(HttpContext context)
    {
        if (await RefusedAsync(context, "limit")) return;
        if (Queries.TryLimit(context.Request, out var limit) is { } wrong)
        {
            await wrong.AnswerAsync(context);
            return;
        }
        var letters = engine.Groups.SelectMany(one => one.Runner.DeadLetters(limit)).OrderBy(letter => letter.Since).Take(limit).ToList();
        await WriteAsync(context, json =>
        {
            json.WriteNumber("count"u8, engine.Groups.Sum(one => one.Runner.Status().DeadLetters));
            json.WriteStartArray("items"u8);
            foreach (var letter in letters) Write(json, letter);
            json.WriteEndArray();
        });
    }

    private async Task<RefreshReport> RefreshAsync(RefreshRequest request, CancellationToken cancellation)
    {
        var groups = engine.Groups;
        if (request.Derivation is { } name)
        {
            groups = [.. groups.Where(one => one.Group.Derivations.Any(derivation => derivation.Name == name))];
            if (groups.Count == 0) throw new SyncException(SyncErrorCode.Invalid, "there is no derivation of that name; /v1/status lists them");
        }
        if (request.Only is not null && groups.Count > 1)
            throw new SyncException(SyncErrorCode.Invalid, "several groups are followed, and partition keys are of one; name a derivation");
        var (written, skipped) = (0, new List<SkippedVault>());
        foreach (var (group, runner) in groups)
        {
            var report = await group.RefreshInsightsAsync(
                request.MinVersion, request.Only, request.Concurrency, request.FailFast, request.Derivation, cancellation);
            written += report.Written;
            skipped.AddRange(report.SkippedVaults);
            // What is dead is tried by its own queue as well: when it works now, it is no dead letter any more.
            runner.Replay(request.Only?.Select(key => group.Name + Names.ShardSeparator + key).ToHashSet(StringComparer.Ordinal));
        }
        return new RefreshReport(written, skipped);
    }

    private static Task AnswerAsync(HttpContext context, RefreshReport report) => WriteAsync(context, json =>
    {
        json.WriteNumber("written"u8, report.Written);
        json.WriteStartArray("skippedVaults"u8);
        foreach (var skipped in report.SkippedVaults)
        {
            json.WriteStartObject();
            json.WriteString("vault"u8, skipped.Vault);
            json.WriteString("derivation"u8, skipped.Derivation);
            json.WriteString("reason"u8, skipped.Reason);
            json.WriteString("detail"u8, skipped.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private static void Write(Utf8JsonWriter json, DeadLetter letter)
    {
        foreach (var failure in letter.Failures)
        {
            json.WriteStartObject();
            json.WriteString("vault"u8, letter.Shard.Vault);
            json.WriteString("collection"u8, letter.Shard.Collection);
            json.WriteString("derivation"u8, failure.Derivation);
            json.WriteString("reason"u8, failure.Code);
            json.WriteString("detail"u8, failure.Detail);
            json.WriteBoolean("transient"u8, failure.IsTransient);
            json.WriteNumber("attempts"u8, letter.Attempts);
            json.WriteString("since"u8, letter.Since.ToString());
            json.WriteEndObject();
        }
    }

    private static async Task<bool> RefusedAsync(HttpContext context, params string[] known)
    {
        if (Queries.RefuseUnknown(context.Request, known) is not { } unknown) return false;
        await unknown.AnswerAsync(context);
        return true;
    }

    internal static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> members)
    {
        context.Response.ContentType = MediaTypes.Json;
        context.Response.Headers.CacheControl = "no-store";
        await using (var json = new Utf8JsonWriter(context.Response.BodyWriter, Scalars.Options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
