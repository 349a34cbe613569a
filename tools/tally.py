#!/usr/bin/env python3
"""Counts tests out of what test programs print: TAP lines, a plain closing line, JUnit files.

    tools/tally.py --self-test

Counted are test functions, not programs. A program that ends badly without a "not ok" line (a
crash, a sanitizer's finding, a plan that was not kept) counts as one more failure, so that no
failure hides behind lines that were fine.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TAP_LINE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*?)\s*(?:#\s*(SKIP|TODO)\S*\s*(.*))?$", re.I)
TAP_PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$", re.I)
CLOSING = re.compile(r"^(?:\w+: *)?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


class Tally:
    """How many passed, and the names of those that failed or were skipped, with reasons."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def line(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"

    def total(self):
        return self.passed + len(self.failed) + len(self.skipped)


def of_exit(name, code):
    """A program that is one test."""
    tally = Tally()
    if code == 0:
        tally.passed = 1
    else:
        tally.failed.append(f"{name} (exit code {code})")
    return tally


def of_tap(name, text, code):
    """A program that prints TAP and ended with `code`."""
    tally = Tally()
    planned = None
    for line in text.splitlines():
        if line.startswith("Bail out!"):
            tally.failed.append(f"{name}: {line}")
        elif plan := TAP_PLAN.match(line):
            planned = int(plan[1])
            if planned == 0:
                tally.skipped.append(f"{name}: {plan[2] or 'no reason given'}")
        elif found := TAP_LINE.match(line):
            test = f"{name}: {found[3]}"
            if found[4]:
                tally.skipped.append(f"{test} ({found[5] or found[4].lower()})")
            elif found[1]:
                tally.failed.append(test)
            else:
                tally.passed += 1
    if planned is None:
        tally.failed.append(f"{name}: ended before its plan (exit code {code})")
    elif planned > 0 and planned != tally.total():
        tally.failed.append(f"{name}: planned {planned} tests, ran {tally.total()}")
    elif code != 0 and not tally.failed:
        tally.failed.append(f"{name}: every test was fine, but exit code {code}")
    return tally


def of_suite(name, text, code):
    """A script that closes with "N passed, N failed[, N skipped]", or prints TAP, or neither."""
    closing = [found for line in text.splitlines() if (found := CLOSING.match(line.strip()))]
    if closing:
        passed, failed, skipped = (int(value or 0) for value in closing[-1].groups())
        tally = Tally()
        tally.passed = passed
        tally.failed = [f"{name} (see above)"] * failed
        tally.skipped = [f"{name} (see above)"] * skipped
        if code != 0 and failed == 0:
            tally.failed.append(f"{name}: counted no failure, but exit code {code}")
        return tally
    if any(TAP_PLAN.match(line) for line in text.splitlines()):
        return of_tap(name, text, code)
    return of_exit(name, code)


def of_junit(name, path, code, fine=(0,)):
    """A JUnit file, as pytest writes it."""
    tally = Tally()
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        tally.failed.append(f"{name}: no results ({error}), exit code {code}")
        return tally
    for case in root.iter("testcase"):
        test = f"{case.get('classname', '')}.{case.get('name', '')}"
        bad = [child for child in case if child.tag in ("failure", "error")]
        skip = case.find("skipped")
        if bad:
            tally.failed.append(f"{test}: {(bad[0].get('message') or '').splitlines()[:1]}")
        elif skip is not None:
            tally.skipped.append(f"{test} ({skip.get('message') or 'no reason given'})")
        else:
            tally.passed += 1
    if code not in fine and not tally.failed:
        tally.failed.append(f"{name}: exit code {code}")
    return tally


def self_test():
    cases = [
        ("all fine", of_tap("t", "ok 1 - a\nok 2 - b\n1..2\n", 0), (2, 0, 0)),
        ("a failure", of_tap("t", "ok 1 - a\nnot ok 2 - b\n1..2\n", 1), (1, 1, 0)),
        ("a skip", of_tap("t", "ok 1 - a # SKIP no server\n1..1\n", 0), (0, 0, 1)),
        ("a todo", of_tap("t", "not ok 1 - a # TODO later\n1..1\n", 0), (0, 0, 1)),
        ("all skipped", of_tap("t", "1..0 # SKIP no library\n", 0), (0, 0, 1)),
        ("a crash after one test", of_tap("t", "ok 1 - a\n", -11), (1, 1, 0)),
        ("a finding at exit", of_tap("t", "ok 1 - a\n1..1\n", 1), (1, 1, 0)),
        ("a plan that was not kept", of_tap("t", "1..3\nok 1 - a\n", 0), (1, 1, 0)),
        ("bail out", of_tap("t", "ok 1 - a\nBail out! no disk\n", 255), (1, 2, 0)),
        ("nothing printed", of_tap("t", "", 0), (0, 1, 0)),
        ("a hash in a name", of_tap("t", "ok 1 - c# is fine\n1..1\n", 0), (1, 0, 0)),
        ("a closing line", of_suite("s", "x\n 3 passed, 1 failed, 2 skipped\n", 1), (3, 1, 2)),
        ("a closing line of two", of_suite("s", "3 passed, 0 failed\n", 0), (3, 0, 0)),
        ("a closing line that lies", of_suite("s", "3 passed, 0 failed\n", 1), (3, 1, 0)),
        ("the last closing line", of_suite("s", "1 passed, 0 failed\n5 passed, 0 failed", 0),
         (5, 0, 0)),
        ("an exit code alone", of_suite("s", "hello\n", 0), (1, 0, 0)),
        ("a bad exit code alone", of_suite("s", "hello\n", 3), (0, 1, 0)),
        ("a suite that prints TAP", of_suite("s", "ok 1 - a\nnot ok 2\n1..2\n", 1), (1, 1, 0)),
        ("a JUnit file that is not there", of_junit("j", Path("no/such.xml"), 0), (0, 1, 0)),
    ]
    failed = 0
    for number, (what, tally, want) in enumerate(cases, 1):
        got = (tally.passed, len(tally.failed), len(tally.skipped))
        failed += got != want
        print(f"{'ok' if got == want else 'not ok'} {number} - tally: {what}")
        if got != want:
            print(f"# got {got}, expected {want}")
    print(f"1..{len(cases)}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:] != ["--self-test"]:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        sys.exit(2)
    sys.exit(self_test())
