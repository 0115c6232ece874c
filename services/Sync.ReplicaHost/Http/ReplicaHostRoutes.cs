using Microsoft.AspNetCore.OpenApi;
using Sync.Access;
using Sync.Http;
using Sync.Http.Access;

namespace Sync.ReplicaHost.Http;

/// <summary>All routes, each with its description.</summary>
internal static class ReplicaHostRoutes
{
    private static readonly AccessRule ReadPath = AccessRule.OfPath(AccessAction.Read);
    private static readonly AccessRule ReadVaults = AccessRule.OfQuery(AccessAction.Read, AccessTarget.AllVaults);
    private static readonly AccessRule Follow = ReadVaults.Lasting.WithTicket;
    private static readonly AccessRule Status = AccessRule.Of(AccessAction.Status);

    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var records = services.GetRequiredService<RecordRoutes>();
        var streams = services.GetRequiredService<StreamRoute>();
        var status = services.GetRequiredService<StatusRoutes>();
        app.MapGet("/v1/vaults/{vault}/{collection}/{key}", (Delegate)records.GetAsync)
            .Needs(ReadPath, RouteDescriptions.Get);
        app.MapGet("/v1/vaults/{vault}/{collection}", (Delegate)records.ListAsync).Needs(ReadPath, RouteDescriptions.List);
        app.MapGet("/v1/vaults", (Delegate)records.VaultsAsync).Needs(ReadVaults, RouteDescriptions.Vaults);
        app.MapGet("/v1/digests/{vault}/{collection}", (Delegate)records.DigestAsync)
            .Needs(ReadPath, RouteDescriptions.Digest);
        app.MapGet("/v1/stream", (Delegate)streams.GetAsync).Needs(Follow, RouteDescriptions.Stream);
        app.MapPost("/v1/tickets", (Delegate)services.GetRequiredService<TicketRoute>().IssueAsync)
            .Needs(TicketRoute.Rule, TicketRoute.Description);
        app.MapGet("/v1/status", (Delegate)status.StatusAsync).Needs(Status, RouteDescriptions.Status);
        app.MapGet("/healthz", (Delegate)StatusRoutes.HealthAsync).Needs(AccessRule.Anonymous, RouteDescriptions.Health);
        app.MapGet("/readyz", (Delegate)status.ReadyAsync).Needs(AccessRule.Anonymous, RouteDescriptions.Ready);
        app.MapOpenApi("/openapi/{documentName}.json").WithAccess(AccessRule.Anonymous);
    }

    public static void Describe(OpenApiOptions options) => RouteDescriptions.AddTo(options);
}
