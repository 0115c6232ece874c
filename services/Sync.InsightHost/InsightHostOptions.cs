using Sync.Contracts;
using Sync.Hosting;
using Sync.Lobby.Insights;

namespace Sync.InsightHost;

/// <summary>Settings of the process: section <c>Sync:InsightHost</c>.</summary>
public sealed record InsightHostOptions
{
    public const string Section = "Sync:InsightHost";

    private const int DerivationsMax = 64;

    /// <summary>Listening addresses, separated by ';'. Loopback only.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:5100";

    /// <summary>Writers that take the summaries, tried in turn. Default one, http://127.0.0.1:5080.</summary>
    public IReadOnlyList<string> WriterUrls { get; init; } = [];

    /// <summary>The token that the writers are asked with; null = none. Needs <c>read</c> of each group as a whole
    /// (<c>read:shop--*/*</c>) and of each target, and <c>write</c> of each target.</summary>
    public string? Token { get; init; }

    /// <summary>A file that holds it instead; a token written to it later is used within 5 s.</summary>
    public string? TokenFile { get; init; }

    /// <summary>What to derive, 1 to 64. Each shows its Insight vault's host totals drawn from many subjects: naming
    /// one is the choice to allow that.</summary>
    public IReadOnlyList<DerivationOptions> Derivations { get; init; } = [];

    /// <summary>Most shards of a group that are derived at a time. 1..256.</summary>
    public int InFlightMax { get; init; } = 8;

    /// <summary>Most bytes of a summary. 1 KiB..512 KiB.</summary>
    public int SummaryBytesMax { get; init; } = 64 << 10;

    /// <summary>Most live records of a shard's source collection. 1..10000000.</summary>
    public int ShardRecordsMax { get; init; } = 500_000;

    /// <summary>Most value bytes of a shard's source collection. 1 KiB..1 GiB.</summary>
    public long ShardBytesMax { get; init; } = 64L << 20;

    /// <summary>Most time of one derivation of one shard. 100 ms..1 h.</summary>
    public TimeSpan DeriveTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Attempts after a failed first one, before a shard is a dead letter. 0..100.</summary>
    public int RetriesMax { get; init; } = 6;

    /// <summary>Pause before the first retry, doubled each time. 1 ms..1 min.</summary>
    public TimeSpan RetryDelayMin { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest pause. <see cref="RetryDelayMin"/>..1 h.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a request to a writer may take. 100 ms..1 min.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most connections at a time; the next are closed. 1..100000.</summary>
    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>How long requests may go on after the stop signal. 100 ms..1 min.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Host names to answer to, beside loopback.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Origins whose pages may send unsafe requests, beside this service's own.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>The bounds of derivations.</summary>
    internal InsightOptions Insight => new()
    {
        SummaryBytesMax = SummaryBytesMax,
        ShardRecordsMax = ShardRecordsMax,
        ShardBytesMax = ShardBytesMax,
        InFlightMax = InFlightMax,
        DeriveTimeout = DeriveTimeout,
        RetriesMax = RetriesMax,
        RetryDelayMin = RetryDelayMin,
        RetryDelayMax = RetryDelayMax,
    };

    /// <summary>Reads and checks the section and each derivation.</summary>
    /// <exception cref="StartupException">Something is wrong.</exception>
    public static InsightHostOptions Read(IConfiguration configuration)
    {
        var options = Settings.Read(configuration, Section, new InsightHostOptions(), Check);
        return options with
        {
            Derivations = [.. configuration.GetSection(Section + ":" + nameof(Derivations)).GetChildren().Select(one =>
                Settings.Read(configuration, one.Path, new DerivationOptions(), DerivationOptions.Check))],
        };
    }

    private static void Check(InsightHostOptions options, SettingChecks checks)
    {
        checks.Required(nameof(Urls), options.Urls, "a listening address like http://127.0.0.1:5100");
        foreach (var (name, complaint) in options.Insight.Validate()) checks.Add(name, complaint);
        checks.Range(nameof(RequestTimeout), options.RequestTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        checks.Range(nameof(ConnectionsMax), options.ConnectionsMax, 1, 100_000, "connections");
        checks.Range(nameof(StopTimeout), options.StopTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        foreach (var writer in options.WriterUrls)
            if (!Uri.TryCreate(writer, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                checks.Add(nameof(WriterUrls), $"has '{writer}'; must be an http or https address such as http://127.0.0.1:5080");
        if (options.Derivations.Count is < 1 or > DerivationsMax)
            checks.Add(nameof(Derivations),
                $"names {options.Derivations.Count}; give 1..{DerivationsMax}, like {Section}:Derivations:0:Name, :Kind, :Group, "
                + ":Collection, :TargetVault and :TargetCollection");
        foreach (var same in options.Derivations.GroupBy(one => one.Name, StringComparer.Ordinal).Where(same => same.Count() > 1))
            checks.Add(nameof(Derivations), $"has {same.Count()} of the name '{same.Key}'; give each its own");
        foreach (var same in options.Derivations.GroupBy(one => (one.TargetVault, one.TargetCollection)).Where(same => same.Count() > 1))
            checks.Add(nameof(Derivations),
                $"has {same.Count()} with the target {same.Key.TargetVault}/{same.Key.TargetCollection}; give each a collection of its own");
    }
}

/// <summary>One derivation: section <c>Sync:InsightHost:Derivations:0</c> and so on.</summary>
public sealed record DerivationOptions
{
    /// <summary>Its name.</summary>
    public string Name { get; init; } = "";

    /// <summary>One of <see cref="SampleDerivations.Kinds"/>.</summary>
    public string Kind { get; init; } = "";

    /// <summary>The field that the kind looks at; null = none.</summary>
    public string? Field { get; init; }

    /// <summary>The group whose shards are derived.</summary>
    public string Group { get; init; } = "";

    /// <summary>The source collection.</summary>
    public string Collection { get; init; } = "";

    /// <summary>The Insight vault.</summary>
    public string TargetVault { get; init; } = "";

    /// <summary>The collection of summaries.</summary>
    public string TargetCollection { get; init; } = "";

    /// <summary>False: only a refresh derives.</summary>
    public bool AutoPush { get; init; } = true;

    internal static void Check(DerivationOptions options, SettingChecks checks)
    {
        checks.Required(nameof(Name), options.Name, "a name of its own");
        if (SampleDerivations.CheckKind(options.Kind, options.Field) is { } wrong) checks.Add(nameof(Kind), "is wrong: " + wrong);
        if (Names.CheckVault(options.Group + Names.ShardSeparator + "p") is { } group) checks.Add(nameof(Group), "is wrong: " + group);
    }

    internal CrossVaultDerivation Make() =>
        SampleDerivations.Make(Kind, Field, Name, Collection, (TargetVault, TargetCollection), AutoPush);
}
