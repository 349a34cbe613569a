"""tarn and pyiceberg write one table at the same time, in the same SQLite catalog.

pyiceberg's commits compare the table's state with what they were made on and fail if it has moved:
it has to begin again. A longer race: TARN_RACE_PROCESSES, TARN_RACE_COMMITS, TARN_RACE_FOREIGN.
"""

import os
import subprocess
import sys
import time

from conftest import TARN

FOREIGN = """
import sys, time
import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from sqlalchemy.exc import OperationalError
folder, writer, commits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
catalog = SqlCatalog("tarn", uri=f"sqlite:///{folder}/.tarn/catalog.db",
                     warehouse=f"{folder}/.tarn/warehouse", init_catalog_tables="false")
schema = pyarrow.schema([("writer", pyarrow.int32()), ("n", pyarrow.int32())])
again = 0
print("ready", flush=True)
for n in range(commits):
    rows = pyarrow.Table.from_pylist([{"writer": writer, "n": n}], schema=schema)
    while True:
        try:
            catalog.load_table(("sandbox", "t")).append(rows)
            break
        except (CommitFailedException, OperationalError):
            again += 1
            time.sleep(0.02)
print(again)
"""


def setting(name, default):
    return int(os.environ.get(name, str(default)))


def test_a_foreign_writer_in_the_race_loses_nothing(lake):
    lake.own = False
    writers = setting("TARN_RACE_PROCESSES", 4)
    commits = setting("TARN_RACE_COMMITS", 60)
    foreign = setting("TARN_RACE_FOREIGN", 8)
    lake.do("create table sandbox.t (writer int, n int)")
    script = "".join(f"insert into sandbox.t values (WRITER, {n});\n" for n in range(commits))
    began = time.monotonic()
    children = [subprocess.Popen([sys.executable, "-c", FOREIGN, str(lake.folder), str(writers),
                                  str(foreign)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)]
    children[0].stdout.readline()  # it has been imported, which takes longer than some commits
    for writer in range(writers):
        path = lake.folder / f"race{writer}.sql"
        path.write_text(script.replace("WRITER", str(writer)), encoding="utf-8")
        children.append(subprocess.Popen([TARN, "-C", str(lake.folder), "sql", "-q", "-f",
                                          str(path)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         text=True))
    said = [child.communicate(timeout=2400) for child in children]
    for child, (_, errors) in zip(children, said):
        assert child.returncode == 0, errors[-2000:]
    seconds = time.monotonic() - began
    print(f"{writers} x {commits} and {foreign} foreign commits in {seconds:.1f} s;"
          f" pyiceberg began again {said[0][0].strip()} times")
    wanted = sorted([(w, n) for w in range(writers) for n in range(commits)] +
                    [(writers, n) for n in range(foreign)])
    rows = lake.sql("select writer, n from sandbox.t")
    assert sorted((row["writer"], row["n"]) for row in rows) == wanted
    assert sorted((row["writer"], row["n"]) for row in lake.pyiceberg("sandbox.t")) == wanted
    snapshots = lake.sql('select snapshot_id, parent_id from sandbox."t$snapshots" '
                         "order by sequence_number")
    assert len(snapshots) == len(wanted)
    for before, after in zip(snapshots, snapshots[1:]):
        assert after["parent_id"] == before["snapshot_id"], "the history is one line"
