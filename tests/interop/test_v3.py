"""Tables of format version 3 and 1 that tarn makes, upgrades and changes, read by other engines."""

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
