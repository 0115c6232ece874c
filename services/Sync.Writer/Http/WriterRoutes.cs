using Microsoft.AspNetCore.OpenApi;
using Sync.Writer.Batch;

namespace Sync.Writer.Http;

/// <summary>All routes, each with its description.</summary>
internal static class WriterRoutes
{
    private const string Record = "/v1/vaults/{vault}/{collection}/{key}";
    private const string Collection = "/v1/vaults/{vault}/{collection}";

    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var records = services.GetRequiredService<RecordRoutes>();
        var pages = services.GetRequiredService<PageRoutes>();
        var status = services.GetRequiredService<StatusRoutes>();
        var batches = services.GetRequiredService<BatchRoute>();
        app.MapPut(Record, (Delegate)records.PutAsync).WithMetadata(RouteDescriptions.Put);
        app.MapDelete(Record, (Delegate)records.DeleteAsync).WithMetadata(RouteDescriptions.Delete);
        app.MapGet(Record, (Delegate)records.GetAsync).WithMetadata(RouteDescriptions.Get);
        app.MapPost(Collection, (Delegate)records.AppendAsync).WithMetadata(RouteDescriptions.Append);
        app.MapGet(Collection, (Delegate)pages.ListAsync).WithMetadata(RouteDescriptions.List);
        app.MapGet("/v1/history/{vault}/{collection}/{key}", (Delegate)pages.HistoryAsync)
            .WithMetadata(RouteDescriptions.History);
        app.MapGet("/v1/facts", (Delegate)pages.FactsAsync).WithMetadata(RouteDescriptions.Facts);
        app.MapGet("/v1/events", (Delegate)services.GetRequiredService<EventRoutes>().StreamAsync)
            .WithMetadata(RouteDescriptions.Events);
        var scopes = services.GetRequiredService<ScopeRoutes>();
        app.MapGet("/v1/digests/{vault}/{collection}", (Delegate)scopes.DigestAsync)
            .WithMetadata(RouteDescriptions.Digest);
        app.MapGet("/v1/vaults", (Delegate)scopes.VaultsAsync).WithMetadata(RouteDescriptions.Vaults);
        app.MapPost("/v1/batch", (Delegate)batches.PostAsync).WithMetadata(RouteDescriptions.Batch);
        app.MapGet("/v1/status", (Delegate)status.StatusAsync).WithMetadata(RouteDescriptions.Status);
        app.MapGet("/healthz", (Delegate)StatusRoutes.HealthAsync).WithMetadata(RouteDescriptions.Health);
        app.MapGet("/readyz", (Delegate)status.ReadyAsync).WithMetadata(RouteDescriptions.Ready);
        app.MapOpenApi("/openapi/{documentName}.json");
    }

    public static void Describe(OpenApiOptions options) => RouteDescriptions.AddTo(options);
}
