using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.Writer.Engine;
using Sync.Writer.Http;

namespace Sync.Writer;

/// <summary>Puts a writer together: on its own, or inside another process.</summary>
public static class WriterHost
{
    /// <summary>The setting that names the listening addresses.</summary>
    public const string UrlsSetting = WriterOptions.Section + ":Urls";

    /// <summary>Builds the application; start it, and it serves.</summary>
    /// <param name="args">Command line: settings as <c>--Sync:Writer:Urls=…</c>.</param>
    /// <param name="parts">What an embedding process brings along; null = nothing.</param>
    /// <exception cref="StartupException">A setting is wrong, or an address is taken.</exception>
    public static WebApplication Build(string[] args, WriterParts? parts = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.AddConsoleLines();
        var (time, ids) = (TimeProvider.System, new UuidV7Source());
        var settings = WriterSettings.Read(builder.Configuration, ids, time, parts?.Store is not null);
        var endPoints = Listeners.ReadLoopback(settings.Writer.Urls, UrlsSetting);
        Listeners.RefuseTaken(endPoints, UrlsSetting);
        builder.WebHost.ConfigureKestrel(server =>
        {
            foreach (var endPoint in endPoints) server.Listen(endPoint);
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = (long)settings.Writer.BodyBytesMax + WriteLimits.DroppedBytesMax;
            server.Limits.MaxConcurrentConnections = settings.Writer.ConnectionsMax;
            // Who does not read is cut off within seconds, with what waits for it.
            server.Limits.MinResponseDataRate = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.Writer.StopTimeout);
        builder.Services.AddSyncWriter(settings, parts ?? new WriterParts(), time, ids);
        var app = builder.Build();
        Use(app, settings.Writer);
        return app;
    }

    private static void Use(WebApplication app, WriterOptions options)
    {
        app.UseProblemAnswers(
            app.Logger, Problems.Of, "The routes are listed at /openapi/v1.json. A slash in a key is written %2F.");
        app.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return next(context);
        });
        app.UseForeignCallerRefusal(options.Hosts, options.Origins);
        app.UseRecordTargets("/v1/vaults/", "/v1/history/", "/v1/digests/");
        app.UseRouting();
        var guard = app.Services.GetRequiredService<AccessGuard>();
        AccessServices.WarnIfOpen(guard, app.Logger);
        app.UseAccess(guard, app.Services.GetRequiredService<LongRequests>(), app.Logger);
        app.UseRecordNameRefusal();
        WriterRoutes.Map(app);
        app.RequireAccessRules();
    }
}
