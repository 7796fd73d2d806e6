#!/usr/bin/env bash
# Writes package wire from the FlatBuffers schema.
set -euo pipefail
cd "$(dirname "$0")"
command -v flatc >/dev/null || { echo "generate: flatc not found; install Debian's flatbuffers-compiler" >&2; exit 2; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flatc --go --gen-object-api -o "$out" schema/comm.fbs
gofmt -w "$out/wire"
rm -rf wire && mv "$out/wire" wire
