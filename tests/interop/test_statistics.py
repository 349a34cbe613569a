"""ANALYZE: the statistics files, as the metadata names them and as others read them."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import TARN, duckdb_connection

FILL = ("insert into sandbox.t select range, 's' || range % 50, (range % 7)::decimal(30,2), "
        "date '2026-01-01' + (range % 90)::int, uuid(), range % 2 = 0 from range(3000)")
COLUMNS = "id bigint, s varchar, d decimal(30,2), day date, u uuid, b boolean"
COUNTS = {"id": 3000, "s": 50, "d": 7, "day": 90, "u": 3000, "b": 2}


def metadata(lake):
    return json.loads(Path(lake.show("sandbox.t")["metadata_location"]).read_text("utf-8"))


def ndv(lake):
    return {row["column_name"]: row["ndv"] for row in
            lake.sql('select column_name, ndv from sandbox."t$statistics"')}


def partitions(lake):
    [entry] = metadata(lake)["partition-statistics"]
    path = Path(entry["statistics-path"])
    assert path.stat().st_size == entry["file-size-in-bytes"]
    rows = duckdb_connection().execute(f"from read_parquet('{path}')").to_arrow_table()
    return rows.to_pylist()


@pytest.mark.parametrize("version", [2, 3])
def test_files_are_those_that_the_metadata_names(lake, version):
    lake.do(f"create table sandbox.t ({COLUMNS}) partitioned by (month(day)) "
            f"with (\"format-version\" = {version})", FILL,
            "delete from sandbox.t where id in (0, 1)", "analyze sandbox.t")
    assert ndv(lake) == COUNTS | {"id": 2998, "u": 2998}
    table = lake.catalog().load_table(("sandbox", "t")).metadata
    [statistics] = table.statistics
    assert statistics.snapshot_id == table.current_snapshot_id
    raw = Path(statistics.statistics_path).read_bytes()
    assert len(raw) == statistics.file_size_in_bytes and raw[:4] == raw[-4:] == b"PFA1"
    size = statistics.file_footer_size_in_bytes
    assert raw[-size:][:4] == b"PFA1"
    footer = json.loads(raw[-size + 4:-12])
    assert [(b["fields"], b["properties"]) for b in footer["blobs"]] == \
        [(b.fields, b.properties) for b in statistics.blob_metadata]
    rows = partitions(lake)
    assert [r["partition"]["day_month"] for r in rows] == [672, 673, 674]
    assert sum(r["data_record_count"] for r in rows) == 3000
    assert sum(r["position_delete_record_count"] for r in rows) == 2
    assert sum(r["position_delete_file_count"] for r in rows) == (1 if version == 2 else 0)
    assert sum(r.get("dv_count", 0) for r in rows) == (0 if version == 2 else 1)
    assert [r["total_record_count"] is None for r in rows] == [True, False, False]


def test_partitions_of_several_specs(lake):
    """One struct of all their fields; nulls first, then by value."""
    lake.do(f"create table sandbox.t ({COLUMNS}) partitioned by (b)", FILL,
            "alter table sandbox.t replace partition field b with bucket(3, id)",
            "insert into sandbox.t (id) values (1), (2), (3), (4), (5)", "analyze sandbox.t (s)")
    rows = partitions(lake)
    names = list(rows[0]["partition"])
    assert len(names) == 2 and {r["spec_id"] for r in rows} == {0, 1}
    keys = [tuple((v is not None, v) for v in r["partition"].values()) for r in rows]
    assert keys == sorted(keys)
    assert sum(r["data_record_count"] for r in rows) == 3005
    lake.do("drop table sandbox.t", f"create table sandbox.t ({COLUMNS})", FILL,
            "analyze sandbox.t")
    assert "partition-statistics" not in metadata(lake) or \
        not metadata(lake)["partition-statistics"]


def run_with(lake, fault, *statements):
    return subprocess.run([TARN, "-C", str(lake.folder), "sql", "-q", "-c", "; ".join(statements)],
                          env=dict(os.environ, TARN_FAULT_PLAN=fault), capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False, timeout=60)


@pytest.mark.parametrize("fault", ["query.analyze.before_commit=error",
                                   "query.analyze.before_commit=kill",
                                   "catalog.commit.after_metadata=kill"])
def test_an_interrupted_analysis_leaves_nothing(lake, fault):
    lake.do(f"create table sandbox.t ({COLUMNS}) partitioned by (b)", FILL)
    assert run_with(lake, fault, "analyze sandbox.t").returncode != 0
    assert ndv(lake) == {}
    lake.do("analyze sandbox.t")
    assert ndv(lake) == COUNTS
    folder = Path(lake.show("sandbox.t")["location"]) / "metadata"
    assert len([*folder.glob("*.stats"), *folder.glob("partition-stats-*")]) == 2


def test_others_commit_meanwhile(lake):
    """An append is no conflict; that the snapshot expires is."""
    lake.do(f"create table sandbox.t ({COLUMNS})", FILL)
    before = metadata(lake)["current-snapshot-id"]
    for meanwhile, code in ((["sql", "-c", "insert into sandbox.t (id) values (-1)"], 0),
                            (["table", "expire", "sandbox.t", "--older-than", "0s", "--force"], 0)):
        process = subprocess.Popen(
            [TARN, "-C", str(lake.folder), "sql", "-c", "analyze sandbox.t"],
            env=dict(os.environ, TARN_FAULT_PLAN="query.analyze.before_commit=sleep:2500"),
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        folder = Path(lake.show("sandbox.t")["location"]) / "metadata"
        count = len(list(folder.glob("*.stats")))
        while len(list(folder.glob("*.stats"))) == count:
            assert process.poll() is None
        if meanwhile[0] == "table":
            lake.do("insert into sandbox.t (id) values (-2)")
        lake.cli(*meanwhile)
        error = process.communicate(timeout=60)[1]
        if meanwhile[0] == "table":
            assert process.returncode == 5 and "expired meanwhile" in error
        else:
            assert process.returncode == code, error
            assert metadata(lake)["statistics"][0]["snapshot-id"] == before
            assert ndv(lake)["id"] == 3000


def each(iterable):
    """Of a Java Iterable."""
    rows = iterable.iterator()
    while rows.hasNext():
        yield rows.next()


def test_the_reference_reads_them(lake, spark):
    """Iceberg's own readers of Puffin files and of partition statistics."""
    lake.do(f"create table sandbox.t ({COLUMNS}) partitioned by (month(day))", FILL,
            "delete from sandbox.t where id = 0", "analyze sandbox.t")
    assert len(spark.table("tarn.sandbox.t", "id")) == 2999
    jvm = spark.jvm
    table = spark.java("tarn.sandbox.t")
    [file] = list(table.statisticsFiles())
    reader = jvm.org.apache.iceberg.puffin.Puffin.read(
        table.io().newInputFile(file.path())).build()
    blobs = list(reader.fileMetadata().blobs())
    assert [b.type() for b in blobs] == ["apache-datasketches-theta-v1"] * 6
    assert [int(b.properties()["ndv"]) for b in blobs] == [
        COUNTS[f.name()] - (f.name() in ("id", "u")) for f in table.schema().columns()]
    assert len(list(each(reader.readAll(reader.fileMetadata().blobs())))) == 6
    [stats] = list(table.partitionStatisticsFiles())
    handler = jvm.org.apache.iceberg.PartitionStatsHandler
    schema = handler.schema(jvm.org.apache.iceberg.Partitioning.partitionType(table), 2)
    rows = list(each(handler.readPartitionStatsFile(schema,
                                                    table.io().newInputFile(stats.path()))))
    integer = jvm.java.lang.Class.forName("java.lang.Integer")
    assert [r.partition().get(0, integer) for r in rows] == [672, 673, 674]
    assert sum(r.dataRecordCount() for r in rows) == 3000
    assert sum(r.positionDeleteRecordCount() for r in rows) == 1
