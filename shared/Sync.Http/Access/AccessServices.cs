using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sync.Access;
using Sync.Hosting;

namespace Sync.Http.Access;

/// <summary>What every service registers and says about access.</summary>
public static class AccessServices
{
    /// <summary>Adds the guard and what ends long requests.</summary>
    /// <param name="services">The services; need a <see cref="TimeProvider"/>.</param>
    /// <param name="guard">Made by <see cref="AccessOptions.ToGuard"/>.</param>
    public static IServiceCollection AddAccess(this IServiceCollection services, AccessGuard guard) =>
        services.AddSingleton(guard).AddSingleton<LongRequests>();

    /// <summary>Adds what issues tickets, for services with streams that pages read.</summary>
    public static IServiceCollection AddTickets(this IServiceCollection services) =>
        services.AddSingleton(provider => new StreamTickets(provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<TicketRoute>();

    /// <summary>Says at start that everybody is let in, if so.</summary>
    public static void WarnIfOpen(AccessGuard guard, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(guard);
        if (guard.IsOpen) HttpLog.AccessIsOpen(logger);
    }

    /// <summary>The line of <c>/readyz</c>; null when there are no tokens here.</summary>
    public static HealthCheckLine? HealthOf(AccessGuard guard)
    {
        ArgumentNullException.ThrowIfNull(guard);
        if (guard.IsOpen) return null;
        if (guard.Age is not { } age) return new("access", HealthState.Failing, "tokens are not loaded yet: nobody is let in");
        return guard.IsStale
            ? new("access", HealthState.Failing, $"tokens could not be read for {(long)age.TotalSeconds} s: nobody is let in")
            : new("access", HealthState.Ready, null);
    }
}
