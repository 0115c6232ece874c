using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>The Insights of one vault group: derivations, refreshes, and the runner that follows changes. START HERE.
/// Register first, then use; from then on safe from any thread.</summary>
public sealed class InsightGroup
{
    /// <summary>Most shards that one refresh derives at a time.</summary>
    public const int ConcurrencyMax = 64;

    private readonly DerivationRegistry _registry;
    private readonly ShardDirectory _shards;
    private Func<CancellationToken, Task<int>>? _whenSettled;

    /// <summary>Opens the Insights of a group.</summary>
    /// <param name="name">The group.</param>
    /// <param name="source">Where shards are read.</param>
    /// <param name="store">Where summaries are kept.</param>
    /// <param name="options">Bounds; null = the defaults.</param>
    /// <param name="time">Null = the system's.</param>
    /// <param name="log">Null = nowhere.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: the name or an option.</exception>
    public InsightGroup(
        string name, ICollectionSource source, ISummaryStore store, InsightOptions? options = null, TimeProvider? time = null,
        ILogger? log = null)
    {
        Options = options ?? new InsightOptions();
        var wrong = Names.CheckVault(name + Names.ShardSeparator + "p") ?? (name.Contains(Names.ShardSeparator, StringComparison.Ordinal)
            ? $"group '{name}' has '--' in it" : null);
        wrong ??= string.Join("; ", Options.Validate().Select(one => $"{one.Name} {one.Complaint}"));
        if (wrong.Length > 0) throw new SyncException(SyncErrorCode.Invalid, wrong);
        (Name, Source, Time, Log) = (name, source, time ?? TimeProvider.System, log ?? NullLogger.Instance);
        _registry = new DerivationRegistry(name);
        _shards = new ShardDirectory(name, source);
        Deriver = new ShardDeriver(source, store, Options, Time);
    }

    /// <summary>The group's name.</summary>
    public string Name { get; }

    /// <summary>What was registered.</summary>
    public IReadOnlyList<CrossVaultDerivation> Derivations => _registry.All;

    internal InsightOptions Options { get; }

    internal ICollectionSource Source { get; }

    internal TimeProvider Time { get; }

    internal ILogger Log { get; }

    internal ShardDeriver Deriver { get; }

    internal ShardDirectory Shards => _shards;

    /// <summary>Registers a derivation. Its Insight vault will show totals drawn from all shards to whoever reads
    /// it.</summary>
    /// <returns>This group.</returns>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: a name is taken or wrong, or the target is
    /// the group itself, one of its shards, or another derivation's.</exception>
    public InsightGroup WithCrossVaultDerivation(CrossVaultDerivation derivation)
    {
        ArgumentNullException.ThrowIfNull(derivation);
        if (_whenSettled is not null) throw new SyncException(SyncErrorCode.Invalid, "changes are followed already; register all derivations before");
        _registry.Add(derivation);
        return this;
    }

    /// <summary>Derives shards now and writes their summaries. What cannot be derived is listed, its earlier summary
    /// stays, the others go on. Safe to repeat.</summary>
    /// <param name="minVersion">Skip shards with a record of a lower schema version, as <c>schema-drift</c>; null =
    /// none.</param>
    /// <param name="only">Partition keys; null = all shards. An unknown one is listed as <c>error</c>.</param>
    /// <param name="concurrency">Shards at a time, 1 to 64. Default 1.</param>
    /// <param name="failFast">True: throw at the first shard that would be listed.</param>
    /// <param name="derivation">Only the derivation of this name; null = all.</param>
    /// <param name="cancellation">Gives up; what is written stays.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: an argument; else the shards cannot be
    /// listed, or
    /// <paramref name="failFast"/>.</exception>
    public Task<RefreshReport> RefreshInsightsAsync(
        SchemaVersion? minVersion = null, IReadOnlyCollection<string>? only = null, int concurrency = 1, bool failFast = false,
        string? derivation = null, CancellationToken cancellation = default)
    {
        if (concurrency is < 1 or > ConcurrencyMax)
            throw new SyncException(SyncErrorCode.Invalid, $"concurrency is {concurrency}; must be 1..{ConcurrencyMax} shards");
        if (minVersion is { IsWellFormed: false } version)
            throw new SyncException(SyncErrorCode.Invalid, $"minVersion is '{version}'; give one like 3.1");
        var derivations = Derivations.Where(one => derivation is null || one.Name == derivation).ToList();
        if (derivation is not null && derivations.Count == 0)
            throw new SyncException(SyncErrorCode.Invalid, $"there is no derivation '{derivation}'; known are {string.Join(", ", Derivations.Select(one => one.Name))}");
        return new Refresh(this, derivations, minVersion, failFast).RunAsync(only, concurrency, cancellation);
    }

    /// <summary>Runs all derivations of one shard, auto-pushed or not.</summary>
    /// <param name="partitionKey">The shard.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">The shards cannot be listed.</exception>
    public Task<RefreshReport> RefreshDerivationAsync(string partitionKey, CancellationToken cancellation = default) =>
        RefreshInsightsAsync(only: [partitionKey], cancellation: cancellation);

    /// <summary>Follows changes from now on and keeps the summaries of all auto-push derivations current, until the
    /// runner is disposed. Without an auto-push derivation it subscribes to nothing.</summary>
    /// <param name="changefeed">Where changes come from.</param>
    /// <param name="queue">Carries the shards to derive; null = within this process.</param>
    /// <param name="faults">For tests only.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: they are followed already.</exception>
    public InsightRunner Follow(IChangefeed changefeed, IDeriveQueue? queue = null, PlantedFaults? faults = null)
    {
        if (_whenSettled is not null) throw new SyncException(SyncErrorCode.Invalid, $"the changes of group {Name} are followed already");
        var runner = new InsightRunner(this, changefeed, queue, faults ?? PlantedFaults.None);
        _whenSettled = runner.WhenSettledAsync;
        return runner;
    }

    /// <summary>Completes when every change that was committed before the call is in the summaries of auto-push
    /// derivations, or its shard is a dead letter; at once when nothing is followed.</summary>
    /// <returns>How many shards are dead letters.</returns>
    /// <exception cref="SyncException">The shards cannot be listed.</exception>
    public Task<int> WhenInsightsSettledAsync(CancellationToken cancellation = default) =>
        _whenSettled?.Invoke(cancellation) ?? Task.FromResult(0);
}

/// <summary>What a refresh did.</summary>
/// <param name="Written">Summaries that stand: shards × derivations, less what was skipped.</param>
/// <param name="SkippedVaults">What was skipped, by vault.</param>
public sealed record RefreshReport(int Written, IReadOnlyList<SkippedVault> SkippedVaults);

/// <summary>A shard without a new summary of one derivation.</summary>
/// <param name="Vault">The shard vault.</param>
/// <param name="Derivation">The derivation; null = all of them.</param>
/// <param name="Reason"><c>schema-drift</c> or <c>error</c>.</param>
/// <param name="Detail">For people.</param>
public sealed record SkippedVault(string Vault, string? Derivation, string Reason, string Detail);
