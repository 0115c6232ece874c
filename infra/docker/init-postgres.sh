#!/usr/bin/env bash
# Run once by the Postgres image, while it makes its data folder.
set -euo pipefail
psql -X --username postgres --dbname postgres --file /etc/sync/roles.sql
printf "\ninclude '/etc/sync/sync.conf'\n" >>"$PGDATA/postgresql.conf"
