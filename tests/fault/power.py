"""Power cuts: a lake on an ext4 in a file, shut down without flushing its journal while tarn
commits, then mounted again.

An ioctl (EXT4_IOC_SHUTDOWN, "no log flush") drops whatever was not synced, as a cut does. What
counts as acknowledged is what the writer had said before the cut. Needs root, loop devices and
mkfs.ext4.
"""

import fcntl
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

from faultlib import TARN, new_lake, note, number, numbers, result, setting, skip, tarn

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
WITHOUT_FLUSH = 2
# Where a commit is held for a moment, so that some cuts fall between two of its steps.
POINTS = ["catalog.commit.after_metadata", "catalog.commit.before_swap", "db.commit.before",
          "db.commit.after", "store.batch.before_sync", "query.write.after_copy", None, None]


class Disk:
    """The file system in a file."""

    def __init__(self, folder):
        self.image = Path(folder) / "power.img"
        self.mount_point = Path(folder) / "power"
        self.mount_point.mkdir()

    def make(self):
        """What is missing, or ""."""
        if os.geteuid() != 0:
            return "mounting a file system needs root"
        if shutil.which("mkfs.ext4") is None or shutil.which("fsck.ext4") is None:
            return "mkfs.ext4 or fsck.ext4 is missing"
        with open(self.image, "wb") as out:
            out.truncate(96 * 1024 * 1024)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], capture_output=True,
                              text=True, check=False)
        if made.returncode != 0:
            return f"mkfs.ext4 failed: {made.stderr[:100]}"
        return self.mount()

    def mount(self):
        made = subprocess.run(["mount", "-o", "loop", str(self.image), str(self.mount_point)],
                              capture_output=True, text=True, check=False)
        return "" if made.returncode == 0 else f"no loop device: {made.stderr.strip()[:100]}"

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        for _ in range(100):
            if subprocess.run(["umount", str(self.mount_point)], capture_output=True,
                              check=False).returncode == 0:
                return True
            time.sleep(0.02)
        return False

    def is_clean(self):
        """Mounted once more by now, so that its journal has been played."""
        return subprocess.run(["fsck.ext4", "-f", "-n", str(self.image)], capture_output=True,
                              check=False).returncode == 0


class Writer:
    """Inserts from a number on, in two tables in turn; says which were acknowledged."""

    def __init__(self, lake, folder, first, point, chance):
        script = Path(folder) / "power.sql"
        self.first = first
        script.write_text("".join(f"insert into sandbox.t{n % 2} values ({n}, repeat('x', 300));\n"
                                  for n in range(first, first + 400)), encoding="utf-8")
        environment = dict(os.environ)
        if point:
            nth = chance.randint(1, 12)
            environment["TARN_FAULT_PLAN"] = f"{point}=sleep:400@{nth}"
        self.child = subprocess.Popen([TARN, "-C", str(lake), "sql", "-f", str(script)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, env=environment)
        self.said = b""

    def acknowledged(self, seconds):
        """Reads for a while; how many have been acknowledged."""
        end = time.monotonic() + seconds
        while True:
            left = max(0, end - time.monotonic())
            ready, _, _ = select.select([self.child.stdout], [], [], left)
            if not ready:
                return self.said.count(b"inserted 1 row")
            data = os.read(self.child.stdout.fileno(), 65536)
            if not data:
                return self.said.count(b"inserted 1 row")
            self.said += data

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.child.stdout.close()


def judge(lake, known, first, acknowledged):
    """`known` are the numbers of all cycles before; returns (what there is now, what is wrong)."""
    there = []
    faults = []
    for table in ("t0", "t1"):
        there += numbers(lake, f"select n from sandbox.{table}")
        whole = number(lake, f"select count(*) from sandbox.{table} where length(pad) <> 300")
        if whole != 0:
            faults.append(f"{whole} rows of {table} are damaged")
    lost = [n for n in range(first, first + acknowledged) if n not in set(there)]
    if lost:
        faults.append(f"{len(lost)} acknowledged are lost: {lost[:5]}")
    if set(known) - set(there):
        faults.append("rows of before are lost")
    if len(there) != len(set(there)):
        faults.append(f"{len(there) - len(set(there))} are there twice")
    more = sorted(set(there) - set(known))
    if more and more != list(range(first, first + len(more))):
        faults.append("there are holes in what was committed")
    return there, faults


def power_cuts(folder):
    disk = Disk(folder)
    why = disk.make()
    if why:
        skip("power cuts", why)
        return
    cycles = setting("TARN_POWER_CUTS", 20)
    seed = setting("TARN_FAULT_SEED", random.randrange(1000000))
    chance = random.Random(seed)
    note(f"TARN_FAULT_SEED={seed}")
    known = []
    acknowledgements = 0
    began = time.monotonic()
    try:
        lake = new_lake(disk.mount_point, "lake")
        for table in ("t0", "t1"):
            tarn(lake, "sql", "-c", f"create table sandbox.{table} (n int, pad text)")
        os.sync()
        for cycle in range(cycles):
            point = POINTS[cycle % len(POINTS)]
            first = max(known, default=-1) + 1
            writer = Writer(lake, folder, first, point, chance)
            while writer.acknowledged(0.05) == 0 and writer.child.poll() is None:
                pass
            acknowledged = writer.acknowledged(chance.uniform(0, 0.6))
            disk.cut()
            writer.kill()
            faults = [] if disk.unmount() else ["it could not be unmounted"]
            why = disk.mount()
            if why:
                raise RuntimeError(why)
            known, more = judge(lake, known, first, acknowledged)
            faults += more
            done = tarn(lake, "sql", "-c", "select 1")  # sweeps
            if done.returncode != 0:
                faults.append(done.stderr.strip()[:200])
            acknowledgements += acknowledged
            result(not faults, f"power cut {cycle}, {point or 'anywhere'}: {acknowledged} "
                   "acknowledged", "; ".join(faults))
        result(acknowledgements > 0, f"{acknowledgements} commits were acknowledged")
        disk.unmount()
        result(disk.is_clean(), "fsck finds the file system clean")
        note(f"{cycles} power cuts, {acknowledgements} acknowledged, {len(known)} found, "
             f"{(time.monotonic() - began) / cycles:.2f} s each")
    finally:
        disk.unmount()
