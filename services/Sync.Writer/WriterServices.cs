using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.Writer.Access;
using Sync.Writer.Batch;
using Sync.Writer.Bus;
using Sync.Writer.Engine;
using Sync.Writer.Http;

namespace Sync.Writer;

/// <summary>The writer's services, all singletons.</summary>
internal static class WriterServices
{
    public static IServiceCollection AddSyncWriter(
        this IServiceCollection services, WriterSettings settings, WriterParts parts, TimeProvider time, IIdSource ids)
    {
        // The one place that draws from the process's random source: jitter only.
        services.AddSingleton(new Random());
        services.AddSingleton(settings).AddSingleton(settings.Writer).AddSingleton(parts);
        services.AddSingleton(time).AddSingleton(ids).AddAccess(settings.Access.ToGuard(time));
        services.AddSingleton<ProcessEnd>();
        services.AddSingleton<WriterEngine>();
        services.AddHostedService(provider =>
        {
            var engine = provider.GetRequiredService<WriterEngine>();
            // The door needs the engine, so the engine asks for it only when the ledger is open.
            engine.MakeDoor = () => provider.GetRequiredService<BusDoor>();
            return engine;
        });
        services.AddSingleton(provider =>
            new WriteLimits(settings.Writer, () => provider.GetRequiredService<WriterEngine>().MessageBytesMax));
        services.AddSingleton<ForwardLanes>();
        services.AddSingleton<WriteRouter>();
        services.AddSingleton<IWrites>(provider => provider.GetRequiredService<WriteRouter>());
        services.AddSingleton<ScopeAnswers>().AddSingleton<BusAnswers>();
        services.AddSingleton<ForwardedTokens>().AddSingleton<TokenWrites>().AddSingleton<TokenRoutes>();
        services.AddSingleton<BusDoor>();
        services.AddSingleton<BatchIntake>();
        services.AddSingleton<BatchRoute>().AddSingleton<RecordRoutes>().AddSingleton<PageRoutes>()
            .AddSingleton<ScopeRoutes>().AddSingleton<StatusRoutes>().AddSingleton<EventRoutes>();
        services.AddSingleton(settings.Events).AddSingleton<EventStreams>();
        services.AddTelemetry("sync-writer", settings.Telemetry);
        services.AddOpenApi("v1", WriterRoutes.Describe);
        return services;
    }
}
