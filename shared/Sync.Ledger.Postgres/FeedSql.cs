using System.Globalization;

namespace Sync.Ledger.Postgres;

/// <summary>The statements that read one feed's facts. They name the feed's own table, so that neither the planner nor
/// the executor looks at (and locks) those of the others; the only thing pasted into them is the feed's
/// number.</summary>
/// <remarks>Every one is a single statement, so that a page and the position it stands at come from one snapshot. A
/// page's value bytes are bounded on the server: behind the bound the value comes as null, and the reader stops there.
/// The first columns are <see cref="FactRow.Columns"/>, then the feed's position and floor in those that make
/// pages.</remarks>
internal sealed class FeedSql
{
    private readonly string _fact;
    private readonly string _number;

    internal FeedSql(int feed)
    {
        _number = feed.ToString(CultureInfo.InvariantCulture);
        _fact = "sync.fact_" + _number;
        Heads = $"""
            select a.ordinal::int, f.sequence, f.position, f.id, f.op, r.origin
            from unnest($1, $2) with ordinality a(collection, key, ordinal)
            join sync.record r on r.collection = a.collection and r.key = a.key
            cross join lateral (
                select f.sequence, f.position, f.id, f.op from {_fact} f
                where f.origin = r.origin order by f.position desc limit 1) f
            """;
        Idempotency = $"""
            select {FactRow.Columns}, a.ordinal::int
            from unnest($1, $2) with ordinality a(vault, key, ordinal)
            join sync.idempotency i on i.vault = a.vault and i.key = a.key
            join {_fact} f on f.position = i.position
            """;
        Current = $"""
            select {FactRow.Columns} from sync.record r cross join lateral {LastOf("")} f
            where r.collection = $1 and r.key = $2
            """;
        AsOfPosition = $"""
            select {FactRow.Columns} from sync.record r cross join lateral {LastOf("and f.position <= $3")} f
            where r.collection = $1 and r.key = $2 and r.origin <= $3
            """;
        AsOfSequence = SequenceSearch + $"select {FactRow.Columns} " + $"""
            from found s cross join lateral (
                select * from {_fact} f where f.origin = s.origin and f.position > s.low and f.position <= s.high and f.sequence = $3
                order by f.position limit 1) f
            """;
        Page = PageOf("f.position", $"select * from {_fact} f where f.position > $1 order by f.position limit $2", "$3");
        History = SequenceSearch + PageOf(
            "f.position",
            $"""
            select f.* from found s cross join lateral (
                select * from {_fact} f where f.origin = s.origin and f.position > s.low and f.sequence > $3
                order by f.position limit $4) f
            """,
            "$5");
        Window = PageOf(
            "f.position",
            $"""
            select * from {_fact} f where f.position > $1 and f.position <= $2
                and ($3::int is null or f.collection = $3)
                and ($4::int is null or f.collection in (select c.id from sync.collection c where c.vault = $4))
                and ($5::text is null or starts_with(f.key, $5))
            order by f.position limit $6
            """,
            "$7");
        List = PageOf(
            "f.key",
            $"""
            select f.* from (
                select origin from sync.record where collection = $1 and key > $2 and live order by key limit $3) r
            cross join lateral {LastOf("")} f
            """,
            "$4");
        ListAsOf = PageOf(
            "f.key",
            $"""
            select f.* from (
                select key, origin from sync.record where collection = $1 and key > $2 and origin <= $5 order by key offset 0) r
            cross join lateral {LastOf("and f.position <= $5")} f
            where f.op <> 1 order by r.key limit $3
            """,
            "$4");
        Many = ManyOf();
        PositionAt = $"""
            with recursive search(low, high) as (
                select floor - 1, position from sync.feed where feed = {_number}
                union all
                select case when f.time <= $1 then m.middle else s.low end, case when f.time <= $1 then s.high else m.middle - 1 end
                from search s cross join lateral (select (s.low + s.high + 1) / 2 as middle) m
                join {_fact} f on f.position = m.middle
                where s.low < s.high)
            select low, high from search order by high - low limit 1
            """;
        Expire = ExpireOf();
    }

    /// <summary>Heads of keys: ordinal, sequence, position, id, op, origin.</summary>
    internal string Heads { get; }

    /// <summary>Facts of idempotency keys, then the ordinal.</summary>
    internal string Idempotency { get; }

    /// <summary>One key's last fact: two index steps.</summary>
    internal string Current { get; }

    /// <summary>One key's last fact up to a position: the same two steps.</summary>
    internal string AsOfPosition { get; }

    /// <summary>One key's fact with a sequence.</summary>
    internal string AsOfSequence { get; }

    internal string Page { get; }
    internal string History { get; }
    internal string Window { get; }
    internal string List { get; }
    internal string ListAsOf { get; }

    /// <summary>Current facts of many keys; after feed position and floor the ordinal.</summary>
    internal string Many { get; }

    /// <summary>The last position at or before a time, by halving: positions are dense and times grow with
    /// them.</summary>
    internal string PositionAt { get; }

    internal string Expire { get; }

    /// <summary>Where a key has a sequence, in the index (origin, position): the sequence grows with the position, so
    /// the place is bracketed. Each step looks at one index entry, at a guess by proportion and at the middle by
    /// turns, so steps are few when writes came evenly and never more than twice the logarithm. From 32 entries on
    /// they are read instead. Answers low and high: the fact is behind low and not behind high.</summary>
    private string SequenceSearch => $"""
        with recursive search(origin, low, low_sequence, high, high_sequence, step) as (
            select r.origin, r.origin - 1, 0::bigint, f.position, f.sequence, 0
            from sync.record r cross join lateral {LastOf("")} f
            where r.collection = $1 and r.key = $2
            union all
            select s.origin, case when p.sequence < $3 then g.guess else s.low end,
                   case when p.sequence < $3 then p.sequence else s.low_sequence end,
                   case when p.sequence < $3 then s.high else p.position end,
                   case when p.sequence < $3 then s.high_sequence else p.sequence end, s.step + 1
            from search s
            cross join lateral (select least(s.high - 1, greatest(s.low + 1, case when s.step % 2 = 0
                then s.low + ((s.high - s.low) * (($3 - s.low_sequence)::float8 / (s.high_sequence - s.low_sequence)))::bigint
                else (s.low + s.high) / 2 end)) as guess) g
            cross join lateral (
                select f.position, f.sequence from {_fact} f
                where f.origin = s.origin and f.position <= g.guess order by f.position desc limit 1) p
            where s.high_sequence - s.low_sequence > 32 and $3 between 1 and s.high_sequence),
        found as (select * from search where $3 <= high_sequence order by step desc limit 1)

        """;

    private string LastOf(string condition) =>
        $"(select * from {_fact} f where f.origin = r.origin {condition} order by f.position desc limit 1)";

    private string PageOf(string order, string rows, string bytesMax) => $"""
        select {FactRow.Metadata}, case when f.before < {bytesMax} then f.value end, d.position, d.floor
        from sync.feed d left join lateral (
            select f.*, coalesce(sum(octet_length(f.value)) over (
                order by {order} rows between unbounded preceding and 1 preceding), 0) as before
            from ({rows}) f) f on true
        where d.feed = {_number} order by {order}
        """;

    private string ManyOf() => $"""
        select {FactRow.Metadata}, case when f.before < $4 then f.value end, d.position, d.floor, f.ordinal::int
        from sync.feed d left join lateral (
            select f.*, a.ordinal, coalesce(sum(octet_length(f.value)) over (
                order by a.ordinal rows between unbounded preceding and 1 preceding), 0) as before
            from unnest($1, $2, $3) with ordinality a(collection, key, have, ordinal)
            left join sync.record r on r.collection = a.collection and r.key = a.key
            left join lateral {LastOf("")} f on true
            where coalesce(f.sequence, 0) > a.have) f on true
        where d.feed = {_number} order by f.ordinal
        """;

    // A key that was used again after it had been forgotten stands at another position, and stays.
    private string ExpireOf() => $"""
        with walked as (
            select f.position, f.time, f.collection, f.idempotency from {_fact} f
            where f.position > (select idempotency_floor from sync.feed where feed = {_number})
            order by f.position limit $2),
        old as (select * from walked where time < $1),
        gone as (
            delete from sync.idempotency i using old o join sync.collection c on c.id = o.collection
            where i.vault = c.vault and i.key = o.idempotency and i.position = o.position returning 1),
        moved as (
            update sync.feed set idempotency_floor = greatest(idempotency_floor, (select max(position) from old))
            where feed = {_number} and exists (select from old) returning 1)
        select (select count(*) from gone), (select count(*) from moved), (select count(*) from old) = $2
        """;
}
