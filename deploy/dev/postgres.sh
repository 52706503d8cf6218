#!/usr/bin/env bash
# A PostgreSQL of one's own on loopback, for tests and for trying things out. Needs the server's binaries, no container.
#
#   postgres.sh start   make its data where there are none, start it, wait for it, print POSTGRES_URL=…
#   postgres.sh stop    end it in order; the data stay
#   postgres.sh kill    let it crash: what follows has to recover from its log
#   postgres.sh wipe    end it and delete its data
#   postgres.sh url     print POSTGRES_URL=… of one that was started
#
# POSTGRES_DEV_DIR  folder of data, log and port (<target folder>/postgres/dev)
# POSTGRES_BIN      folder of initdb and pg_ctl (the newest under /usr/lib/postgresql, or what PATH has)
# POSTGRES_OPTIONS  further options of the server, such as "-c fsync=off"
#
# Exit code 3: PostgreSQL is not installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=${POSTGRES_DEV_DIR:-${CARGO_TARGET_DIR:-$here/target}/postgres/dev}
role=whittle
base=whittle

say() { printf 'postgres.sh: %s\n' "$*" >&2; }

fail() { say "$@"; exit 1; }

# Where the programs are: Debian keeps those of the server out of PATH.
programs() {
  if [ -n "${POSTGRES_BIN:-}" ]; then
    printf '%s\n' "$POSTGRES_BIN"
    return
  fi
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -t/ -k5 -n | tail -n 1)
  [ -x "$newest" ] || newest=$(command -v initdb || true)
  [ -x "$newest" ] || return 1
  dirname "$newest"
}

bin=$(programs) || { say 'PostgreSQL is not installed; run deploy/dev/setup.sh servers'; exit 3; }

# The server refuses to run as root, so root lends it to the user that Debian's package makes.
served() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && setpriv --reuid postgres --regid postgres --init-groups -- "$@")
  else
    "$@"
  fi
}

running() { [ -e "$home/data/postmaster.pid" ] && served "$bin/pg_ctl" -D "$home/data" status >/dev/null 2>&1; }

print_url() { printf 'POSTGRES_URL=postgres://%s@127.0.0.1:%s/%s\n' "$role" "$(cat "$home/port")" "$base"; }

# Makes an empty cluster that the server's user owns. Trust is safe here: it listens on loopback, and holds test data.
create() {
  mkdir -p "$home"
  [ "$(id -u)" -ne 0 ] || chown postgres "$home"
  served test -w "$home" || fail "the user postgres cannot write $home; set POSTGRES_DEV_DIR to a folder that it can reach"
  served "$bin/initdb" --pgdata="$home/data" --username="$role" --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync >"$home/initdb.log" 2>&1 || { tail -n 5 "$home/initdb.log" >&2; fail 'initdb failed'; }
}

# A port that nobody listens on, kept once it has been chosen so that clients find the server again.
choose_port() {
  local port
  for _ in $(seq 200); do
    port=$((21000 + RANDOM % 9000))
    if ! (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port" >"$home/port"
      return
    fi
  done
  fail 'no free port between 21000 and 30000'
}

launch() {
  local options="-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c port=$(cat "$home/port") -c shared_buffers=256MB"
  served "$bin/pg_ctl" -D "$home/data" -l "$home/data/server.log" -t 60 -w -s \
    -o "$options -c max_wal_size=2GB ${POSTGRES_OPTIONS:-}" start >/dev/null 2>&1 9>&-
}

start() {
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  if ! running; then
    [ -e "$home/data/PG_VERSION" ] || create
    if [ -e "$home/port" ]; then
      launch || { tail -n 10 "$home/data/server.log" >&2; fail "the server does not start on port $(cat "$home/port")"; }
    else
      # Someone may take a free port between the look and the start: then another one does.
      choose_port
      launch || { choose_port && launch; } || { tail -n 10 "$home/data/server.log" >&2; fail 'the server does not start'; }
    fi
  fi
  local any
  any="postgres://$role@127.0.0.1:$(cat "$home/port")/postgres"
  if [ "$("$bin/psql" -XAtqc "select count(*) from pg_database where datname = '$base'" "$any")" = 0 ]; then
    "$bin/psql" -XAtqc "create database $base" "$any"
  fi
  print_url
}

end() { if running; then served "$bin/pg_ctl" -D "$home/data" -m "$1" -t 60 -w -s stop; fi; }

case ${1:-} in
  start) start ;;
  stop) end fast ;;
  kill) end immediate ;;
  wipe) end immediate; rm -rf "$home" ;;
  url) [ -e "$home/port" ] || fail "nothing was started in $home"; print_url ;;
  *) sed -n '4,8p' "${BASH_SOURCE[0]}" | cut -c3- >&2; exit 2 ;;
esac
