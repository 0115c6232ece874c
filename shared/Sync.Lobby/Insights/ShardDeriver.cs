using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Lobby.Insights;

/// <summary>Why one derivation of a shard gave no summary; the earlier one stays as it was.</summary>
/// <param name="Derivation">Its name.</param>
/// <param name="Code"><c>schema-drift</c> or <c>error</c>.</param>
/// <param name="Detail">What happened, for people.</param>
/// <param name="IsTransient">True: the same may succeed later without a change.</param>
/// <param name="Cause">The exception; null when there was none.</param>
public sealed record DerivationFailure(string Derivation, string Code, string Detail, bool IsTransient, Exception? Cause = null);

/// <summary>What became of a shard.</summary>
/// <param name="At">Where its records stood; null when they could not be read.</param>
/// <param name="Written">Summaries that stand now.</param>
/// <param name="Failures">The others.</param>
internal sealed record ShardOutcome(FeedPosition? At, int Written, IReadOnlyList<DerivationFailure> Failures);

/// <summary>Derives a shard: one read of one collection at one position, then every derivation of it on its own, so
/// that one that fails harms no other.</summary>
internal sealed class ShardDeriver(
    ICollectionSource source, ISummaryStore store, InsightOptions options, TimeProvider time, PlantedFaults? faults = null)
{
    private readonly CollectionReader _reader = new(
        source, new CollectionReaderLimits { RecordsMax = options.ShardRecordsMax, BytesMax = options.ShardBytesMax });

    private readonly SummaryWrites _writes = new(store, faults ?? PlantedFaults.None);

    public async Task<ShardOutcome> DeriveAsync(
        string vault, string collection, IReadOnlyList<CrossVaultDerivation> derivations, SchemaVersion? minVersion,
        CancellationToken cancellation)
    {
        CollectionState state;
        try
        {
            state = await _reader.ReadAsync(vault, collection, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new ShardOutcome(null, 0, [.. derivations.Select(one => Failure(one, error))]);
        }
        var context = new DerivationContext(vault, Names.Split(vault).Partition!, LowestVersion(state.Records), state.At);
        if (minVersion is { } least && SchemaOrder.Compare(context.SchemaVersion, least) < 0)
        {
            var detail = $"its records are of schema version {context.SchemaVersion}, below {least}";
            return new ShardOutcome(
                state.At, 0, [.. derivations.Select(one => new DerivationFailure(one.Name, "schema-drift", detail, false))]);
        }
        var failures = new List<DerivationFailure>();
        foreach (var derivation in derivations)
            if (await TryOneAsync(derivation, state, context, cancellation).ConfigureAwait(false) is { } failure) failures.Add(failure);
        return new ShardOutcome(state.At, derivations.Count - failures.Count, failures);
    }

    private async Task<DerivationFailure?> TryOneAsync(
        CrossVaultDerivation derivation, CollectionState state, DerivationContext context, CancellationToken cancellation)
    {
        byte[]? made;
        try
        {
            made = derivation.Derive(state.Records, context);
        }
        catch (Exception error)
        {
            // A pure function fails again on the same records; a retry is for one that is not quite pure.
            return new DerivationFailure(derivation.Name, "error", "derive threw: " + error.Message, false, error);
        }
        if (SummaryRules.Check(made, state.Records, options.SummaryBytesMax) is { } wrong)
            return new DerivationFailure(derivation.Name, "error", wrong, false);
        var provenance = new Provenance(
            context.Vault, derivation.SourceCollection, state.At, derivation.Name, derivation.Version,
            Timestamp.From(time.GetUtcNow()), state.Records.Count);
        try
        {
            var key = new SyncedKey(derivation.TargetVault, derivation.TargetCollection, context.PartitionKey);
            await _writes.WriteAsync(key, new InsightSummary(made, provenance), cancellation).ConfigureAwait(false);
            return null;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return Failure(derivation, error);
        }
    }

    private static DerivationFailure Failure(CrossVaultDerivation derivation, Exception error) =>
        new(derivation.Name, "error", error.Message, error is SyncException { IsTransient: true }, error);

    private static SchemaVersion LowestVersion(IReadOnlyList<Envelope> records) =>
        records.Count == 0 ? SchemaVersion.Default : records.Select(record => record.SchemaVersion).Min(SchemaOrder.Instance);
}

/// <summary>Orders schema versions by major, then minor, as numbers; one that is not <c>major.minor</c> is
/// lowest.</summary>
internal sealed class SchemaOrder : IComparer<SchemaVersion>
{
    public static readonly SchemaOrder Instance = new();

    public static int Compare(SchemaVersion left, SchemaVersion right) => Parts(left).CompareTo(Parts(right));

    int IComparer<SchemaVersion>.Compare(SchemaVersion x, SchemaVersion y) => Compare(x, y);

    private static (int Major, int Minor) Parts(SchemaVersion version)
    {
        if (!version.IsWellFormed) return (-1, -1);
        var parts = version.Text!.Split('.');
        return (int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture),
            int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }
}

/// <summary>What may cross from a shard into an Insight vault.</summary>
internal static class SummaryRules
{
    /// <summary>Null when the bytes are a summary, else what is wrong.</summary>
    public static string? Check(byte[]? summary, IReadOnlyList<Envelope> records, int bytesMax)
    {
        if (summary is null or { Length: 0 }) return "derive returned nothing";
        if (summary.Length > bytesMax) return $"the summary has {summary.Length} bytes; at most {bytesMax} may cross";
        if (MsgPackCheck.Check(summary) is { } wrong) return "the summary is not one MessagePack value: " + wrong;
        var reader = new MsgPackReader(summary);
        if (!reader.TryReadMapHeader(out var members)) return "the summary is no map";
        var hashes = records.Select(record => Hash256.Of(record.Value.Span)).ToHashSet();
        if (hashes.Contains(Hash256.Of(summary))) return "derive returned a source record; only what is drawn from records may cross";
        for (; members > 0; members--)
        {
            if (!reader.TrySkip()) break;
            var isMap = reader.NextType == MsgPackType.Map;
            if (!reader.TryReadRaw(out var member)) break;
            // An empty map tells nothing, whoever else holds one.
            if (isMap && member.Length > 1 && hashes.Contains(Hash256.Of(member)))
                return "the summary holds a source record; only what is drawn from records may cross";
        }
        return null;
    }
}
