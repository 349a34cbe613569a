#!/usr/bin/env python3
"""Runs the tests of one `make` target and adds up what they counted.

    tools/run_tests.py check|interop|s3|asan|tsan|cover

`check` builds, runs the source checks, the unit tests and corpora, the same tests under
AddressSanitizer and UndefinedBehaviorSanitizer, and every executable `tests/<kind>/run` (golden,
property, fault, ...) but for those of other targets. Such a script finds the program in $TARN and
prints TAP, or closes with "N passed, N failed, N skipped", or only has an exit code. The last line
printed here is always of that form, counts test functions, and is what a continuous integration
reads. A step that fails does not keep the others from running; every failure and every skip is
named at the end.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import tally as count  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OTHER_TARGETS = ("bench", "interop")  # a run script there belongs to another target
# Limits that only a hanging step reaches; the whole of `check` is to stay under 15 minutes.
STEP_SECONDS = 600
INTEROP_SECONDS = 2400
SANITIZER_SECONDS = 1800
SANITIZER_TIMEOUT_FACTOR = 10


def run(command, seconds=STEP_SECONDS, **extra):
    """Runs a command, shows its output indented, returns (exit code, output)."""
    environment = dict(os.environ, TARN=str(BUILD / "tarn"), TARN_BUILD=str(BUILD), **extra)
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env=environment, text=True,
                             errors="replace", start_new_session=True)
    late = threading.Event()

    def stop():
        late.set()
        os.killpg(child.pid, signal.SIGKILL)

    timer = threading.Timer(seconds, stop)
    timer.start()
    lines = []
    try:
        for line in child.stdout:
            lines.append(line)
            print("  " + line, end="", flush=True)
        code = child.wait()
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        raise
    finally:
        timer.cancel()
    if late.is_set():
        print(f"  stopped: it ran longer than {seconds} s")
        code = 124
    return code, "".join(lines)


def step_make(target):
    code, _ = run(["make", "--no-print-directory", target], STEP_SECONDS)
    return count.of_exit(f"make {target}", code)


def step_sources():
    """The source checks; before each, the proof that it can fail."""
    total = count.Tally()
    for script in ["tally.py", "fetch.py"]:
        code, text = run_quiet([sys.executable, f"tools/{script}", "--self-test"])
        total.add(count.of_tap(script, text, code))
    for script in sorted((ROOT / "tools").glob("check_*.py")):
        code, text = run_quiet([sys.executable, str(script), "--self-test"])
        total.add(count.of_tap(f"{script.name} --self-test", text, code))
        code, _ = run([sys.executable, str(script)])
        total.add(count.of_exit(script.name, code))
    return total


def run_quiet(command):
    """For self-tests: the output is shown only when something is wrong."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=STEP_SECONDS, check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
    return done.returncode, done.stdout


def step_meson(folder, factor=1, seconds=STEP_SECONDS):
    """All tests that Meson knows in a build directory."""
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    code, _ = run(["meson", "test", "-C", str(folder), "--no-rebuild", "--print-errorlogs",
                   "--timeout-multiplier", str(factor)], seconds)
    total = count.Tally()
    listed = subprocess.run(["meson", "introspect", "--tests", str(folder)], check=False,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True)
    try:
        protocols = {test["name"]: test["protocol"] for test in json.loads(listed.stdout)}
    except ValueError:
        protocols = {}
    if not protocols and code == 0:
        return total
    entries = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    for entry in map(json.loads, entries):
        # Meson names a test "project:suite / name" when it has suites
        name = entry["name"].split(" / ")[-1]
        status = entry.get("returncode") or 0
        if entry["result"] in ("TIMEOUT", "INTERRUPT"):
            status = 124
        if protocols.get(name) == "tap":
            output = entry.get("stdout") or ""
            one = count.of_tap(name, output, status)
            if one.failed:  # Meson shows what went to stderr; the reasons are in the TAP itself
                print(f"  {name}:")
                print("".join(f"    {line}\n" for line in output.splitlines()
                              if not line.startswith("ok ")), end="")
            total.add(one)
        elif entry["result"] == "SKIP":
            total.skipped.append(f"{name} (exit code 77)")
        else:
            total.add(count.of_exit(name, status))
    if len(entries) != len(protocols):
        total.failed.append(f"{folder.name}: {len(entries)} of {len(protocols)} test programs ran")
    elif code != 0 and not total.failed:
        total.failed.append(f"{folder.name}: meson test failed with exit code {code}")
    return total


def step_suites():
    total = count.Tally()
    for script in sorted((ROOT / "tests").glob("*/run")):
        kind = script.parent.name
        if kind not in OTHER_TARGETS and script.is_file() and os.access(script, os.X_OK):
            code, text = run([str(script)])
            total.add(count.of_suite(f"tests/{kind}/run", text, code))
    return total


def step_interop():
    """pytest over tests/interop in the pinned virtual environment."""
    total = count.Tally()
    if not list((ROOT / "tests" / "interop").rglob("test_*.py")):
        print("  there are no interoperability tests yet")
        return total
    made = subprocess.run([str(ROOT / "tools" / "venv.sh")], stdout=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    if made.returncode != 0:
        total.failed.append("tools/venv.sh: the virtual environment could not be made")
        return total
    results = BUILD / "interop.xml"
    results.unlink(missing_ok=True)
    code, _ = run([made.stdout.strip(), "-m", "pytest", "-p", "no:cacheprovider", "-ra",
                   f"--junitxml={results}", "tests/interop"], INTEROP_SECONDS)
    total.add(count.of_junit("tests/interop", results, code))
    return total


def step_sanitizer(name):
    return step_meson(BUILD / name, SANITIZER_TIMEOUT_FACTOR, SANITIZER_SECONDS)


def step_s3():
    """Whole suites with the lakes on the server of tests/peers/s3.sh."""
    total = count.Tally()
    peer = str(ROOT / "tests" / "peers" / "s3.sh")
    for action in ("install", "start"):
        code, _ = run([peer, action], INTEROP_SECONDS)
        if code != 0:
            total.failed.append(f"tests/peers/s3.sh {action}: exit code {code}")
            return total
    told = subprocess.run([peer, "env"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout
    variables = dict(word.split("=", 1) for line in told.splitlines() for word in line.split()[1:])
    code, text = run([str(BUILD / "meson/tests/unit/store/test_store_contract")], **variables)
    total.add(count.of_tap("the contract of stores", text, code))
    for name in ("cli", "maintain", "demo"):
        code, text = run([str(ROOT / "tests" / name / "run"), "--storage", "s3"], INTEROP_SECONDS,
                         **variables)
        total.add(count.of_suite(f"tests/{name}/run on S3", text, code))
    return total


STEPS = {
    "check": [
        ("downloads", lambda: step_make("deps")),  # headers compile against duckdb.h
        ("source checks", step_sources),
        ("build", lambda: step_make("tests-build")),
        ("unit tests", lambda: step_meson(BUILD / "meson")),
        ("build with sanitizers", lambda: step_make("asan-build")),
        ("unit tests under ASan and UBSan", lambda: step_sanitizer("asan")),
        ("golden, property, fault and other suites", step_suites),
    ],
    "asan": [("unit tests under ASan and UBSan", lambda: step_sanitizer("asan"))],
    "tsan": [("unit tests under TSan", lambda: step_sanitizer("tsan"))],
    "cover": [("unit tests", lambda: step_meson(BUILD / "cover"))],
    "interop": [("interoperability tests", step_interop)],
    "s3": [("suites on S3", step_s3)],
}


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in STEPS:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    total = count.Tally()
    start = time.monotonic()
    for name, step in STEPS[arguments[0]]:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        one = step()
        print(f"== {name}: {one.line()} ({time.monotonic() - began:.0f} s)", flush=True)
        total.add(one)
    for text in total.skipped:
        print(f"skipped: {text}")
    for text in total.failed:
        print(f"failed: {text}")
    print(f"took {time.monotonic() - start:.0f} s")
    print(total.line())
    return 1 if total.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was counted", file=sys.stderr)
        sys.exit(130)
