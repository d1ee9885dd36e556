#!/usr/bin/env bash
# Tests of the library with tools that see what tests cannot: scripts/sanitize.sh [asan] [miri]
#
# AddressSanitizer (reads and writes outside of memory, use after free, leaks) runs the whole suite. Miri (undefined
# behaviour of any kind, but a thousand times slower) runs the unit tests of the rooms with `unsafe` and of the file
# readers. Both need nightly Rust; a tool that is not installed is skipped, and said to be.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
skipped() { echo "skipped: $1"; }

# `memory` runs on stacks so small that the sanitizer's own frames overflow them.
asan() {
    local tests=() file
    for file in crates/versant/tests/*.rs crates/versant/tests/*/main.rs; do
        case $file in
            */memory.rs) skipped "memory: its threads have too little stack for the sanitizer" ;;
            */main.rs) tests+=(--test "$(basename "$(dirname "$file")")") ;;
            *) tests+=(--test "$(basename "$file" .rs)") ;;
        esac
    done
    # Tests ask for more memory than there is, and expect an error rather than the end.
    RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS="allocator_may_return_null=1:detect_stack_use_after_return=1" \
        cargo +nightly test -p versant --locked --target "$host" --target-dir target/sanitize --lib "${tests[@]}"
}

# No instruction sets beyond the portable one, no folders, and clocks that stand still.
miri() {
    VERSANT_ISA=scalar VERSANT_THREADS=2 MIRIFLAGS="-Zmiri-disable-isolation" \
        cargo +nightly miri test -p versant --locked --target-dir target/miri --lib -- buffer cpu::threads cpu::scratch io::
}

if ! cargo +nightly --version; then
    skipped "everything: rustup toolchain install nightly"
    exit
fi
[ $# -gt 0 ] || set -- asan miri
for tool in "$@"; do
    case $tool in
        asan) asan ;;
        miri) if cargo +nightly miri --version; then miri; else skipped "miri: rustup +nightly component add miri rust-src"; fi ;;
        *) echo "sanitize.sh: asan or miri, not $tool" >&2; exit 2 ;;
    esac
done
