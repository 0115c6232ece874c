using Sync.Client;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.Lobby.Insights;
using Sync.Transport;

namespace Sync.InsightHost;

/// <summary>Every setting of the process, read and checked once, before anything starts.</summary>
internal sealed record InsightHostSettings(
    InsightHostOptions Host, BusOptions Bus, TelemetryOptions Telemetry, AccessOptions Access)
{
    public SyncClientOptions Client => new()
    {
        Writers = Host.WriterUrls,
        Producer = "service:insight",
        Token = Host.Token,
        TokenFile = Host.TokenFile,
        RequestTimeout = Host.RequestTimeout,
        WriteTimeout = Host.DeriveTimeout,
    };

    /// <param name="configuration">The root.</param>
    /// <param name="isBusGiven">True: the bus is embedded, its settings are not used.</param>
    public static InsightHostSettings Read(IConfiguration configuration, bool isBusGiven)
    {
        var settings = new InsightHostSettings(
            InsightHostOptions.Read(configuration),
            ReadBus(configuration, isBusGiven),
            Settings.Read(configuration, "Sync:Telemetry", new TelemetryOptions(), (options, checks) => options.Check(checks)),
            AccessOptions.Read(configuration));
        if (settings.Client.Validate().FirstOrDefault() is { } wrong) throw new StartupException(ExitCodes.Configuration, wrong);
        // Registering checks names and targets: what is wrong shows before anything starts.
        Refusing(() => settings.Groups(new NoSource(), new NoStore(), TimeProvider.System, null).Count);
        return settings;
    }

    /// <summary>The groups, with their derivations registered.</summary>
    public IReadOnlyList<InsightGroup> Groups(ICollectionSource source, ISummaryStore store, TimeProvider time, ILogger? log)
    {
        var groups = new Dictionary<string, InsightGroup>(StringComparer.Ordinal);
        foreach (var derivation in Host.Derivations)
        {
            if (!groups.TryGetValue(derivation.Group, out var group))
                groups.Add(derivation.Group, group = new InsightGroup(derivation.Group, source, store, Host.Insight, time, log));
            group.WithCrossVaultDerivation(derivation.Make());
        }
        return [.. groups.Values];
    }

    // The inbox is the one that the shipped broker configuration gives to Insight hosts.
    private static BusOptions ReadBus(IConfiguration configuration, bool isBusGiven) => Settings.Read(
        configuration, BusOptions.Section,
        new BusOptions { Name = "sync-insight-host", InboxPrefix = "_INBOX.insight", RetryOnInitialConnect = true },
        (options, _) =>
        {
            if (!isBusGiven) Refusing(() => { options.Validate(); return 0; });
        });

    private static void Refusing(Func<int> check)
    {
        try
        {
            check();
        }
        catch (SyncException error) when (error.Code == SyncErrorCode.Invalid)
        {
            throw new StartupException(ExitCodes.Configuration, error.Message, error);
        }
    }

    private sealed class NoSource : ICollectionSource
    {
        public ValueTask<SnapshotPage> SnapshotAsync(
            SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default) => throw Unused();

        public ValueTask<ChangesPage> ChangesAsync(
            SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default) => throw Unused();

        public ValueTask<VaultsPage> VaultsAsync(
            string group, VaultsRequest request, CancellationToken cancellation = default) => throw Unused();
    }

    private sealed class NoStore : ISummaryStore
    {
        public Task<Envelope?> GetAsync(SyncedKey key, CancellationToken cancellation = default) => throw Unused();

        public Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default) => throw Unused();
    }

    private static InvalidOperationException Unused() => new("settings are only checked");
}
