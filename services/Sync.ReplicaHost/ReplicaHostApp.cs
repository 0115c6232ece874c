using Sync.Access;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.ReplicaHost.Engine;
using Sync.ReplicaHost.Http;

namespace Sync.ReplicaHost;

/// <summary>Puts a replica host together: on its own, or inside another process.</summary>
public static class ReplicaHostApp
{
    /// <summary>The setting that names the listening addresses.</summary>
    public const string UrlsSetting = ReplicaHostOptions.Section + ":Urls";

    /// <summary>Builds the application; start it, and it serves.</summary>
    /// <param name="args">Command line: settings as <c>--Sync:ReplicaHost:Urls=…</c>.</param>
    /// <param name="parts">What an embedding process brings along; null = nothing.</param>
    /// <exception cref="StartupException">A setting is wrong, or an address is taken.</exception>
    public static WebApplication Build(string[] args, ReplicaHostParts? parts = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.AddConsoleLines();
        parts ??= new ReplicaHostParts();
        if (parts.Bus is null != parts.Transport is null)
            throw new StartupException(
                ExitCodes.Configuration, "An embedded replica host gets both bus and transport, or neither.");
        var settings = ReplicaHostSettings.Read(builder.Configuration, parts.Bus is not null);
        var endPoints = Listeners.ReadLoopback(settings.Host.Urls, UrlsSetting);
        Listeners.RefuseTaken(endPoints, UrlsSetting);
        builder.WebHost.ConfigureKestrel(server =>
        {
            foreach (var endPoint in endPoints) server.Listen(endPoint);
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = 0;
            server.Limits.MaxConcurrentConnections = settings.Host.ConnectionsMax;
            // Who does not read is cut off within seconds, with what waits for it.
            server.Limits.MinResponseDataRate = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.Host.StopTimeout);
        AddServices(builder.Services, settings, parts);
        var app = builder.Build();
        Use(app, settings.Host);
        return app;
    }

    private static void AddServices(IServiceCollection services, ReplicaHostSettings settings, ReplicaHostParts parts)
    {
        // The one place that draws from the process's random source: jitter only.
        services.AddSingleton(new Random());
        services.AddSingleton(settings).AddSingleton(settings.Host).AddSingleton(settings.Host.Streams);
        services.AddSingleton(parts);
        services.AddSingleton(TimeProvider.System).AddSingleton<ProcessEnd>();
        services.AddAccess(settings.Access.ToGuard(TimeProvider.System)).AddTickets();
        services.AddSingleton<FollowedScopes>().AddSingleton<ReplicaEngine>();
        services.AddHostedService(provider => provider.GetRequiredService<ReplicaEngine>());
        services.AddSingleton<EventStreams>().AddSingleton<StreamCounters>();
        services.AddSingleton<RecordRoutes>().AddSingleton<StreamRoute>().AddSingleton<StatusRoutes>();
        services.AddTelemetry("sync-replica-host", settings.Telemetry);
        services.AddOpenApi("v1", ReplicaHostRoutes.Describe);
    }

    private static void Use(WebApplication app, ReplicaHostOptions options)
    {
        app.UseProblemAnswers(
            app.Logger, Problems.Of, "The routes are listed at /openapi/v1.json. A slash in a key is written %2F.");
        app.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return next(context);
        });
        app.UseForeignCallerRefusal(options.Hosts, []);
        app.UseRecordTargets("/v1/vaults/", "/v1/digests/");
        app.UseRouting();
        app.UseRecordNameRefusal();
        var services = app.Services;
        var guard = services.GetRequiredService<AccessGuard>();
        AccessServices.WarnIfOpen(guard, app.Logger);
        app.UseAccess(
            guard, services.GetRequiredService<LongRequests>(), app.Logger, services.GetRequiredService<StreamTickets>());
        ReplicaHostRoutes.Map(app);
        app.RequireAccessRules();
    }
}
