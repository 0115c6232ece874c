using Microsoft.AspNetCore.OpenApi;
using Sync.Access;
using Sync.Http;
using Sync.Http.Access;
using Sync.Writer.Access;
using Sync.Writer.Batch;

namespace Sync.Writer.Http;

/// <summary>All routes, each with its description.</summary>
internal static class WriterRoutes
{
    private const string Record = "/v1/vaults/{vault}/{collection}/{key}";
    private const string Collection = "/v1/vaults/{vault}/{collection}";

    private static readonly AccessRule ReadPath = AccessRule.OfPath(AccessAction.Read);
    private static readonly AccessRule WritePath = AccessRule.OfPath(AccessAction.Write);
    private static readonly AccessRule WriteLines = AccessRule.OfBody(AccessAction.Write).Lasting;
    private static readonly AccessRule Status = AccessRule.Of(AccessAction.Status);
    private static readonly AccessRule Admin = AccessRule.Of(AccessAction.Admin);
    private static readonly AccessRule ReadVaults = AccessRule.OfQuery(AccessAction.Read, AccessTarget.AllVaults);

    // A whole feed's facts are what its hash chain covers: those of the system's own vaults are among them.
    private static readonly AccessRule ReadFacts = AccessRule.OfQuery(AccessAction.Read, AccessTarget.Everything);

    // A stream of a whole feed leaves out what needs more than this.
    private static readonly AccessRule Follow = AccessRule.OfQuery(AccessAction.Read, AccessTarget.AllVaults).Lasting;

    public static void Map(WebApplication app)
    {
        var services = app.Services;
        var records = services.GetRequiredService<RecordRoutes>();
        var pages = services.GetRequiredService<PageRoutes>();
        var status = services.GetRequiredService<StatusRoutes>();
        var batches = services.GetRequiredService<BatchRoute>();
        app.MapPut(Record, (Delegate)records.PutAsync).Needs(WritePath, RouteDescriptions.Put);
        app.MapDelete(Record, (Delegate)records.DeleteAsync).Needs(WritePath, RouteDescriptions.Delete);
        app.MapGet(Record, (Delegate)records.GetAsync).Needs(ReadPath, RouteDescriptions.Get);
        app.MapPost(Collection, (Delegate)records.AppendAsync).Needs(WritePath, RouteDescriptions.Append);
        app.MapGet(Collection, (Delegate)pages.ListAsync).Needs(ReadPath, RouteDescriptions.List);
        app.MapGet("/v1/history/{vault}/{collection}/{key}", (Delegate)pages.HistoryAsync)
            .Needs(ReadPath, RouteDescriptions.History);
        app.MapGet("/v1/facts", (Delegate)pages.FactsAsync).Needs(ReadFacts, RouteDescriptions.Facts);
        app.MapGet("/v1/events", (Delegate)services.GetRequiredService<EventRoutes>().StreamAsync)
            .Needs(Follow, RouteDescriptions.Events);
        var scopes = services.GetRequiredService<ScopeRoutes>();
        app.MapGet("/v1/digests/{vault}/{collection}", (Delegate)scopes.DigestAsync)
            .Needs(ReadPath, RouteDescriptions.Digest);
        app.MapGet("/v1/vaults", (Delegate)scopes.VaultsAsync).Needs(ReadVaults, RouteDescriptions.Vaults);
        app.MapPost("/v1/batch", (Delegate)batches.PostAsync).Needs(WriteLines, RouteDescriptions.Batch);
        var tokens = services.GetRequiredService<TokenRoutes>();
        app.MapPost("/v1/tokens", (Delegate)tokens.CreateAsync).Needs(Admin, RouteDescriptions.CreateToken);
        app.MapGet("/v1/tokens", (Delegate)tokens.ListAsync).Needs(Admin, RouteDescriptions.ListTokens);
        app.MapDelete("/v1/tokens/{id}", (Delegate)tokens.RevokeAsync).Needs(Admin, RouteDescriptions.RevokeToken);
        app.MapGet("/v1/status", (Delegate)status.StatusAsync).Needs(Status, RouteDescriptions.Status);
        app.MapGet("/healthz", (Delegate)StatusRoutes.HealthAsync).Needs(AccessRule.Anonymous, RouteDescriptions.Health);
        app.MapGet("/readyz", (Delegate)status.ReadyAsync).Needs(AccessRule.Anonymous, RouteDescriptions.Ready);
        app.MapOpenApi("/openapi/{documentName}.json").WithAccess(AccessRule.Anonymous);
    }

    public static void Describe(OpenApiOptions options) => RouteDescriptions.AddTo(options);
}
