#!/bin/sh
# Puts the built program at its well-known place, when it changed:
#
#     tools/place_program.sh BUILT PLACE
#
# A copy, not a link: the program looks for libduckdb beside itself (deps/duckdb-1.5.5/lib), and
# a running copy must keep its bytes while the next one is built.
set -eu
built=$1 place=$2
if ! cmp -s "$built" "$place"; then
    cp "$built" "$place.new"
    mv -f "$place.new" "$place"
fi
