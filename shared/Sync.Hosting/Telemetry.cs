using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Sync.Hosting;

/// <summary>Where telemetry goes.</summary>
public sealed record TelemetryOptions
{
    /// <summary>OTLP end point, e.g. <c>http://127.0.0.1:4317</c>. Null (default): nothing is collected and nothing
    /// is sent.</summary>
    public string? OtlpEndpoint { get; init; }

    /// <summary>Share of traces that are kept when the caller did not decide, 0 to 1. Default 0.05.</summary>
    public double TraceRatio { get; init; } = 0.05;

    /// <summary>Adds what is wrong.</summary>
    public void Check(SettingChecks checks)
    {
        ArgumentNullException.ThrowIfNull(checks);
        if (OtlpEndpoint is not null && !Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out _))
            checks.Add(nameof(OtlpEndpoint), "is not an absolute address; give one like http://127.0.0.1:4317");
        if (TraceRatio is not (>= 0 and <= 1)) checks.Add(nameof(TraceRatio), $"is {TraceRatio}; must be 0..1");
    }
}

/// <summary>Builds the OpenTelemetry providers with the SDK alone.</summary>
public static class Telemetry
{
    /// <summary>Exports the meters and sources named <c>Sync.*</c> and the platform's. Without an end point there are
    /// no providers at all: instruments without a listener cost next to nothing.</summary>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, string serviceName,
        TelemetryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.OtlpEndpoint is null) return services;
        var endpoint = new Uri(options.OtlpEndpoint);
        return services.AddSingleton<IHostedService>(_ => new Providers(serviceName, endpoint, options.TraceRatio));
    }

    private sealed class Providers(string serviceName, Uri endpoint, double ratio) : IHostedService, IDisposable
    {
        private TracerProvider? _traces;
        private MeterProvider? _metrics;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            var resource = ResourceBuilder.CreateDefault().AddService(serviceName);
            _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio)))
                .AddSource("Sync.*", "Microsoft.AspNetCore", "Npgsql")
                .AddOtlpExporter(Target).Build();
            _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
                .AddMeter("Sync.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
                    "System.Runtime", "Npgsql")
                .AddOtlpExporter(Target).Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        // Disposing sends what is still buffered.
        public void Dispose()
        {
            _traces?.Dispose();
            _metrics?.Dispose();
        }

        private void Target(OtlpExporterOptions exporter)
        {
            exporter.Endpoint = endpoint;
            exporter.TimeoutMilliseconds = 2000;
        }
    }
}
