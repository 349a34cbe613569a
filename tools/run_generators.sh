#!/bin/sh
# Runs every tools/gen_*: each writes files that are derived from a table and kept with the sources.
#
#     tools/run_generators.sh [--check]     --check writes nothing and fails where a file is stale
set -eu
cd "$(dirname "$0")/.."
count=0
for script in tools/gen_*; do
    [ -x "$script" ] || continue
    count=$((count + 1))
    echo "gen: $script"
    "$script" "$@"
done
if [ "$count" = 0 ]; then echo "gen: nothing is derived into the repository yet"; fi
