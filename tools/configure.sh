#!/bin/sh
# Configures a build directory, once, and builds what changed in it:
#
#     tools/configure.sh DIRECTORY [MESON-OPTION...]
#
# NINJA_TARGETS narrows what is built (default: everything, with the tests).
# TARN_DUCKDB_PREFIX names a DuckDB of one's own; when it changes, the directory follows. With CC
# set, a new directory uses that compiler; one that exists keeps its own.
set -eu
folder=$1
shift
prefix=build/deps/duckdb-1.5.5
if [ -n "${TARN_DUCKDB_PREFIX:-}" ]; then prefix=$(cd "$TARN_DUCKDB_PREFIX" && pwd); fi
log=$folder.log

run_meson() { # arguments
    if ! meson "$@" >"$log" 2>&1; then
        tail -n 12 "$log" >&2
        echo "error: meson $1 failed (all of it: $log)" >&2
        exit 1
    fi
}

mkdir -p "$(dirname "$folder")"
known=$folder/.duckdb-prefix
# what another version of these scripts set up may not know today's options
if [ -f "$folder/build.ninja" ] && [ ! -f "$known" ]; then rm -rf "$folder"; fi
if [ ! -f "$folder/build.ninja" ]; then
    # what an interrupted setup left; a folder that is not Meson's is left to Meson to refuse
    if [ -d "$folder/meson-private" ]; then rm -rf "$folder"; fi
    run_meson setup "$folder" "-Dduckdb_prefix=$prefix" "$@"
    echo "$prefix" >"$known"
elif [ "$(cat "$known" 2>/dev/null)" != "$prefix" ]; then
    run_meson configure "$folder" "-Dduckdb_prefix=$prefix"
    echo "$prefix" >"$known"
fi
# its one line of progress is for a terminal
if [ -t 1 ]; then quiet=; else quiet=--quiet; fi
# shellcheck disable=SC2086
exec ninja -C "$folder" $quiet ${NINJA_TARGETS:-}
