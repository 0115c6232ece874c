using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Transport;

namespace Sync.Writer.Engine;

/// <summary>Every setting of the process, read and checked once, before anything starts.</summary>
internal sealed record WriterSettings(
    WriterOptions Writer, SubstrateOptions Substrate, LedgerOptions Ledger, PostgresOptions Postgres, BusOptions Bus,
    ChangefeedOptions Changefeed, EventStreamOptions Events, TelemetryOptions Telemetry, AccessOptions Access)
{
    /// <summary>A stop must be over within about five seconds: half of it for what is admitted, the rest for requests
    /// and the bus.</summary>
    private static readonly TimeSpan DrainTimeoutDefault = TimeSpan.FromSeconds(2.5);

    public static WriterSettings Read(IConfiguration configuration, IIdSource ids, TimeProvider time,
        bool isStoreGiven)
    {
        var substrate = Settings.Read(
            configuration, "Sync:Ledger", new SubstrateOptions(), SubstrateOptions.Check, typeof(LedgerOptions));
        var ledger = Settings.Read(
            configuration, "Sync:Ledger",
            new LedgerOptions { Owner = NameOf(ids, time), DrainTimeout = DrainTimeoutDefault },
                Validated<LedgerOptions>(o => o.Validate()),
            typeof(SubstrateOptions));
        return new WriterSettings(
            Settings.Read(configuration, WriterOptions.Section, new WriterOptions(), WriterOptions.Check),
            substrate,
            ledger,
            ReadPostgres(configuration, !isStoreGiven && substrate.IsPostgres),
            ReadBus(configuration),
            Settings.Read(configuration, ChangefeedOptions.Section, new ChangefeedOptions(),
                Validated<ChangefeedOptions>(options => options.Validate())),
            Settings.Read(configuration, "Sync:Events", new EventStreamOptions(),
                (options, checks) => options.Check(checks)),
            Settings.Read(configuration, "Sync:Telemetry", new TelemetryOptions(),
                (options, checks) => options.Check(checks)),
            AccessOptions.Read(configuration));
    }

    private static PostgresOptions ReadPostgres(IConfiguration configuration, bool isUsed)
    {
        const string section = "Sync:Postgres";
        var roles = Settings.Read(configuration, section, new MigratorOptions(), null, typeof(PostgresOptions));
        var options = Settings.Read(configuration, section, new PostgresOptions(), null, typeof(MigratorOptions));
        if (roles.MigratorConnectionString is { Length: > 0 } migrator)
            options = options with { OwnerConnectionString = migrator };
        if (isUsed) Validated<PostgresOptions>(given => given.Validate())(options, null!);
        return options;
    }

    // The inbox is the one that the shipped broker configuration gives to writers.
    private static BusOptions ReadBus(IConfiguration configuration) => Settings.Read(
        configuration, BusOptions.Section,
        new BusOptions { Name = "sync-writer", InboxPrefix = "_INBOX.writer", RetryOnInitialConnect = true },
        Validated<BusOptions>(options =>
        {
            if (!BusLink.IsInProcess(options)) options.Validate();
        }));

    private static Action<T, SettingChecks> Validated<T>(Action<T> validate) => (options, _) =>
    {
        try
        {
            validate(options);
        }
        catch (SyncException error) when (error.Code == SyncErrorCode.Invalid)
        {
            throw new StartupException(ExitCodes.Configuration, error.Message, error);
        }
    };

    // Unique, and tells an operator where to look.
    private static string NameOf(IIdSource ids, TimeProvider time)
    {
        var machine = Environment.MachineName;
        var suffix = ids.Next(Timestamp.From(time.GetUtcNow())).ToString("N")[^8..];
        return $"{machine[..Math.Min(machine.Length, 80)]}:{Environment.ProcessId}:{suffix}";
    }
}

/// <summary>Where the ledger is kept: section <c>Sync:Ledger</c>, beside the sequencer's own settings.</summary>
internal sealed record SubstrateOptions
{
    /// <summary><c>postgres</c>, or <c>memory</c> for tests and trials: nothing survives the process.</summary>
    public string Substrate { get; init; } = "postgres";

    /// <summary>Feeds of a memory ledger. 1..1024.</summary>
    public int MemoryFeeds { get; init; } = Feeds.CountDefault;

    public bool IsPostgres => string.Equals(Substrate, "postgres", StringComparison.OrdinalIgnoreCase);

    public static void Check(SubstrateOptions options, SettingChecks checks)
    {
        if (!options.IsPostgres && !string.Equals(options.Substrate, "memory", StringComparison.OrdinalIgnoreCase))
            checks.Add(nameof(Substrate), $"is '{options.Substrate}'; must be postgres or memory");
        checks.Range(nameof(MemoryFeeds), options.MemoryFeeds, 1, Feeds.CountMax, "feeds");
    }
}

/// <summary>The role that migrates: section <c>Sync:Postgres</c>.</summary>
internal sealed record MigratorOptions
{
    /// <summary>Connection string of the role that may change the schema; migrations run with it at start. Null =
    /// they do not.</summary>
    public string? MigratorConnectionString { get; init; }
}
