# shellcheck shell=bash
# What up, down and test share. Sourced, never run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
DEV="$ROOT/.dev"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

# usage FILE: prints the comment block at the top of a script.
usage() { sed -n '2,/^$/{s/^# \{0,1\}//;p}' "$1"; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# Accounts without a home (daemons, containers) still need a place for package caches.
ensure_home() {
  if [ ! -d "${HOME:-}" ] || [ ! -w "$HOME" ]; then
    mkdir -p "$DEV/home"
    export HOME="$DEV/home"
  fi
}

make_state_folder() {
  mkdir -p "$DEV" 2>/dev/null && [ -w "$DEV" ] ||
    die "$DEV cannot be written by $(id -un)." "It belongs to $(stat -c %U "$DEV" 2>/dev/null || echo nobody yet)."
  # Servers that run as another user pass through here to their own folder; what is secret has its own mode.
  chmod 755 "$DEV"
  mkdir -p "$DEV/log" "$DEV/run"
  mkdir -p -m 700 "$DEV/secrets"
}

ensure_dotnet() {
  command -v dotnet >/dev/null ||
    die "no dotnet on PATH." "Install the .NET SDK $(sdk_version) or a later patch of it."
  (cd "$ROOT" && dotnet --version >/dev/null 2>&1) ||
    die "no .NET SDK that fits global.json ($(sdk_version) or a later patch)." \
      "Installed: $(dotnet --list-sdks | tr '\n' ' ')"
}

sdk_version() { sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$ROOT/global.json"; }

# --- packages -------------------------------------------------------------------------------------------------------

# install_packages WHAT PACKAGE...: installs Debian packages when we may, else says what to install.
install_packages() {
  local what=$1
  shift
  if ! command -v apt-get >/dev/null; then
    die "$what is missing and there is no apt-get here." "Install it, so that its programs are on PATH ($*)."
  fi
  is_root || die "$what is missing and only root can install it. Let an administrator run:" \
    "apt-get update && apt-get install --no-install-recommends postgresql-15 nats-server" \
    "(Debian starts both; should their ports be wanted here: systemctl disable --now postgresql nats-server)"
  say "installing $what ($*)"
  mkdir -p "$DEV/log"
  export DEBIAN_FRONTEND=noninteractive
  local log="$DEV/log/install.log"
  {
    apt-get -o DPkg::Lock::Timeout=300 update &&
      apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
  } >"$log" 2>&1 </dev/null || die "installing $* failed." "The last lines of $log:" "$(tail -n 5 "$log")"
}

# Debian starts the servers it installs. This runs a command with that turned off, and leaves the machine's own
# policy as it was: an own policy file stays untouched.
without_autostart() {
  local policy=/usr/sbin/policy-rc.d placed=
  if is_root && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    placed=yes
  fi
  local code=0
  ("$@") || code=$?
  if [ -n "$placed" ]; then rm -f "$policy"; fi
  return "$code"
}

# Prints the folder with initdb, postgres and psql: the newest of Debian's, else PATH's. Empty when there is none.
# pg_folder VERSION: only that major version, for data that it wrote.
pg_folder() {
  local version=${1:-} folder
  folder=$(printf '%s\n' /usr/lib/postgresql/${version:-*}/bin/initdb | sort -V | tail -n 1)
  if [ ! -x "$folder" ]; then folder=$(command -v initdb || true); fi
  if [ -z "$folder" ]; then return 0; fi
  folder=$(dirname "$(readlink -f "$folder")")
  if [ -z "$version" ] || "$folder/postgres" --version | grep -q " $version\b"; then printf '%s' "$folder"; fi
}

install_postgres() {
  # The common package first: its setting keeps the server package from making a cluster on 5432.
  local conf=/etc/postgresql-common/createcluster.conf
  [ -e "$conf" ] || install_packages "PostgreSQL's common files" postgresql-common
  if [ -e "$conf" ]; then cp -a "$conf" "$conf.sync-dev"; fi
  printf '\ncreate_main_cluster = false\n' >>"$conf"
  local code=0
  (install_packages "PostgreSQL" postgresql-15) || code=$?
  if [ -e "$conf.sync-dev" ]; then mv "$conf.sync-dev" "$conf"; fi
  return "$code"
}

ensure_postgres() {
  if [ -z "$(pg_folder)" ]; then
    is_root || install_packages "PostgreSQL" postgresql-15
    without_autostart install_postgres
  fi
  [ -n "$(pg_folder)" ] ||
    die "PostgreSQL was installed, yet there is no initdb in /usr/lib/postgresql/*/bin or on PATH."
  if is_root; then
    id postgres >/dev/null 2>&1 ||
      die "PostgreSQL refuses to run as root and there is no user postgres here." "Make one: useradd --system postgres"
    command -v setpriv >/dev/null || install_packages "setpriv" util-linux
  fi
}

nats_server() { command -v nats-server || { [ -x /usr/sbin/nats-server ] && printf /usr/sbin/nats-server; } || true; }

ensure_nats() {
  if [ -z "$(nats_server)" ]; then
    without_autostart install_packages "the NATS server" nats-server
    if [ -d /run/systemd/system ]; then systemctl disable --now nats-server >/dev/null 2>&1 || true; fi
  fi
  [ -n "$(nats_server)" ] || die "the NATS server was installed, yet there is no nats-server on PATH."
}

# What the faults of infra/dev/chaos need beside the servers.
ensure_fault_tools() {
  command -v strace >/dev/null || install_packages "strace" strace
  compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || install_packages "libfaketime" libfaketime
  command -v setpriv >/dev/null || install_packages "setpriv" util-linux
}

# --- processes ------------------------------------------------------------------------------------------------------

# Field 22 of the process table: when a process started. With the id it names one process until the next boot.
# Nothing when there is none, or when it ended and waits to be reaped.
started_at() { sed -n 's/.*) //;/^[^ZX]/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# remember NAME PID PORT
remember() { printf '%s %s %s\n' "$2" "$(started_at "$2")" "$3" >"$DEV/run/$1"; }

# pid_of NAME: the id of our running process, nothing when it does not run (or the id is somebody else's by now).
pid_of() {
  local pid start
  [ -r "$DEV/run/$1" ] || return 0
  read -r pid start _ <"$DEV/run/$1" || return 0
  if [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]; then printf '%s' "$pid"; fi
}

port_of() { cut -d' ' -f3 "$DEV/run/$1"; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Names who listens, as far as we may know.
listener_on() {
  local who=
  if command -v ss >/dev/null; then
    who=$(ss -Hltnp "sport = :$1" 2>/dev/null |
      sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1)
  fi
  printf '%s' "${who:-a process that is not ours}"
}

# wait_for SECONDS NAME COMMAND...: until the command succeeds; fails when time is up or the named process ended.
wait_for() {
  local seconds=$1 name=$2
  shift 2
  local until=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [ -n "$(pid_of "$name")" ] || return 1
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.1
  done
}

# http_status PORT PATH: prints the status code of a GET; needs no curl.
http_status() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
    read -r -t 5 _ status _ <&3 && printf '%s' "$status"
  ) 2>/dev/null
}

# token NAME: the text of a bearer token of that name (docs/PROTOCOL.md, Access), made on the first call. The services get its
# hash only; the file is for whoever uses it.
token() {
  local file="$DEV/secrets/token_$1"
  if [ ! -s "$file" ]; then
    (umask 077 && printf 'sync_%s_%s\n' "$(head -c 10 /dev/urandom | base32 | tr 'A-Z' 'a-z')" \
      "$(head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d '=')" >"$file")
  fi
  cat "$file"
}

# token_hash NAME: its SHA-256, as the settings of services take it.
token_hash() { token "$1" | tr -d '\n' | sha256sum | cut -d' ' -f1; }

# secret NAME: the generated password of that name, made on the first call. Letters and digits only, a letter first,
# as connection strings and the broker's configuration read other characters in their own way.
secret() {
  local file="$DEV/secrets/$1"
  if [ ! -s "$file" ]; then
    (umask 077 && printf 's%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >"$file")
  fi
  cat "$file"
}
