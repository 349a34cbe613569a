"""Kills at every fault point of loads, of statements that change rows, of maintenance; Ctrl-C."""

import csv
import io
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from faultlib import (TARN, Table, files_below, new_lake, number, result, rows_file, setting,
                      tarn)

# Fault points a load and its commit pass.
POINTS = [
    "catalog.intent.after_begin", "flow.load.batch", "query.write.after_copy",
    "flow.load.before_commit", "table.produce.after_manifest", "table.produce.after_manifest_list",
    "catalog.commit.after_metadata", "catalog.commit.before_swap", "store.put.after_write",
    "store.put.before_link", "store.batch.before_sync",
    "db.commit.before", "db.commit.after",
]


LAKE_CYCLES = 100  # of one lake: each looks at all that were before, so many become slow


class Aim:
    """Which pass of which point kills the next process: all points in turn, then their second
    pass, and so on as far as there is one."""

    def __init__(self, points):
        self.points = points
        self.turn = 0
        self.hits = dict.fromkeys(points, 0)
        self.passes = {}  # how often a point is passed, once a kill beyond that has been tried

    def next(self):
        self.point = self.points[self.turn % len(self.points)]
        self.nth = 1 + self.turn // len(self.points) % self.passes.get(self.point, self.turn + 1)
        self.turn += 1
        return f"{self.point}=kill@{self.nth}"

    def told(self, done):
        """Of the process that ran with the plan: "killed" or "passed"."""
        killed = done.returncode == -signal.SIGKILL
        self.hits[self.point] += killed
        if not killed and self.nth > 1:
            self.passes[self.point] = min(self.nth - 1, self.passes.get(self.point, self.nth))
        return f"{self.point}@{self.nth} {'killed' if killed else 'passed'}"

    def judge(self, what):
        for point in self.points:
            if self.turn >= len(self.points):
                result(self.hits[point] > 0, f"{point} was reached by {what}")


def kill_cycles(folder):
    """After each kill the lake opens, what was acknowledged is there once, what was not is not,
    and no file or intent is left over; the same load then goes through."""
    aim = Aim(POINTS)
    for cycle in range(setting("TARN_FAULT_CYCLES", 50)):
        if cycle % LAKE_CYCLES == 0:
            table = Table(new_lake(folder, f"kill{cycle}"), folder)
        arguments = table.arguments()
        before = files_below(table.lake)
        done = tarn(table.lake, *arguments, plan=aim.next())
        name = f"cycle {cycle}: {aim.told(done)}"
        try:
            why = table.judge(done, arguments, before)
            result(why == "", name, f"{why}; {done.stderr.strip()[:200]}")
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
            result(False, name, str(error)[:300])
    aim.judge("a load")


# --- changes and maintenance ---

COMMIT_POINTS = ["catalog.intent.after_begin", "table.produce.after_manifest",
                 "table.produce.after_manifest_list", "catalog.commit.after_metadata",
                 "catalog.commit.before_swap", "store.put.after_write", "store.put.before_link",
                 "store.batch.before_sync", "db.commit.before", "db.commit.after"]
CHANGE_POINTS = {
    "update": ["query.write.after_copy", "query.dml.after_delete_files", *COMMIT_POINTS],
    "merge": ["query.write.after_copy", "query.dml.after_delete_files", *COMMIT_POINTS],
    "transaction": ["query.transaction.before_commit", "query.dml.after_delete_files",
                    *COMMIT_POINTS],
    "optimize": ["flow.optimize.after_group", "flow.optimize.before_commit",
                 "flow.optimize.after_commit", *COMMIT_POINTS],
    "expire": ["flow.expire.before_commit", "flow.expire.after_commit",
               "flow.maintain.before_delete", "flow.maintain.after_delete"],
}


class Changing:
    """A table of rows (id, turn) that statements change; `rows` is what it holds, and the number of
    transactions in the log beside it."""

    def __init__(self, lake, version):
        self.lake = lake
        self.rows = {number: 0 for number in range(60)}
        self.log = 0
        made = tarn(lake, "sql", "-c", f"create table sandbox.t with ('format-version' = {version})"
                    " as select i::int as id, 0 as turn from range(60) r(i); "
                    "create table sandbox.log (turn int)")
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        self.seen = self.look()

    def change(self, kind, turn):
        """(arguments, the rows afterwards, the log afterwards). Twice is as good as once."""
        rows, log = dict(self.rows), self.log
        if kind == "optimize":
            return ["table", "optimize", "sandbox.t"], rows, log
        if kind == "expire":
            return ["table", "expire", "sandbox.t", "--older-than", "0s", "--retain-last", "1"], \
                   rows, log
        if kind == "update":
            rows.update({number: turn for number in rows if number % 7 == turn % 7})
            sql = f"update sandbox.t set turn = {turn} where id % 7 = {turn % 7}"
        elif kind == "merge":
            first = turn % 50
            rows.update({number: turn for number in range(first, first + 20)})
            sql = (f"merge into sandbox.t using (select i::int as id from range({first}, "
                   f"{first + 20}) r(i)) s on t.id = s.id when matched then update set "
                   f"turn = {turn} when not matched then insert values (s.id, {turn})")
        else:
            gone = turn % 40
            rows = {number: at for number, at in rows.items() if number % 40 != gone}
            rows[gone] = turn
            log += 1
            sql = (f"begin; delete from sandbox.t where id % 40 = {gone}; insert into sandbox.t "
                   f"values ({gone}, {turn}); delete from sandbox.log where turn = {turn}; "
                   f"insert into sandbox.log values ({turn}); commit")
        return ["sql", "-q", "-c", sql], rows, log

    def look(self):
        """(rows, number of the log, a number that each snapshot changes); opens for writing, so it
        sweeps."""
        done = tarn(self.lake, "sql", "-o", "csv", "-c", "select id, turn from sandbox.t")
        if done.returncode != 0:
            raise RuntimeError(f"the lake does not read: {done.stderr.strip()[:300]}")
        lines = list(csv.reader(io.StringIO(done.stdout)))[1:]
        rows = {int(id): int(turn) for id, turn in lines}
        if len(rows) != len(lines):
            raise RuntimeError(f"{len(lines)} rows of {len(rows)} ids")
        snapshots = ("select (select count(*) from sandbox.\"t$snapshots\") + "
                     "(select max(sequence_number) from sandbox.\"t$snapshots\")")
        return rows, number(self.lake, "select count(*) from sandbox.log"), \
            number(self.lake, snapshots)

    def cycle(self, kind, turn, plan):
        """The process that ran with the plan, and what is wrong afterwards or ""."""
        arguments, rows, log = self.change(kind, turn)
        snapshots = self.seen[2]
        before = files_below(self.lake)
        done = tarn(self.lake, *arguments, plan=plan)
        faults = []
        seen = self.look()
        if seen[:2] not in ((rows, log), (self.rows, self.log)):
            faults.append("neither the rows of before nor those of afterwards")
        if done.returncode == 0 and seen[:2] != (rows, log):
            faults.append("an acknowledged change is lost")
        if seen[2] == snapshots and kind != "expire" and files_below(self.lake) != before:
            left = sorted(set(files_below(self.lake)) ^ set(before))
            faults.append(f"files are left: {left[:3]}")
        again = tarn(self.lake, *arguments)
        self.rows, self.log, self.seen = rows, log, self.look()
        if again.returncode != 0:
            faults.append(f"the same again: {again.stderr.strip()[:200]}")
        elif self.seen[:2] != (rows, log):
            faults.append("other rows after the same again")
        return done, "; ".join(faults)


def kill_changes(folder):
    """Rows are changed, and files joined and removed: after each kill it has happened or not, no
    file is left over, and the same goes through."""
    aims = {kind: Aim(points) for kind, points in CHANGE_POINTS.items()}
    kinds = list(CHANGE_POINTS)
    for cycle in range(setting("TARN_FAULT_CHANGES", 25)):
        if cycle % LAKE_CYCLES == 0:
            table = Changing(new_lake(folder, f"change{cycle}"), 2 + cycle // LAKE_CYCLES % 2)
        kind = kinds[cycle % len(kinds)]
        aim = aims[kind]
        try:
            done, why = table.cycle(kind, cycle + 1, aim.next())
            result(why == "", f"cycle {cycle}: {kind}, {aim.told(done)}",
                   f"{why}; {done.stderr.strip()[:200]}")
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
            result(False, f"cycle {cycle}: {kind}, {aim.point}@{aim.nth}", str(error)[:300])
    for kind, aim in aims.items():
        aim.judge(kind)


def purge_after_kill(folder):
    """An expiry is killed before it deletes, then the table is dropped with PURGE: a data file that
    only a manifest's removed entry still names goes too."""
    lake = new_lake(folder, "purge")
    tarn(lake, "sql", "-c", "create table sandbox.t as select 1 as a; delete from sandbox.t "
         "where a = 1; insert into sandbox.t values (2)")
    done = tarn(lake, "table", "expire", "sandbox.t", "--older-than", "0s", "--retain-last", "2",
                plan="flow.expire.after_commit=kill")
    data = [path for path in files_below(lake) if path.endswith(".parquet")]
    result(done.returncode == -signal.SIGKILL and len(data) == 2, "the expiry left a data file")
    done = tarn(lake, "sql", "-c", "drop table sandbox.t purge")
    data = [path for path in files_below(lake) if path.endswith(".parquet")]
    result(done.returncode == 0 and data == [], "a purge deletes it", f"{data} {done.stderr}")


def once(folder):
    lake = new_lake(folder, "once")
    path = rows_file(folder, "once.csv", 0, 10, bad=0)
    copy = Path(folder) / "copy.csv"
    shutil.copy(path, copy)
    for file in (path, path, copy):
        done = tarn(lake, "load", str(file), "raw.once")
        if done.returncode != 0:
            result(False, "the same bytes are loaded once", done.stderr)
            return
    result(number(lake, "select count(*) from raw.once") == 10, "the same bytes are loaded once")


def interrupted(folder):
    """Ctrl-C in the middle of a load: exit 130, nothing kept, the next load works."""
    lake = new_lake(folder, "interrupt")
    path = rows_file(folder, "big.csv", 0, 200000, bad=0)
    child = subprocess.Popen([TARN, "-C", str(lake), "load", str(path), "raw.big"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             stdin=subprocess.DEVNULL,
                             env=dict(os.environ, TARN_FAULT_PLAN="flow.load.batch=sleep:3000"))
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    result(child.returncode == 130, "Ctrl-C ends a load with 130",
           f"{child.returncode}: {stderr[:200]}")
    result(files_below(lake) == [] or tarn(lake, "show", "raw.big").returncode == 3,
           "an interrupted load leaves nothing")
    done = tarn(lake, "load", str(path), "raw.big")
    result(done.returncode == 0 and number(lake, "select count(*) from raw.big") == 200000,
           "the next load goes through", done.stderr[:200])
