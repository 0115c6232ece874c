using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sync.Access;
using Sync.Hosting;
using Sync.Http.Access;

namespace Sync.Cli.Up;

/// <summary>The status page, served beside a service's own routes: files of this program, and the status of all services. It
/// loads nothing from elsewhere and holds no inline script, and the browser is told so.</summary>
internal static class BoxPage
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly (string Route, string File, string Type)[] Assets =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/box/page.css", "page.css", "text/css; charset=utf-8"),
        ("/box/page.js", "page.js", "text/javascript; charset=utf-8"),
        ("/box/icon.svg", "icon.svg", "image/svg+xml"),
    ];

    public static void Map(WebApplication app, StatusRelay relay)
    {
        foreach (var (route, file, type) in Assets)
        {
            var bytes = Read(file);
            app.MapGet(route, (RequestDelegate)(context => AnswerAsync(context, type, bytes))).WithAccess(AccessRule.Anonymous);
        }
        app.MapGet("/box/status", (RequestDelegate)(async context =>
        {
            if (IsForeign(context.Request)) await CommonProblems.ForeignOrigin("Only this service's own page may ask.").AnswerAsync(context);
            else await AnswerAsync(context, "application/json", await relay.ReadAsync());
        })).WithAccess(AccessRule.Of(AccessAction.Status));
    }

    private static async Task AnswerAsync(HttpContext context, string type, byte[] body)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    // A page elsewhere could not read the answer; it should not be able to make us work for it either.
    private static bool IsForeign(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site"
        || (request.Headers.Origin.Count > 0 && request.Headers.Origin != "http://" + request.Host.Value);

    private static byte[] Read(string file)
    {
        using var stream = typeof(BoxPage).Assembly.GetManifestResourceStream("page/" + file)
            ?? throw new InvalidOperationException($"{file} is not in this program");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
