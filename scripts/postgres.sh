#!/usr/bin/env bash
# A throw-away PostgreSQL on loopback. `postgres.sh start` prints its folder and its URL; `postgres.sh stop FOLDER` ends it;
# `kill FOLDER` and `revive FOLDER` are for tests of what happens while it is away.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

programs=$(postgres_folder) || die "PostgreSQL is not installed: apt-get install postgresql-15"

# initdb and postgres refuse to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

start() {
  local folder port
  folder=$(mktemp -d "${TMPDIR:-/tmp}/vestibule-pg.XXXXXX")
  [ "$(id -u)" != 0 ] || chown postgres: "$folder"
  as_postgres "$programs/initdb" -D "$folder/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8 >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2 && die "initdb failed"; }
  # PostgreSQL cannot pick a free port by itself: try until one is free.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + RANDOM % 12000))
    # Nothing here outlives the tests, so nothing is flushed.
    if as_postgres "$programs/pg_ctl" -D "$folder/data" -w -l "$folder/log" start -o "-p $port \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c max_connections=400 \
      -c fsync=off -c synchronous_commit=off -c full_page_writes=off" >/dev/null 2>&1; then
      echo "$folder postgres://postgres@127.0.0.1:$port/postgres"
      return 0
    fi
  done
  cat "$folder/log" >&2
  die "PostgreSQL did not start"
}

# Under the same port and settings as before, which pg_ctl remembers.
revive() { as_postgres "$programs/pg_ctl" -D "$1/data" -w -l "$1/log" restart >/dev/null 2>&1; }

case ${1:-} in
  start) start ;;
  kill) as_postgres "$programs/pg_ctl" -D "${2:?the folder that start printed}/data" -m immediate stop >/dev/null ;;
  revive) revive "${2:?the folder that start printed}" ;;
  stop)
    as_postgres "$programs/pg_ctl" -D "${2:?the folder that start printed}/data" -m immediate stop >/dev/null
    rm -rf "$2"
    ;;
  *) die "usage: postgres.sh start | stop FOLDER | kill FOLDER | revive FOLDER" ;;
esac
