using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.Transport;

namespace Sync.ReplicaHost;

/// <summary>Every setting of the process, read and checked once, before anything starts.</summary>
internal sealed record ReplicaHostSettings(
    ReplicaHostOptions Host, BusOptions Bus, TelemetryOptions Telemetry, AccessOptions Access)
{
    /// <param name="configuration">The root.</param>
    /// <param name="isBusGiven">True: the bus is embedded, its settings are not used.</param>
    public static ReplicaHostSettings Read(IConfiguration configuration, bool isBusGiven) => new(
        ReplicaHostOptions.Read(configuration),
        ReadBus(configuration, isBusGiven),
        Settings.Read(configuration, "Sync:Telemetry", new TelemetryOptions(),
            (options, checks) => options.Check(checks)),
        AccessOptions.Read(configuration));

    // The inbox is the one that the shipped broker configuration gives to replica hosts.
    private static BusOptions ReadBus(IConfiguration configuration, bool isBusGiven) => Settings.Read(
        configuration, BusOptions.Section,
        new BusOptions { Name = "sync-replica-host", InboxPrefix = "_INBOX.replica", RetryOnInitialConnect = true },
        (options, _) =>
        {
            if (!isBusGiven) Validate(options);
        });

    private static void Validate(BusOptions options)
    {
        try
        {
            options.Validate();
        }
        catch (SyncException error) when (error.Code == SyncErrorCode.Invalid)
        {
            throw new StartupException(ExitCodes.Configuration, error.Message, error);
        }
    }
}
