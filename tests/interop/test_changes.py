"""What changed between snapshots of tables that tarn did not write: with equality deletes, position
deletes and deletion vectors in random order, and as Spark writes and tells them."""

import sys
from pathlib import Path

import pytest
from foreign import Foreign
from test_equality_deletes import COLUMNS, LAYOUTS, Play

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import changelog  # noqa: E402


def adds_up(lake, name, location, pairs=None):
    """Every snapshot and the changes to the next are the next; so are first and last."""
    history = changelog.History(location)
    chain = history.chain()
    pairs = pairs or [(None, chain[-1]), (chain[0], chain[-1]), *zip(chain, chain[1:])]
    for start, end in pairs:
        [row] = lake.sql(changelog.difference(history, name, start, end))
        assert list(row.values()) == [0], f"from {start} to {end}"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_deletes(lake, tmp_path, layout, version):
    play = Play(tmp_path / "t", f"changes{layout}{version}", version, LAYOUTS[layout])
    for _ in range(6):
        play.commit()
        if play.pick.random() < 0.3:
            play.evolve()
    lake.own = False
    lake.cli("table", "register", "sandbox.t", play.table.location)
    adds_up(lake, "sandbox.t", play.table.location)


def test_equality_deletes_are_rows_that_went(lake, tmp_path):
    """Only rows that were there; what has been deleted before does not go again."""
    table = Foreign(tmp_path / "t", COLUMNS)
    table.commit([table.data([{"id": 1, "k": 1}, {"id": 2, "k": 1}, {"id": 3, "k": 2}])],
                 operation="append")
    table.commit([table.equality([{"id": 2}, {"id": 99}], ["id"])])
    table.commit([table.equality([{"k": 1}], ["k"]), table.data([{"id": 4, "k": 1}])])
    lake.own = False
    lake.cli("table", "register", "sandbox.t", table.location)
    rows = lake.sql('select id, _change_type as c, _change_ordinal as n from sandbox."t$changes" '
                    "order by n, id")
    assert [(r["id"], r["c"], r["n"]) for r in rows] == [
        (1, "INSERT", 0), (2, "INSERT", 0), (3, "INSERT", 0), (2, "DELETE", 1),
        (1, "DELETE", 2), (4, "INSERT", 2)]
    adds_up(lake, "sandbox.t", table.location)


@pytest.mark.parametrize("version", [2, 3])
def test_tables_of_spark(lake, spark, version):
    """Copy-on-write: Spark's own procedure tells the same rows (of no row it says more)."""
    spark.do("create table tarn.sandbox.t (id int, name string) using iceberg tblproperties "
             f"('format-version'='{version}', 'write.delete.mode'='copy-on-write', "
             "'write.update.mode'='copy-on-write', 'write.merge.mode'='copy-on-write')",
             "insert into tarn.sandbox.t select int(id), 'n' || id % 3 from range(0, 20)",
             "delete from tarn.sandbox.t where id = 4",
             "update tarn.sandbox.t set name = 'new' where id in (5, 6)",
             "insert into tarn.sandbox.t values (100, null), (101, 'n1')")
    adds_up(lake, "sandbox.t", spark.location("tarn.sandbox.t"))
    ours = lake.sql("select id, name, case when _change_type in ('INSERT', 'UPDATE_AFTER') then "
                    "'INSERT' else 'DELETE' end as c, _commit_snapshot_id as s from "
                    'sandbox."t$changes"')
    spark.do("call tarn.system.create_changelog_view(table => 'sandbox.t', changelog_view => 'v')")
    told = spark.spark.sql("select id, name, _change_type as c, _commit_snapshot_id as s from v")
    theirs = [row.asDict() for row in told.collect()]

    def in_order(rows):
        return sorted((r["s"], r["id"], r["name"] or "", r["c"]) for r in rows)
    assert in_order(ours) == in_order(theirs)
    kinds = {r["c"] for r in lake.sql('select distinct _change_type as c from sandbox."t$changes"')}
    assert ("UPDATE_AFTER" in kinds) == (version == 3)
