using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.Transport;

namespace Sync.Client;

/// <summary>Registration in a .NET host.</summary>
public static class SyncServices
{
    /// <summary>Adds one <see cref="SyncClient"/> and one <see cref="IChangefeed"/> with settings from the sections
    /// <c>Sync:Client</c> and <c>Sync:Nats</c>, checked when the host starts, and a health check named <c>sync</c>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's configuration.</param>
    /// <param name="schemas">The models.</param>
    /// <param name="configure">Changes the options that were bound; null = nothing.</param>
    public static IServiceCollection AddSync(
        this IServiceCollection services, IConfiguration configuration, SyncSchemas schemas,
        Func<SyncClientOptions, SyncClientOptions>? configure = null)
    {
        services.AddSingleton<IChangefeed>(provider =>
            new ChangefeedClient(Options(), provider.GetService<ILogger<ChangefeedClient>>(), provider.GetService<TimeProvider>()));
        services.AddSingleton(provider =>
        {
            var broker = configuration.GetSection(BusOptions.Section).Get<BusOptions>() ?? new BusOptions();
            return new SyncClient(
                Options(), broker, schemas, provider.GetService<ILoggerFactory>(),
                provider.GetService<TimeProvider>());
        });
        services.AddHostedService<OptionsCheck>();
        services.AddHealthChecks().AddCheck<WriterCheck>("sync");
        return services;

        SyncClientOptions Options()
        {
            var options = configuration.GetSection(SyncClientOptions.Section).Get<SyncClientOptions>(
                binder => binder.ErrorOnUnknownConfiguration = true) ?? new SyncClientOptions();
            return configure is null ? options : configure(options);
        }
    }

    // Making the client checks its options: a wrong one stops the host at start, by name.
    private sealed class OptionsCheck(SyncClient client) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(client);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class WriterCheck(SyncClient client) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await client.Writer.StatusAsync(cancellationToken).ConfigureAwait(false);
                return HealthCheckResult.Healthy();
            }
            catch (SyncException error)
            {
                return HealthCheckResult.Degraded(error.Message);
            }
        }
    }
}
