#!/usr/bin/env bash
# Builds the program without libraries of the system, from the Rust toolchain of this machine, and writes it to FILE. It
# runs on any Linux with the same processor: in an empty image, and from packages of any distribution.
#
#   docker/static.sh FILE
#   PROFILE=dist docker/static.sh FILE      with link-time optimisation: takes minutes longer
set -euo pipefail

file=$(realpath "${1:?the file to write}")
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
target=$(rustc --print host-tuple)

# The target is named although it is the host: the flag then leaves out procedural macros and build scripts, which
# cannot be static.
# Relocations in their packed form (RELR) are most of a megabyte smaller.
RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs" \
    cargo build --locked --profile "$profile" --bin meridian --target "$target"
built=$(cargo metadata --format-version 1 --no-deps --locked |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')
strip -o "$file" "$built/$target/$profile/meridian"
