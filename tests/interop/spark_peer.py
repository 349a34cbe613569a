"""Spark with Iceberg as a peer: one JVM for all tests, and for each lake a session of its own.

In a session the catalog `tarn` is the lake itself (Iceberg's JdbcCatalog on the lake's catalog.db:
Spark and tarn work on one table in turns), and `own` is a Hadoop catalog in a folder, for tables
that Spark makes by itself. What Spark cannot be had for (no Java, no mvn, no network) is told by
tests/peers/spark.sh and becomes the reason of a skip.
"""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, ordered, rows_of_arrow

_root = None
_reason = None


def environment():
    """What tests/peers/spark.sh prints, or the reason why there is none."""
    done = subprocess.run([str(ROOT / "tests" / "peers" / "spark.sh")], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=900, check=False)
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line), None


def start():
    """The JVM and its first session; skips the test when Spark cannot be had."""
    global _root, _reason
    if _root is None and _reason is None:
        found, why = environment()
        if found is None:
            _reason = why[0]
        else:
            _root = start_jvm(found)
    if _root is None:
        pytest.skip("SPARK IS NOT HERE, so nothing was compared with it: " + _reason)
    return _root


def start_jvm(found):
    sys.path[:0] = found["PYTHONPATH"].split(":")
    os.environ.update({"SPARK_HOME": found["SPARK_HOME"], "PYSPARK_PYTHON": sys.executable,
                       "SPARK_LOCAL_IP": "127.0.0.1"})
    if found.get("JAVA_HOME"):
        os.environ["JAVA_HOME"] = found["JAVA_HOME"]
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]")
    for key, value in {
            "spark.jars": found["TARN_SPARK_JARS"], "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "spark.sql.shuffle.partitions": "1", "spark.default.parallelism": "1",
            "spark.sql.session.timeZone": "UTC", "spark.sql.adaptive.enabled": "false",
            "spark.sql.extensions":
                "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


class Session:
    """Spark on one lake, and on a folder for its own tables."""

    def __init__(self, lake, folder):
        self.spark = start().newSession()
        self.folder = folder
        settings = {
            "tarn": "org.apache.iceberg.spark.SparkCatalog",
            "tarn.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
            "tarn.uri": f"jdbc:sqlite:{lake.folder}/.tarn/catalog.db",
            "tarn.warehouse": f"{lake.folder}/.tarn/warehouse",
            "tarn.jdbc.schema-version": "V1", "tarn.cache-enabled": "false",
            "own": "org.apache.iceberg.spark.SparkCatalog", "own.type": "hadoop",
            "own.warehouse": str(folder), "own.cache-enabled": "false"}
        for key, value in settings.items():
            self.spark.conf.set(f"spark.sql.catalog.{key}", value)
        self.spark.conf.set("spark.sql.session.timeZone", "UTC")
        self.spark.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")

    def do(self, *statements):
        for statement in statements:
            self.spark.sql(statement).collect()

    def rows(self, query):
        return rows_of_arrow(self.spark.sql(query).toArrow())

    def table(self, name, columns="*", where="true"):
        return ordered(self.rows(f"select {columns} from {name} where {where}"))

    def java(self, name):
        """The table as an object of Iceberg's Java API."""
        jvm = self.spark.sparkContext._jvm
        return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
            self.spark._jsparkSession, name)

    @property
    def jvm(self):
        return self.spark.sparkContext._jvm

    def location(self, name):
        """The metadata file of a table, as a path."""
        place = self.java(name).operations().current().metadataFileLocation()
        return place.removeprefix("file:")
