"""Bloom filters on the columns that a table's properties name, whoever of tarn's writers writes."""

from pathlib import Path

import pytest
from conftest import duckdb_connection

ON = "'write.parquet.bloom-filter-enabled.column.{}' = 'true'"
FILL = "select (hash(range) % 1000000000)::bigint, 'u' || hash(range + {0}), range % 4 " \
       "from range({0}, {0} + 2000)"


def files(lake, table="sandbox.t"):
    return [row["file_path"] for row in lake.sql(f'from {quoted(table)}')]


def quoted(table):
    return table.replace(".t", '."t$files"')


def without(path):
    """Columns of a file, those with row groups that have no filter."""
    rows = duckdb_connection().execute(
        "select path_in_schema, count(*) - count(bloom_filter_offset) from "
        f"parquet_metadata('{path}') group by all").fetchall()
    return {name for name, missing in rows if missing}


def excludes(path, column, value):
    rows = duckdb_connection().execute(
        f"select bloom_filter_excludes from parquet_bloom_probe('{path}', '{column}', {value})"
    ).fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize("partition", ["", " partitioned by (bucket(2, id))"])
def test_all_writers_write_them(lake, partition):
    lake.do(f"create table sandbox.t (id bigint, s varchar, n int){partition} with "
            f"({ON.format('id')}, {ON.format('s')}, "
            "'write.parquet.bloom-filter-fpp.column.s' = '0.001')",
            f"insert into sandbox.t {FILL.format(0)}", f"insert into sandbox.t {FILL.format(2000)}",
            "update sandbox.t set s = s || 'x' where n = 1",
            f"merge into sandbox.t using (select * from ({FILL.format(3000)}) as x(id, s, n)) "
            "as m on m.id = t.id when matched then update set * when not matched then insert *")
    rows = lake.folder / "rows.csv"
    rows.write_text("id,s,n\n" + "".join(f"{i},v{i},1\n" for i in range(500)), encoding="utf-8")
    lake.cli("load", str(rows), "sandbox.t")
    expected = lake.sql("select count(*) as n, sum(id) as s, count(distinct s) as d from sandbox.t")
    data = [path for path in files(lake) if "deletes" not in path]
    assert len(data) > 4
    assert all(without(path) == set() for path in data)
    lake.cli("table", "optimize", "sandbox.t", "--min-input-files", "2")
    data = files(lake)
    assert len(data) == (2 if partition else 1)
    for path in data:
        assert without(path) == set()
        assert excludes(path, "s", "'not there'") == {True}
    present = lake.sql("select id, s from sandbox.t limit 1")[0]
    assert any(False in excludes(path, "s", f"'{present['s']}'") for path in data)
    assert lake.sql("select count(*) as n, sum(id) as s, count(distinct s) as d "
                    "from sandbox.t") == expected
    assert lake.sql(f"select count(*) > 0 as n from sandbox.t where s = '{present['s']}'") == \
        [{"n": True}]
    assert lake.sql("select count(*) as n from sandbox.t where s = 'not there'") == [{"n": 0}]
    lake.same_everywhere("sandbox.t")


def test_a_lower_ratio_takes_larger_filters(lake):
    sizes = []
    for ratio in ("0.1", "0.0001"):
        lake.do("drop table if exists sandbox.t",
                "create table sandbox.t (id bigint, s varchar, n int) with "
                f"({ON.format('id')}, 'write.parquet.bloom-filter-fpp.column.id' = '{ratio}')",
                f"insert into sandbox.t {FILL.format(0)}")
        [path] = files(lake)
        sizes.append(duckdb_connection().execute(
            "select sum(bloom_filter_length) from "
            f"parquet_metadata('{path}') where path_in_schema = 'id'").fetchone()[0])
    assert sizes[1] > sizes[0] * 2


def test_row_groups_of_many_columns_are_shorter(lake):
    """What dictionaries take is reserved for each column: the product is bounded."""
    columns = ", ".join(f"c{i} bigint" for i in range(200))
    values = ", ".join(f"(hash(range + {i}) // 3)::bigint" for i in range(200))
    lake.do(f"create table sandbox.t ({columns}) with ({ON.format('c7')})",
            f"insert into sandbox.t select {values} from range(20000)")
    [path] = files(lake)
    rows = duckdb_connection().execute(
        f"select max(row_group_num_rows) from parquet_metadata('{path}')").fetchone()[0]
    assert rows <= 10240 and without(path) == set()


def test_what_cannot_be_is_told(lake):
    lake.do("create table sandbox.t (id bigint, b boolean, l bigint[], st struct(a bigint)) with "
            f"({ON.format('b')}, {ON.format('l')}, {ON.format('st.a')}, {ON.format('gone')}, "
            "'write.parquet.bloom-filter-fpp.column.b' = 'much')")
    told = lake.cli("sql", "-c", "insert into sandbox.t select range, range % 2 = 0, [range], "
                    "{a: range} from range(100)").stderr
    for text in ('no Bloom filter for "l": it is no column of single values',
                 'no Bloom filter for "gone": the table has no such column',
                 'bloom-filter-fpp.column.b is no number between 0 and 1: "much"',
                 'no Bloom filter for column "b" in 1 of 1 row groups'):
        assert text in told
    assert "st.a" not in told
    [path] = files(lake)
    assert Path(path).is_file() and without(path) == {"b"}
