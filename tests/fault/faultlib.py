"""What the fault tests of the whole program share: running tarn, counting, TAP."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARN = os.environ.get("TARN", str(ROOT / "build" / "tarn"))

count = failed = 0


def result(ok, name, why=""):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}" + (f"\n# {why}" if why and not ok else ""),
          flush=True)


def skip(name, why):
    global count
    count += 1
    print(f"ok {count} - {name} # SKIP {why}", flush=True)


def note(text):
    print(f"# {text}", flush=True)


def setting(name, default):
    """A number out of the environment."""
    return int(os.environ.get(name, str(default)))


def tarn(lake, *arguments, plan=None, before=(), **extra):
    """Runs the program; `before` is put in front of it: strace and its like."""
    environment = dict(os.environ)
    if plan:
        environment["TARN_FAULT_PLAN"] = plan
    return subprocess.run([*before, TARN, "-C", str(lake), *arguments], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, env=environment, timeout=120,
                          check=False, errors="replace", **extra)


def number(lake, sql):
    done = tarn(lake, "sql", "-o", "csv", "-c", sql)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return int(done.stdout.split()[-1])


def number_pair(lake, sql):
    done = tarn(lake, "sql", "-o", "csv", "-c", sql)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return tuple(int(n) for n in done.stdout.split()[-1].split(","))


def numbers(lake, sql):
    done = tarn(lake, "sql", "-o", "csv", "-c", sql)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [int(line) for line in done.stdout.split()[1:]]


def new_lake(folder, name):
    lake = Path(folder) / name
    subprocess.run([TARN, "init", str(lake)], check=True, capture_output=True)
    return lake


def files_below(lake):
    return sorted(str(p.relative_to(lake)) for p in (lake / ".tarn" / "warehouse").rglob("*")
                  if p.is_file())


def rows_file(folder, name, first, rows, bad=2):
    path = Path(folder) / name
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,day,amount\n")
        for i in range(first, first + rows):
            out.write(f"{i},2026-{i % 12 + 1:02d}-15,{i}.25\n")
        for i in range(bad):
            out.write(f"{first},not a day,{i}\n")
    return path


LOAD = ["load", "--partition-by", "month(day)", "--on-error", "quarantine"]


def schema_file(folder):
    path = Path(folder) / "rows.avsc"
    path.write_text(json.dumps({"type": "record", "name": "rows", "fields": [
        {"name": "id", "type": "long"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "amount", "type": "double"}]}), encoding="utf-8")
    return str(path)


class Table:
    """A table that grows by loads of 60 rows and 2 bad ones, whatever happens to the process."""

    def __init__(self, lake, folder):
        self.lake = lake
        self.folder = folder
        self.schema = schema_file(folder)
        self.loaded = self.rejected = 0
        self.loads = 0

    def arguments(self):
        path = rows_file(self.folder, f"part{self.loads}.csv", self.loads * 1000, 60)
        self.loads += 1
        return [*LOAD, "--schema", self.schema, str(path), "raw.rows"]

    def count(self):
        """(rows, different ids); opens for writing, so it sweeps. (0, 0) without a table."""
        sql = "select count(*), count(distinct id) from raw.rows"
        done = tarn(self.lake, "sql", "-o", "csv", "-c", sql)
        if done.returncode != 0 and self.loaded == 0 and "raw.rows" in done.stderr:
            return 0, 0
        if done.returncode != 0:
            raise RuntimeError(f"the lake does not read: {done.stderr.strip()[:300]}")
        return tuple(int(n) for n in done.stdout.split()[-1].split(","))

    def judge(self, done, arguments, before):
        """After a load that may have failed or died: what was acknowledged is there once, what was
        not is there once or not at all, without a file; then the same load goes through. Returns
        what is wrong, or ""."""
        faults = []
        opened = time.monotonic()
        rows, distinct = self.count()
        seconds = time.monotonic() - opened
        committed = rows == self.loaded + 60
        if rows not in (self.loaded, self.loaded + 60) or rows != distinct:
            faults.append(f"{rows} rows, {distinct} of them different, expected {self.loaded} or "
                          "60 more")
        if done.returncode == 0 and not committed:
            faults.append("an acknowledged load is lost")
        if not committed and before is not None and files_below(self.lake) != before:
            left = sorted(set(files_below(self.lake)) ^ set(before))
            faults.append(f"files are left: {left[:3]}")
        if seconds > 20:
            faults.append(f"opening took {seconds:.1f} s")
        again = tarn(self.lake, *arguments)  # loaded already: nothing happens
        if again.returncode != 0:
            faults.append(f"the load again: {again.stderr.strip()[:200]}")
        self.loaded += 60
        self.rejected += 2
        wanted = (self.loaded, self.rejected)
        have = number_pair(self.lake, "select (select count(*) from raw.rows), "
                                      '(select count(*) from raw."rows$quarantine")')
        if have != wanted:
            faults.append(f"after the load again there are {have} rows and refused ones, expected "
                          f"{wanted}")
        return "; ".join(faults)


def run_all(tests, folder):
    for test in tests:
        began = time.monotonic()
        try:
            test(folder)
        except (OSError, RuntimeError, subprocess.SubprocessError, ValueError) as error:
            result(False, test.__name__, re.sub(r"\s+", " ", str(error))[:400])
        note(f"{test.__name__}: {time.monotonic() - began:.0f} s")
    print(f"1..{count}")
    return 1 if failed else 0
