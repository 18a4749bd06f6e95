# What the other scripts share: words on the terminal, the tool cache, the installation of packages. Sourced, not run.
# shellcheck shell=bash disable=SC2034

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# Tools that have to be compiled are kept outside the clone, so that the next clone need not compile them again.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/vestibule

export deny_version=0.20.2 # cargo-deny

# Where rustup puts cargo: in front, because a shell opened before its installation does not have it in its path, and
# the compiler that the set-up may install from Debian is not meant for the server.
[ ! -x "$HOME/.cargo/bin/cargo" ] || PATH=$HOME/.cargo/bin:$PATH

bold='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The version of a package in Cargo.lock.
locked_version() { awk -v name="\"$1\"" '$1 == "name" { found = $3 == name } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock; }

# The folder of PostgreSQL's server programs; Debian keeps them out of the path.
postgres_folder() {
  local folder
  for folder in $(compgen -G '/usr/lib/postgresql/*/bin' | sort -rV) "$(dirname "$(command -v initdb || echo /none)")"; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
      echo "$folder"
      return 0
    fi
  done
  return 1
}

# Packages that are missing, and why each is needed.
missing=()
want() { # package, why
  missing+=("$1")
  say "missing: $1 ($2)"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs what `want` collected, or says what to install and stops.
install_wanted() {
  [ ${#missing[@]} -gt 0 ] || return 0
  have apt-get || die "install these (names as in Debian 12), then try again: ${missing[*]}"
  local command="apt-get install --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! { have sudo && sudo -n true 2>/dev/null; }; then
    die "not root and sudo asks for a password. Run this, then try again: sudo $command"
  fi
  say "installing with apt-get: ${missing[*]}"
  local log
  log=$(mktemp)
  # shellcheck disable=SC2086 # the list of packages is meant to be split
  if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive ${command/install/install -y}; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "this failed: $command"
  fi
  rm -f "$log"
  missing=()
}

# Installs a program from the Rust registry into the tool cache, once per version. Prints nothing but progress.
cargo_tool() { # crate, version, why
  local folder=$tools/$1-$2
  [ -x "$folder/bin/${4:-$1}" ] && return 0
  say "compiling $1 $2 into $folder ($3); a few minutes, once"
  mkdir -p "$tools"
  local build
  build=$(mktemp -d "$tools/build.XXXXXX")
  # A dependency of the locked set may have been withdrawn: then the newest that fits will do.
  if ! cargo install "$1" --version "$2" --locked --root "$folder" --target-dir "$build" &&
    ! cargo install "$1" --version "$2" --root "$folder" --target-dir "$build"; then
    rm -rf "$build"
    die "$1 $2 could not be compiled"
  fi
  rm -rf "$build"
}
