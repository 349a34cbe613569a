#!/bin/sh
# Builds the reference that is derived from the sources' tables, with the written pages beside it:
#
#     tools/build_docs.sh OUT
set -eu
cd "$(dirname "$0")/.."
if [ $# -ne 1 ]; then
    echo "usage: tools/build_docs.sh OUT" >&2
    exit 2
fi
out=$1
rm -rf "$out"
mkdir -p "$out/reference"
cp -R docs/. "$out/"
python3 tools/error_reference.py >"$out/reference/errors.md"
find "$out" -name '*.md' | wc -l | xargs printf 'docs: %s pages in '
echo "$out"
