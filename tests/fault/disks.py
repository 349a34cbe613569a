"""Full disks: a tmpfs of a few megabytes, and one with a few kilobytes left."""

import contextlib
import os
import random
import subprocess
from pathlib import Path

from faultlib import (Table, files_below, new_lake, note, number, result, rows_file, setting, skip,
                      tarn)


@contextlib.contextmanager
def small_disk(folder, name, megabytes):
    """A mounted tmpfs, or None."""
    mount = Path(folder) / name
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs",
                           str(mount)], capture_output=True, check=False)
    if made.returncode != 0:
        yield None
        return
    try:
        yield mount
    finally:
        subprocess.run(["umount", str(mount)], check=False)


def names_the_disk(done):
    text = done.stderr.lower()
    return done.returncode == 6 and ("space" in text or "disk" in text)


def full_disks(folder):
    """A load that does not fit: a clear error, nothing half-done, the lake still reads, and after
    freeing space the same load works."""
    big = Path(folder) / "random.csv"
    with open(big, "w", encoding="utf-8") as out:
        out.write("id,day,amount\n")
        for i in range(setting("TARN_DISK_ROWS", 300000)):
            out.write(f"{i},2026-01-01,{os.urandom(40).hex()}\n")
    small = rows_file(folder, "small.csv", 0, 100, bad=0)
    sizes = [8, 16, 32, 64] if setting("TARN_DISK_ALL", 0) else [8]
    for size in sizes:
        with small_disk(folder, f"disk{size}", size) as disk:
            if disk is None:
                skip(f"a full disk of {size} MB", "mounting a tmpfs needs root")
                continue
            lake = new_lake(disk, "lake")
            tarn(lake, "load", str(small), "sandbox.rows")
            ballast = disk / "ballast"
            with open(ballast, "wb") as out:
                out.write(b"x" * max(0, (size - 6) * 1024 * 1024))
            before = files_below(lake)
            done = tarn(lake, "load", str(big), "sandbox.other")
            result(names_the_disk(done), f"a full disk of {size} MB is a clear error",
                   f"{done.returncode}: {done.stderr[:300]}")
            result(number(lake, "select count(*) from sandbox.rows") == 100, "the lake still reads")
            tarn(lake, "sql", "-c", "select 1")
            result(files_below(lake) == before, "nothing half-done stays",
                   str(set(files_below(lake)) ^ set(before))[:300])
            ballast.unlink()
            subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=False)
            done = tarn(lake, "load", str(big), "sandbox.other")
            result(done.returncode == 0, "with space the load goes through", done.stderr[:300])


def last_bytes(folder):
    """So little is left that some write of the load or of its commit fails; each time another."""
    runs = setting("TARN_DISK_RUNS", 10)
    seed = setting("TARN_FAULT_SEED", random.randrange(1000000))
    chance = random.Random(seed)
    note(f"TARN_FAULT_SEED={seed}")
    with small_disk(folder, "last", 8) as disk:
        if disk is None:
            skip("the last bytes of a disk", "mounting a tmpfs needs root")
            return
        table = Table(new_lake(disk, "lake"), folder)
        table.judge(tarn(table.lake, *(arguments := table.arguments())), arguments, None)
        ballast = disk / "ballast"
        refused = 0
        for _ in range(runs):
            arguments = table.arguments()
            before = files_below(table.lake)
            status = os.statvfs(disk)
            left = 4096 * chance.randint(0, 46)
            with open(ballast, "wb") as out:
                out.write(b"x" * max(0, status.f_bavail * status.f_frsize - left))
            done = tarn(table.lake, *arguments)
            refused += done.returncode != 0
            clear = done.returncode == 0 or names_the_disk(done)
            # the index of the database log takes 32 KB when it is opened: nobody reads without
            os.truncate(ballast, max(0, ballast.stat().st_size - 65536))
            full_reads = number(table.lake, "select count(*) from raw.rows") >= table.loaded
            ballast.unlink()
            why = table.judge(done, arguments, before)
            result(why == "" and clear and full_reads,
                   f"{left // 1024} KB left: exit {done.returncode}",
                   f"{why}; reads {full_reads}; {done.stderr.strip()[-300:]}")
        result(refused > 0, f"{refused} of {runs} loads did not fit")
