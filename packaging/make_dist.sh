#!/bin/sh
# Makes the archives that are given away, in OUT:
#
#     packaging/make_dist.sh OUT
#
#     tarn-VERSION.tar.gz                   the committed sources, byte for byte the same each time
#     tarn-VERSION-linux-MACHINE.tar.gz     bin/tarn, lib/libduckdb.so and the licences: unpack, run
#     SHA256SUMS
#
# The program finds its library beside itself (../lib), so the second archive needs no installation.
# Only what is committed is packed; a changed tree is named, not packed.
set -eu
cd "$(dirname "$0")/.."
if [ $# -ne 1 ]; then
    echo "usage: packaging/make_dist.sh OUT" >&2
    exit 2
fi
out=$1
version=$(sed -n "s/^ *version: '\([^']*\)',*\$/\1/p" meson.build | head -n 1)
if [ -z "$version" ]; then
    echo "error: meson.build names no version" >&2
    exit 1
fi
when=$(git log -1 --format=%ct)
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo "dist: warning: what is not committed is not in the source archive" >&2
fi

rm -rf "$out"
mkdir -p "$out"
git archive --format=tar --prefix="tarn-$version/" HEAD | gzip -9n >"$out/tarn-$version.tar.gz"

if [ -x build/tarn ]; then
    name=tarn-$version-linux-$(uname -m)
    tree=$out/$name
    mkdir -p "$tree/bin" "$tree/lib"
    cp build/tarn "$tree/bin/tarn"
    strip "$tree/bin/tarn"
    duckdb=${TARN_DUCKDB_PREFIX:-build/deps/duckdb-1.5.5}
    cp "$duckdb/lib/libduckdb.so" "$tree/lib/"
    # for lakes on S3; a DuckDB of one's own may lack it
    if [ -f "$duckdb/lib/httpfs.duckdb_extension" ]; then
        cp "$duckdb/lib/httpfs.duckdb_extension" "$tree/lib/"
    fi
    if [ -f "$duckdb/LICENSE.duckdb" ]; then cp "$duckdb/LICENSE.duckdb" "$tree/"; fi
    cp LICENSE NOTICE "$tree/"
    if [ -f README.md ]; then cp README.md "$tree/"; fi
    if [ -d build/docs/man ]; then mkdir -p "$tree/share" && cp -r build/docs/man "$tree/share/"; fi
    "$tree/bin/tarn" --version >/dev/null
    tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$when" -cf - "$name" |
        gzip -9n >"$out/$name.tar.gz"
    rm -rf "$tree"
else
    echo "dist: there is no program yet, so only the source archive is made" >&2
fi
(cd "$out" && sha256sum -- *.tar.gz >SHA256SUMS && cat SHA256SUMS)
