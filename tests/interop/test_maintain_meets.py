"""Compaction and writers that meet: a commit of somebody else between its plan and its commit.

The compaction is held at a fault point and stopped until the other commit is there, so each test
has the meeting that it is about, whatever the machine does. Nobody's deleted row may come back, no
row may go, and what does not meet is committed.
"""

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from conftest import TARN
from foreign import Foreign
from lint_avro import DELETED, read_avro
from pyarrow import parquet

HOLD_MS = 1500  # within which the compaction is seen to wait and is stopped


class Meeting:
    """`tarn table optimize` that waits before its n-th commit until the block is left; it is
    there once it has written `files` files, and so has planned; or, for none of them, has put its
    intent on record."""

    def __init__(self, lake, table, *arguments, commit=1, point="flow.optimize.before_commit",
                 files=None, suffix="*.parquet"):
        self.lake, self.commit, self.point, self.suffix = lake, commit, point, suffix
        self.table, self.arguments = table, arguments
        self.wanted = commit if files is None else files  # here each group is a batch and a file
        self.done = None

    def files(self):
        roots = [self.lake.folder, *self.lake.folder.parent.glob("foreign*")]
        return {path for root in roots for path in root.rglob(self.suffix)}

    def intents(self):
        with sqlite3.connect(self.lake.folder / ".tarn" / "catalog.db") as db:
            [[count]] = db.execute("select count(*) from tarn_intent").fetchall()
        db.close()
        return count

    def is_there(self, files, intents):
        if self.wanted == 0:
            return self.intents() > intents
        return len(self.files() - files) >= self.wanted

    def __enter__(self):
        before = self.files()
        intents = self.intents()
        plan = f"{self.point}=sleep:{HOLD_MS}@{self.commit}"
        self.process = subprocess.Popen(
            [TARN, "-C", str(self.lake.folder), "--json", "table", "optimize", self.table,
             *self.arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, env=dict(os.environ, TARN_FAULT_PLAN=plan))
        end = time.monotonic() + 60
        while not self.is_there(before, intents) and self.process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert self.process.poll() is None, self.process.communicate()
        os.kill(self.process.pid, signal.SIGSTOP)
        return self

    def __exit__(self, kind, value, trace):
        os.kill(self.process.pid, signal.SIGCONT)
        out, error = self.process.communicate(timeout=120)
        assert kind is not None or self.process.returncode == 0, error
        if kind is None:
            self.done = json.loads(out)["data"]


def ids(lake, table="sandbox.t"):
    return [row["id"] for row in lake.sql(f"select id from {table} order by id")]


def fill(lake, version, partition="", parts=4):
    lake.do(f"create table sandbox.t (id bigint, p int, s varchar){partition} "
            f"with (\"format-version\" = {version})",
            *(f"insert into sandbox.t select range + {n * 10}, 1, 's' || range from range(10)"
              for n in range(parts)))


CHANGES = {
    "delete": ("delete from sandbox.t where id in (3, 17)", lambda i: i not in (3, 17)),
    "update": ("update sandbox.t set s = 'new' where id in (3, 17)", lambda i: True),
    "merge": ("merge into sandbox.t using (select 3::bigint as k) as m on m.k = id "
              "when matched then delete", lambda i: i != 3),
    "copied": ("alter table sandbox.t set tblproperties ('write.delete.mode' = 'copy-on-write'); "
               "delete from sandbox.t where id in (3, 17)", lambda i: i not in (3, 17)),
    "whole": ("delete from sandbox.t where id < 10", lambda i: i >= 10),
    "truncated": ("truncate table sandbox.t", lambda i: False),
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("change", CHANGES)
def test_rows_that_change_meanwhile(lake, version, change):
    """In files that are being rewritten: the rewrite is thrown away and planned again."""
    sql, stays = CHANGES[change]
    fill(lake, version)
    with Meeting(lake, "sandbox.t", "--min-input-files", "2") as meeting:
        lake.do(*sql.split("; "))
    wanted = [i for i in range(40) if stays(i)]
    assert meeting.done["conflicts"] == 1
    assert ids(lake) == wanted
    if change == "update":
        assert [r["id"] for r in lake.sql("select id from sandbox.t where s = 'new' "
                                          "order by id")] == [3, 17]
    files = lake.sql('select content, record_count as n from sandbox."t$files"')
    assert sum(f["n"] for f in files if f["content"] == "DATA") == len(wanted)
    assert all(f["content"] == "DATA" for f in files) and len(files) <= 1
    if version == 2:
        lake.same_everywhere("sandbox.t", len(wanted))


@pytest.mark.parametrize("version", [2, 3])
def test_rows_of_other_files(lake, version):
    """Of two groups one meets a delete: the other is committed as it was, this one again."""
    fill(lake, version, " partitioned by (p)")
    lake.do(*(f"insert into sandbox.t select range + {n * 10}, 2, 's' from range(10)"
              for n in range(4, 8)))
    with Meeting(lake, "sandbox.t", "--min-input-files", "2", "--max-group-size", "1") as meeting:
        lake.do("delete from sandbox.t where id in (41, 79)")
    assert meeting.done["conflicts"] == 1
    assert meeting.done["commits"] == 2
    assert ids(lake) == [i for i in range(80) if i not in (41, 79)]
    history = [h["operation"] for h in json.loads(
        lake.cli("--json", "history", "sandbox.t").stdout)["data"]]
    assert history.count("replace") == 2
    assert len(lake.sql('from sandbox."t$files"')) == 2


@pytest.mark.parametrize("version", [2, 3])
def test_a_delete_after_the_first_commit(lake, version):
    """What is committed stays when a later group meets somebody."""
    fill(lake, version, " partitioned by (p)")
    lake.do(*(f"insert into sandbox.t select range + {n * 10}, 2, 's' from range(10)"
              for n in range(4, 8)))
    with Meeting(lake, "sandbox.t", "--min-input-files", "2", "--max-group-size", "1",
                 commit=2) as meeting:
        assert len(lake.sql('from sandbox."t$files"')) == 5
        lake.do("delete from sandbox.t where id in (0, 41)")
    assert meeting.done["conflicts"] == 1 and meeting.done["commits"] == 2
    assert ids(lake) == [i for i in range(80) if i not in (0, 41)]


def numbers(lake):
    """{id: (row id, number of the last change)} of live rows, from the files themselves."""
    metadata = json.loads(Path(lake.show("sandbox.t")["metadata_location"]).read_text("utf-8"))
    snapshot = next(s for s in metadata["snapshots"]
                    if s["snapshot-id"] == metadata["current-snapshot-id"])
    live = {row["id"] for row in lake.sql("select id from sandbox.t")}
    found = {}
    for listed in read_avro(snapshot["manifest-list"])[0]:
        if listed["content"] != 0:
            continue
        first = listed["first_row_id"]
        for entry in read_avro(listed["manifest_path"])[0]:
            file = entry["data_file"]
            if entry["status"] == DELETED:
                continue
            own, sequence = file["first_row_id"], entry["sequence_number"]
            if own is None:
                own, first = first, first + file["record_count"]
            for position, row in enumerate(parquet.ParquetFile(file["file_path"]).read()
                                           .to_pylist()):
                number, changed = row.get("_row_id"), row.get("_last_updated_sequence_number")
                if row["id"] in live:
                    found.setdefault(row["id"], []).append(
                        (own + position if number is None else number,
                         (listed["sequence_number"] if sequence is None else sequence)
                         if changed is None else changed))
    return found


def test_row_ids_with_vectors_that_come_meanwhile(lake):
    """A row keeps its id and the number of its last change through the compaction."""
    fill(lake, 3)
    before = numbers(lake)
    lake.do("delete from sandbox.t where id in (5, 25)")
    with Meeting(lake, "sandbox.t", "--min-input-files", "2") as meeting:
        lake.do("delete from sandbox.t where id in (6, 26)",
                "update sandbox.t set s = 'new' where id = 30")
        middle = numbers(lake)
    assert meeting.done["conflicts"] == 1
    after = numbers(lake)
    assert sorted(after) == [i for i in range(40) if i not in (5, 6, 25, 26)]
    for i, [(row_id, changed)] in after.items():
        assert row_id == before[i][0][0]
        assert changed == (7 if i == 30 else before[i][0][1])
        assert (row_id, changed) in middle[i]


def test_a_delete_whose_files_go(lake):
    """The other way round: a DELETE that a compaction overtakes runs again on the new files."""
    fill(lake, 2)
    plan = f"query.dml.after_delete_files=sleep:{HOLD_MS}@1"
    before = set(lake.folder.rglob("*deletes.parquet"))
    process = subprocess.Popen(
        [TARN, "-C", str(lake.folder), "sql", "-c", "delete from sandbox.t where id in (3, 17)"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
        env=dict(os.environ, TARN_FAULT_PLAN=plan))
    while len(set(lake.folder.rglob("*deletes.parquet")) - before) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGSTOP)
    lake.cli("table", "optimize", "sandbox.t", "--min-input-files", "2")
    os.kill(process.pid, signal.SIGCONT)
    assert process.wait(timeout=60) == 0, process.stderr.read()
    assert ids(lake) == [i for i in range(40) if i not in (3, 17)]
    lake.same_everywhere("sandbox.t", 38)


# --- another writer ------------------------------------------------------------------------------


def point(lake, table, name="t"):
    """The other writer's commit: the pointer moves if nobody was faster, as SQL catalogs do it."""
    with sqlite3.connect(lake.folder / ".tarn" / "catalog.db") as db:
        before = json.loads(Path(table.location).read_text("utf-8"))["metadata-log"][-1]
        moved = db.execute(
            "update iceberg_tables set metadata_location = ?, previous_metadata_location = ? "
            "where table_name = ? and metadata_location = ?",
            (table.location, before["metadata-file"], name, before["metadata-file"]))
        assert moved.rowcount == 1
    db.close()


def foreign(lake, version, by=()):
    table = Foreign(lake.folder.parent / "foreign", [("id", "long"), ("k", "long")], by, version)
    for n in range(4):
        table.commit([table.data([{"id": n * 10 + i, "k": 1} for i in range(10)])],
                     operation="append")
    lake.own = False
    lake.cli("table", "register", "sandbox.t", table.location)
    return table


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("by", [(), [("k", "identity")]])
def test_equality_deletes_of_another_writer(lake, version, by):
    """They have a higher sequence number than the files they are about, and than the copies of
    these; rows that the same commit brought in again stay."""
    table = foreign(lake, version, by)
    with Meeting(lake, "sandbox.t", "--min-input-files", "2") as meeting:
        table.commit([table.equality([{"id": 3}, {"id": 17}], ["id"], {"k": 1}),
                      table.data([{"id": 17, "k": 1}])])
        point(lake, table)
    assert meeting.done["conflicts"] == 0 and meeting.done["commits"] == 1
    wanted = [i for i in range(40) if i != 3]
    assert ids(lake) == wanted
    lake.cli("table", "optimize", "sandbox.t", "--min-input-files", "2", "--deletes")
    assert ids(lake) == wanted
    files = lake.sql('select content, record_count as n from sandbox."t$files"')
    assert sum(f["n"] for f in files if f["content"] == "DATA") == len(wanted)


@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes_where_files_change_their_spec(lake, version):
    """Under another spec they would not be found: such files are planned again."""
    table = foreign(lake, version, [("k", "identity")])
    lake.do("alter table sandbox.t add partition field bucket(2, id)")
    table.location = lake.show("sandbox.t")["metadata_location"]
    table.metadata = json.loads(Path(table.location).read_text("utf-8"))
    with Meeting(lake, "sandbox.t", "--min-input-files", "2") as meeting:
        old = table.metadata["partition-specs"]
        table.metadata["partition-specs"] = [s for s in old if s["spec-id"] == 0]
        deletes = table.equality([{"id": 3}, {"id": 17}], ["id"], {"k": 1})
        table.commit([deletes])
        table.metadata["partition-specs"] = old
        table.save()
        with sqlite3.connect(lake.folder / ".tarn" / "catalog.db") as db:
            db.execute("update iceberg_tables set metadata_location = ?", (table.location,))
        db.close()
    assert meeting.done["conflicts"] == 1
    assert ids(lake) == [i for i in range(40) if i not in (3, 17)]
    files = lake.sql('select content, record_count as n from sandbox."t$files"')
    assert sum(f["n"] for f in files if f["content"] == "DATA") == 38


def test_vectors_of_another_writer(lake):
    table = foreign(lake, 3)
    files = [entry["data_file"] for listed in table.listed
             for entry in table.entries[listed["manifest_path"]]]
    with Meeting(lake, "sandbox.t", "--min-input-files", "2") as meeting:
        table.commit(table.vectors([(files[0], [3]), (files[1], [7])]))
        point(lake, table)
    assert meeting.done["conflicts"] == 1
    assert ids(lake) == [i for i in range(40) if i not in (3, 17)]
