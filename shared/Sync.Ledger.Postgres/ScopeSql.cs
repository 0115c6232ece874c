using System.Globalization;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>The statements of one feed that collection replicas are served with. As in <see cref="FeedSql"/> every one is a
/// single statement, names the feed's own table, and bounds a page's value bytes on the server. Their first columns are
/// those of <see cref="EnvelopeRow"/>, then the feed's position and floor.</summary>
/// <remarks>Pages over several collections name no order for the whole: each step is a nested loop into a subquery with an
/// order of its own, so rows come in the order of the loops and the walk ends with the limit. To name the order would make
/// the server sort, and thus read, all that is in the scope. The reader checks the order.</remarks>
internal sealed class ScopeSql
{
    // The names of a scope: vaults from $1 and before $2, collections from $3 and before $4, $5 = without reserved ones.
    private const string CollectionInScope =
        "c.name >= $3 and c.name < $4 and not ($5 and starts_with(c.name, '_'))";

    internal ScopeSql(int feed)
    {
        var number = feed.ToString(CultureInfo.InvariantCulture);
        var fact = "sync.fact_" + number;
        var head = $"(select f.* from {fact} f where f.origin = r.origin order by f.position desc limit 1) f";
        Collection = PageOf(number, "sync.feed d", "$4", $"""
            select f.* from (
                select origin from sync.record where collection = $1 and key > $2 and live order by key limit $3) r
            cross join lateral {head}
            """);
        Scope = PageOf(number, "sync.feed d", "$10", $"""
            select f.* from (
                select v.id, v.name from sync.vault v where v.name >= $1 and v.name < $2 and v.feed = {number}
                order by v.name offset 0) v
            cross join lateral (
                select c.id, c.name from sync.collection c
                where c.vault = v.id and {CollectionInScope} and (v.name <> $6 or c.name >= $7) order by c.name offset 0) c
            cross join lateral (
                select r.origin from sync.record r
                where r.collection = c.id and r.live and r.key > case when v.name = $6 and c.name = $7 then $8 else '' end
                order by r.key limit $9) r
            cross join lateral {head}
            limit $9
            """);
        CollectionChanges = PageOf(number, "sync.feed d left join sync.collection k on k.id = $1", "$4", $"""
            select f.* from {fact} f
            where f.position > greatest($2, d.floor - 1) and k.last_position > $2
                and f.position <= greatest($2, d.floor - 1) + {ILedgerStore.PositionsWalkedMax} and f.collection = $1
            order by f.position limit $3
            """, "k.last_position");
        ScopeChanges = PageOf(number, "sync.feed d", "$8", $"""
            select f.* from (
                select f.* from {fact} f
                where f.position > greatest($6, d.floor - 1)
                    and f.position <= greatest($6, d.floor - 1) + {ILedgerStore.PositionsWalkedMax}
                order by f.position offset 0) f
            cross join lateral (
                select 1 from sync.collection c join sync.vault v on v.id = c.vault
                where c.id = f.collection and {CollectionInScope} and v.name >= $1 and v.name < $2 limit 1) c
            limit $7
            """);
        Digest = $"""
            select r.key, f.sequence, f.value_hash, c.last_position
            from sync.collection c left join lateral (
                select r.key, r.origin from sync.record r where r.collection = $1 and r.live order by r.key offset 0) r on true
            left join lateral (
                select f.sequence, f.value_hash from {fact} f where f.origin = r.origin order by f.position desc limit 1) f on true
            where c.id = $1
            """;
    }

    /// <summary>Live records of one collection: its number, after key, rows, bytes.</summary>
    internal string Collection { get; }

    /// <summary>Live records of a scope by names: the range, after vault, collection and key, rows, bytes.</summary>
    internal string Scope { get; }

    /// <summary>Changes of one collection: its number, after position, rows, bytes. One more column: the collection's last
    /// position.</summary>
    internal string CollectionChanges { get; }

    /// <summary>Changes of a scope by names: the range, after position, rows, bytes.</summary>
    internal string ScopeChanges { get; }

    /// <summary>Key, sequence and value's hash of the live records of a collection, and its last position.</summary>
    internal string Digest { get; }

    /// <summary>Vaults with facts by names: after, before, collections from and before, rows.</summary>
    internal const string Vaults = """
        select v.name, v.feed, c.last_position
        from (select v.id, v.name, v.feed from sync.vault v where v.name > $1 and v.name < $2 order by v.name offset 0) v
        cross join lateral (
            select max(c.last_position) as last_position from sync.collection c
            where c.vault = v.id and c.name >= $3 and c.name < $4 and not starts_with(c.name, '_')) c
        where c.last_position > 0 limit $5
        """;

    private static string PageOf(string feed, string from, string bytesMax, string rows, string more = "null") => $"""
        select {EnvelopeRow.Metadata}, case when f.before < {bytesMax} then f.value end, d.position, d.floor, {more}
        from {from} left join lateral (
            select f.*, coalesce(sum(octet_length(f.value)) over (
                rows between unbounded preceding and 1 preceding), 0) as before
            from ({rows}) f) f on true
        where d.feed = {feed}
        """;
}
