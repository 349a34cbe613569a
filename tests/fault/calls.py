"""System calls of the real program that fail, by strace; short writes, by a limit on file sizes.

Every thread of the program is counted on its own by strace, so the n-th call is the n-th of the
thread that makes it first. What fails is everything: the lake's files, SQLite's, the engine's.
"""

import random
import re
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from faultlib import Table, files_below, new_lake, note, result, setting, skip, tarn

# What may happen to which call. A call that is interrupted over and over is repeated.
FAULTS = [
    ("fsync", "error=EIO"), ("fdatasync", "error=EIO"),
    ("pwrite64", "error=EIO"), ("pwrite64", "error=ENOSPC"), ("write", "error=ENOSPC"),
    ("openat", "error=EIO"), ("openat", "error=EMFILE"), ("linkat", "error=EIO"),
    ("linkat", "error=ENOSPC"), ("mkdir", "error=ENOSPC"), ("unlink", "error=EIO"),
    ("pread64", "error=EIO"), ("read", "error=EIO"), ("ftruncate", "error=EIO"),
    ("newfstatat", "error=EIO"), ("getdents64", "error=EIO"), ("getrandom", "error=EIO"),
    ("sync_file_range", "error=EIO"), ("fcntl", "error=EIO"), ("mmap", "error=ENOMEM"),
    ("fsync", "signal=SIGKILL"), ("fdatasync", "signal=SIGKILL"), ("pwrite64", "signal=SIGKILL"),
    ("write", "signal=SIGKILL"), ("openat", "signal=SIGKILL"), ("linkat", "signal=SIGKILL"),
]
STORMS = ["read", "write", "pread64", "pwrite64", "openat", "ftruncate"]


def count_calls(lake, arguments, folder):
    """How often one thread makes each call in an undisturbed run."""
    log = Path(folder) / "calls.txt"
    tarn(lake, *arguments, before=["strace", "-f", "-qq", "-o", str(log)])
    counts = {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = re.match(r"(\d+) +([a-z0-9_]+)\(", line)
        if found:
            key = found.groups()
            counts[key] = counts.get(key, 0) + 1
    most = {}
    for (_, call), n in counts.items():
        most[call] = max(most.get(call, 0), n)
    return most


def strace_works():
    if shutil.which("strace") is None:
        return "strace is missing"
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True,
                          text=True, check=False)
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()[:100]}"


def message_refused(trace):
    """Whether a write to the terminal failed: every thread counts its own calls, so the first write
    of the main thread may be the very message about what failed in another."""
    last = {}
    for line in trace.splitlines():
        pid, _, call = line.partition(" ")
        if "resumed>" not in call:
            last[pid] = call.strip()
        if "INJECTED" in call and last.get(pid, "").startswith("write(2,"):
            return True
    return False


def plans(most, runs, chance):
    """(call, what, when) for each run: all kinds in turn, at random places."""
    every = []
    for i in range(runs):
        call, what = FAULTS[i % len(FAULTS)]
        if most.get(call, 0) > 0:
            every.append((call, what, str(chance.randint(1, most[call]))))
    for i in range(max(2, runs // 12)):
        every.append((STORMS[i % len(STORMS)], "error=EINTR", "1+2"))
    return every


def failing_calls(folder):
    """Whatever a call answers, nothing is lost, doubled or left over, and an error is told."""
    why = strace_works()
    if why:
        skip("failing system calls", why)
        return
    runs = setting("TARN_STRACE_RUNS", 26)
    seed = setting("TARN_FAULT_SEED", random.randrange(1000000))
    note(f"TARN_FAULT_SEED={seed}")
    chance = random.Random(seed)
    table = Table(new_lake(folder, "strace"), folder)
    arguments = table.arguments()
    most = count_calls(table.lake, arguments, folder)
    table.judge(tarn(table.lake, *arguments), arguments, None)
    fired = 0
    for call, what, when in plans(most, runs, chance):
        arguments = table.arguments()
        before = files_below(table.lake)
        log = Path(folder) / "injected.txt"
        done = tarn(table.lake, *arguments,
                    before=["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e",
                            f"inject={call}:{what}:when={when}"])
        trace = log.read_text(encoding="utf-8", errors="replace")
        hit = "INJECTED" in trace
        killed = done.returncode == -signal.SIGKILL
        fired += hit or killed
        name = f"{call} {what} at {when}: {'killed' if killed else f'exit {done.returncode}'}"
        told = (done.returncode in (0, -signal.SIGKILL) or done.stderr.strip() != ""
                or message_refused(trace))
        try:
            why = table.judge(done, arguments, before)
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
            why = str(error)[:300]
        result(why == "" and told, name, f"{why}; {done.stderr.strip()[:300]}")
    result(fired > runs // 3, f"{fired} calls were disturbed")


def short_writes(folder):
    """A limit on the size of files: writes are cut short, then refused (EFBIG)."""
    runs = setting("TARN_SHORT_WRITES", 6)
    chance = random.Random(setting("TARN_FAULT_SEED", 11))
    table = Table(new_lake(folder, "short"), folder)
    table.judge(tarn(table.lake, *(arguments := table.arguments())), arguments, None)
    refused = 0
    for _ in range(runs):
        limit = int(2 ** chance.uniform(6, 17))

        def bound(size=limit):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        arguments = table.arguments()
        before = files_below(table.lake)
        done = tarn(table.lake, *arguments, preexec_fn=bound)
        refused += done.returncode != 0
        told = done.returncode == 0 or done.stderr.strip() != ""
        why = table.judge(done, arguments, before)
        result(why == "" and told, f"files of at most {limit} bytes: exit {done.returncode}",
               f"{why}; {done.stderr.strip()[:300]}")
    result(refused > 0, f"{refused} of {runs} loads were refused")
