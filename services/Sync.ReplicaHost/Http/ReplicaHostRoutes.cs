using Microsoft.AspNetCore.OpenApi;

namespace Sync.ReplicaHost.Http;

/// <summary>All routes, each with its description.</summary>
internal static class ReplicaHostRoutes
{
    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var records = services.GetRequiredService<RecordRoutes>();
        var streams = services.GetRequiredService<StreamRoute>();
        var status = services.GetRequiredService<StatusRoutes>();
        app.MapGet("/v1/vaults/{vault}/{collection}/{key}", (Delegate)records.GetAsync)
            .WithMetadata(RouteDescriptions.Get);
        app.MapGet("/v1/vaults/{vault}/{collection}", (Delegate)records.ListAsync).WithMetadata(RouteDescriptions.List);
        app.MapGet("/v1/vaults", (Delegate)records.VaultsAsync).WithMetadata(RouteDescriptions.Vaults);
        app.MapGet("/v1/digests/{vault}/{collection}", (Delegate)records.DigestAsync)
            .WithMetadata(RouteDescriptions.Digest);
        app.MapGet("/v1/stream", (Delegate)streams.GetAsync).WithMetadata(RouteDescriptions.Stream);
        app.MapGet("/v1/status", (Delegate)status.StatusAsync).WithMetadata(RouteDescriptions.Status);
        app.MapGet("/healthz", (Delegate)StatusRoutes.HealthAsync).WithMetadata(RouteDescriptions.Health);
        app.MapGet("/readyz", (Delegate)status.ReadyAsync).WithMetadata(RouteDescriptions.Ready);
        app.MapOpenApi("/openapi/{documentName}.json");
    }

    public static void Describe(OpenApiOptions options) => RouteDescriptions.AddTo(options);
}
