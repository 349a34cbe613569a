"""Delete files under compaction: those of no use go, small ones become few, no row changes.

What applies to what is decided by sequence numbers, partitions and paths; each test has a table in
which a rule matters, made by another writer (foreign.py) where tarn itself would not make it.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import TARN
from foreign import Foreign
from lint_avro import DELETED, read_avro
from test_maintain_meets import Meeting, ids, point


def optimize(lake, *arguments):
    """What is planned is what is done."""
    command = ["--json", "table", "optimize", "sandbox.t", *arguments]
    plan = json.loads(lake.cli(*command, "--dry-run").stdout)["data"]
    done = json.loads(lake.cli(*command).stdout)["data"]
    for field in ("deletes_removed", "deleted", "added"):
        assert plan[field] == done[field], field
    assert plan["deletes_added"] >= done["deletes_added"]
    return done


def deletes(lake, content=None):
    """Live delete files: (content, number of rows, data sequence number)."""
    metadata = json.loads(Path(lake.show("sandbox.t")["metadata_location"]).read_text("utf-8"))
    snapshot = next(s for s in metadata["snapshots"]
                    if s["snapshot-id"] == metadata["current-snapshot-id"])
    out = []
    for listed in read_avro(snapshot["manifest-list"])[0]:
        if listed["content"] != 1:
            continue
        for entry in read_avro(listed["manifest_path"])[0]:
            file, number = entry["data_file"], entry["sequence_number"]
            if entry["status"] != DELETED and content in (None, file["content"]):
                out.append((file["content"], file["record_count"],
                            listed["sequence_number"] if number is None else number))
    return sorted(out)


def quiet(lake, version=2, by=(), parts=2, columns=(("id", "long"), ("k", "long"))):
    """Data files that compaction leaves alone, since they are few."""
    table = Foreign(lake.folder.parent / "foreign", list(columns), by, version)
    lake.own = False
    files = [table.data([{"id": n * 10 + i, "k": n % 2} for i in range(10)])
             for n in range(parts)]
    table.commit(files, operation="append")
    return table, files


def register(lake, table):
    lake.cli("table", "register", "sandbox.t", table.location)


# --- small ones become few -----------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["", " partitioned by (p)"])
def test_many_small_ones_become_one_a_partition(lake, partition):
    lake.do(f"create table sandbox.t (id bigint, p int){partition}",
            "insert into sandbox.t select range, range // 100 from range(200)",
            *(f"delete from sandbox.t where id % 100 = {n}" for n in range(6)))
    assert len(deletes(lake)) == (12 if partition else 6)
    before = lake.same_everywhere("sandbox.t", 188)
    newest = max(number for _, _, number in deletes(lake))
    done = optimize(lake)
    wanted = 2 if partition else 1
    assert done["commits"] == 1 and done["deletes_added"] == wanted
    assert deletes(lake) == [(1, 12 // wanted, newest)] * wanted
    assert lake.same_everywhere("sandbox.t", 188) == before
    assert optimize(lake)["commits"] == 0
    lake.cli("table", "optimize", "sandbox.t", "--deletes")
    assert deletes(lake) == []
    assert lake.same_everywhere("sandbox.t", 188) == before


def test_a_file_of_its_own_for_each_data_file(lake):
    """write.delete.granularity = file: the deletes of one data file are joined, no others."""
    lake.do("create table sandbox.t (id bigint) with (\"write.delete.granularity\" = 'file')",
            "insert into sandbox.t select range from range(100)",
            "insert into sandbox.t select range + 100 from range(100)",
            *(f"delete from sandbox.t where id = {n}" for n in range(5)),
            "delete from sandbox.t where id = 150")
    assert optimize(lake)["deletes_removed"] == 5
    assert [rows for _, rows, _ in deletes(lake)] == [1, 5]
    assert ids(lake) == [i for i in range(5, 200) if i != 150]
    lake.same_everywhere("sandbox.t", 194)


def test_few_are_left_as_they_are(lake):
    lake.do("create table sandbox.t (id bigint)", "insert into sandbox.t select * from range(100)",
            *(f"delete from sandbox.t where id = {n}" for n in range(4)))
    assert optimize(lake)["commits"] == 0
    assert optimize(lake, "--min-input-files", "3")["deletes_removed"] == 4


def test_a_path_that_came_back(lake):
    """A position delete older than its data file does not apply; joined with a newer one of
    another data file it would."""
    lake.by_hand = True  # no writer at hand brings a path back
    table = Foreign(lake.folder.parent / "foreign", [("id", "long")])
    files = [table.data([{"id": n * 100 + i} for i in range(100)]) for n in range(2)]
    table.commit(files, operation="append")
    table.commit([table.positions([(files[0], [3]), (files[1], [3])])])
    table.commit([], [files[0]["file_path"]])
    table.commit([files[0]], operation="append")
    for n in range(5):
        table.commit([table.positions([(files[1], [n + 4])])])
    register(lake, table)
    wanted = [i for i in range(200) if i not in range(103, 109)]
    assert ids(lake) == wanted
    done = optimize(lake)
    assert done["deletes_removed"] == 6 and done["deletes_added"] == 1
    assert [rows for _, rows, _ in deletes(lake)] == [6]
    assert ids(lake) == wanted


def test_version_3_takes_vectors_in_their_place(lake):
    """A table that was upgraded: a vector hides every position delete file from its data file."""
    lake.do("create table sandbox.t (id bigint)",
            "insert into sandbox.t select range from range(100)",
            "insert into sandbox.t select range + 100 from range(100)",
            *(f"delete from sandbox.t where id in ({n}, {n + 100})" for n in range(5)))
    lake.cli("table", "upgrade", "sandbox.t")
    assert len(deletes(lake)) == 10
    done = optimize(lake)
    assert (done["deletes_removed"], done["deletes_added"]) == (10, 2)
    assert [rows for _, rows, _ in deletes(lake)] == [5, 5]
    assert ids(lake) == [i for i in range(200) if i % 100 > 4]
    lake.do("delete from sandbox.t where id = 50")
    assert optimize(lake)["commits"] == 0
    assert ids(lake) == [i for i in range(200) if i % 100 > 4 and i != 50]


# --- those of no use go --------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes_older_than_all_data(lake, version):
    """By partition: what is older than the data of its partition goes, what is newer stays."""
    table, files = quiet(lake, version, [("k", "identity")])
    table.commit([table.equality([{"id": 3}], ["id"], {"k": 0}),
                  table.equality([{"id": 13}], ["id"], {"k": 1})])
    table.commit([table.data([{"id": 3, "k": 0}])], [files[0]["file_path"]])
    register(lake, table)
    wanted = [3, *(i for i in range(10, 20) if i != 13)]
    assert ids(lake) == wanted
    done = optimize(lake)
    assert (done["deletes_removed"], done["commits"]) == (1, 1)
    assert len(deletes(lake, 2)) == 1
    assert ids(lake) == wanted


@pytest.mark.parametrize("version", [2, 3])
def test_deletes_that_compaction_has_applied(lake, version):
    """Of all data files: the equality deletes go in the run that wrote them anew."""
    table, files = quiet(lake, version, parts=6)
    table.commit([table.equality([{"id": 3}, {"id": 23}], ["id"])])
    register(lake, table)
    wanted = [i for i in range(60) if i not in (3, 23)]
    assert ids(lake) == wanted
    done = optimize(lake)
    assert (done["deletes_removed"], done["commits"]) == (1, 2)
    assert deletes(lake) == [] and ids(lake) == wanted


def test_global_equality_deletes(lake):
    """Written under a spec without fields they are about all partitions."""
    table, files = quiet(lake)
    table.commit([table.equality([{"id": 3}, {"id": 13}], ["id"])])
    table.set_spec([("k", "identity")])
    table.commit([table.data([{"id": 30, "k": 0}])], operation="append")
    register(lake, table)
    assert optimize(lake)["deletes_removed"] == 0
    assert ids(lake) == [i for i in range(20) if i not in (3, 13)] + [30]
    table.commit([], [f["file_path"] for f in files])
    point(lake, table)
    assert optimize(lake)["deletes_removed"] == 1
    assert ids(lake) == [30]


def test_position_deletes_of_several_files_that_are_gone(lake):
    table, files = quiet(lake, parts=3)
    table.commit([table.positions([(files[0], [1]), (files[1], [1])]),
                  table.positions([(files[1], [2]), (files[2], [2])])])
    table.commit([], [f["file_path"] for f in files[:2]])
    register(lake, table)
    # Neither names its data files: bounds of paths, which the other writer leaves out, would tell
    # of the first that it is about none; its rows do, once it is joined.
    assert optimize(lake)["deletes_removed"] == 0
    assert optimize(lake, "--min-input-files", "2")["deletes_removed"] == 2
    assert [rows for _, rows, _ in deletes(lake)] == [1]
    assert ids(lake) == [i for i in range(20, 30) if i != 22]


def test_deletes_of_a_table_without_data(lake):
    table, files = quiet(lake)
    table.commit([table.equality([{"id": 3}], ["id"])])
    table.commit([], [f["file_path"] for f in files])
    register(lake, table)
    assert optimize(lake)["deletes_removed"] == 1
    assert deletes(lake) == [] and ids(lake) == []


def test_a_condition_leaves_delete_files_alone(lake):
    table, files = quiet(lake, parts=6)
    table.commit([table.equality([{"id": 3}], ["id"])])
    register(lake, table)
    assert optimize(lake, "--where", "id < 1000")["deletes_removed"] == 0
    assert len(deletes(lake)) == 1 and 3 not in ids(lake)


# --- others at work ------------------------------------------------------------------------------


def small_deletes(lake):
    lake.do("create table sandbox.t (id bigint)", "insert into sandbox.t select * from range(100)",
            *(f"delete from sandbox.t where id = {n}" for n in range(6)))


HELD = "flow.optimize.before_commit_deletes"


def test_a_delete_meanwhile(lake):
    """Its own delete file is beside the joined one: nobody waits."""
    small_deletes(lake)
    with Meeting(lake, "sandbox.t", point=HELD) as meeting:
        lake.do("delete from sandbox.t where id = 50")
    assert meeting.done["conflicts"] == 0
    assert len(deletes(lake)) == 2
    assert ids(lake) == [i for i in range(6, 100) if i != 50]
    lake.same_everywhere("sandbox.t", 93)


def test_the_data_file_goes_meanwhile(lake):
    small_deletes(lake)
    with Meeting(lake, "sandbox.t", point=HELD) as meeting:
        lake.do("alter table sandbox.t set tblproperties ('write.delete.mode' = 'copy-on-write')",
                "delete from sandbox.t where id = 50")
    assert meeting.done["conflicts"] == 1
    assert deletes(lake) == [] and ids(lake) == [i for i in range(6, 100) if i != 50]


def test_a_rollback_meanwhile(lake):
    """Deletes that were of no use are of use again."""
    lake.do("create table sandbox.t (id bigint)", "insert into sandbox.t select * from range(10)")
    table = Foreign(lake.folder.parent / "foreign", [("id", "long")])
    lake.own = False
    lake.do("drop table sandbox.t")
    files = [table.data([{"id": i} for i in range(10)])]
    table.commit(files, operation="append")
    table.commit([table.equality([{"id": 3}], ["id"])])
    table.commit([table.data([{"id": 77}])], [files[0]["file_path"]])
    register(lake, table)
    before = table.metadata["snapshots"][1]["snapshot-id"]
    with Meeting(lake, "sandbox.t", point=HELD, files=0) as meeting:
        lake.cli("table", "rollback", "sandbox.t", str(before))
    assert meeting.done["conflicts"] == 1 and meeting.done["deletes_removed"] == 0
    assert ids(lake) == [i for i in range(10) if i != 3]


def test_vectors_that_come_while_vectors_are_made(lake):
    small_deletes(lake)
    lake.cli("table", "upgrade", "sandbox.t")
    with Meeting(lake, "sandbox.t", point=HELD, suffix="*.puffin") as meeting:
        lake.do("delete from sandbox.t where id = 50")
    assert meeting.done["conflicts"] == 1
    assert ids(lake) == [i for i in range(6, 100) if i != 50]
    assert [rows for _, rows, _ in deletes(lake)] == [7]


@pytest.mark.parametrize("fault", [f"{HELD}=kill@1", "table.produce.after_manifest_list=kill@1",
                                   "query.dml.after_delete_files=kill@1"])
def test_kills(lake, fault):
    """Nothing is lost, and the next run leaves no file too many."""
    small_deletes(lake)
    killed = subprocess.run([TARN, "-C", str(lake.folder), "table", "optimize", "sandbox.t"],
                            env=dict(os.environ, TARN_FAULT_PLAN=fault), capture_output=True,
                            stdin=subprocess.DEVNULL, check=False, timeout=60)
    assert killed.returncode == -9
    assert ids(lake) == list(range(6, 100))
    optimize(lake)
    assert len(deletes(lake)) == 1 and ids(lake) == list(range(6, 100))
    left = json.loads(lake.cli("--json", "table", "sweep", "sandbox.t", "--dry-run", "--force",
                               "--older-than", "0s").stdout)["data"]
    assert left["deleted_data"] == 0
