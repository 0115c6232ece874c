-- A group of one fact as one statement: at low load nearly every group is one, and the set-wise statements of larger groups
-- cost it more than its rows do. It does what they do, in their order: the fence first.
-- a_record: what becomes of the key's record: 0 = it stays, 1 = it is new, 2 = it turns live or dead, as a_live says.
create function sync.commit_one(
    a_feed smallint, a_epoch bigint, a_expected bigint, a_published bigint, a_lease_ttl interval, a_owner text,
    a_vault integer, a_record smallint, a_live boolean, a_shape smallint,
    a_collection integer, a_origin bigint, a_sequence bigint, a_after bigint, a_time bigint, a_valid_time bigint,
    a_op smallint, a_id uuid, a_causation uuid, a_idempotency uuid, a_key text, a_schema_version text, a_producer text,
    a_idempotency_text text, a_derivation bytea, a_value_hash bytea, a_chain bytea, a_value bytea
) returns void language plpgsql as $$
declare
    a_position bigint := a_expected + 1;
    fenced bigint;
begin
    update sync.feed
    set position = a_position, published = greatest(published, a_published), chain = a_chain, last_time = a_time,
        lease_until = clock_timestamp() + a_lease_ttl
    where feed = a_feed and lease_epoch = a_epoch and position = a_expected and lease_owner = a_owner;
    get diagnostics fenced = row_count;
    perform sync.fence(fenced);
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
