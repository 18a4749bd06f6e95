#!/usr/bin/env bash
# Builds, starts the demo, and does both again whenever a source file changes. Ctrl-C ends it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

server=''
stamp=$(mktemp)

stop() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  server=''
}
trap 'stop; rm -f "$stamp"' EXIT

while true; do
  touch "$stamp"
  # A build that fails leaves the last good server running.
  if scripts/wasm.sh && cargo build --locked --bin vestibule; then
    stop
    target/debug/vestibule serve --demo &
    server=$!
  fi
  while [ -z "$(find app server style public Cargo.toml -newer "$stamp" -type f -print -quit)" ]; do
    sleep 1
  done
  say "a file changed"
done
