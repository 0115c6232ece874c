namespace Sync.Contracts;

/// <summary>What the writer says about a feed at a steady pace: it closes the tail, so that a lost last envelope shows
/// (docs/PROTOCOL.md, Beats). It covers the positions after <see cref="Prev"/> up to <see cref="Position"/>.</summary>
public sealed class Beat
{
    /// <summary>Most changed keys a beat names.</summary>
    public const int KeysMax = 4096;

    /// <summary>Most changed collections a beat names.</summary>
    public const int CollectionsMax = 512;

    /// <summary>The feed.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>The history of its positions.</summary>
    public required HistoryId History { get; init; }

    /// <summary>The owner's lease epoch: for operators, not a gate.</summary>
    public LeaseEpoch Epoch { get; init; }

    /// <summary>The position that the previous beat ended at.</summary>
    public required Position Prev { get; init; }

    /// <summary>The last position covered; never above the last envelope handed to the same connection.</summary>
    public required Position Position { get; init; }

    /// <summary>The writer's clock when it was sent.</summary>
    public Timestamp Time { get; init; }

    /// <summary>The changed keys in ascending order of their checksum, then offset.</summary>
    public IReadOnlyList<BeatKey> Keys { get; init; } = [];

    /// <summary>The changed collections with the last position of each.</summary>
    public IReadOnlyList<BeatCollection> Collections { get; init; } = [];
}

/// <summary>A changed key in a beat.</summary>
/// <param name="Crc"><see cref="Crc32.Of(SyncedKey)"/>; of several equal ones the largest offset counts.</param>
/// <param name="Offset">The key's last position minus the beat's <see cref="Beat.Prev"/>.</param>
public readonly record struct BeatKey(uint Crc, uint Offset);

/// <summary>A changed collection in a beat.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Collection">The collection.</param>
/// <param name="Last">Its last position in the feed.</param>
public readonly record struct BeatCollection(string Vault, string Collection, Position Last);
