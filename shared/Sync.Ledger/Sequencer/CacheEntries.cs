using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>How much a cache entry knows.</summary>
internal enum Knowledge
{
    /// <summary>Nothing, and nobody asked.</summary>
    Missing,

    /// <summary>Waits for the next load.</summary>
    Wanted,

    /// <summary>Part of a load under way.</summary>
    Loading,

    /// <summary>Known, and from here on kept up to date by the core itself.</summary>
    Ready,
}

/// <summary>An entry of a <see cref="PinnedCache{TKey, TEntry}"/>.</summary>
internal abstract class CacheEntry<TKey, TSelf>(TKey key)
    where TSelf : CacheEntry<TKey, TSelf>
{
    public TKey Key => key;
    public Knowledge Knowledge { get; set; }
    public int Pins { get; set; }
    public TSelf? Older { get; set; }
    public TSelf? Newer { get; set; }

    /// <summary>The pass in which an earlier request of this name had to wait: later ones wait behind it.</summary>
    public long BlockedInPass { get; set; }

    /// <summary>The last pass whose group touches this name.</summary>
    public long TakenInPass { get; set; }
}

/// <summary>A key's head: as committed, or as the groups under way will leave it.</summary>
internal sealed class HeadEntry(SyncedKey key) : CacheEntry<SyncedKey, HeadEntry>(key)
{
    public HeadState Head { get; set; }
}

/// <summary>A collection's last position and shape: as committed, or as the groups under way will leave them.</summary>
internal sealed class CollectionEntry(CollectionName key) : CacheEntry<CollectionName, CollectionEntry>(key)
{
    public Position Last { get; set; }
    public CollectionShape Shape { get; set; }

    /// <summary>True while every key that was ever written is in the cache: the collection was empty when it was loaded, and
    /// no head of it has left since. A key that is not there has no fact then, and need not be asked for.</summary>
    public bool HasAllHeads { get; set; }
}

/// <summary>What an idempotency key committed; ready without a receipt = nothing. It keeps no value.</summary>
internal sealed class IdempotencyEntry(IdempotencyName key) : CacheEntry<IdempotencyName, IdempotencyEntry>(key)
{
    public Receipt? Receipt { get; private set; }
    private ChangeOp _op;
    private SchemaVersion _schemaVersion;

    /// <summary>What another attempt of the same key was refused with, while attempts wait; none once nobody does.</summary>
    public (WriteCommand Command, Hash256 ValueHash, Refusal Refusal)? Refused { get; set; }

    /// <summary>What a line is refused with because another attempt of the same write was; null = nothing.</summary>
    public Refusal? RefusedAs(WriteLine line) => Refused is { } told && told.Command.Key == line.Command.Key
        && told.Command.Op == line.Command.Op && told.Command.Expected == line.Command.Expected
        && told.Command.OnlyIfNoLiveRecord == line.Command.OnlyIfNoLiveRecord
        && told.Command.SchemaVersion == line.Command.SchemaVersion && told.ValueHash == line.ValueHash
        ? told.Refusal
        : null;

    public void Know(Receipt? receipt, ChangeOp op, SchemaVersion schemaVersion)
    {
        Receipt = receipt;
        _op = op;
        _schemaVersion = schemaVersion;
        Knowledge = Knowledge.Ready;
    }

    /// <summary>True when a line asks for the write that this key has committed.</summary>
    public bool IsSameWrite(WriteLine line) =>
        Receipt is not null && line.IsOf(Receipt) && _op == line.Command.Op
        && _schemaVersion == line.Command.SchemaVersion && Receipt.ValueHash == line.ValueHash;
}
