#!/usr/bin/env bash
# Writes the Go code of the FlatBuffers schemas. With --check, writes nothing and fails when what is committed differs.
set -euo pipefail
cd "$(dirname "$0")"
command -v flatc >/dev/null || { echo "generate: flatc not found; install Debian's flatbuffers-compiler" >&2; exit 2; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flatc --go --gen-object-api -o "$out" schema/comm.fbs
gofmt -w "$out/wire"
if [ "${1:-}" = --check ]; then
  diff -ru wire "$out/wire" || { echo "generate: comm/wire differs from comm/schema/comm.fbs; run 'make generate'" >&2; exit 1; }
else
  rm -rf wire && mv "$out/wire" wire
fi
