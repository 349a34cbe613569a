"""The files tarn writes against the specification's tables (linter.py). test_linter_rules.py shows
that each rule of the linter finds what it is for."""

import json

import pytest
from lint_avro import local, read_avro
from linter import lint
from test_types import LOWEST_TRUNCATED, TRANSFORMS, TYPES


def clean(lake, table):
    result = lint(lake.show(table)["metadata_location"])
    assert result.problems == []
    assert result.files > 0 and result.values > 0
    return result


def fill(lake, layout=""):
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in TYPES.items())
    lake.do(f"create table sandbox.t (id bigint not null, {columns}, st struct(a int, b varchar), "
            f"li struct(p double, q varchar)[], m map(varchar, int[])) {layout}")
    low = ", ".join(LOWEST_TRUNCATED.get(c, low) for c, (_, low, _) in TYPES.items())
    high = ", ".join(high for _, _, high in TYPES.values())
    lake.do(f"insert into sandbox.t values (1, {low}, {{'a': 1, 'b': 'x'}}, "
            "[{'p': 0.5, 'q': NULL}], map {'k': [1, NULL]}), "
            f"(2, {high}, NULL, [], map {{}}), "
            f"(3, {', '.join(['NULL'] * len(TYPES))}, {{'a': NULL, 'b': 'y'}}, NULL, NULL)")


def test_every_type(lake):
    fill(lake)
    lake.do("insert into sandbox.t by name select 10 as id, '" + "ä🐦" * 30 + "' as s, "
            "'\\xFF\\xFF'::blob as bin, 0.0 as f, '-0.0'::double as g",
            "insert into sandbox.t by name select 11 as id, 'nan'::float as f, 'nan'::double as g",
            "insert into sandbox.t by name select i as id, i * 3 as l, 'row ' || i as s, "
            "cast(i / 4.0 as decimal(9,2)) as dec, sin(i) as g from range(5000) t(i)")
    clean(lake, "sandbox.t")


@pytest.mark.parametrize("column,transform", TRANSFORMS)
def test_every_partition_transform(lake, column, transform):
    fill(lake, f"partitioned by ({transform})")
    clean(lake, "sandbox.t")


def test_changes_of_schema_and_layout(lake):
    lake.do("create table sandbox.e (id bigint, a int, b varchar, s struct(x int, y float),"
            " d date)",
            "insert into sandbox.e values (1, 2, 'three', {'x': 4, 'y': 5}, date '1969-12-31')")
    for change in ["add column c decimal(20,3)", "set partitioned by (bucket(4, id))",
                   "alter column a type bigint", "rename column b to text", "drop column text",
                   "add column b timestamptz", "alter column s.y type double",
                   "add partition field month(d)", "rename column s.x to z",
                   "drop partition field bucket(4, id)", "set partitioned by ()"]:
        lake.do(f"alter table sandbox.e {change}",
                "insert into sandbox.e by name select i as id, date '2026-01-01' + cast(i as int) "
                "as d from range(6) t(i)")
    assert len(lake.show("sandbox.e")["schema"]["fields"]) == 6
    clean(lake, "sandbox.e")


def test_many_commits_with_merged_manifests(lake, tmp_path):
    script = tmp_path / "many.sql"
    script.write_text("".join(f"insert into sandbox.c values ({n}, date '2026-01-01' + {n});\n"
                              for n in range(120)))
    lake.do("create table sandbox.c (id bigint, d date) partitioned by (month(d))")
    lake.cli("sql", "-q", "-f", str(script))
    clean(lake, "sandbox.c")
    metadata = json.loads(local(lake.show("sandbox.c")["metadata_location"]).read_text())
    lists = [len(read_avro(s["manifest-list"])[0]) for s in metadata["snapshots"]]
    assert max(lists) > 50 > lists[-1], "the manifests were never merged"


def test_loads_and_overwrites(lake, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,day,v\n" + "".join(f"{i},2026-{i % 12 + 1:02d}-01,{i / 7}\n"
                                           for i in range(3000)) + "x,y\n")
    lake.cli("load", "--partition-by", "month(day)", str(path), "sandbox.l")
    path.write_text("id,day,v\n1,2027-01-01,0.5\n")
    lake.cli("load", str(path), "sandbox.l")
    clean(lake, "sandbox.l")
    clean(lake, "sandbox.l$quarantine")
    path.write_text("id,day,v\n2,2028-01-01,1.5\n")
    lake.cli("load", "--mode", "overwrite", str(path), "sandbox.l")
    clean(lake, "sandbox.l")
    assert lake.sql("select id from sandbox.l") == [{"id": 2}]
    lake.same_everywhere("sandbox.l", 1)
