"""The files tarn writes against the specification's tables (linter.py), and the linter against
tables that are wrong."""

import json

import fastavro
import pytest
from linter import lint, local, read_avro
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


def rewrite(path, change):
    """The same Avro file with its records changed; header and schema stay."""
    records, header, schema = read_avro(path)
    extra = {k: v for k, v in header.items() if not k.startswith("avro.")}
    change(records)
    with open(local(path), "wb") as out:
        fastavro.writer(out, schema, records, metadata=extra, codec="null")


def pair(field, **values):
    for item in field:
        item.update(values)


WRONG = {
    "record_count": lambda e: e["data_file"].update(record_count=7),
    "null count": lambda e: pair(e["data_file"]["null_value_counts"], value=2),
    "value count": lambda e: pair(e["data_file"]["value_counts"], value=9),
    "does not hold": lambda e: pair(e["data_file"]["lower_bounds"],
                                    value=(100).to_bytes(8, "little")),
    "bytes": lambda e: pair(e["data_file"]["upper_bounds"], value=b"abc"),
    "its size is wrong": lambda e: e["data_file"].update(file_size_in_bytes=1),
    "partition id_bucket": lambda e: e["data_file"]["partition"].update(id_bucket=3),
    "an entry that was not added lacks": lambda e: e.update(status=0, snapshot_id=None),
    "status": lambda e: e.update(status=3),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_the_linter_finds_what_is_wrong(lake, sentence):
    lake.do("create table sandbox.w (id bigint) partitioned by (bucket(4, id))",
            "insert into sandbox.w values (1)")
    clean(lake, "sandbox.w")
    location = lake.show("sandbox.w")["metadata_location"]
    metadata = json.loads(local(location).read_text())
    [listed] = read_avro(metadata["snapshots"][-1]["manifest-list"])[0]
    rewrite(listed["manifest_path"], lambda entries: WRONG[sentence](entries[0]))
    found = lint(location).problems
    assert any(sentence in problem for problem in found), found
