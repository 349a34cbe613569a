"""pyiceberg and DuckDB read what maintenance leaves, now and as of what is kept of the past."""

import pytest


@pytest.mark.parametrize("partition", ["", " partitioned by (bucket(2, id))"])
def test_every_reader_sees_maintained_tables(lake, partition):
    lake.do(f"create table sandbox.m (id bigint, s varchar, day date){partition}",
            *(f"insert into sandbox.m select range + {n * 10}, 's' || range, "
              f"date '2026-01-01' + {n} from range(10)" for n in range(6)))
    lake.cli("table", "tag", "sandbox.m", "kept")
    before = lake.same_everywhere("sandbox.m", 60)
    for arguments in (["optimize", "sandbox.m", "--manifests"],
                      ["optimize", "sandbox.m", "--min-input-files", "2"],
                      ["optimize", "sandbox.m", "--strategy", "hilbert", "--sort-by", "id,day"],
                      ["expire", "sandbox.m", "--older-than", "0s", "--clean-schemas"],
                      ["sweep", "sandbox.m", "--older-than", "0s", "--force"]):
        lake.cli("table", *arguments)
        assert lake.same_everywhere("sandbox.m", 60) == before, arguments
    kept = lake.sql("select count(*) as n from sandbox.m at (version => 'kept')")
    assert kept == [{"n": 60}]
    table = lake.catalog().load_table(("sandbox", "m"))
    assert table.scan(snapshot_id=table.refs()["kept"].snapshot_id).to_arrow().num_rows == 60
    assert len(table.snapshots()) == 2


def test_deletes_go_with_compaction(lake):
    lake.do("create table sandbox.d (id bigint, s varchar)",
            *(f"insert into sandbox.d select range + {n * 10}, 's' from range(10)"
              for n in range(6)),
            "delete from sandbox.d where id % 3 = 1")
    before = lake.same_everywhere("sandbox.d", 40)
    lake.cli("table", "optimize", "sandbox.d")
    assert lake.same_everywhere("sandbox.d", 40) == before
    assert lake.sql('select count(*) as n, max(content) as c from sandbox."d$files"') == \
        [{"n": 1, "c": "DATA"}]
