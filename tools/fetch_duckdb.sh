#!/bin/sh
# Puts libduckdb and duckdb.h, pinned by SHA-256 in tools/downloads.json, into a prefix:
#
#     tools/fetch_duckdb.sh [PREFIX]      default: build/deps/duckdb-1.5.5
#
# With TARN_DUCKDB_PREFIX set, nothing is fetched: the installation there is used instead, and
# this only looks whether it has what the build needs. The second run costs a few stat calls.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

if [ -n "${TARN_DUCKDB_PREFIX:-}" ]; then
    if [ ! -f "$TARN_DUCKDB_PREFIX/include/duckdb.h" ]; then
        echo "error: TARN_DUCKDB_PREFIX has no include/duckdb.h: $TARN_DUCKDB_PREFIX" >&2
        echo "hint: unset TARN_DUCKDB_PREFIX to use the pinned download" >&2
        exit 2
    fi
    exit 0
fi
exec python3 "$root/tools/fetch.py" duckdb "${1:-$root/build/deps/duckdb-1.5.5}"
