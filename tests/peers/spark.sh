#!/bin/sh
# Spark with Iceberg, the reference, for the interoperability tests: not a server, a library.
#
#     tests/peers/spark.sh          fetches what is missing, prints the environment, as NAME=VALUE
#
# Three pinned archives go to the cache ($TARN_CACHE, else ~/.cache/tarn): pyspark from PyPI, which
# is unpacked and not built (its source archive carries Spark's jars), Iceberg's Spark runtime and
# the SQLite driver from Maven Central. They come through pip and mvn, so a mirror or proxy that is
# set up for them is honoured. SPARK_HOME, PYTHONPATH and TARN_SPARK_JARS are printed; any Python
# that Spark knows can then import pyspark. Exit code 6, with the reason on standard error: it
# cannot be had here (no Java, no mvn, no network).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)

spark=4.0.5
spark_sum=a0d44b0e7faf0458ad83b7aa664e7ed8b96beed8a55d66ce3b0dfac2309dfca6
runtime=org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.11.0
runtime_sum=63c3b812549dc232c1920865ff42436df8604a9bbacd693930985c06bd97e6dc
sqlite=org.xerial:sqlite-jdbc:3.50.3.0
sqlite_sum=a3f53a2aa15ae9425a9e793bbe9c8e5288febeb4b65ef5c1a4e80d4c2045cf08

cannot() {
    echo "error: Spark cannot be had here: $1" >&2
    exit 6
}

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
for old in 17 21; do # Spark 4.0 runs on these; a newer one may be the system's default
    home=$(ls -d /usr/lib/jvm/java-$old-openjdk-* 2>/dev/null | head -n 1)
    if [ -z "${JAVA_HOME:-}" ] && [ -x "$home/bin/java" ]; then
        JAVA_HOME=$home java=$home/bin/java
    fi
done
"$java" -version >/dev/null 2>&1 || cannot "there is no java (Debian: openjdk-17-jre-headless)"

cache=${TARN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tarn}
place=$cache/spark-$(printf '%s' "$spark_sum$runtime_sum$sqlite_sum" | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/spark.lock"
flock 9

fetch_jar() { # artifact, sha256
    name=$(echo "$1" | cut -d: -f2,3 | tr : -).jar
    command -v mvn >/dev/null 2>&1 || cannot "there is no mvn (Debian: maven)"
    echo "spark: downloading $name" >&2
    mvn -q -B dependency:copy -Dartifact="$1:jar" -DoutputDirectory="$place.part/jars" \
        -Dmdep.useBaseVersion=true >&2 || cannot "mvn could not download $1"
    echo "$2  $place.part/jars/$name" | sha256sum -c --quiet - >&2 ||
        cannot "the bytes of $name are not the pinned ones"
}

if [ ! -f "$place/complete" ]; then
    rm -rf "$place" "$place.part"
    mkdir -p "$place.part/jars" "$place.part/get"
    fetch_jar "$runtime" "$runtime_sum"
    fetch_jar "$sqlite" "$sqlite_sum"
    python3 - "$root/tools" "$place.part/get" "$spark" "$spark_sum" <<'PYTHON' ||
import os
import pathlib
import sys

sys.path.insert(0, sys.argv[1])
import fetch

folder = pathlib.Path(sys.argv[2])
pin = {"what": "pyspark " + sys.argv[3], "client": "pip-source", "package": "pyspark",
       "version": sys.argv[3], "bytes": 434400000, "sha256": [sys.argv[4]]}
try:
    archive = fetch.download({}, pin, folder)
    fetch.check_hash(archive, pin["sha256"], pin["what"])
except fetch.FetchError as error:
    sys.exit(f"error: {error}")
os.replace(archive, folder / "pyspark.tar.gz")
PYTHON
        cannot "pip could not download pyspark $spark"
    tar -xzf "$place.part/get/pyspark.tar.gz" -C "$place.part" --strip-components=1
    rm -rf "$place.part/get"
    touch "$place.part/complete"
    mv "$place.part" "$place"
fi
echo "JAVA_HOME=${JAVA_HOME:-}"
echo "SPARK_HOME=$place/deps"
echo "PYTHONPATH=$place:$(ls "$place"/lib/py4j-*-src.zip)"
echo "TARN_SPARK_JARS=$(ls "$place"/jars/*.jar | paste -sd,)"
