#!/usr/bin/env bash
# What a build needs beyond Rust and Node: installed with apt where we may, named where we may not.
set -euo pipefail

for tool in cargo node npm; do
    command -v "$tool" >/dev/null || { echo "Basalt needs $tool: install Rust (rustup) and Node.js 20 or later first." >&2; exit 1; }
done

# librocksdb-sys: g++ and libclang (bindgen). The test vectors are packed with zstd.
missing=()
command -v g++ >/dev/null || missing+=(g++)
command -v zstd >/dev/null || missing+=(zstd)
ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* >/dev/null 2>&1 || missing+=(libclang-dev)
[ ${#missing[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing ${missing[*]} (apt-get)"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
else
    echo "Missing: ${missing[*]}. Install with: sudo apt-get install -y ${missing[*]}" >&2
    exit 1
fi
