"""Spark reads what tarn wrote, in the lake's own catalog, and works on it in turns with tarn."""

import json

import pytest
from conftest import ordered
from test_evolution import NESTED
from test_types import LOWEST_TRUNCATED, TRANSFORMS, TYPES

SPARK_HAS_NO = ("t",)  # Spark 4.0 has no type for times of day


def same(lake, spark, table, count=None, **where):
    """Spark and tarn see the same rows; returns them."""
    mine = ordered(lake.sql(f"select * from {table}"))
    assert mine == spark.table(f"tarn.{table}")
    if count is not None:
        assert len(mine) == count
    return mine


def test_every_type(lake, spark):
    columns = {name: kind for name, kind in TYPES.items() if name not in SPARK_HAS_NO}
    lake.do("create table sandbox.t (id bigint not null, " +
            ", ".join(f"{name} {kind}" for name, (kind, _, _) in columns.items()) +
            ", st struct(a int, b varchar), li struct(p double, q varchar)[], "
            "m map(varchar, int[]))")
    low = ", ".join(low for _, low, _ in columns.values())
    high = ", ".join(high for _, _, high in columns.values())
    lake.do(f"insert into sandbox.t values (1, {low}, {{'a': 1, 'b': 'x'}}, "
            "[{'p': 0.5, 'q': NULL}], map {'k': [1, NULL]}), "
            f"(2, {high}, NULL, [], map {{}}), "
            f"(3, {', '.join(['NULL'] * len(columns))}, {{'a': NULL, 'b': 'y'}}, NULL, NULL)")
    same(lake, spark, "sandbox.t", 3)
    kinds = dict(spark.spark.table("tarn.sandbox.t").dtypes)
    assert (kinds["ts"], kinds["tz"]) == ("timestamp_ntz", "timestamp")
    assert (kinds["dec"], kinds["u"], kinds["bin"]) == ("decimal(9,2)", "string", "binary")


def test_every_transform_prunes_right(lake, spark):
    """Partition values and bounds as Java reads them: each value is found by itself."""
    wanted = [(c, t) for c, t in TRANSFORMS if c not in ("t", "u", "bin", "tz")]
    for number, (column, transform) in enumerate(wanted):
        kind, low, high = TYPES[column]
        if transform.startswith("truncate(10, "):
            low = LOWEST_TRUNCATED.get(column, low)
        lake.do(f"create table sandbox.p{number} (id bigint, {column} {kind}) partitioned by "
                f"({transform})",
                f"insert into sandbox.p{number} values (1, {low}), (2, {high}), (3, NULL)")
        name = f"tarn.sandbox.p{number}"
        rows = spark.rows(f"select a.id, b.id as other from {name} a join {name} b "
                          f"on a.{column} <=> b.{column}")
        assert ordered(rows) == [{"id": n, "other": n} for n in (1, 2, 3)], transform
        for row in lake.sql(f"select id, cast({column} as varchar) as v from sandbox.p{number}"):
            test = f"{column} is null" if row["v"] is None else \
                f"{column} = cast('{row['v']}' as {dict(spark.spark.table(name).dtypes)[column]})"
            assert [r["id"] for r in spark.rows(f"select id from {name} where {test}")] == \
                [row["id"]], (transform, test)


def test_flat_and_nested_schema_changes(lake, spark):
    lake.do(NESTED, "insert into sandbox.n values "
            "(1, {'a': 1, 'b': 'one'}, [{'price': 1.5, 'name': 'n'}], map {'k': {'v': 7}}), "
            "(2, NULL, NULL, NULL), (3, {'a': NULL, 'b': NULL}, [], map {})")
    same(lake, spark, "sandbox.n", 3)
    for count, change in enumerate([
            "rename column s.b to renamed", "rename column items.element.price to cost",
            "rename column m.value.v to w", "add column s.c bigint",
            "alter column s.a type bigint", "drop column items.element.name",
            "rename column s to other", "add column x float first",
            "alter column x type double", "drop column m", "add column m varchar"], 4):
        lake.do(f"alter table sandbox.n {change}",
                f"insert into sandbox.n by name select {count} as id")
        rows = same(lake, spark, "sandbox.n", count)
    first = next(row for row in rows if row["id"] == 1)
    assert first["other"] == {"a": 1, "renamed": "one", "c": None}
    assert first["items"] == [{"cost": 1.5}]


def test_partition_changes(lake, spark):
    lake.do("create table sandbox.p (id bigint, d date, ts timestamp, name varchar)")
    rows = ("select i, date '2025-12-25' + cast(i as int), timestamp '2025-12-25 22:30:00' + "
            "to_hours(cast(i as int)), 'name ' || i from range({}, {}) t(i)")
    for number, layout in enumerate([None, "set partitioned by (month(d))",
                                     "add partition field bucket(4, id)",
                                     "drop partition field month(d)",
                                     "set partitioned by (truncate(6, name), year(d))",
                                     "set partitioned by (d)", "set partitioned by ()"]):
        if layout is not None:
            lake.do(f"alter table sandbox.p {layout}")
        lake.do("insert into sandbox.p " + rows.format(number * 10, number * 10 + 10))
    same(lake, spark, "sandbox.p", 70)
    for where in ["d = date '2026-01-20'", "id in (3, 33, 63)",
                  "ts < timestamp_ntz '2025-12-26 00:00:00'", "name = 'name 55'",
                  "name like 'name 5%'", "d between date '2026-01-01' and date '2026-01-09'"]:
        mine = lake.sql(f"select id from sandbox.p where {where.replace('_ntz', '')}")
        assert ordered(mine) == spark.table("tarn.sandbox.p", "id", where), where


def test_history_and_metadata_tables(lake, spark):
    lake.do("create table sandbox.h (id bigint, d date) partitioned by (month(d))")
    for number in range(4):
        lake.do(f"insert into sandbox.h select i, date '2026-01-01' + cast(i * 20 as int) "
                f"from range({number * 3}, {number * 3 + 3}) t(i)")
    mine = lake.sql('select snapshot_id, parent_id from sandbox."h$snapshots"')
    assert ordered(mine) == spark.table("tarn.sandbox.h.snapshots", "snapshot_id, parent_id")
    mine = lake.sql('select file_path, record_count from sandbox."h$files"')
    assert ordered(mine) == spark.table("tarn.sandbox.h.files", "file_path, record_count")
    for count, snapshot in enumerate(spark.rows(
            "select snapshot_id from tarn.sandbox.h.history order by made_current_at"), 1):
        version = snapshot["snapshot_id"]
        assert lake.sql(f"select count(*) n from sandbox.h at (version => {version})") == \
            spark.rows(f"select count(*) n from tarn.sandbox.h version as of {version}") == \
            [{"n": count * 3}]


def test_taking_turns_and_maintenance_by_spark(lake, spark):
    """Spark appends to, compacts and expires a table of tarn; tarn goes on from there."""
    lake.do("create table sandbox.w (id bigint not null, name varchar, d date) "
            "partitioned by (bucket(3, id))")
    for number in range(4):
        lake.do(f"insert into sandbox.w values ({number}, 'tarn', '2026-01-0{number + 1}')")
        spark.do(f"insert into tarn.sandbox.w values ({number + 10}, 'spark', date '1969-12-31')")
        same(lake, spark, "sandbox.w", 2 * number + 2)
    call = "call tarn.system.{}(table => 'sandbox.w'{})"
    spark.do(call.format("rewrite_data_files", ", options => map('rewrite-all', 'true')"))
    same(lake, spark, "sandbox.w", 8)
    spark.do(call.format("rewrite_manifests", ""))
    lake.do("insert into sandbox.w values (20, 'after', NULL)")
    same(lake, spark, "sandbox.w", 9)
    spark.do(call.format("expire_snapshots", ", older_than => timestamp '2100-01-01 00:00:00', "
                         "retain_last => 1"))
    same(lake, spark, "sandbox.w", 9)
    spark.do("alter table tarn.sandbox.w add column more bigint",
             "alter table tarn.sandbox.w rename column name to who",
             "alter table tarn.sandbox.w add partition field months(d)")
    lake.do("insert into sandbox.w values (21, 'after', '2026-05-05', 7)")
    rows = same(lake, spark, "sandbox.w", 10)
    assert {"id": 21, "who": "after", "d": "2026-05-05", "more": 7} in rows
    assert json.loads(lake.cli("--json", "show", "sandbox.w").stdout)["data"]["rows"] == 10


def test_dropped_source_of_a_partition(lake, spark):
    lake.do("create table sandbox.d (id bigint, d date) partitioned by (month(d))",
            "insert into sandbox.d values (1, '2026-01-01')",
            "alter table sandbox.d set partitioned by ()")
    done = lake.cli("sql", "-c", "alter table sandbox.d drop column d", ok=False)
    if done.returncode != 0:
        pytest.skip("tarn refuses to drop it: " + done.stderr.strip().splitlines()[0])
    lake.do("insert into sandbox.d values (2)")
    same(lake, spark, "sandbox.d", 2)
