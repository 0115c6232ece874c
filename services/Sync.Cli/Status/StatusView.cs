using Spectre.Console;
using Spectre.Console.Rendering;
using Sync.Contracts;

namespace Sync.Cli.Status;

/// <summary>How all services stand, for people.</summary>
internal static class StatusView
{
    /// <summary>Makes it from what the services told.</summary>
    /// <exception cref="SyncException">What one told is of another kind of service.</exception>
    public static IRenderable Of(IEnumerable<ServiceStatus> services) => new Rows(services.SelectMany(Of));

    /// <summary>A file or a pipe has no width to fit into.</summary>
    public static void FitOutput()
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 200;
    }

    private static IReadOnlyList<IRenderable> Of(ServiceStatus service)
    {
        if (service.Status is not { } status) return [new Text($"{service.Name} {service.Url} {service.Error}")];
        try
        {
            return [new Text($"{service.Name} {service.Url}, version {StatusTables.Text(status, "version")}"), .. StatusTables.Of(service.Name, status)];
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new SyncException(SyncErrorCode.Corrupt, $"what answers at {service.Url} is no {service.Name}; is the address right?");
        }
    }
}
