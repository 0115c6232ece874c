-- The database of Sync and its three roles. Run by a superuser with psql; may be run again (passwords are set anew).
-- Passwords come from the environment, so that they stand in no command line and no file:
--   SYNC_OWNER_PASSWORD    sync_owner    owns the schema and runs the migrations; not used by the running writer
--   SYNC_RUNTIME_PASSWORD  sync_runtime  the writer; the migrations grant what it needs (facts: insert, select)
--   SYNC_READER_PASSWORD   sync_reader   people and reports; reads only
\set ON_ERROR_STOP on
\set QUIET on
-- A failing statement must not put a password into the server's log.
set log_min_error_statement = panic;
set client_min_messages = warning;
\getenv owner_password SYNC_OWNER_PASSWORD
\getenv runtime_password SYNC_RUNTIME_PASSWORD
\getenv reader_password SYNC_READER_PASSWORD

select format('create role %I', name)
  from unnest(array['sync_owner', 'sync_runtime', 'sync_reader']) as name
 where not exists (select from pg_roles where rolname = name) \gexec

alter role sync_owner login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'owner_password';
alter role sync_runtime login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'runtime_password';
alter role sync_reader login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'reader_password';

-- The second line behind the grants: a reader's session starts read-only and cannot hold old row versions for long.
alter role sync_reader set default_transaction_read_only = on;
alter role sync_reader set statement_timeout = '60s';

select 'create database sync owner sync_owner template template0 encoding ''UTF8'' locale ''C'''
 where not exists (select from pg_database where datname = 'sync') \gexec

revoke all on database sync from public;
grant connect on database sync to sync_runtime, sync_reader;
