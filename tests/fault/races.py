"""Races of processes on one table, of loads that commit two tables at once, of transactions."""

import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
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


ACCOUNTS = 8
WORTH = 1000


def transfer(writer, turn):
    """Moves an amount from one table's account to another's, and writes it down in a third."""
    source, target = (turn * 3 + writer) % ACCOUNTS, (turn * 5 + writer * 2) % ACCOUNTS
    one, other = ("a", "b") if (turn + writer) % 2 else ("b", "a")
    return (f"begin;\nupdate sandbox.{one} set amount = amount - {turn + 1} where id = {source};\n"
            f"update sandbox.{other} set amount = amount + {turn + 1} where id = {target};\n"
            f"insert into sandbox.log values ({writer}, {turn});\ncommit;\n")


def transfers(lake, folder, writer, turns):
    """Every transfer until it is acknowledged; one that met another (exit 5) begins again."""
    path = Path(folder) / f"transfer{writer}.sql"
    again = 0
    for turn in range(turns):
        path.write_text(transfer(writer, turn), encoding="utf-8")
        while (done := tarn(lake, "sql", "-q", "-f", str(path))).returncode == 5:
            again += 1
            time.sleep(random.uniform(0, 0.1))
        if done.returncode != 0:
            raise RuntimeError(f"writer {writer}, turn {turn}: {done.stderr}")
    return again


def race_of_transactions(folder):
    """Processes move amounts between two tables: nobody ever sees half a transaction."""
    writers = setting("TARN_RACE_TRANSACTORS", 4)
    turns = setting("TARN_RACE_TRANSACTIONS", 6)
    lake = new_lake(folder, "transactions")
    for table in ("a", "b"):
        tarn(lake, "sql", "-c", f"create table sandbox.{table} partitioned by (id) as "
             f"select i::int as id, {WORTH} as amount from range({ACCOUNTS}) r(i)")
    tarn(lake, "sql", "-c", "create table sandbox.log (writer int, turn int)")
    total = 2 * ACCOUNTS * WORTH
    look = "select (select sum(amount) from sandbox.a) + (select sum(amount) from sandbox.b)"
    seen = []
    began = time.monotonic()
    with ThreadPoolExecutor(writers) as pool:
        running = [pool.submit(transfers, lake, folder, writer, turns)
                   for writer in range(writers)]
        while not all(one.done() for one in running):
            seen.append(number(lake, look))
        again = [one.result() for one in running]
    note(f"{writers} x {turns} transactions over three tables: {time.monotonic() - began:.1f} s, "
         f"{sum(again)} began again, looked at {len(seen)} times")
    wanted = writers * turns
    result(set(seen) <= {total} and number(lake, look) == total, "no amount came or went",
           f"{total} expected, seen {sorted(set(seen))}")
    result(number(lake, "select count(*) from sandbox.log") == wanted and
           number(lake, "select count(distinct writer * 100000 + turn) from sandbox.log") == wanted,
           f"{wanted} transactions, none twice")
    check_line(lake, "log", wanted)
    for table in ("a", "b"):
        check_line(lake, table, wanted + 1)
    moved = "select sum(if(turn % 2 = writer % 2, -1, 1) * (turn + 1)) from sandbox.log"
    result(number(lake, f"select sum(amount) - ({moved}) from sandbox.b") == ACCOUNTS * WORTH,
           "each table holds what was moved to it")
