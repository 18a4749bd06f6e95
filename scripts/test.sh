#!/usr/bin/env bash
# The suite, step by step, each with its time; stops at the first step that fails. Usage: test.sh fast|all
set -euo pipefail
. "$(dirname "$0")/lib.sh"

which=${1:?fast or all}
logs=$PWD/target/test
rm -rf "$logs"
mkdir -p "$logs"
began=$SECONDS
steps=()
postgres=''

finish() {
  local code=$?
  [ -z "$postgres" ] || scripts/postgres.sh stop "$postgres" || true
  if [ "$code" != 0 ]; then printf '\nThe suite failed in the step "%s" after %s s.\n' "${current:-start}" $((SECONDS - began)); fi
}
trap finish EXIT

# Runs a step and keeps its output: step "name" command…
step() {
  current=$1
  shift
  printf '\n%s==> %s%s\n' "$bold" "$current" "$plain"
  local from=$SECONDS
  "$@" 2>&1 | tee "$logs/${current// /-}.log"
  steps+=("$(printf '%6s s  %s' $((SECONDS - from)) "$current")")
}

lint_scripts() { shellcheck -x scripts/*.sh .ci/run; }

# The features of `it` and of the server meet in one selection of packages everywhere (the default members), so that
# no dependency is compiled a second time.
lint() {
  cargo clippy --locked --all-targets -- -D warnings
  # What goes to the browser, seen by the same compiler: with the other feature of `app`, and so in a run of its own.
  cargo clippy --locked -p hydrate -p app --no-default-features -- -D warnings
}

documentation() { RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items; }

dependencies() { "$tools/cargo-deny-$deny_version/bin/cargo-deny" --locked check -A unused-wrapper bans licenses sources; }

build() {
  scripts/wasm.sh
  cargo build --locked --bin vestibule
}

rust_tests() { cargo test --locked --no-fail-fast "$@"; }

step format cargo fmt --all --check
if [ "$which" = fast ]; then
  step lints lint
  step 'unit tests' rust_tests --lib --bins
else
  step 'scripts' lint_scripts
  step lints lint
  step dependencies dependencies
  step documentation documentation
  step build build
  export VESTIBULE_BIN=$PWD/target/debug/vestibule
  step 'tests on SQLite' rust_tests
  read -r postgres url < <(scripts/postgres.sh start)
  [ -n "$postgres" ] || die "PostgreSQL did not start"
  VESTIBULE_TEST_DATABASE_URL=$url step 'tests on PostgreSQL' rust_tests --lib --bins --tests
  step browser npm --prefix end2end test
fi
current=''

printf '\n%sSummary%s\n' "$bold" "$plain"
printf '%s\n' "${steps[@]}"
printf '%6s s  in all\n\n' $((SECONDS - began))
# A test that does not run proves nothing; where nobody looks, that is a failure.
if [ -n "${CI:-}" ] && grep -hE '^test result: .* [1-9][0-9]* ignored|^(#|ℹ) (skipped|todo) [1-9]' "$logs"/*.log; then
  die "tests were skipped"
fi

# The runners' own words.
for log in "$logs"/*tests*.log; do
  printf '%s\n' "$(basename "$log" .log | tr - ' '):"
  grep -hE '^test result: ' "$log"
done
if [ -f "$logs/browser.log" ]; then
  echo 'browser:'
  grep -E '^(#|ℹ) (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ' "$logs/browser.log"
fi
