# Chooses what compiles for the browser. Sourced, not run; wants lib.sh.
# shellcheck shell=bash
#
# In this order (VESTIBULE_WASM_TOOLCHAIN=debian goes straight to the last):
# 1. The toolchain at hand, if it has the wasm32 target or rustup can add it.
# 2. The toolchain at hand with its library source: the standard library is compiled along.
# 3. Debian's rustc-web with rust-web-src: the same, with a compiler of its own.

wasm_target=wasm32-unknown-unknown

wasm_has_target() { [ -d "$("$1" --print sysroot)/lib/rustlib/$wasm_target/lib" ]; }
wasm_has_source() { [ -f "$("$1" --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]; }

# rustc's own linker, or LLVM's.
wasm_linker() {
  local host
  host=$(rustc -vV | sed -n 's/^host: //p')
  local own
  own=$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld
  for candidate in "$own" rust-lld wasm-ld; do
    if have "$candidate"; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

# Sets `wasm_way` to target, source or debian; fails if none is there.
wasm_way=''
wasm_choose() {
  if [ "${VESTIBULE_WASM_TOOLCHAIN:-}" != debian ]; then
    if wasm_has_target rustc; then wasm_way=target && return 0; fi
    if wasm_has_source rustc && wasm_linker >/dev/null; then wasm_way=source && return 0; fi
  fi
  if [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && wasm_has_source /usr/bin/rustc && wasm_linker >/dev/null; then
    wasm_way=debian
    return 0
  fi
  return 1
}

# Tries what needs no package, then names the packages of Debian's way.
wasm_toolchain_packages() {
  if wasm_choose && [ "$wasm_way" = target ]; then return 0; fi
  if [ "${VESTIBULE_WASM_TOOLCHAIN:-}" != debian ] && have rustup; then
    say "adding the target $wasm_target with rustup: the islands run in the browser"
    if rustup target add "$wasm_target"; then return 0; fi
    say "rustup could not add it; the next best way is to compile the standard library along"
  fi
  wasm_choose && return 0
  have apt-get || die "the Rust toolchain lacks the target $wasm_target. Add it (rustup target add $wasm_target), then try again"
  want rustc-web "a compiler that can make its own library for $wasm_target"
  want cargo-web "the cargo that belongs to it"
  want rust-web-src "the source of that library"
  wasm_linker >/dev/null || want lld "the linker for it"
}

wasm_toolchain_ready() {
  wasm_choose || die "there is still no way to compile for $wasm_target. Add the target to your toolchain: rustup target add $wasm_target"
}

# Runs cargo for the browser: wasm_cargo build …
wasm_cargo() {
  wasm_choose || die "nothing here compiles for $wasm_target. Run scripts/setup.sh run"
  local std=(-Z "build-std=std,panic_abort") linker
  case $wasm_way in
    target) cargo "$@" --target "$wasm_target" ;;
    source)
      linker=$(wasm_linker)
      RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker cargo "$@" "${std[@]}" --target "$wasm_target"
      ;;
    debian)
      linker=$(wasm_linker)
      env -u RUSTUP_TOOLCHAIN RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker" \
        /usr/bin/cargo "$@" "${std[@]}" --target "$wasm_target"
      ;;
  esac
}
