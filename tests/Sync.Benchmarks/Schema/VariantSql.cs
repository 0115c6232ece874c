namespace Sync.Benchmarks.Schema;

/// <summary>The tables and statements of a variant, in a schema of its own. Only names made here are pasted into
/// them.</summary>
internal sealed class VariantSql(Variant variant, string schema)
{
    private const string FactNames =
        "collection, origin, sequence, after, time, op, id, causation, idempotency, key, schema_version, producer, "
        + "value_hash, chain, value";

    private const string FactTypes =
        "int[], bigint[], bigint[], bigint[], bigint[], smallint[], uuid[], uuid[], uuid[], text[], text[], text[], "
        + "bytea[], bytea[], bytea[]";

    /// <summary>Numbers of the first and last of the group's parameters: fence, facts, idempotency, new records,
    /// collections.</summary>
    internal string Tables => $"""
        create schema {schema};
        create table {schema}.feed (
            feed smallint primary key, position bigint not null, chain bytea not null, last_time bigint not null) with (fillfactor = 10);
        insert into {schema}.feed values (0, 0, '', 0);
        create table {schema}.collection (id int primary key, last_position bigint not null, count bigint not null);
        insert into {schema}.collection values (1, 0, 0);
        create table {schema}.idempotency (
            vault int not null, key uuid not null, position bigint not null, primary key (vault, key));
        create table {schema}.record (
            collection int not null, key text collate "C" not null, origin bigint not null, live boolean not null
            {(variant.Heads == Heads.Upserted ? ", sequence bigint not null, position bigint not null, fact_id uuid not null" : "")},
            primary key (collection, key)) with (fillfactor = 80);
        create table {schema}.fact (
            position bigint not null, origin bigint not null, sequence bigint not null, after bigint not null, time bigint not null,
            valid_time bigint, epoch bigint not null, collection int not null, feed smallint not null, op smallint not null,
            id uuid not null, causation uuid, idempotency uuid, key text collate "C" not null, schema_version text not null,
            producer text not null, idempotency_text text, derivation bytea, value_hash bytea not null, chain bytea not null,
            value bytea not null) {(variant.Division == Division.None ? "" : "partition by list (feed)")};
        {Parts}
        {(variant.Carry == Carry.Function ? CommitFunction : "")}
        create function {schema}.fence(matched bigint) returns void language plpgsql as
            'begin if matched <> 1 then raise exception ''fenced''; end if; end';
        """;

    private string Parts => variant.Division switch
    {
        Division.None => Indexes("fact"),
        Division.ByFeed => string.Concat(Enumerable.Range(0, 8).Select(feed =>
            $"create table {schema}.fact_{feed} partition of {schema}.fact for values in ({feed});\n{Indexes($"fact_{feed}")}")),
        _ => string.Concat(Enumerable.Range(0, 8).Select(feed =>
            $"create table {schema}.fact_{feed} partition of {schema}.fact for values in ({feed}) partition by range (position);\n"
            + Indexes($"fact_{feed}")
            + $"create table {schema}.fact_{feed}_1 partition of {schema}.fact_{feed} for values from (1) to (maxvalue);\n")),
    };

    private string Indexes(string table) => variant.WideIndexes
        ? $"alter table {schema}.{table} add primary key (feed, position);\ncreate index on {schema}.{table} (feed, origin, sequence);\n"
        : $"alter table {schema}.{table} add primary key (position);\ncreate index on {schema}.{table} (origin, position);\n";

    /// <summary>Parameters: expected, count, chain, time.</summary>
    internal string Fence => $"""
        with fenced as (
            update {schema}.feed set position = $1 + $2, chain = $3, last_time = $4 where feed = 0 and position = $1 returning 1)
        select {schema}.fence(count(*)) from fenced
        """;

    /// <summary>Parameters: expected, then one array a column.</summary>
    internal string InsertFacts => $"insert into {schema}.fact (feed, epoch, position, {FactNames}) {SelectFacts(1)}";

    /// <summary>Parameters: keys, positions.</summary>
    internal string InsertIdempotency => $"insert into {schema}.idempotency select 1, * from unnest($1, $2)";

    /// <summary>Parameters: keys, origins, and for heads sequences, positions, ids.</summary>
    internal string WriteRecords => variant.Heads == Heads.ByIndex
        ? $"insert into {schema}.record select 1, key, origin, true from unnest($1, $2) a(key, origin)"
        : $"""
            insert into {schema}.record select 1, key, origin, true, sequence, position, id
            from unnest($1, $2, $3, $4, $5) a(key, origin, sequence, position, id)
            on conflict (collection, key) do update set
                live = excluded.live, sequence = excluded.sequence, position = excluded.position, fact_id = excluded.fact_id
            """;

    /// <summary>Parameters: last position, count.</summary>
    internal string UpdateCollection =>
        $"update {schema}.collection set last_position = $1, count = count + $2 where id = 1";

    /// <summary>Parameters: of the fence, the fact columns, those of the idempotency keys, those of the
    /// records.</summary>
    internal string OneStatement => $"""
        with fenced as (
            update {schema}.feed set position = $1 + $2, chain = $3, last_time = $4 where feed = 0 and position = $1 returning 1),
        facts as (insert into {schema}.fact (feed, epoch, position, {FactNames}) {SelectFacts(4)}),
        keys as (insert into {schema}.idempotency select 1, * from unnest($20, $21)),
        records as (insert into {schema}.record select 1, key, origin, true from unnest($22, $23) a(key, origin)),
        collections as (update {schema}.collection set last_position = $1 + $2, count = count + $2 where id = 1)
        select {schema}.fence(count(*)) from fenced
        """;

    internal string CallFunction =>
        $"select {schema}.commit_group({string.Join(", ", Enumerable.Range(1, 23).Select(number => $"${number}"))})";

    internal string CopyFacts => $"copy {schema}.fact (feed, epoch, position, {FactNames}) from stdin (format binary)";

    private string SelectFacts(int before) => $"""
        select 0::smallint, 1::bigint, $1 + a.ordinal, {string.Join(", ", FactNames.Split(", ").Select(name => "a." + name))}
        from unnest({string.Join(", ", Enumerable.Range(before + 1, 15).Select(number => $"${number}"))})
        with ordinality a({FactNames}, ordinal)
        """;

    private string CommitFunction => $"""
        create function {schema}.commit_group(
            bigint, bigint, bytea, bigint, {FactTypes}, uuid[], bigint[], text[], bigint[]) returns void language plpgsql as $$
        begin
            update {schema}.feed set position = $1 + $2, chain = $3, last_time = $4 where feed = 0 and position = $1;
            if not found then raise exception 'fenced'; end if;
            insert into {schema}.fact (feed, epoch, position, {FactNames}) {SelectFacts(4)};
            insert into {schema}.idempotency select 1, * from unnest($20, $21);
            insert into {schema}.record select 1, key, origin, true from unnest($22, $23) a(key, origin);
            update {schema}.collection set last_position = $1 + $2, count = count + $2 where id = 1;
        end $$;
        """;
}
