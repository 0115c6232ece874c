-- A group may be sent while the one before it is in flight, on another connection. Then the feed does not stand yet where it
-- has to: the fence waits for the commit under way, and looks again. When there is none under way, the group has come before
-- the one that it is on top of, and must not take that for another owner's feed.
-- The fence of 0001 stays for writers of before.
create function sync.fence(
    a_feed smallint, a_epoch bigint, a_owner text, a_expected bigint, a_count bigint, a_published bigint, a_chain bytea,
    a_time bigint, a_lease_ttl interval
) returns void language plpgsql as $$
declare
    stands bigint;
begin
    loop
        update sync.feed
        set position = a_expected + a_count, published = greatest(published, a_published), chain = a_chain,
            last_time = a_time, lease_until = clock_timestamp() + a_lease_ttl
        where feed = a_feed and lease_epoch = a_epoch and position = a_expected and lease_owner = a_owner;
        exit when found;
        -- Waits while the row is being changed. From here on it is ours, so the second look is the last.
        select position into stands from sync.feed
        where feed = a_feed and lease_epoch = a_epoch and lease_owner = a_owner for update;
        if stands is null or stands > a_expected then
            raise exception 'fenced' using errcode = 'SY001';
        elsif stands < a_expected then
            raise exception 'too early' using errcode = 'SY002';
        end if;
    end loop;
end $$;

-- As in 0003, with this fence.
create or replace function sync.commit_one(
    a_feed smallint, a_epoch bigint, a_expected bigint, a_published bigint, a_lease_ttl interval, a_owner text,
    a_vault integer, a_record smallint, a_live boolean, a_shape smallint,
    a_collection integer, a_origin bigint, a_sequence bigint, a_after bigint, a_time bigint, a_valid_time bigint,
    a_op smallint, a_id uuid, a_causation uuid, a_idempotency uuid, a_key text, a_schema_version text, a_producer text,
    a_idempotency_text text, a_derivation bytea, a_value_hash bytea, a_chain bytea, a_value bytea
) returns void language plpgsql as $$
declare
    a_position bigint := a_expected + 1;
begin
    perform sync.fence(
        a_feed, a_epoch, a_owner, a_expected, 1, a_published, a_chain, a_time, a_lease_ttl);
    if a_idempotency is not null then
        insert into sync.idempotency (vault, key, position) values (a_vault, a_idempotency, a_position);
    end if;
    if a_record = 1 then
        insert into sync.record (collection, key, origin, live) values (a_collection, a_key, a_origin, a_live);
    elsif a_record = 2 then
        update sync.record set live = a_live where collection = a_collection and key = a_key;
    end if;
    insert into sync.fact (
        feed, epoch, position, collection, origin, sequence, after, time, valid_time, op, id, causation, idempotency, key,
        schema_version, producer, idempotency_text, derivation, value_hash, chain, value)
    values (
        a_feed, a_epoch, a_position, a_collection, a_origin, a_sequence, a_after, a_time, a_valid_time, a_op, a_id,
        a_causation, a_idempotency, a_key, a_schema_version, a_producer, a_idempotency_text, a_derivation, a_value_hash,
        a_chain, a_value);
    update sync.collection
    set last_position = a_position, count = count + 1, shape = case when shape = 0 then a_shape else shape end
    where id = a_collection;
end $$;
