"""UPDATE, DELETE and MERGE of tarn as Spark reads them, and of both in turns on one table."""

import json

import pytest
from conftest import ordered
from linter import lint
from test_spark_writes import CHANGES, ROWS

IDS = "id, _row_id, _last_updated_sequence_number"
MINE = [
    "delete from {t} where id = 7",
    "delete from {t} where k = 1 and id < 25",
    "update {t} set name = 'changed', k = k + 10 where id between 8 and 14",
    "insert into {t} select i, i % 5, date '2026-01-01' + cast(i as int), 'name ' || i "
    "from range(40, 50) r(i)",
    "merge into {t} as t using (select i as id, 'merged' as name from range(35, 60) r(i)) as s "
    "on t.id = s.id when matched and s.id % 2 = 0 then delete when matched then update set "
    "name = s.name when not matched then insert (id, k, name) values (s.id, -1, s.name)",
    "delete from {t} where name = 'merged'",
    "update {t} set k = 0 where true",
]


def same(lake, spark):
    """Both see the same rows, with filters too, and the linter finds nothing."""
    shown = lake.show("sandbox.t")
    assert lint(shown["metadata_location"], own=False).problems == []
    rows = spark.table("tarn.sandbox.t")
    assert ordered(lake.sql("select * from sandbox.t")) == rows
    for where in ("id < 20", "k = 3", "name = 'name 7'"):
        assert ordered(lake.sql(f"select * from sandbox.t where {where}")) == \
            spark.table("tarn.sandbox.t", "*", where), where
    return rows


def ids_of(spark):
    found = spark.table("tarn.sandbox.t", IDS)
    assert len({row["_row_id"] for row in found}) == len(found)
    return {row["id"]: (row["_row_id"], row["_last_updated_sequence_number"]) for row in found}


def make(lake, version, layout, rows=40):
    by = f" partitioned by ({layout})" if layout else ""
    lake.do(f"create table sandbox.t (id bigint, k bigint, d date, name varchar){by} "
            f"with ('format-version' = '{version}')",
            "insert into sandbox.t select i, i % 5, date '2026-01-01' + cast(i as int), "
            f"'name ' || i from range(0, {rows}) r(i)")


@pytest.mark.parametrize("layout", ["", "bucket(3, id)", "month(d), k"])
@pytest.mark.parametrize("version", [2, 3])
def test_row_level_changes(lake, spark, version, layout):
    make(lake, version, layout)
    for change in MINE:
        lake.do(change.format(t="sandbox.t"))
        same(lake, spark)


def test_row_ids_stay(lake, spark):
    """A row that is changed keeps its id; only what was changed has a new sequence number."""
    make(lake, 3, "bucket(3, id)")
    before = ids_of(spark)
    lake.do("update sandbox.t set name = 'changed' where id < 10")
    after = ids_of(spark)
    assert {n: row[0] for n, row in after.items()} == {n: row[0] for n, row in before.items()}
    for number, (_, updated) in after.items():
        assert (updated > before[number][1]) == (number < 10)
    lake.do("delete from sandbox.t where id % 2 = 0",
            "merge into sandbox.t as t using (select i as id from range(30, 50) r(i)) as s "
            "on t.id = s.id when matched then update set k = -1 "
            "when not matched then insert (id) values (s.id)")
    final = ids_of(spark)
    assert all(final[n][0] == after[n][0] for n in final if n in after and n % 2)
    assert all(final[n][0] > max(row[0] for row in after.values())
               for n in final if n not in after)


@pytest.mark.parametrize("version", [2, 3])
def test_in_turns(lake, spark, version):
    make(lake, version, "bucket(3, id)")
    spark.do("alter table tarn.sandbox.t set tblproperties ('write.delete.mode'='merge-on-read', "
             "'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read')")
    for number in range(3):
        lake.do(f"delete from sandbox.t where id % 10 = {number}",
                f"update sandbox.t set name = 'tarn {number}' where id % 10 = {number + 3}")
        same(lake, spark)
        spark.do(f"update tarn.sandbox.t set name = 'spark {number}' where id % 10 = {number + 4}",
                 f"delete from tarn.sandbox.t where id = {number + 15}",
                 f"insert into tarn.sandbox.t {ROWS.format(100 + number, 101 + number)}")
        same(lake, spark)
    if version == 3:
        ids_of(spark)
    spark.do("call tarn.system.rewrite_data_files(table => 'sandbox.t', "
             "options => map('rewrite-all', 'true'))")
    same(lake, spark)
    lake.do("update sandbox.t set k = 77 where id = 9")
    same(lake, spark)
    if version == 3:
        ids_of(spark)


def test_changes_after_the_layout_changed(lake, spark):
    make(lake, 2, "bucket(3, id)")
    for layout in ("month(d)", "k", ""):
        lake.do(f"alter table sandbox.t set partitioned by ({layout})",
                "insert into sandbox.t select i, i % 5, date '2026-03-01', 'x' "
                f"from range({100 + len(layout) * 10}, {110 + len(layout) * 10}) r(i)",
                f"delete from sandbox.t where id % 7 = {len(layout)}",
                f"update sandbox.t set name = 'u' where id % 9 = {len(layout)}")
        same(lake, spark)
    spark.do(CHANGES[1])
    same(lake, spark)
    assert json.loads(lake.cli("--json", "show", "sandbox.t").stdout)["data"]["rows"] > 0
