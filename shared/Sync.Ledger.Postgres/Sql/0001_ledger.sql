-- The ledger. docs/decisions/0001-postgres-schema.md says why it looks like this and what each index serves.
-- Settings of the runner: sync.feeds (number of feeds of a new ledger).

-- What the ledger is; one row, written once. The last two tell a restored or promoted copy from the original.
create table sync.ledger (
    one boolean primary key default true check (one),
    format integer not null,
    feeds integer not null check (feeds between 1 and 1024),
    history bigint not null check (history between 1 and 9007199254740991),
    created timestamptz not null default now(),
    system_identifier bigint not null,
    timeline integer not null
);

-- The fence: one row a feed, updated once in every group's transaction. Times of the lease are this server's clock.
-- The low fillfactor leaves room for the row's versions in its page, so that every update is heap-only.
create table sync.feed (
    feed smallint primary key,
    position bigint not null default 0,
    published bigint not null default 0,
    floor bigint not null default 1,
    idempotency_floor bigint not null default 0,
    last_time bigint not null default 0,
    lease_epoch bigint not null default 0,
    lease_until timestamptz,
    lease_owner text collate "C",
    chain bytea not null default decode(repeat('00', 32), 'hex') check (octet_length(chain) = 32)
) with (fillfactor = 10);

-- A row is immutable: it says where the vault's facts are. Made with the first write, or before it to pin the vault.
create table sync.vault (
    id integer generated always as identity primary key,
    name text collate "C" not null unique,
    feed smallint not null
);

create table sync.collection (
    id integer generated always as identity primary key,
    vault integer not null,
    name text collate "C" not null,
    last_position bigint not null default 0,
    count bigint not null default 0,
    unique (vault, name)
) with (fillfactor = 50);

-- The text of a key, once, and its short name: origin = position of its first fact. Written when the key is new and when
-- it turns live or dead, so an update of a record does not touch it; its last fact is one step in (origin, position).
create table sync.record (
    collection integer not null,
    key text collate "C" not null,
    origin bigint not null,
    live boolean not null,
    primary key (collection, key)
) with (fillfactor = 90);

-- UUID keys as they are, any other text as 16 bytes of its SHA-256: narrow, and new keys come at the right end.
create table sync.idempotency (
    vault integer not null,
    key uuid not null,
    position bigint not null,
    primary key (vault, key)
);

-- Wide columns first, so that nothing is padded. The unique index is on each feed's table: (position) there is
-- (feed, position) here.
create table sync.fact (
    position bigint not null,
    origin bigint not null,
    sequence bigint not null,
    after bigint not null,
    time bigint not null,
    valid_time bigint,
    epoch bigint not null,
    collection integer not null,
    feed smallint not null,
    op smallint not null,
    id uuid not null,
    causation uuid,
    idempotency uuid,
    key text collate "C" not null,
    schema_version text not null,
    producer text not null,
    idempotency_text text,
    derivation bytea,
    value_hash bytea not null,
    chain bytea not null,
    value bytea not null
) partition by list (feed);

-- The last partition of a feed has no upper bound: late maintenance makes it larger, it never stops a write.
do $$
declare
    feeds integer := current_setting('sync.feeds')::integer;
    name text;
begin
    insert into sync.ledger (format, feeds, history, system_identifier, timeline)
    select 1, feeds,
           greatest(1, ('x' || encode(substr(uuid_send(gen_random_uuid()), 10, 7), 'hex'))::bit(56)::bigint
                       & 9007199254740991),
           s.system_identifier, c.timeline_id
    from pg_control_system() s, pg_control_checkpoint() c;
    for number in 0 .. feeds - 1 loop
        name := 'fact_' || number;
        insert into sync.feed (feed) values (number);
        execute format('create table sync.%I partition of sync.fact (primary key (position)) for values in (%s)'
                       ' partition by range (position)', name, number);
        execute format('create index on sync.%I (origin, position)', name);
        execute format('create table sync.%I partition of sync.%I for values from (1) to (maxvalue)',
                       name || '_1', name);
    end loop;
end $$;

-- Rolls the group back unless its fence matched exactly one row.
create function sync.fence(matched bigint) returns void language plpgsql as $$
begin
    if matched <> 1 then
        raise exception 'fenced' using errcode = 'SY001';
    end if;
end $$;

-- Heads for people and checks: what record and fact say together.
create view sync.head as
select v.name as vault, c.name as collection, r.key, v.feed, r.origin, r.live, f.sequence, f.position, f.id as fact_id
from sync.record r
join sync.collection c on c.id = r.collection
join sync.vault v on v.id = c.vault
cross join lateral (
    select f.sequence, f.position, f.id from sync.fact f
    where f.feed = v.feed and f.origin = r.origin order by f.position desc limit 1
) f;
