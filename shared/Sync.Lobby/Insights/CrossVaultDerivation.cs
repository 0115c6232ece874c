using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Makes one summary of each shard of a group and keeps it in an Insight vault, keyed by partition key. An
/// Insight vault shows its host totals drawn from many subjects: registering a derivation is the choice to allow
/// that.</summary>
public sealed record CrossVaultDerivation
{
    /// <summary>Most characters of a name or version.</summary>
    public const int TextLengthMax = 128;

    /// <summary>Unique in its group; 1 to 128 characters without control characters.</summary>
    public required string Name { get; init; }

    /// <summary>Changes whenever the same records would give another summary: every summary of another version is made
    /// again. 1 to 128 characters. Default <c>1</c>.</summary>
    public string Version { get; init; } = "1";

    /// <summary>The collection that is read in every shard of the group.</summary>
    public required string SourceCollection { get; init; }

    /// <summary>The Insight vault; neither the group itself nor one of its shards.</summary>
    public required string TargetVault { get; init; }

    /// <summary>The collection of summaries; of no other derivation.</summary>
    public required string TargetCollection { get; init; }

    /// <summary>A pure function of the live records, in the order of their keys, and the context: the summary, one
    /// MessagePack map. Null or empty, an exception, one of the records, or more bytes than
    /// <see cref="InsightOptions.SummaryBytesMax"/>: the shard is skipped, its earlier summary stays. Called by several
    /// threads at once, for different shards.</summary>
    public required Func<IReadOnlyList<Envelope>, DerivationContext, byte[]?> Derive { get; init; }

    /// <summary>True: derived again whenever the source collection changes. Default false.</summary>
    public bool AutoPush { get; init; }
}

/// <summary>What a derivation knows of the shard beside its records.</summary>
/// <param name="Vault">The shard vault.</param>
/// <param name="PartitionKey">Its partition key, the summary's key.</param>
/// <param name="SchemaVersion">The lowest of its records' schema versions; <see cref="SchemaVersion.Default"/> of
/// none.</param>
/// <param name="At">Feed, history and position that the records stand at.</param>
public readonly record struct DerivationContext(string Vault, string PartitionKey, SchemaVersion SchemaVersion, FeedPosition At);

/// <summary>Bounds of derivations and how they are retried.</summary>
public sealed record InsightOptions
{
    /// <summary>Most bytes of a summary. Default 64 KiB; 1 KiB to 512 KiB.</summary>
    public int SummaryBytesMax { get; init; } = 64 << 10;

    /// <summary>Most live records of a shard's source collection. Default 500,000; 1 to 10,000,000.</summary>
    public int ShardRecordsMax { get; init; } = 500_000;

    /// <summary>Most value bytes of a shard's source collection. Default 64 MiB; 1 KiB to 1 GiB.</summary>
    public long ShardBytesMax { get; init; } = 64L << 20;

    /// <summary>Most shards that are derived at a time when they follow changes. Default 8; 1 to 256.</summary>
    public int InFlightMax { get; init; } = 8;

    /// <summary>Most time of one derivation of one shard with all its requests. Default 1 min; 100 ms to 1 h.</summary>
    public TimeSpan DeriveTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Attempts after a failed first one; then the shard is a dead letter. Default 6; 0 to 100.</summary>
    public int RetriesMax { get; init; } = 6;

    /// <summary>Pause before the first retry, doubled each time. Default 200 ms; 1 ms to 1 min.</summary>
    public TimeSpan RetryDelayMin { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest pause, and the pace at which a dead letter of a passing reason is tried on. Default 30 s; not
    /// below <see cref="RetryDelayMin"/>, at most 1 h.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What is wrong: name, value and allowed range of each bad option.</summary>
    public IEnumerable<(string Name, string Complaint)> Validate()
    {
        if (Out(SummaryBytesMax, 1 << 10, 512 << 10)) yield return (nameof(SummaryBytesMax), $"is {SummaryBytesMax}; must be 1024..524288 bytes");
        if (Out(ShardRecordsMax, 1, 10_000_000)) yield return (nameof(ShardRecordsMax), $"is {ShardRecordsMax}; must be 1..10000000 records");
        if (Out(ShardBytesMax, 1 << 10, 1L << 30)) yield return (nameof(ShardBytesMax), $"is {ShardBytesMax}; must be 1024..1073741824 bytes");
        if (Out(InFlightMax, 1, 256)) yield return (nameof(InFlightMax), $"is {InFlightMax}; must be 1..256 shards");
        if (Out(RetriesMax, 0, 100)) yield return (nameof(RetriesMax), $"is {RetriesMax}; must be 0..100 attempts");
        if (DeriveTimeout < TimeSpan.FromMilliseconds(100) || DeriveTimeout > TimeSpan.FromHours(1))
            yield return (nameof(DeriveTimeout), $"is {DeriveTimeout}; must be 00:00:00.1..01:00:00 (hh:mm:ss)");
        if (RetryDelayMin < TimeSpan.FromMilliseconds(1) || RetryDelayMin > TimeSpan.FromMinutes(1))
            yield return (nameof(RetryDelayMin), $"is {RetryDelayMin}; must be 00:00:00.001..00:01:00 (hh:mm:ss)");
        if (RetryDelayMax < RetryDelayMin || RetryDelayMax > TimeSpan.FromHours(1))
            yield return (nameof(RetryDelayMax), $"is {RetryDelayMax}; must be {RetryDelayMin}..01:00:00 (hh:mm:ss)");
    }

    private static bool Out(long value, long min, long max) => value < min || value > max;
}
