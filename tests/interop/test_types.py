"""Every type and every transform, both ways."""

import datetime
import decimal
import uuid

import pyarrow
import pytest

TYPES = {
    "b": ("boolean", "true", "false"),
    "i": ("integer", "-2147483648", "2147483647"),
    "l": ("bigint", "-9223372036854775808", "9223372036854775807"),
    "f": ("float", "-0.0", "3.5"),
    "g": ("double", "'NaN'", "'-Infinity'"),
    "dec": ("decimal(9,2)", "-1234567.89", "0.01"),
    "wide": ("decimal(38,10)", "-1.5", "1234567890123456789012345678.0123456789"),
    "d": ("date", "date '1969-12-31'", "date '2026-11-21'"),
    "t": ("time", "time '00:00:00'", "time '23:59:59.999999'"),
    "ts": ("timestamp", "timestamp '1969-12-31 23:59:59.5'", "timestamp '2026-11-21 07:15:00'"),
    "tz": ("timestamptz", "timestamptz '1960-01-01 00:00:00+02'",
           "timestamptz '2026-11-21 07:15:00Z'"),
    "s": ("varchar", "''", "'zürich 🐦'"),
    "u": ("uuid", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'",
          "'00000000-0000-0000-0000-000000000001'"),
    "bin": ("blob", "'\\x00\\xFF'::blob", "'abc'::blob"),
}


@pytest.mark.parametrize("column", TYPES)
def test_tarn_writes_each_type(lake, column):
    sql_type, low, high = TYPES[column]
    lake.do(f"create table sandbox.t (id bigint, {column} {sql_type})",
            f"insert into sandbox.t values (1, {low}), (2, {high}), (3, NULL)")
    lake.same_everywhere("sandbox.t", 3)


TRANSFORMS = [
    ("i", "bucket(5, i)"), ("l", "bucket(5, l)"), ("dec", "bucket(5, dec)"),
    ("d", "bucket(5, d)"), ("ts", "bucket(5, ts)"), ("tz", "bucket(5, tz)"),
    ("s", "bucket(5, s)"), ("u", "bucket(5, u)"), ("bin", "bucket(5, bin)"),
    ("i", "truncate(10, i)"), ("l", "truncate(10, l)"), ("dec", "truncate(10, dec)"),
    ("s", "truncate(2, s)"), ("bin", "truncate(1, bin)"), ("d", "year(d)"), ("d", "month(d)"),
    ("d", "day(d)"), ("ts", "year(ts)"), ("ts", "month(ts)"), ("ts", "day(ts)"),
    ("ts", "hour(ts)"), ("tz", "day(tz)"), ("tz", "hour(tz)"),
] + [(column, column) for column in TYPES if column not in ("f", "g")]


LOWEST_TRUNCATED = {"i": "-2147483640", "l": "-9223372036854775800"}


@pytest.mark.parametrize("column", LOWEST_TRUNCATED)
def test_a_value_that_cannot_be_truncated_is_refused(lake, column):
    """A wrapped partition value would hide the row from every reader that prunes."""
    sql_type, low, _ = TYPES[column]
    lake.do(f"create table sandbox.t ({column} {sql_type}) partitioned by (truncate(10, {column}))")
    done = lake.cli("sql", "-c", f"insert into sandbox.t values (1), ({low})", ok=False)
    assert done.returncode == 1, done.stderr
    assert "out of range" in done.stderr or "overflow" in done.stderr, done.stderr
    assert lake.sql("select count(*) as n from sandbox.t") == [{"n": 0}]


@pytest.mark.parametrize("column,transform", TRANSFORMS)
def test_tarn_partitions_by_each_transform(lake, column, transform):
    sql_type, low, high = TYPES[column]
    if transform.startswith("truncate(10, "):  # the lowest integers have no multiple of 10 below
        low = LOWEST_TRUNCATED.get(column, low)
    lake.do(f"create table sandbox.t (id bigint, {column} {sql_type}) partitioned by ({transform})",
            f"insert into sandbox.t values (1, {low}), (2, {high}), (3, NULL)")
    lake.same_everywhere("sandbox.t", 3)
    for number, literal in ((1, low), (2, high)):
        typed = f"cast({literal} as {sql_type})"
        found = lake.sql(f"select id from sandbox.t where {column} = {typed}")
        assert [row["id"] for row in found] == [number]
    nulls = lake.sql(f"select id from sandbox.t where {column} is null")
    assert [row["id"] for row in nulls] == [3]


def arrow_rows():
    """Values of every type pyiceberg writes, with nulls, NaN, negatives and times before 1970."""
    return pyarrow.table({
        "id": pyarrow.array([1, 2, 3, 4], pyarrow.int64()),
        "b": pyarrow.array([True, False, None, True]),
        "i": pyarrow.array([-7, 0, None, 2**31 - 1], pyarrow.int32()),
        "f": pyarrow.array([float("nan"), -0.0, None, 1.5], pyarrow.float32()),
        "g": pyarrow.array([1e300, float("-inf"), None, -2.5]),
        "dec": pyarrow.array([decimal.Decimal("-12.34"), decimal.Decimal("0.00"), None,
                              decimal.Decimal("9999999.99")], pyarrow.decimal128(9, 2)),
        "d": pyarrow.array([datetime.date(1969, 12, 31), datetime.date(2026, 2, 28), None,
                            datetime.date(1, 1, 1)]),
        "t": pyarrow.array([datetime.time(1, 2, 3, 4), datetime.time(0), None,
                            datetime.time(23, 59, 59)], pyarrow.time64("us")),
        "ts": pyarrow.array([datetime.datetime(1969, 12, 31, 23, 59, 59, 1),
                             datetime.datetime(2026, 1, 1), None,
                             datetime.datetime(1900, 5, 5, 5)], pyarrow.timestamp("us")),
        "tz": pyarrow.array([datetime.datetime(1969, 12, 31, 23), datetime.datetime(2026, 1, 1),
                             None, datetime.datetime(2100, 1, 1)],
                            pyarrow.timestamp("us", "UTC")),
        "s": pyarrow.array(["", "a long text that is cut in its bounds 🐦", None, "\U0010ffff"]),
        "u": pyarrow.array([uuid.uuid5(uuid.NAMESPACE_DNS, str(n)).bytes if n else None
                            for n in (1, 2, 0, 3)], pyarrow.binary(16)),
        "bin": pyarrow.array([b"\x00\xff", b"", None, b"abc" * 20]),
        "st": pyarrow.array([{"x": 1, "y": "a"}, None, {"x": None, "y": None}, {"x": 2, "y": "b"}],
                            pyarrow.struct([("x", pyarrow.int64()), ("y", pyarrow.string())])),
        "li": pyarrow.array([[1, None], [], None, [3]], pyarrow.list_(pyarrow.int64())),
        "m": pyarrow.array([[("k", 1.5)], [], None, [("a", None), ("b", 2.0)]],
                           pyarrow.map_(pyarrow.string(), pyarrow.float64())),
    })


def foreign_catalog(tmp_path):
    from pyiceberg.catalog.sql import SqlCatalog

    (tmp_path / "wh").mkdir()
    catalog = SqlCatalog("other", uri=f"sqlite:///{tmp_path}/other.db",
                         warehouse=f"{tmp_path}/wh")
    catalog.create_namespace("ns")
    return catalog


def register(lake, table, name):
    lake.own = False
    lake.cli("table", "register", name, table.metadata_location.removeprefix("file://"))


def test_a_table_of_pyiceberg_is_registered_and_read(lake, tmp_path):
    from conftest import ordered, rows_of_arrow

    rows = arrow_rows()
    table = foreign_catalog(tmp_path).create_table("ns.t", rows.schema)
    table.append(rows)
    register(lake, table, "sandbox.t")
    expected = ordered(rows_of_arrow(table.scan().to_arrow()))
    found = lake.sql("select * from sandbox.t")
    assert ordered(lake.pyiceberg_sees("sandbox.t", found)) == expected
    for where, filter_text in [
            ("g > 1", None), ("f > 1", None), ("i < 0", "i < 0"), ("d < date '1970-01-01'", None),
            ("s >= 'a'", "s >= 'a'"), ("st.x = 1", None), ("dec = -12.34", None),
            ("bin is null", "bin is null"), ("isnan(f)", "f is nan")]:
        ids = sorted(r["id"] for r in lake.sql(f"select id from sandbox.t where {where}"))
        whole = sorted(r["id"] for r in lake.sql(
            f"select id from (select * from sandbox.t limit 1000000) where {where}"))
        assert ids == whole, where


FOREIGN_TRANSFORMS = [("i", "bucket"), ("s", "bucket"), ("d", "bucket"), ("u", "bucket"),
                      ("dec", "bucket"), ("i", "truncate"), ("s", "truncate"), ("d", "year"),
                      ("d", "month"), ("d", "day"), ("ts", "hour"), ("tz", "day"),
                      ("b", "identity"),
                      ("s", "identity"), ("dec", "identity"), ("ts", "identity"), ("d", "identity")]


@pytest.mark.parametrize("column,transform", FOREIGN_TRANSFORMS)
def test_each_transform_of_pyiceberg_prunes_right(lake, tmp_path, column, transform):
    from pyiceberg import transforms

    make = {"bucket": lambda: transforms.BucketTransform(4),
            "truncate": lambda: transforms.TruncateTransform(3),
            "year": transforms.YearTransform, "month": transforms.MonthTransform,
            "day": transforms.DayTransform, "hour": transforms.HourTransform,
            "identity": transforms.IdentityTransform}[transform]
    rows = arrow_rows().select(["id", column])
    table = foreign_catalog(tmp_path).create_table("ns.t", rows.schema)
    with table.update_spec() as update:
        update.add_field(column, make(), "part")
    table.append(rows)
    register(lake, table, "sandbox.t")
    everything = lake.sql("select * from sandbox.t")
    assert len(everything) == 4
    for row in everything:
        found = lake.sql(f"select t.id from sandbox.t as t join (select {column} as c from "
                         f"sandbox.t where id = {row['id']}) on {column} is not distinct from c")
        assert row["id"] in [r["id"] for r in found]
    # a literal in the WHERE clause is what prunes
    for row in everything:
        if row[column] is None:
            ids = lake.sql(f"select id from sandbox.t where {column} is null")
        else:
            text = lake.sql(f"select cast({column} as varchar) as v from sandbox.t where "
                            f"id = {row['id']}")[0]["v"]
            kind = lake.sql(f"select typeof({column}) as v from sandbox.t limit 1")[0]["v"]
            literal = "'" + str(text).replace("'", "''") + "'"
            ids = lake.sql(f"select id from sandbox.t where {column} = cast({literal} as {kind})")
        assert row["id"] in [r["id"] for r in ids]
