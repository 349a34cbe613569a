"""What one transaction did to tables, step by step, as pyiceberg sees it; COPY beside DuckDB."""

import duckdb


def test_steps_of_a_transaction(lake):
    """Snapshots and changes of schema in turns: each snapshot has the schema of its statement."""
    lake.do("create table sandbox.old as select 1 as id")
    lake.do("""begin;
        create table sandbox.t (id int, s varchar) partitioned by (bucket(2, id));
        insert into sandbox.t values (1, 'a');
        alter table sandbox.t add column v int;
        insert into sandbox.t values (2, 'b', 5);
        alter table sandbox.t create tag t1;
        update sandbox.t set v = 9 where id = 1;
        alter table sandbox.t rename column s to name;
        alter table sandbox.t set partitioned by ();
        insert into sandbox.t values (3, 'c', 7);
        drop table sandbox.old;
        create table sandbox.old as select 'new' as word;
        commit""")
    catalog = lake.catalog()
    table = catalog.load_table("sandbox.t")
    assert [row["id"] for row in lake.sql("select id from sandbox.t order by id")] == [1, 2, 3]
    assert table.scan().to_arrow().sort_by("id").to_pylist() == [
        {"id": 1, "name": "a", "v": 9}, {"id": 2, "name": "b", "v": 5},
        {"id": 3, "name": "c", "v": 7}]
    assert [snapshot.schema_id for snapshot in table.snapshots()] == [0, 1, 1, 2]
    assert [snapshot.sequence_number for snapshot in table.snapshots()] == [1, 2, 3, 4]
    assert table.metadata.last_sequence_number == 4
    tagged = table.scan(snapshot_id=table.refs()["t1"].snapshot_id).to_arrow().sort_by("id")
    assert tagged.to_pylist() == [{"id": 1, "s": "a", "v": None}, {"id": 2, "s": "b", "v": 5}]
    assert catalog.load_table("sandbox.old").scan().to_arrow().to_pylist() == [{"word": "new"}]


def test_a_staged_alter_is_logged_once(lake):
    """The metadata file before the transaction is in the log of the one after it, once."""
    lake.do("create table sandbox.t as select 1 as id")
    before = lake.catalog().load_table("sandbox.t").metadata_location
    lake.do("begin; alter table sandbox.t add column a int; update sandbox.t set a = 1; "
            "alter table sandbox.t add column b int; commit")
    log = lake.catalog().load_table("sandbox.t").metadata.metadata_log
    assert [entry.metadata_file for entry in log] == [before]


def test_copied_files_are_duckdbs(lake):
    """What COPY writes, DuckDB reads; what DuckDB writes with the same options, COPY reads."""
    columns = ("i::bigint as id, chr((40 + i % 90)::int) || '\"' || i as s, (i / 7)::double as d, "
               "date '2024-01-01' + i::int as day, i % 3 = 0 as flag")
    rows = f"select {columns} from range(1000) r(i)"
    lake.do(f"create table sandbox.t as {rows}", f"create table sandbox.u as {rows} where false")
    ways = [("format csv, delimiter '|', header, quote '~'",
             "read_csv('{}', delim = '|', header = true, quote = '~')"),
            ("format csv, header, compression gzip",
             "read_csv('{}', header = true, compression = 'gzip')"),
            ("format json, array true", "read_json('{}')"),
            ("format json, compression zstd", "read_json('{}', compression = 'zstd')"),
            ("format parquet, compression snappy", "read_parquet('{}')")]
    for number, (options, reader) in enumerate(ways):
        mine, theirs = f"{lake.folder}/mine{number}", f"{lake.folder}/theirs{number}"
        lake.do(f"copy sandbox.t to '{mine}' ({options})")
        apart = duckdb.sql(f"(select * from {reader.format(mine)} except all {rows}) union all "
                           f"({rows} except all select * from {reader.format(mine)})")
        assert apart.fetchall() == [], options
        duckdb.sql(f"copy ({rows}) to '{theirs}' ({options})")
        given = options if "parquet" not in options else "format parquet"
        lake.do(f"truncate sandbox.u; copy sandbox.u from '{theirs}' ({given})")
        assert lake.sql("select count(*) as n from (select * from sandbox.u intersect all "
                        "select * from sandbox.t)")[0]["n"] == 1000, options
