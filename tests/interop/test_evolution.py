"""pyiceberg and DuckDB read what tarn wrote, before and after each change of schema and layout."""

from conftest import ordered

NESTED = ("create table sandbox.n (id bigint, s struct(a int, b varchar), "
          "items struct(price double, name varchar)[], m map(varchar, struct(v int)))")


def test_flat_schema_changes(lake):
    lake.do("create table sandbox.t (id bigint not null, a int, b varchar, d date, x float)",
            "insert into sandbox.t values (1, 10, 'x', '2026-01-31', 0.5), "
            "(2, NULL, NULL, NULL, NULL)")
    count = 2
    lake.same_everywhere("sandbox.t", count)
    for number, change in enumerate([
            "add column c double", "rename column b to text", "alter column a type bigint",
            "alter column x type double", "add column first_one varchar first",
            "alter column d after id", "drop column c", "add column b timestamptz",
            "alter column id drop not null", "rename column a to b2", "drop column text"]):
        lake.do(f"alter table sandbox.t {change}")
        lake.same_everywhere("sandbox.t", count)
        lake.do(f"insert into sandbox.t by name select {100 + number} as id, "
                f"date '2026-02-01' + {number} as d")
        count += 1
        lake.same_everywhere("sandbox.t", count)


def test_nested_schema_changes(lake):
    lake.do(NESTED, "insert into sandbox.n values "
            "(1, {'a': 1, 'b': 'one'}, [{'price': 1.5, 'name': 'n'}], map {'k': {'v': 7}}), "
            "(2, NULL, NULL, NULL), (3, {'a': NULL, 'b': NULL}, [], map {})")
    before = lake.same_everywhere("sandbox.n", 3)
    assert before[0]["s"] == {"a": 1, "b": "one"}
    lake.do("alter table sandbox.n rename column s.b to renamed",
            "alter table sandbox.n rename column items.element.price to cost",
            "alter table sandbox.n rename column m.value.v to w")
    rows = {row["id"]: row for row in lake.sql("select * from sandbox.n")}
    assert rows[1]["s"] == {"a": 1, "renamed": "one"}
    assert rows[1]["items"] == [{"cost": 1.5, "name": "n"}]
    assert rows[1]["m"] == {"k": {"w": 7}}
    # pyiceberg resolves by id too; DuckDB's own reader matches nested names and is not asked here
    seen = lake.pyiceberg_sees("sandbox.n", rows.values())
    assert ordered(seen) == ordered(lake.pyiceberg("sandbox.n"))
    lake.do("alter table sandbox.n add column s.c bigint",
            "alter table sandbox.n alter column s.a type bigint",
            "alter table sandbox.n drop column items.element.name",
            "insert into sandbox.n values (4, {'a': 5000000000, 'renamed': 'r', 'c': 3}, "
            "[{'cost': 2.5}], map {'z': {'w': 8}})")
    rows = {row["id"]: row for row in lake.sql("select * from sandbox.n")}
    seen = lake.pyiceberg_sees("sandbox.n", rows.values())
    assert ordered(seen) == ordered(lake.pyiceberg("sandbox.n"))
    assert rows[4]["s"] == {"a": 5000000000, "renamed": "r", "c": 3}
    assert rows[1]["s"] == {"a": 1, "renamed": "one", "c": None}


def test_partition_changes(lake):
    lake.do("create table sandbox.p (id bigint, d date, ts timestamp, name varchar)")
    rows = ("select i, date '2025-12-25' + cast(i as int), timestamp '2025-12-25 22:30:00' + "
            "to_hours(cast(i as int)), 'name ' || i from range({}, {}) t(i)")
    count = 0
    for number, layout in enumerate([None, "set partitioned by (month(d))",
                                     "add partition field bucket(4, id)",
                                     "drop partition field month(d)",
                                     "add partition field hour(ts)",
                                     "set partitioned by (truncate(6, name), year(d))",
                                     "set partitioned by (d)", "set partitioned by ()"]):
        if layout is not None:
            lake.do(f"alter table sandbox.p {layout}")
        lake.do("insert into sandbox.p " + rows.format(number * 10, number * 10 + 10))
        count += 10
        lake.same_everywhere("sandbox.p", count)
    for where in ["d = date '2026-01-20'", "id in (3, 33, 63)", "ts < timestamp '2025-12-26'",
                  "name = 'name 55'", "name like 'name 5%'", "d between date '2026-01-01' and "
                  "date '2026-01-09'", "id is null", "not (id < 70)"]:
        pruned = lake.sql(f"select id from sandbox.p where {where}")
        full = lake.sql(f"select id from (select * from sandbox.p limit 100000) where {where}")
        assert sorted(r["id"] for r in pruned) == sorted(r["id"] for r in full), where


def test_snapshots_are_the_same_history(lake):
    lake.do("create table sandbox.h as select 1 as v", "insert into sandbox.h values (2)",
            "insert into sandbox.h values (3)")
    table = lake.catalog().load_table(("sandbox", "h"))
    ids = [entry.snapshot_id for entry in table.history()]
    assert ids == [row["snapshot_id"] for row in
                   lake.sql('select snapshot_id from sandbox."h$history" order by made_current_at')]
    for count, snapshot in enumerate(ids, 1):
        assert len(lake.sql(f"select * from sandbox.h at (version => {snapshot})")) == count
        assert len(lake.pyiceberg("sandbox.h", snapshot_id=snapshot)) == count


def test_a_foreign_writer_takes_turns(lake):
    import pyarrow

    lake.own = False
    lake.do("create table sandbox.w (id bigint, name varchar) partitioned by (bucket(3, id))")
    for number in range(6):
        if number % 2 == 0:
            lake.do(f"insert into sandbox.w values ({number}, 'tarn')")
        else:
            lake.catalog().load_table(("sandbox", "w")).append(
                pyarrow.table({"id": pyarrow.array([number], pyarrow.int64()),
                               "name": ["pyiceberg"]}))
        lake.same_everywhere("sandbox.w", number + 1)
    assert len(lake.sql("select * from sandbox.w where id = 3")) == 1
