"""Kills at every fault point of a load and its commit; Ctrl-C; loading once."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from faultlib import (TARN, Table, files_below, new_lake, number, result, rows_file, setting, tarn)

# Fault points a load and its commit pass.
POINTS = [
    "catalog.intent.after_begin", "flow.load.batch", "query.write.after_copy",
    "flow.load.before_commit", "table.produce.after_manifest", "table.produce.after_manifest_list",
    "catalog.commit.after_metadata", "catalog.commit.before_swap", "store.put.after_write",
    "store.put.before_link", "store.batch.before_sync",
    "db.commit.before", "db.commit.after",
]


def kill_cycles(folder):
    """After each kill the lake opens, what was acknowledged is there once, what was not is not,
    and no file or intent is left over; the same load then goes through."""
    cycles = setting("TARN_FAULT_CYCLES", 50)
    table = Table(new_lake(folder, "kill"), folder)
    hits = {}
    passes = {}  # how often a load passes a point, once a kill beyond that has been tried
    for cycle in range(cycles):
        point = POINTS[cycle % len(POINTS)]
        nth = 1 + cycle // len(POINTS) % passes.get(point, cycles)
        arguments = table.arguments()
        before = files_below(table.lake)
        done = tarn(table.lake, *arguments, plan=f"{point}=kill@{nth}")
        killed = done.returncode == -signal.SIGKILL
        hits[point] = hits.get(point, 0) + killed
        if not killed and nth > 1:
            passes[point] = min(nth - 1, passes.get(point, cycles))
        name = f"cycle {cycle}: {point}@{nth} {'killed' if killed else 'passed'}"
        try:
            why = table.judge(done, arguments, before)
            result(why == "", name, f"{why}; {done.stderr.strip()[:200]}")
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
            result(False, name, str(error)[:300])
    for point in POINTS:
        if cycles >= len(POINTS):
            result(hits.get(point, 0) > 0, f"{point} was reached by a load")


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
