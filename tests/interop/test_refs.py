"""Branches, tags and views between tarn and pyiceberg: each reads and moves what the other made."""

import json
import sqlite3

import pyarrow
from pyiceberg.view.metadata import ViewMetadata


def ids(lake, sql):
    return sorted(row["id"] for row in lake.sql(sql))


def test_refs_go_both_ways(lake):
    lake.own = False  # pyiceberg writes to it too
    lake.do("create table sandbox.t as select 1::bigint as id",
            "alter table sandbox.t create branch audit retain 7 days "
            "with snapshot retention 3 snapshots 2 days",
            "alter table sandbox.t create tag \"v/1 'q' \U0001f600\"")
    table = lake.catalog().load_table("sandbox.t")
    refs = table.refs()
    assert refs["audit"].snapshot_ref_type.value == "branch"
    assert refs["audit"].min_snapshots_to_keep == 3
    assert refs["audit"].max_snapshot_age_ms == 2 * 86400000
    assert refs["audit"].max_ref_age_ms == 7 * 86400000
    assert refs["v/1 'q' \U0001f600"].snapshot_ref_type.value == "tag"
    table.append(pyarrow.table({"id": pyarrow.array([2], pyarrow.int64())}), branch="audit")
    head = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_tag(head, "py").create_branch(head, "mine").commit()
    assert ids(lake, "select id from sandbox.t") == [1]
    assert ids(lake, "select id from sandbox.t for version as of 'audit'") == [1, 2]
    kinds = {row["name"]: row["type"] for row in lake.sql('select * from sandbox."t$refs"')}
    assert kinds["py"] == "TAG" and kinds["mine"] == "BRANCH"
    lake.cli("table", "fast-forward", "sandbox.t", "audit")
    table = lake.catalog().load_table("sandbox.t")
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == [1, 2]
    assert table.current_snapshot().snapshot_id == table.refs()["audit"].snapshot_id


def test_view_metadata_is_read(lake):
    lake.do("create table sandbox.t as select 1 as id",
            "create view sandbox.w as select id from sandbox.t",
            "alter view sandbox.w add dialect spark as select id from sandbox.t")
    assert lake.catalog().list_tables("sandbox") == [("sandbox", "t")]
    rows = sqlite3.connect(f"{lake.folder}/.tarn/catalog.db").execute(
        "select metadata_location from iceberg_tables where iceberg_type = 'VIEW'").fetchall()
    assert len(rows) == 1
    with open(rows[0][0], encoding="utf-8") as file:
        view = ViewMetadata.model_validate(json.load(file))
    assert view.current_version_id == 2 and len(view.version_log) == 2
    current = view.versions[-1]
    assert [one.root.dialect for one in current.representations] == ["duckdb", "spark"]
    assert current.default_namespace == ("sandbox",)
    assert view.schemas[0].fields[0].name == "id"
