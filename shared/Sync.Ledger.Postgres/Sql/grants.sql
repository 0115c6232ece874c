-- Runs after every migration. Settings of the runner: sync.runtime_role, sync.read_role; a role that does not exist is
-- left out. Nobody but the owner may change or remove a fact, and nobody but the owner has DDL.
do $$
declare
    runtime text := current_setting('sync.runtime_role');
    reader text := current_setting('sync.read_role');
begin
    revoke all on schema sync from public;
    revoke all on all tables in schema sync from public;
    if exists (select from pg_roles where rolname = runtime) then
        execute format('grant usage on schema sync to %I', runtime);
        execute format('grant select on all tables in schema sync to %I', runtime);
        execute format('grant insert on sync.fact to %I', runtime);
        execute format('grant update on sync.feed to %I', runtime);
        execute format('grant insert on sync.vault to %I', runtime);
        execute format('grant insert, update on sync.collection, sync.record to %I', runtime);
        execute format('grant insert, delete on sync.idempotency to %I', runtime);
        execute format('grant execute on function sync.fence(bigint),'
                       ' sync.fence(smallint, bigint, text, bigint, bigint, bigint, bytea, bigint, interval),'
                       ' sync.commit_one to %I', runtime);
    end if;
    if exists (select from pg_roles where rolname = reader) then
        execute format('grant usage on schema sync to %I', reader);
        execute format('grant select on all tables in schema sync to %I', reader);
    end if;
end $$;
