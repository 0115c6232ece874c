using Microsoft.AspNetCore.OpenApi;
using Sync.Access;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;

namespace Sync.InsightHost.Http;

/// <summary>All routes, each with its description.</summary>
internal static class InsightHostRoutes
{
    private static readonly RouteAnswer Malformed = Problem(400, "malformed-request");
    private static readonly RouteAnswer Unavailable = Problem(503, "not-ready");

    private static readonly RouteDescription Refresh = new(
        "refreshInsights", "Derives shards now: {only?, derivation?, minVersion?, concurrency?, failFast?}.", [], [MediaTypes.Json],
        [
            new(200, "{written, skippedVaults: [{vault, derivation, reason, detail}]}.", MediaTypes.Json), Malformed,
            Problem(403, "foreign-origin"), Problem(409, "refresh-failed"), Problem(415, "unsupported-media-type"),
            Problem(502, "ledger-refused"), Unavailable,
        ]);

    private static readonly RouteDescription Settled = new(
        "waitSettled", "Waits until everything committed before the call is in summaries or dead letters.",
        [new("wait", "query", "Most seconds, 0 to 300; 10 unless given.")], [],
        [new(200, "{settled, pending, dead_letters}.", MediaTypes.Json), Malformed, Unavailable]);

    private static readonly RouteDescription DeadLetters = new(
        "getDeadLetters", "Shards that could not be derived, oldest first; a refresh tries them again.",
        [new("limit", "query", "1 to 1,000; 100 unless given.")], [],
        [new(200, "{count, items}.", MediaTypes.Json), Malformed, Unavailable]);

    private static readonly RouteDescription Status = new(
        "getStatus", "Groups, derivations, shards, feeds and how far behind, counters.", [], [],
        [new(200, "The status.", MediaTypes.Json), Unavailable]);

    private static readonly RouteDescription Health = new(
        "getHealth", "Liveness.", [], [], [new(200, "The process serves.", MediaTypes.Json)]);

    private static readonly RouteDescription Ready = new(
        "getReadiness", "Readiness: broker and groups.", [], [],
        [new(200, "ready, or degraded.", MediaTypes.Json), new(503, "failing.", MediaTypes.Json)]);

    private static readonly AccessRule Read = AccessRule.Of(AccessAction.Status);

    // Work for every shard, at an operator's word.
    private static readonly AccessRule Operate = AccessRule.Of(AccessAction.Admin);

    public static void Map(WebApplication app)
    {
        var insights = app.Services.GetRequiredService<InsightRoutes>();
        var status = app.Services.GetRequiredService<StatusRoutes>();
        app.MapPost("/v1/insights/refresh", (Delegate)insights.RefreshAsync).Needs(Operate, Refresh);
        app.MapGet("/v1/insights/settled", (Delegate)insights.SettledAsync).Needs(Read, Settled);
        app.MapGet("/v1/deadletters", (Delegate)insights.DeadLettersAsync).Needs(Read, DeadLetters);
        app.MapGet("/v1/status", (Delegate)status.StatusAsync).Needs(Read, Status);
        app.MapGet("/healthz", (Delegate)StatusRoutes.HealthAsync).Needs(AccessRule.Anonymous, Health);
        app.MapGet("/readyz", (Delegate)status.ReadyAsync).Needs(AccessRule.Anonymous, Ready);
        app.MapOpenApi("/openapi/{documentName}.json").WithAccess(AccessRule.Anonymous);
    }

    public static void Describe(OpenApiOptions options) => OpenApiDescriptions.Add(
        options, "Sync Insight host",
        "Keeps Insight summaries current. Errors are RFC 9457 problems whose type starts with "
        + $"{Sync.Hosting.Problem.TypePrefix}; docs/PROTOCOL.md lists them.");

    private static RouteAnswer Problem(int status, string codes) => new(status, codes, Sync.Hosting.Problem.MediaType);
}
