"""Races of processes on one table, and of loads that commit two tables at once."""

import subprocess
import time
from pathlib import Path

from faultlib import TARN, new_lake, note, number, result, rows_file, schema_file, setting, tarn


def start(lake, *arguments):
    return subprocess.Popen([TARN, "-C", str(lake), *arguments], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def wait(children):
    errors = [child.communicate(timeout=3000)[1] for child in children]
    bad = [error for child, error in zip(children, errors) if child.returncode != 0]
    return bad


def check_line(lake, table, snapshots):
    result(number(lake, f'select count(*) from sandbox."{table}$snapshots"') == snapshots,
           f"{snapshots} snapshots of {table}")
    gaps = ("select count(*) from (select sequence_number, row_number() over (order by "
            f'sequence_number) n from sandbox."{table}$snapshots") where n <> sequence_number')
    result(number(lake, gaps) == 0, f"sequence numbers of {table} without a gap")


def race(folder):
    """Processes append to one table: every commit lands, every row is there."""
    writers = setting("TARN_RACE_PROCESSES", 4)
    commits = setting("TARN_RACE_COMMITS", 15)
    lake = new_lake(folder, "race")
    tarn(lake, "sql", "-c", "create table sandbox.t (writer int, n int)")
    children = []
    began = time.monotonic()
    for writer in range(writers):
        script = Path(folder) / f"race{writer}.sql"
        script.write_text("".join(f"insert into sandbox.t values ({writer}, {n});\n"
                                  for n in range(commits)), encoding="utf-8")
        children.append(start(lake, "sql", "-q", "-f", str(script)))
    bad = wait(children)
    seconds = time.monotonic() - began
    wanted = writers * commits
    note(f"{writers} processes, {commits} commits each: {seconds:.1f} s, "
         f"{wanted / seconds:.0f} commits/s")
    result(not bad, f"all {writers} writers ended well", " ".join(bad)[:300])
    check_line(lake, "t", wanted)
    result(number(lake, "select count(*) from sandbox.t") == wanted and
           number(lake, "select count(distinct writer * 100000 + n) from sandbox.t") == wanted,
           f"{wanted} rows, none twice")


def race_of_loads(folder):
    """Processes load files with refused rows: each commit moves the table and its quarantine."""
    writers = setting("TARN_RACE_LOADERS", 4)
    loads = setting("TARN_RACE_LOADS", 3)
    lake = new_lake(folder, "loads")
    schema = schema_file(folder)
    began = time.monotonic()
    bad = []
    for turn in range(loads):
        children = []
        for writer in range(writers):
            part = turn * writers + writer
            path = rows_file(folder, f"race{part}.csv", part * 1000, 30)
            children.append(start(lake, "load", "--on-error", "quarantine", "--schema", schema,
                                  str(path), "sandbox.rows"))
        bad += wait(children)
        if turn == 0:  # only one of them can make the table; the others lose and may come again
            bad = []
            for writer in range(writers):
                again = start(lake, "load", "--on-error", "quarantine", "--schema", schema,
                              str(Path(folder) / f"race{writer}.csv"), "sandbox.rows")
                bad += wait([again])
    parts = writers * loads
    note(f"{parts} loads of two tables: {time.monotonic() - began:.1f} s")
    result(not bad, "all loads ended well", " ".join(bad)[:300])
    result(number(lake, "select count(*) from sandbox.rows") == 30 * parts and
           number(lake, "select count(distinct id) from sandbox.rows") == 30 * parts,
           f"{30 * parts} rows, none twice")
    result(number(lake, 'select count(*) from sandbox."rows$quarantine"') == 2 * parts,
           f"{2 * parts} refused rows")
    check_line(lake, "rows", parts)
