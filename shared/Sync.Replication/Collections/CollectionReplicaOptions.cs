using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What one collection replica keeps, and how.</summary>
/// <typeparam name="T">The model.</typeparam>
public sealed record CollectionReplicaOptions<T>
{
    /// <summary>A collection of a vault, a whole vault, a collection across a group, or a group; its names must be
    /// valid.</summary>
    public required SyncedPattern Scope { get; init; }

    /// <summary>The parse gate.</summary>
    public required SyncSchema<T> Schema { get; init; }

    /// <summary>The version whose major is expected; null (default) = the schema's.</summary>
    public SchemaVersion? Expected { get; init; }

    /// <summary>Bounds and times of the core; <see cref="CollectionRules.Expected"/> in it is not used.</summary>
    public CollectionRules Rules { get; init; } = new();

    /// <summary>Changes kept for those who read them, 16 to 1,000,000 (default 16,384), once for all of them; who is further
    /// behind begins again.</summary>
    public int ChangesKept { get; init; } = 16_384;

    /// <summary>Longest wait for an answer of the writer: 10 ms to 10 min (default 2 s: one that vanished must not hold up
    /// the 5 s in which a replica is to be right again).</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a wait for a position lets pass before it asks the writer: 0 to 1 min (default 50 ms).</summary>
    public TimeSpan WaitAskAfter { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Refuses what cannot work.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with name, value and range.</exception>
    public void Validate()
    {
        if (Schema is null) throw Invalid("Schema is null; give the model's schema");
        var names = Scope switch
        {
            { Group: null, Vault: null } => "names neither a vault nor a group",
            { Group: not null, Vault: not null } => "names a vault and a group; give one of them",
            { Vault: { } vault } => Names.CheckVault(vault),
            _ => Names.CheckVault(Scope.Group + Names.ShardSeparator + "0"),
        };
        names ??= Scope.Collection is { } collection ? Names.CheckCollection(collection) : null;
        if (names is not null) throw Invalid($"Scope: {names}");
        Rules.Validate();
        if (ChangesKept is < 16 or > 1_000_000) throw Invalid($"ChangesKept is {ChangesKept}; must be 16..1000000 changes");
        if (RequestTimeout < TimeSpan.FromMilliseconds(10) || RequestTimeout > TimeSpan.FromMinutes(10))
            throw Invalid($"RequestTimeout is {RequestTimeout}; must be 00:00:00.010..00:10:00");
        if (WaitAskAfter < TimeSpan.Zero || WaitAskAfter > TimeSpan.FromMinutes(1))
            throw Invalid($"WaitAskAfter is {WaitAskAfter}; must be 0..00:01:00");
    }

    private static SyncException Invalid(string what) => new(SyncErrorCode.Invalid, "Sync:Collection:" + what);
}
