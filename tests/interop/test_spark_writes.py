"""tarn reads what Spark wrote: row-level deletes of both kinds, lineage, branches, defaults."""

import pytest
from conftest import ordered
from linter import lint

MODES = ", ".join(f"'write.{verb}.mode'='{{mode}}'" for verb in ("delete", "update", "merge"))
ROWS = "select id, id % 5, date_add(date'2026-01-01', cast(id as int)), 'name ' || id " \
       "from range({}, {})"


def read(lake, query):
    return ordered(lake.sql(query))


def same(lake, spark, table="sandbox.t"):
    """Both see the same rows, with filters too, and the linter finds nothing in them."""
    wanted = spark.table(f"tarn.{table}")
    assert lint(spark.location(f"tarn.{table}"), own=False).problems == []
    assert read(lake, f"select * from {table}") == wanted
    for where in ("id < 20", "k = 3", "name = 'name 7'", "id > 10 and k in (1, 2)"):
        assert read(lake, f"select * from {table} where {where}") == \
            spark.table(f"tarn.{table}", "*", where), where
    assert read(lake, f"select count(*) as n from {table}") == [{"n": len(wanted)}]
    return wanted


def make(spark, version, mode, layout="bucket(3, id)", rows=40):
    by = f"partitioned by ({layout})" if layout else ""
    spark.do("create table tarn.sandbox.t (id bigint, k bigint, d date, name string) using iceberg "
             f"{by} tblproperties ('format-version'='{version}', {MODES.format(mode=mode)})",
             f"insert into tarn.sandbox.t {ROWS.format(0, rows)}")


CHANGES = [
    "delete from tarn.sandbox.t where id = 7",
    "delete from tarn.sandbox.t where k = 1 and id < 25",
    "update tarn.sandbox.t set name = 'changed', k = k + 10 where id between 8 and 14",
    f"insert into tarn.sandbox.t {ROWS.format(40, 50)}",
    "merge into tarn.sandbox.t t using (select id, 'merged' as name from range(35, 60)) s "
    "on t.id = s.id when matched and s.id % 2 = 0 then delete when matched then update set "
    "name = s.name when not matched then insert (id, k, d, name) values (s.id, -1, null, s.name)",
    "delete from tarn.sandbox.t where name = 'merged'",
]


@pytest.mark.parametrize("layout", ["", "bucket(3, id)", "months(d), k"])
@pytest.mark.parametrize("version,mode", [(2, "copy-on-write"), (2, "merge-on-read"),
                                          (3, "copy-on-write"), (3, "merge-on-read")])
def test_deletes_updates_merges(lake, spark, version, mode, layout):
    make(spark, version, mode, layout)
    same(lake, spark)
    for change in CHANGES:
        spark.do(change)
        same(lake, spark)
    for row in spark.rows("select snapshot_id from tarn.sandbox.t.snapshots"):
        number = row["snapshot_id"]
        assert read(lake, f"select * from sandbox.t at (version => {number})") == \
            ordered(spark.rows(f"select * from tarn.sandbox.t version as of {number}"))


def test_metadata_compaction(lake, spark):
    make(spark, 2, "merge-on-read")
    spark.do(*CHANGES)
    wanted = spark.table("tarn.sandbox.t")
    call = "call tarn.system.{}(table => 'sandbox.t', options => map('rewrite-all', 'true'))"
    spark.do(call.format("rewrite_position_delete_files"))
    assert same(lake, spark) == wanted
    spark.do(call.format("rewrite_data_files"))
    assert same(lake, spark) == wanted
    spark.do("call tarn.system.rewrite_manifests(table => 'sandbox.t')",
             "call tarn.system.expire_snapshots(table => 'sandbox.t', older_than => "
             "timestamp '2100-01-01 00:00:00', retain_last => 1)")
    assert same(lake, spark) == wanted


def test_a_table_that_became_version_3(lake, spark):
    """Position deletes written before stay, and are merged into deletion vectors file by file."""
    make(spark, 2, "merge-on-read")
    spark.do("delete from tarn.sandbox.t where id in (1, 11, 21)",
             "alter table tarn.sandbox.t set tblproperties ('format-version'='3')")
    same(lake, spark)
    spark.do("delete from tarn.sandbox.t where id in (2, 12)")
    same(lake, spark)
    spark.do(*CHANGES[3:])
    same(lake, spark)


@pytest.mark.parametrize("version", [2, 3])
def test_deletes_under_several_specs(lake, spark, version):
    make(spark, version, "merge-on-read", "bucket(3, id)")
    for number, change in enumerate([
            "add partition field months(d)", "drop partition field bucket(3, id)",
            "add partition field k", "drop partition field months(d)", "drop partition field k"]):
        spark.do(f"delete from tarn.sandbox.t where id % 10 = {number}",
                 f"alter table tarn.sandbox.t {change}",
                 f"insert into tarn.sandbox.t {ROWS.format(100 + number * 10, 110 + number * 10)}",
                 f"delete from tarn.sandbox.t where id in ({number + 20}, {number * 10 + 103})",
                 f"update tarn.sandbox.t set name = 'u' where id = {number + 30}")
        same(lake, spark)


@pytest.mark.parametrize("version", [2, 3])
def test_deletes_and_changes_of_the_schema(lake, spark, version):
    make(spark, version, "merge-on-read", "")
    spark.do("delete from tarn.sandbox.t where id < 5",
             "alter table tarn.sandbox.t add column st struct<a: int, b: string>",
             "insert into tarn.sandbox.t values (90, 1, null, 'x', named_struct('a', 1, 'b', 'y'))",
             "alter table tarn.sandbox.t rename column st.b to c",
             "alter table tarn.sandbox.t alter column st.a type bigint",
             "update tarn.sandbox.t set name = 'late' where id in (30, 90)")
    same(lake, spark)
    spark.do("alter table tarn.sandbox.t rename column d to day",
             "alter table tarn.sandbox.t alter column name first",
             "delete from tarn.sandbox.t where day = date'2026-01-21'")
    same(lake, spark)


def test_row_lineage(lake, spark):
    make(spark, 3, "merge-on-read")
    ids = "id, _row_id, _last_updated_sequence_number"
    for change in [*CHANGES, "call tarn.system.rewrite_data_files(table => 'sandbox.t', "
                   "options => map('rewrite-all', 'true'))"]:
        spark.do(change)
        wanted = spark.table("tarn.sandbox.t", ids)
        assert len({row["_row_id"] for row in wanted}) == len(wanted)
        done = lake.cli("sql", "-c", f"select {ids} from sandbox.t", ok=False)
        if done.returncode != 0 and "_row_id" in done.stderr:
            pytest.xfail("tarn has no row ids to show: " + done.stderr.strip().splitlines()[0])
        assert read(lake, f"select {ids} from sandbox.t") == wanted


def test_branches_and_tags(lake, spark):
    make(spark, 2, "copy-on-write", rows=5)
    spark.do("alter table tarn.sandbox.t create tag release",
             "alter table tarn.sandbox.t create branch audit",
             f"insert into tarn.sandbox.t.branch_audit {ROWS.format(100, 103)}",
             "delete from tarn.sandbox.t where id = 1")
    same(lake, spark)
    for ref in ("release", "audit"):
        wanted = ordered(spark.rows(f"select * from tarn.sandbox.t version as of '{ref}'"))
        assert len(wanted) == {"release": 5, "audit": 8}[ref]
        assert ordered(lake.sql(f"select * from sandbox.t at (version => '{ref}')")) == wanted
    lake.do("insert into sandbox.t values (50, 0, NULL, 'tarn')")
    same(lake, spark)
    assert len(spark.rows("select * from tarn.sandbox.t version as of 'audit'")) == 8


def test_compressed_metadata(lake, spark):
    make(spark, 2, "copy-on-write", rows=5)
    spark.do("alter table tarn.sandbox.t set tblproperties "
             "('write.metadata.compression-codec'='gzip')",
             f"insert into tarn.sandbox.t {ROWS.format(5, 9)}")
    assert spark.location("tarn.sandbox.t").endswith(".gz.metadata.json")
    same(lake, spark)
    lake.do("insert into sandbox.t values (50, 0, NULL, 'tarn')")
    same(lake, spark)


def test_defaults_of_columns(lake, spark):
    make(spark, 3, "merge-on-read", rows=5)
    jvm = spark.jvm
    types, literal = jvm.org.apache.iceberg.types.Types, jvm.org.apache.iceberg.expressions.Literal
    spark.java("tarn.sandbox.t").updateSchema().addColumn(
        "n", types.LongType.get(), "a default", literal.of(jvm.Long(42))).addColumn(
        "s", types.StringType.get(), "another", literal.of("it's")).commit()
    wanted = same(lake, spark)
    assert {(row["n"], row["s"]) for row in wanted} == {(42, "it's")}
    spark.do("insert into tarn.sandbox.t values (100, 1, null, 'x', 1, 'own')",
             "delete from tarn.sandbox.t where id = 2",
             "update tarn.sandbox.t set name = 'u' where id = 3")
    wanted = same(lake, spark)
    assert [row for row in wanted if row["n"] == 1 and row["s"] == "own"]
    # Spark 4.0.5 with Iceberg 1.11 finds only the row that it rewrote, so the rows are the judge
    assert read(lake, "select id from sandbox.t where n = 42") == \
        [{"id": row["id"]} for row in sorted(wanted, key=lambda row: row["id"]) if row["n"] == 42]


def test_a_table_of_a_hadoop_catalog_is_registered(lake, spark):
    """Locations without a scheme, metadata named v<N>, and deletes of both versions."""
    for version in (2, 3):
        name = f"own.ns.t{version}"
        spark.do(f"create table {name} (id bigint, k bigint, d date, name string) using iceberg "
                 f"tblproperties ('format-version'='{version}', "
                 f"{MODES.format(mode='merge-on-read')})",
                 f"insert into {name} {ROWS.format(0, 30)}",
                 f"delete from {name} where k = 2")
        lake.cli("table", "register", f"sandbox.t{version}", spark.location(name))
        assert read(lake, f"select * from sandbox.t{version}") == spark.table(name)
