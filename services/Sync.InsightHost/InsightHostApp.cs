using MassTransit;
using Sync.Access;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.InsightHost.Engine;
using Sync.InsightHost.Http;

namespace Sync.InsightHost;

/// <summary>Puts an Insight host together: on its own, or inside another process.</summary>
public static class InsightHostApp
{
    /// <summary>The setting that names the listening addresses.</summary>
    public const string UrlsSetting = InsightHostOptions.Section + ":Urls";

    /// <summary>Builds the application; start it, and it serves.</summary>
    /// <param name="args">Command line: settings as <c>--Sync:InsightHost:Urls=…</c>.</param>
    /// <param name="parts">What an embedding process brings along; null = nothing.</param>
    /// <exception cref="StartupException">A setting is wrong, or an address is taken.</exception>
    public static WebApplication Build(string[] args, InsightHostParts? parts = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.AddConsoleLines();
        // It logs each start and stop of its own queue.
        builder.Logging.AddFilter("MassTransit", LogLevel.Warning);
        parts ??= new InsightHostParts();
        var settings = InsightHostSettings.Read(builder.Configuration, parts.Bus is not null);
        var endPoints = Listeners.ReadLoopback(settings.Host.Urls, UrlsSetting);
        Listeners.RefuseTaken(endPoints, UrlsSetting);
        builder.WebHost.ConfigureKestrel(server =>
        {
            foreach (var endPoint in endPoints) server.Listen(endPoint);
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = RefreshRequest.BodyBytesMax;
            server.Limits.MaxConcurrentConnections = settings.Host.ConnectionsMax;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.Host.StopTimeout);
        AddServices(builder.Services, settings, parts);
        var app = builder.Build();
        Use(app, settings.Host);
        return app;
    }

    private static void AddServices(IServiceCollection services, InsightHostSettings settings, InsightHostParts parts)
    {
        services.AddSingleton(settings).AddSingleton(parts);
        services.AddSingleton(TimeProvider.System).AddSingleton<ProcessEnd>();
        services.AddAccess(settings.Access.ToGuard(TimeProvider.System));
        services.AddSingleton<InsightEngine>().AddSingleton<StatusRoutes>().AddSingleton<InsightRoutes>();
        AddQueue(services, settings.Host);
        // Behind the queue: it is up when the engine hands out the first shard, and ends after the last.
        services.AddHostedService(provider => provider.GetRequiredService<InsightEngine>());
        services.AddTelemetry("sync-insight-host", settings.Telemetry);
        services.AddOpenApi("v1", InsightHostRoutes.Describe);
    }

    private static void AddQueue(IServiceCollection services, InsightHostOptions options)
    {
        services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = true);
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.AddConsumer<DeriveConsumer>();
            bus.UsingInMemory((context, queue) => queue.ReceiveEndpoint(MassTransitQueue.Name, endpoint =>
            {
                endpoint.PrefetchCount = options.InFlightMax;
                endpoint.ConcurrentMessageLimit = options.InFlightMax;
                endpoint.ConfigureConsumer<DeriveConsumer>(context, consumer => consumer.Message<DeriveCommand>(
                    // One vault is derived by one at a time, whatever was asked of it.
                    message => message.UsePartitioner(options.InFlightMax, command => command.Message.Vault)));
            }));
        });
    }

    private static void Use(WebApplication app, InsightHostOptions options)
    {
        app.UseProblemAnswers(app.Logger, Problems.Of, "The routes are listed at /openapi/v1.json.");
        app.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return next(context);
        });
        app.UseForeignCallerRefusal(options.Hosts, options.Origins);
        app.UseRouting();
        var guard = app.Services.GetRequiredService<AccessGuard>();
        AccessServices.WarnIfOpen(guard, app.Logger);
        app.UseAccess(guard, app.Services.GetRequiredService<LongRequests>(), app.Logger);
        InsightHostRoutes.Map(app);
        app.RequireAccessRules();
    }
}
