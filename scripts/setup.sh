#!/usr/bin/env bash
# Installs what a goal needs and this machine does not have, and says what and why. Usage: setup.sh GOAL
# (run, release, test-fast or test).
#
# Answers within a moment when nothing is missing. Without root, or where there is no apt-get, it names exactly what to
# install and stops.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/wasm-toolchain.sh
. scripts/wasm-toolchain.sh

goal=${1:?run, release, test-fast or test}

if ! { rustc --version && cargo --version; } >/dev/null 2>&1; then
  die "there is no Rust toolchain. Install rustup and with it the stable toolchain (rustup default stable), then try again"
fi
have git || want git "the tests look at tracked files"
have cc || want gcc "compiles the C parts: SQLite, the cryptography of aws-lc"
echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1 || want libc6-dev "headers for the same"
have pkg-config || want pkg-config "finds the OpenSSL library"
if [ "$goal" = release ]; then
  perl -MIPC::Cmd -e1 2>/dev/null || want perl "configures OpenSSL, which goes into the one file"
fi
{ have pkg-config && pkg-config --exists openssl; } || want libssl-dev "OpenSSL, which the passkey library links"
! have apt-get || [ -s /etc/ssl/certs/ca-certificates.crt ] || want ca-certificates "downloads from the registries are checked"
have node || want nodejs "runs wasm-opt and the browser tests"
have npm || want npm "fetches wasm-opt and the browser tests' libraries"
wasm_toolchain_packages

if [[ $goal = test* ]]; then
  have openssl || want openssl "makes certificates that ours must refuse"
  have xmlsec1 || want xmlsec1 "judges SAML signatures beside our own code"
  have xmllint || want libxml2-utils "judges the canonical form of our SAML, and its shape by the schemas"
  [ -e /usr/share/xml/opensaml/saml-schema-protocol-2.0.xsd ] || want opensaml-schemas "the schemas of SAML"
  [ -e /usr/share/xml/xmltooling/xml.xsd ] || want xmltooling-schemas "the schemas that those refer to"
fi
if [ "$goal" = test ]; then
  postgres_folder >/dev/null || want postgresql-15 "the suite runs on PostgreSQL too, on a server of its own"
  have chromium || want chromium "the browser tests drive it"
  [ -n "$(fc-list 2>/dev/null)" ] || want fonts-dejavu-core "letters for the browser tests' pictures"
  [ "$(id -u)" != 0 ] || have runuser || want util-linux "PostgreSQL refuses to run as root; runuser changes the user"
  have shellcheck || want shellcheck "checks these scripts"
fi
install_wanted
wasm_toolchain_ready
case $goal in
  test*)
    for component in rustfmt clippy; do
      if ! cargo "${component/rust/}" --version >/dev/null 2>&1; then
        say "adding $component to the toolchain: the suite starts with it"
        rustup component add "$component" || die "cargo ${component/rust/} is missing and rustup cannot add it"
      fi
    done
    ;;
esac

cargo_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)" "makes the browser's side of the islands" wasm-bindgen
[ "$goal" != test ] || cargo_tool cargo-deny "$deny_version" "checks licences, sources and banned dependencies"

# npm writes this file last, so it tells whether the folder is whole and which lock file it was made from.
if [ end2end/package-lock.json -nt end2end/node_modules/.package-lock.json ]; then
  say "fetching wasm-opt and the browser tests' libraries with npm"
  (cd end2end && npm ci --no-audit --no-fund --loglevel=error)
fi
