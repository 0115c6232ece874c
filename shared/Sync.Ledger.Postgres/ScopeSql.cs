using System.Globalization;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Ledger.Postgres;

/// <summary>The statements of one feed that collection replicas are served with. As in <see cref="FeedSql"/> every one is a
/// single statement and names the feed's own table. The columns of pages are those of <see cref="EnvelopePage"/>.</summary>
/// <remarks>Pages over several collections name no order for the whole: each step is a nested loop into a subquery with an
/// order of its own, so rows come in the order of the loops and the walk ends with the limit. To name the order would make
/// the server sort, and thus read, all that is in the scope. The reader checks the order.</remarks>
internal sealed class ScopeSql
{
    // The names of a scope: vaults from $1 and before $2, collections from $3 and before $4, $5 = without reserved ones.
    private const string CollectionInScope =
        "c.name >= $3 and c.name < $4 and not ($5 and starts_with(c.name, '_'))";

    // As many records are looked at for their size as keep the look small beside a page.
    private const int SampleRecords = 16;

    private const int ValueBytesMin = 4096;

    // What a record takes in a message beside its value and the texts that the sample measures.
    private static readonly int EnvelopeBytes = EnvelopeCodec.EncodedSize(new Envelope
    {
        Key = new SyncedKey("vault", "collection", ""),
        Value = default,
        SchemaVersion = new SchemaVersion(""),
        Sequence = new(1),
        Id = new(Guid.AllBitsSet),
        Feed = new(0),
        Position = new(int.MaxValue),
        History = new(long.MaxValue),
        Hash = Hash256.Of([0]),
        After = new(int.MaxValue),
        Time = new(1L << 50),
        Producer = "",
    });

    private readonly string _number;
    private readonly string _fact;

    internal ScopeSql(int feed)
    {
        _number = feed.ToString(CultureInfo.InvariantCulture);
        _fact = "sync.fact_" + _number;
        Collection = $"""
            {SampleOf("$3", "$4", CollectionRecords(SampleRecords))}
            {PlaceOf("sync.feed d left join sync.collection k on k.id = $1", "(select rows from sample)", "k.last_position")}
            union all
            select {EnvelopePage.Metadata}, {CappedValue}, {NoPlace}
            from {CollectionRecords("(select rows from sample)")} cross join lateral {Head} f
            """;
        Scope = $"""
            {SampleOf("$9", "$10", ScopeRecords(SampleRecords))},
            page as materialized (
                select f.*, r.vault_name, r.collection_name
                from {ScopeRecords("(select rows from sample)")} cross join lateral {Head} f),
            page_end as materialized (
                select coalesce(max(p.vault_name), $2) as vault_name, coalesce(max(p.collection_name), '') as collection_name from (
                    select vault_name, collection_name from page
                    where (select count(*) from page) = (select rows from sample)
                    order by vault_name desc, collection_name desc limit 1) p)
            {PlaceOf("sync.feed d", "(select rows from sample)", "null::bigint", NoNames)}
            union all
            select {EnvelopePage.Metadata}, {CappedValue}, {NoPlace}, f.vault_name, f.collection_name from page f
            union all
            select {NoFact}, null, null, null, c.last_position, v.name, c.name
            from {ScopeCollections("and v.name <= (select vault_name from page_end)")}
            where c.last_position > 0 and (v.name, c.name) <= (select vault_name, collection_name from page_end)
            """;
        CollectionChanges = $"""
            {PlaceOf("sync.feed d left join sync.collection k on k.id = $1", "$3", "k.last_position")}
            union all
            select {EnvelopePage.Metadata}, {BoundedValue("$4")}, {NoPlace} from ({Running($"""
                select f.* from sync.feed d join sync.collection k on k.id = $1 cross join lateral (
                    select * from {_fact} f
                    where f.position > greatest($2, d.floor - 1) and k.last_position > $2
                        and f.position <= greatest($2, d.floor - 1) + {ILedgerStore.PositionsWalkedMax} and f.collection = $1
                    order by f.position limit $3) f
                where d.feed = {_number}
                """)}) f
            """;
        ScopeChanges = $"""
            {PlaceOf("sync.feed d", "$7", "null::bigint", NoNames)}
            union all
            select {EnvelopePage.Metadata}, {BoundedValue("$8")}, {NoPlace}, f.vault_name, f.collection_name from ({Running($"""
                select f.*, c.vault_name, c.collection_name
                from sync.feed d cross join lateral (
                    select * from {_fact} f
                    where f.position > greatest($6, d.floor - 1)
                        and f.position <= greatest($6, d.floor - 1) + {ILedgerStore.PositionsWalkedMax}
                    order by f.position offset 0) f
                cross join lateral (
                    select v.name as vault_name, c.name as collection_name
                    from sync.collection c join sync.vault v on v.id = c.vault
                    where c.id = f.collection and {CollectionInScope} and v.name >= $1 and v.name < $2 limit 1) c
                where d.feed = {_number} limit $7
                """)}) f
            """;
        Digest = $"""
            select r.key, f.sequence, f.value_hash, c.last_position
            from sync.collection c left join lateral (
                select r.key, r.origin from sync.record r where r.collection = $1 and r.live order by r.key offset 0) r on true
            left join lateral {HeadOf("f.sequence, f.value_hash")} f on true
            where c.id = $1
            """;
    }

    /// <summary>Live records of one collection: its number, after key, rows, bytes.</summary>
    internal string Collection { get; }

    /// <summary>Live records of a scope by names: the range, after vault, collection and key, rows, bytes. Then rows without a
    /// fact: the collections from the start to the page's end.</summary>
    internal string Scope { get; }

    /// <summary>Changes of one collection: its number, after position, rows, bytes.</summary>
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

    /// <summary>A live key of a collection: its number, after key, how many are between.</summary>
    internal const string KeyBehind =
        "select key from sync.record where collection = $1 and key > $2 and live order by key offset $3 limit 1";

    private const string SizesOfHead =
        "octet_length(f.value) as bytes, octet_length(f.key) + octet_length(f.schema_version) + octet_length(f.producer) as names";

    private const string CappedValue =
        "case when octet_length(f.value) <= (select bytes from sample) then f.value end";

    // As many nulls as a page has columns of facts, of a place, of names.
    private const string NoFact =
        "null::bigint, null::bigint, null::bigint, null::bigint, null::smallint, null::uuid, null::text, null::text, null::text, "
        + "null::bytea, null::bytea";

    private const string NoPlace = "null::bigint, null::bigint, null::bigint, null::bigint";
    private const string NoNames = ", null::text, null::text";

    private string Head => HeadOf(EnvelopePage.Metadata + ", f.value");

    private string ScopeCollections(string upTo = "") => $"""
        (select v.id, v.name from sync.vault v where v.name >= $1 and v.name < $2 {upTo} and v.feed = {_number}
         order by v.name offset 0) v
        cross join lateral (
            select c.id, c.name, c.last_position from sync.collection c
            where c.vault = v.id and {CollectionInScope} and (v.name <> $6 or c.name >= $7) order by c.name offset 0) c
        """;

    private static string CollectionRecords(object limit) =>
        $"(select origin from sync.record where collection = $1 and key > $2 and live order by key limit {limit}) r";

    private string ScopeRecords(object limit) => $"""
        (select v.name as vault_name, c.name as collection_name, r.origin from {ScopeCollections()}
        cross join lateral (
            select r.origin from sync.record r
            where r.collection = c.id and r.live and r.key > case when v.name = $6 and c.name = $7 then $8 else '' end
            order by r.key offset 0) r
        limit {limit}) r
        """;

    private string HeadOf(string columns) =>
        $"(select {columns} from {_fact} f where f.origin = r.origin order by f.position desc limit 1)";

    // A running sum over the rows would bound their bytes exactly, but costs a third of the page, and does not end the
    // walk. So the size of the first records, as a message has them, says how many rows to read, and a value far above
    // that size ends the page (never the first one, which is of the sample). The reader then cuts at the exact bytes.
    private string SampleOf(string rows, string bytesMax, string records) => $"""
        with sample as materialized (
            select least({rows}, 2 + {bytesMax} / ({EnvelopeBytes} + coalesce(avg(f.bytes + f.names), 0)::bigint)) as rows,
                   greatest({ValueBytesMin}, max(f.bytes), {SampleRecords} * avg(f.bytes)::bigint) as bytes
            from {records} cross join lateral {HeadOf(SizesOfHead)} f)
        """;

    // The first row: where the page stands.
    private string PlaceOf(string from, string rows, string last, string names = "") => $"""
        select {NoFact}, d.position, d.floor, {rows}, {last}{names} from {from} where d.feed = {_number}
        """;

    private static string Running(string rows) => $"""
        select f.*, coalesce(sum(octet_length(f.value)) over (rows between unbounded preceding and 1 preceding), 0) as before
        from ({rows}) f
        """;

    private static string BoundedValue(string bytesMax) => $"case when f.before < {bytesMax} then f.value end";
}
