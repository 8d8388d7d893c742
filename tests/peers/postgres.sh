#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL for tests: in a temporary folder, on a free loopback port, without a password, gone afterwards.
#
#   postgres.sh run CMD…     starts one, runs CMD with LYCEUM_TEST_POSTGRES set, stops it; exits with CMD's status
#   postgres.sh start        starts one; prints two lines: its folder, its URL
#   postgres.sh stop FOLDER  stops that one and removes the folder
#   postgres.sh down FOLDER, up FOLDER        stops it in good order, starts it again with all that it holds
#   postgres.sh freeze FOLDER, thaw FOLDER    holds all its processes, lets them go on
#
# The server refuses to run as root, so root becomes `nobody` for it.
set -euo pipefail

fail() { printf 'postgres.sh: %s\n' "$*" >&2; exit 1; }

programs() {
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
  if [ -x "$newest" ]; then dirname "$newest"
  elif command -v initdb >/dev/null; then dirname "$(command -v initdb)"
  else fail "PostgreSQL is not installed (Debian: apt-get install postgresql); ops/test does it"; fi
}

# Runs its arguments as somebody who is not root, in a folder which that one may enter.
as_somebody() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$folder" && exec setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$folder" "$@")
  else
    (cd "$folder" && exec "$@")
  fi
}

start() {
  bin=$(programs)
  folder=$(mktemp -d "${TMPDIR:-/tmp}/lyceum-postgres.XXXXXX")
  if [ "$(id -u)" = 0 ]; then
    chown nobody:nogroup "$folder"
    if ! as_somebody test -w "$folder" 2>/dev/null; then # root's own TMPDIR, which nobody may enter
      rmdir "$folder"
      folder=$(mktemp -d /tmp/lyceum-postgres.XXXXXX)
      chown nobody:nogroup "$folder"
    fi
  fi
  chmod 700 "$folder"
  as_somebody "$bin/initdb" -D "$folder/data" -U lyceum --auth=trust --no-sync -E UTF8 --locale=C.UTF-8 \
    >"$folder.log" 2>&1 || { cat "$folder.log" >&2; rm -rf "$folder" "$folder.log"; fail "initdb failed"; }
  local port try
  for try in 1 2 3 4 5 6 7 8; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    # Somebody may take the port between this look and the start: then the next one is tried.
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue; fi
    if as_somebody "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 30 -o "-c listen_addresses=127.0.0.1 -c port=$port \
        -c unix_socket_directories='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 \
        -c shared_buffers=32MB" start >"$folder.log" 2>&1 </dev/null; then
      rm -f "$folder.log"
      as_somebody "$bin/createdb" -h 127.0.0.1 -p "$port" -U lyceum lyceum
      printf '%s\npostgresql://lyceum@127.0.0.1:%s/lyceum\n' "$folder" "$port"
      return
    fi
  done
  cat "$folder.log" "$folder/log" >&2 2>/dev/null || true
  rm -rf "$folder" "$folder.log"
  fail "it did not start on any of $try ports"
}

stop() {
  folder=$1
  case "$(basename "$folder")" in lyceum-postgres.??????) ;; *) fail "not a folder of mine: $folder" ;; esac
  [ -d "$folder" ] || return 0
  bin=$(programs)
  as_somebody "$bin/pg_ctl" -D "$folder/data" -m immediate -w -t 20 stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}

known() {
  folder=$1
  case "$(basename "$folder")" in lyceum-postgres.??????) ;; *) fail "not a folder of mine: $folder" ;; esac
  [ -d "$folder/data" ] || fail "no such folder: $folder"
  bin=$(programs)
}

down() {
  known "$1"
  as_somebody "$bin/pg_ctl" -D "$folder/data" -m fast -w -t 20 stop >/dev/null 2>&1 </dev/null
}

# With the options that it was started with: it keeps them in postmaster.opts, and pg_ctl's restart reads them.
up() {
  known "$1"
  as_somebody "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 30 restart >/dev/null 2>&1 </dev/null
}

# The first process and its children, by their numbers: the first one last to be held, first to go on.
signal_all() {
  known "$2"
  local first
  first=$(head -n 1 "$folder/data/postmaster.pid")
  # shellcheck disable=SC2046
  kill "-$1" "$first" $(ps -o pid= --ppid "$first")
}

case "${1:-}" in
  start) start ;;
  down | up | freeze | thaw)
    [ $# = 2 ] || fail "usage: postgres.sh $1 FOLDER"
    case "$1" in
      down) down "$2" ;;
      up) up "$2" ;;
      freeze) signal_all STOP "$2" ;;
      thaw) signal_all CONT "$2" ;;
    esac
    ;;
  stop)
    [ $# = 2 ] || fail "usage: postgres.sh stop FOLDER"
    stop "$2"
    ;;
  run)
    shift
    [ $# -gt 0 ] || fail "usage: postgres.sh run CMD…"
    started=$(start)
    place=$(sed -n 1p <<<"$started")
    trap 'stop "$place"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    LYCEUM_TEST_POSTGRES=$(sed -n 2p <<<"$started")
    export LYCEUM_TEST_POSTGRES
    "$@"
    ;;
  *) fail "usage: postgres.sh run CMD… | start | stop FOLDER" ;;
esac
