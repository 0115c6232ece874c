using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>How a planned write is sent.</summary>
internal enum WriteShape
{
    /// <summary>Once, and again with its idempotency key while its outcome is open.</summary>
    Single,

    /// <summary>Eight times at the same moment with one idempotency key.</summary>
    Together,

    /// <summary>After its receipt the idempotency key is used for another value, which must be refused.</summary>
    Reused,
}

/// <summary>A write of the load, before it has an outcome.</summary>
internal sealed record PlannedWrite(
    SyncedKey Key, ChangeOp Op, WriteShape Shape, bool IsConditional, SchemaVersion SchemaVersion, byte[] Value,
    byte[] Json, string Id)
{
    public ulong Hash { get; } = ChaosValue.Hash(Value);

    /// <summary>The key's last sequence as the writer of it knows it; null = no condition.</summary>
    public long? Expected { get; init; }

    /// <summary>Nobody else writes the key and all before it is committed in order: no refusal for good is
    /// right.</summary>
    public bool Must { get; init; }

    /// <summary>The idempotency key is another write's: must be refused.</summary>
    public bool Reuse { get; init; }

    /// <summary>The same write as a producer of the new version makes it.</summary>
    public PlannedWrite InNewMajor() => Op == ChangeOp.Put && Key.Collection == Load.Collection
        ? this with { SchemaVersion = ChaosValue.NextMajor } : this;
}

/// <summary>What a load client writes: drawn from the seed, the client's number and its life. Not safe from several
/// threads.</summary>
internal sealed class LoadPlan(int seed, int index, string life)
{
    /// <summary>Collection of events.</summary>
    public const string History = "event";

    /// <summary>Collection of the keys that have one writer each.</summary>
    public const string Chains = "chain";

    private readonly Random _random = new(HashCode.Combine(seed, index));
    private long _number;

    public PlannedWrite Next()
    {
        var vault = Load.Vaults[_random.Next(Load.Vaults.Count)];
        var key = new SyncedKey(vault, Load.Collection, KeyOf(_random.Next(Load.Keys)));
        return _random.Next(100) switch
        {
            < 52 => New(key, ChangeOp.Put),
            < 72 => New(key, ChangeOp.Put) with { IsConditional = true },
            < 79 => New(key, ChangeOp.Delete),
            < 91 => New(new SyncedKey(vault, History, ""), ChangeOp.Append),
            < 94 => New(key, ChangeOp.Put, version: ChaosValue.NextMajor),
            < 97 => New(key, ChangeOp.Put, ok: false),
            97 => New(key, ChangeOp.Put) with { Shape = WriteShape.Together },
            98 => New(key, ChangeOp.Put) with { Shape = WriteShape.Reused },
            _ => New(key, ChangeOp.Put, padding: _random.Next(4_000, 12_000)),
        };
    }

    /// <summary>The next writes of keys that this client alone writes, each on condition of the one before it.</summary>
    /// <param name="keys">How many keys.</param>
    /// <param name="length">Writes for each.</param>
    /// <param name="head">The last sequence of a key.</param>
    public List<PlannedWrite> Chain(int keys, int length, Func<SyncedKey, long> head)
    {
        var chain = new List<PlannedWrite>(keys * length);
        for (var step = 0; step < length; step++)
        {
            for (var i = 0; i < keys; i++)
            {
                var key = new SyncedKey(Load.Vaults[i % Load.Vaults.Count], Chains, $"{index}-{i}");
                chain.Add(New(key, ChangeOp.Put) with { IsConditional = true, Must = true, Expected = head(key) + step });
            }
        }
        return chain;
    }

    /// <summary>Another value under the idempotency key of a write.</summary>
    public PlannedWrite Reuse(PlannedWrite first) => New(first.Key, ChangeOp.Put) with { Id = first.Id, Reuse = true };

    private PlannedWrite New(SyncedKey key, ChangeOp op, bool ok = true, SchemaVersion? version = null, int? padding = null)
    {
        var number = ++_number;
        var name = $"{index}-{life}-{number}";
        // Both forms of idempotency keys: text, and UUIDs in the order of time.
        var id = number % 2 == 0 ? name : Guid.CreateVersion7().ToString("D");
        var fill = padding ?? _random.Next(40);
        return op == ChangeOp.Delete
            ? new(key, op, WriteShape.Single, false, SchemaVersion.Default, ChaosValue.Nil, [], id)
            : new(key, op, WriteShape.Single, false, version ?? ChaosValue.Version,
                ChaosValue.Bytes(ok, name, fill), ChaosValue.Json(ok, name, fill), id);
    }

    public static string KeyOf(int number) => $"k{number:000}";
}
