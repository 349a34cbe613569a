"""Tables of format version 3 and 1 that tarn makes, upgrades and changes, read by other engines."""

import json

import pytest
from linter import lint


def clean(lake, table):
    assert lint(lake.show(table)["metadata_location"]).problems == []


def metadata(lake, table):
    """As pyiceberg reads it."""
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(lake.show(table)["metadata_location"]).metadata


def test_a_table_of_version_3(lake):
    lake.do("create table sandbox.t (id bigint, d date, s varchar) partitioned by (month(d)) "
            "with ('format-version' = 3, 'commit.manifest.min-count-to-merge' = '3')")
    assert lake.show("sandbox.t")["format_version"] == 3
    count = 0
    for first in range(0, 50, 10):
        lake.do("insert into sandbox.t select i, date '2026-01-01' + cast(i as int), 'r' || i "
                f"from range({first}, {first + 10}) t(i)")
        count += 10
        lake.same_everywhere("sandbox.t", count)
        clean(lake, "sandbox.t")
    read = metadata(lake, "sandbox.t")
    assert read.format_version == 3
    assert "format-version" not in read.properties
    first_ids = [snapshot.first_row_id for snapshot in read.snapshots]
    assert first_ids == sorted(set(first_ids)) and first_ids[0] == 0
    last = read.snapshots[-1]
    assert read.next_row_id == last.first_row_id + last.added_rows >= count


def test_an_upgrade_from_version_2(lake):
    lake.do("create table sandbox.t (id bigint, s varchar) with ('format-version' = '2')",
            "insert into sandbox.t values (1, 'a'), (2, 'b')",
            "insert into sandbox.t values (3, 'c')",
            "alter table sandbox.t set ('format-version' = '3', 'owner' = 'me')")
    shown = lake.show("sandbox.t")
    assert shown["format_version"] == 3 and shown["properties"]["owner"] == "me"
    lake.same_everywhere("sandbox.t", 3)
    assert metadata(lake, "sandbox.t").next_row_id == 0
    lake.do("insert into sandbox.t values (4, 'd')")
    lake.same_everywhere("sandbox.t", 4)
    read = metadata(lake, "sandbox.t")
    assert read.next_row_id == 4  # the old rows got theirs with the new one
    assert [s.first_row_id for s in read.snapshots] == [None, None, 0]
    lake.do("alter table sandbox.t set ('format-version' = '3')")  # nothing to do
    assert lake.show("sandbox.t")["metadata_location"].rsplit("/", 1)[1].startswith("00004-")


@pytest.mark.parametrize("statement,words", [
    ("alter table sandbox.t set ('format-version' = '2')", "cannot go back"),
    ("alter table sandbox.t set ('format-version' = '4')", "1 to 3"),
    ("alter table sandbox.t set ('format-version' = 'three')", "not known"),
    ("alter table sandbox.t reset ('format-version')", "cannot be reset"),
    ("create table sandbox.u (i int) with ('format-version' = 1)", "version 2 or 3"),
    ("create table sandbox.u (i int) with ('format-version' = 4)", "version 2 or 3"),
])
def test_other_versions_are_refused(lake, statement, words):
    lake.do("create table sandbox.t (id bigint) with ('format-version' = 3)")
    done = lake.cli("sql", "-c", statement, ok=False)
    assert done.returncode != 0 and words in done.stderr


@pytest.fixture
def old(tmp_path):
    """A catalog of pyiceberg's own, whose tables are of version 1."""
    from pyiceberg.catalog.sql import SqlCatalog

    folder = tmp_path / "old"
    folder.mkdir()
    catalog = SqlCatalog("old", uri=f"sqlite:///{folder}/catalog.db", warehouse=str(folder))
    catalog.create_namespace("n")
    return catalog


def test_version_1_is_read_and_upgraded(lake, old):
    lake.by_hand = True
    import pyarrow
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import IdentityTransform
    from pyiceberg.types import LongType, NestedField, StringType

    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "part", StringType()))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "part"))
    table = old.create_table("n.t", schema, partition_spec=spec,
                             properties={"format-version": "1"})
    for first in (0, 10):
        table.append(pyarrow.table({"id": list(range(first, first + 10)),
                                    "part": ["a", "b"] * 5}))
    assert table.metadata.format_version == 1
    lake.cli("table", "register", "sandbox.t", table.metadata_location.removeprefix("file://"))
    assert len(lake.sql("select * from sandbox.t")) == 20
    assert lake.sql("select count(*) as n from sandbox.t where part = 'b'") == [{"n": 10}]
    refused = lake.cli("sql", "-c", "insert into sandbox.t values (1, 'a')", ok=False)
    assert refused.returncode != 0 and "upgrade the table" in refused.stderr
    lake.do("alter table sandbox.t set ('format-version' = '2')",
            "insert into sandbox.t values (20, 'c')")
    lake.same_everywhere("sandbox.t", 21)
    lake.do("alter table sandbox.t set ('format-version' = '3')",
            "insert into sandbox.t values (21, 'a')")
    lake.same_everywhere("sandbox.t", 22)
    read = metadata(lake, "sandbox.t")
    assert read.next_row_id == 22 and read.last_sequence_number == 2
    assert [s.sequence_number for s in read.snapshots] == [0, 0, 1, 2]


def test_default_values(lake):
    lake.do("create table sandbox.t (id bigint) with ('format-version' = 3)",
            "insert into sandbox.t values (1), (2)")
    defaults = {"i": ("int", "5"), "l": ("bigint", "5000000000"), "f": ("float", "0.5"),
                "g": ("double", "-1.25"), "dec": ("decimal(9,2)", "14.20"),
                "b": ("boolean", "true"), "s": ("varchar", "'it''s ä'"),
                "d": ("date", "date '2017-11-16'"), "t": ("time", "time '22:31:08.123456'"),
                "ts": ("timestamp", "timestamp '2017-11-16 22:31:08.123456'"),
                "tz": ("timestamptz", "'2017-11-16 22:31:08.123456+01'"),
                "u": ("uuid", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'"),
                "x": ("blob", "'\\x00\\xFF'::blob")}
    for name, (kind, value) in defaults.items():
        lake.do(f"alter table sandbox.t add column {name} {kind} not null default {value}")
    lake.do("insert into sandbox.t (id) values (3)",
            "alter table sandbox.t alter column i set default 6",
            "insert into sandbox.t (id) values (4)")
    rows = lake.same_everywhere("sandbox.t", 4)
    expected = {"id": None, **{name: rows[0][name] for name in defaults}}
    assert expected["s"] == "it's ä" and expected["l"] == 5000000000
    for row in rows:
        assert {**row, "id": None, "i": 5} == {**expected, "i": 5}
        assert row["i"] == (6 if row["id"] == 4 else 5)
    fields = {field["name"]: field for field in lake.show("sandbox.t")["schema"]["fields"]}
    assert fields["i"]["initial-default"] == 5 and fields["i"]["write-default"] == 6
    assert fields["dec"]["initial-default"] == "14.20"
    assert fields["tz"]["initial-default"] == "2017-11-16T21:31:08.123456+00:00"
    assert fields["x"]["initial-default"].lower() == "00ff"
    clean(lake, "sandbox.t")


def test_variants(lake):
    from conftest import duckdb_connection

    lake.do("create table sandbox.t (id bigint, v variant) with ('format-version' = 3)",
            "insert into sandbox.t values (1, {'a': 1, 'b': [1, 2]}::variant), (2, 'x'), "
            "(3, null), (4, '{\"k\": [1.5, null, {}]}'::json::variant)",
            "alter table sandbox.t add column w variant",
            "insert into sandbox.t values (5, 7, [true]::variant)")
    rows = {row["id"]: row for row in lake.sql("select * from sandbox.t")}
    assert rows[1] == {"id": 1, "v": {"a": 1, "b": [1, 2]}, "w": None}
    assert rows[4]["v"] == {"k": [1.5, None, {}]} and rows[3]["v"] is None
    assert rows[5] == {"id": 5, "v": 7, "w": [True]}
    location = lake.show("sandbox.t")["metadata_location"]
    seen = duckdb_connection().execute(
        "select id, case when v is null then null else v::json end, "
        f"case when w is null then null else w::json end from iceberg_scan('{location}')")
    assert sorted(seen.fetchall()) == [
        (1, '{"a":1,"b":[1,2]}', None), (2, '"x"', None), (3, None, None),
        (4, '{"k":[1.5,null,{}]}', None), (5, "7", "[true]")]


def test_nanoseconds(lake):
    from conftest import duckdb_connection

    lake.do("create table sandbox.t (id bigint, ts timestamp_ns) partitioned by (day(ts)) "
            "with ('format-version' = 3)",
            "insert into sandbox.t values (1, '2024-01-01 00:00:00.123456789'), "
            "(2, '1969-12-31 23:59:59.999999999'), (3, null)")
    location = lake.show("sandbox.t")["metadata_location"]
    seen = duckdb_connection().execute(
        f"select id, ts::varchar from iceberg_scan('{location}') order by id").fetchall()
    assert seen == [(1, "2024-01-01 00:00:00.123456789"), (2, "1969-12-31 23:59:59.999999999"),
                    (3, None)]
    early = lake.sql("select id from sandbox.t where ts < '1970-01-01'::timestamp_ns")
    assert early == [{"id": 2}]


def test_a_date_becomes_a_timestamp(lake):
    lake.do("create table sandbox.t (id bigint, d date) with ('format-version' = 3)",
            "insert into sandbox.t values (1, '2024-02-29'), (2, '1969-12-31'), (3, null)",
            "alter table sandbox.t alter column d type timestamp",
            "insert into sandbox.t values (4, '2024-02-29 12:00:00')")
    rows = {row["id"]: row["d"] for row in lake.sql("select * from sandbox.t")}
    assert rows == {1: "2024-02-29T00:00:00", 2: "1969-12-31T00:00:00", 3: None,
                    4: "2024-02-29T12:00:00"}
    assert lake.sql("select id from sandbox.t where d < '1970-01-01'") == [{"id": 2}]
    assert len(lake.sql("select id from sandbox.t where d >= '2024-02-29'")) == 2


@pytest.mark.parametrize("name", ["timestamptz_ns", "geography"])
def test_types_that_are_not_written(lake, tmp_path, name):
    """They come in tables of others: here by a change of the metadata."""
    lake.by_hand = True
    lake.do("create table sandbox.t (id bigint, x timestamptz) with ('format-version' = 3)")
    text = open(lake.show("sandbox.t")["metadata_location"]).read()
    changed = tmp_path / "00000-changed.metadata.json"
    changed.write_text(text.replace('"timestamptz"', f'"{name}"'))
    lake.cli("table", "register", "sandbox.u", str(changed))
    assert lake.sql("select * from sandbox.u") == []
    done = lake.cli("sql", "-c", "insert into sandbox.u values (1, null)", ok=False)
    assert done.returncode != 0 and f"of the type {name}, which is read but not" in done.stderr


def test_defaults_of_structs(lake, tmp_path):
    """The specification's table of a struct's default and those of its fields."""
    lake.by_hand = True
    lake.do("create table sandbox.t (id bigint, v variant) with ('format-version' = 3)",
            "insert into sandbox.t values (1, 'old'::varchar::variant)",
            "alter table sandbox.t add column p struct(x int)",
            "insert into sandbox.t values (2, null, {'x': 3})",
            "alter table sandbox.t add column p.y int default 0",
            "alter table sandbox.t add column q struct(x int, l varchar[])")
    assert [row["p"] for row in lake.sql("select p from sandbox.t order by id")] == [
        None, {"x": 3, "y": 0}]
    current = json.loads(open(lake.show("sandbox.t")["metadata_location"]).read())
    for schema in current["schemas"]:
        for field in schema["fields"]:
            if field["name"] == "q":
                field["initial-default"] = field["write-default"] = {}
                x, items = field["type"]["fields"]
                x["initial-default"], x["write-default"] = 7, 8
                items["initial-default"] = items["write-default"] = ["a", "b'c"]
    changed = tmp_path / "00000-changed.metadata.json"
    changed.write_text(json.dumps(current))
    lake.cli("table", "register", "sandbox.u", str(changed))
    assert [row["q"] for row in lake.sql("select q from sandbox.u")] == [
        {"x": 7, "l": ["a", "b'c"]}] * 2
    assert lake.sql("select q.x as x, v from sandbox.u where id = 1") == [{"x": 7, "v": "old"}]
    lake.do("insert into sandbox.u (id) values (3)",
            "insert into sandbox.u values (4, default, null, default)")
    rows = {row["id"]: row["q"] for row in lake.sql("select * from sandbox.u")}
    assert rows[3] == rows[4] == {"x": 8, "l": ["a", "b'c"]} and rows[1]["x"] == 7
