using System.Collections.Concurrent;
using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>A vault's row; immutable once it is there.</summary>
internal sealed record VaultRow(int Id, FeedId Feed);

/// <summary>The immutable part of a collection's row.</summary>
internal sealed record CollectionRow(int Id, int VaultId, FeedId Feed);

/// <summary>Numbers of vaults and collections. Such rows are never changed or removed, so what is remembered stays
/// right; absence is never remembered. Safe from any thread: the maps are concurrent, and an entry is the same whoever
/// adds it. A map that reaches its bound is emptied, which costs its next users one lookup each.</summary>
internal sealed class NameDirectory
{
    private const int EntriesMax = 100_000;

    private const string FindVault = "select id, feed from sync.vault where name = $1";

    private const string FindCollections = """
        select a.ordinal::int, c.id, v.id, v.feed
        from unnest($1, $2) with ordinality a(vault, name, ordinal)
        join sync.vault v on v.name = a.vault
        join sync.collection c on c.vault = v.id and c.name = a.name
        """;

    private const string FindNames = """
        select c.id, v.name, c.name, v.id, v.feed from unnest($1) a(id)
        join sync.collection c on c.id = a.id
        join sync.vault v on v.id = c.vault
        """;

    private const string AddVaults =
        "insert into sync.vault (name, feed) select name, $2 from unnest($1) a(name) on conflict do nothing";

    private const string AddCollections = """
        insert into sync.collection (vault, name)
        select v.id, a.name from unnest($1, $2) a(vault, name) join sync.vault v on v.name = a.vault
        on conflict do nothing
        """;

    private readonly ConcurrentDictionary<string, VaultRow> _vaults = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<CollectionName, CollectionRow> _collections = new();
    private readonly ConcurrentDictionary<int, CollectionName> _names = new();

    /// <summary>The vault's row, or null when nothing was ever written to it and nobody pinned it.</summary>
    internal async ValueTask<VaultRow?> VaultAsync(NpgsqlConnection connection, string vault, CancellationToken cancellation)
    {
        if (_vaults.TryGetValue(vault, out var known)) return known;
        var rows = await connection.QueryAsync(
            FindVault, reader => new VaultRow(reader.GetInt32(0), new FeedId(reader.GetInt16(1))), cancellation, Value(vault))
            .ConfigureAwait(false);
        if (rows.Count > 0) Remember(_vaults, vault, rows[0]);
        return rows.Count > 0 ? rows[0] : null;
    }

    /// <summary>The row of a key's collection, or null when nothing was ever written to it.</summary>
    internal async ValueTask<CollectionRow?> CollectionAsync(
        NpgsqlConnection connection, SyncedKey key, CancellationToken cancellation)
    {
        var name = new CollectionName(key.Vault, key.Collection);
        if (_collections.TryGetValue(name, out var known)) return known;
        return (await CollectionsAsync(connection, [name], cancellation).ConfigureAwait(false))[0];
    }

    /// <summary>The vault's row when it is remembered.</summary>
    internal VaultRow? Remembered(string vault) => _vaults.GetValueOrDefault(vault);

    /// <summary>Rows of collections, parallel to the names; null for one that was never written to.</summary>
    internal async ValueTask<CollectionRow?[]> CollectionsAsync(
        NpgsqlConnection connection, IReadOnlyList<CollectionName> names, CancellationToken cancellation)
    {
        var found = new CollectionRow?[names.Count];
        var missing = new List<int>();
        for (var index = 0; index < found.Length; index++)
            if (!_collections.TryGetValue(names[index], out found[index])) missing.Add(index);
        if (missing.Count == 0) return found;
        var vaults = missing.ConvertAll(index => names[index].Vault).ToArray();
        var collections = missing.ConvertAll(index => names[index].Collection).ToArray();
        await connection.QueryAsync(
            FindCollections,
            reader =>
            {
                var index = missing[reader.GetInt32(0) - 1];
                return found[index] = Remember(names[index], reader.GetInt32(1), reader.GetInt32(2), reader.GetInt16(3));
            },
            cancellation, Value(vaults), Value(collections)).ConfigureAwait(false);
        return found;
    }

    /// <summary>Makes the rows that are not there yet, in a transaction of its own before the group's: a row without
    /// facts shows nowhere, so it does not matter when the group then fails. A pin that came first wins and shows in
    /// the answer.</summary>
    internal async ValueTask<CollectionRow?[]> EnsureAsync(
        NpgsqlConnection connection, FeedId feed, IReadOnlyList<CollectionName> names, CancellationToken cancellation)
    {
        var rows = await CollectionsAsync(connection, names, cancellation).ConfigureAwait(false);
        if (Array.IndexOf(rows, null) < 0) return rows;
        var missing = names.Where((_, index) => rows[index] is null).Distinct().ToList();
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            var vaults = missing.Select(name => name.Vault).Distinct(StringComparer.Ordinal).ToArray();
            batch.Add(AddVaults, Value(vaults), Value((short)feed.Value));
            batch.Add(
                AddCollections, Value(missing.ConvertAll(name => name.Vault).ToArray()),
                Value(missing.ConvertAll(name => name.Collection).ToArray()));
            await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
        return await CollectionsAsync(connection, names, cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives rows their names.</summary>
    internal async ValueTask<IReadOnlyList<Fact>> NameAsync(
        NpgsqlConnection connection, IReadOnlyList<FactRow> rows, CancellationToken cancellation)
    {
        var known = await NamesAsync(connection, rows.Select(row => row.Collection), cancellation).ConfigureAwait(false);
        var facts = new Fact[rows.Count];
        for (var index = 0; index < facts.Length; index++) facts[index] = rows[index].ToFact(known[rows[index].Collection]);
        return facts;
    }

    /// <summary>The names of collections that facts name.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Corrupt"/>: there is no such collection.</exception>
    internal async ValueTask<IReadOnlyDictionary<int, CollectionName>> NamesAsync(
        NpgsqlConnection connection, IEnumerable<int> ids, CancellationToken cancellation)
    {
        var known = new Dictionary<int, CollectionName>();
        var missing = new List<int>();
        var last = 0;
        foreach (var id in ids)
        {
            if (id == last) continue;
            last = id;
            if (_names.TryGetValue(id, out var name)) known[id] = name;
            else missing.Add(id);
        }
        if (missing.Count == 0) return known;
        await connection.ReadAsync(
            FindNames,
            reader =>
            {
                var name = new CollectionName(reader.GetString(1), reader.GetString(2));
                Remember(name, reader.GetInt32(0), reader.GetInt32(3), reader.GetInt16(4));
                known[reader.GetInt32(0)] = name;
            },
            cancellation, Value(missing.Distinct().ToArray())).ConfigureAwait(false);
        if (missing.Find(id => !known.ContainsKey(id)) is not 0 and var absent)
            throw new SyncException(SyncErrorCode.Corrupt, $"A fact names collection {absent}, which is not there.");
        return known;
    }

    private CollectionRow Remember(CollectionName name, int id, int vault, short feed)
    {
        var row = new CollectionRow(id, vault, new FeedId(feed));
        Remember(_vaults, name.Vault, new VaultRow(vault, row.Feed));
        Remember(_names, id, name);
        return Remember(_collections, name, row);
    }

    private static TValue Remember<TKey, TValue>(ConcurrentDictionary<TKey, TValue> map, TKey key, TValue value)
        where TKey : notnull
    {
        if (map.Count >= EntriesMax) map.Clear();
        return map[key] = value;
    }
}
