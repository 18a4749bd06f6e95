#!/usr/bin/env bash
# Builds what runs in the browser: app/hydrate → wasm-bindgen → wasm-opt → target/site/pkg/vestibule.{js,wasm}
set -euo pipefail
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/wasm-toolchain.sh
. scripts/wasm-toolchain.sh

built=target/wasm/$wasm_target/wasm-release/hydrate.wasm
made=target/site/pkg
bindgen=$tools/wasm-bindgen-cli-$(locked_version wasm-bindgen)/bin/wasm-bindgen

# A folder of its own: another compiler, or other features, would otherwise throw away what the server's build has made.
wasm_cargo build --locked -p hydrate --profile wasm-release --target-dir target/wasm

if [ "$made/vestibule.wasm" -nt "$built" ] && [ "$made/vestibule.wasm" -nt "$bindgen" ]; then
  exit 0
fi

scratch=$(mktemp -d target/wasm/pkg.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
"$bindgen" --target web --no-typescript --out-dir "$scratch" --out-name vestibule "$built"
# What the compiler emits today is named, so that an older reader of features does not guess.
end2end/node_modules/.bin/wasm-opt -Oz --enable-bulk-memory --enable-multivalue --enable-mutable-globals \
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext \
  "$scratch/vestibule_bg.wasm" -o "$scratch/vestibule.wasm"
rm "$scratch/vestibule_bg.wasm"
mkdir -p "$made"
rm -rf "${made:?}"/*
mv "$scratch"/* "$made"/
touch "$made/vestibule.wasm"
say "islands: $(wc -c <"$made/vestibule.wasm") bytes of wasm"
