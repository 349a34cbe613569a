#!/usr/bin/env python3
"""Every fault point has one place in src/ and at least one test that fires it.

    tools/check_faults.py               look at src/ and tests/
    tools/check_faults.py --list        print the names, one a line, for a test to walk through
    tools/check_faults.py --self-test   prove that each rule can fail

A name used in two places, a name of the wrong form, a name that is not a literal and a name that
no file under tests/ mentions are errors.
"""

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from csource import ROOT, Report, line_of, read, self_test, without_comments  # noqa: E402

POINT = re.compile(r'\bTARN_FAULT\s*\(\s*(?:"([^"]*)")?')
FORM = re.compile(r"^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$")
DEFINITION = "base/fault.h"


def collect(source, report):
    """The fault points of the sources: name -> (path, line) of the first use."""
    points = {}
    for path in sorted(source.rglob("*.[ch]")):
        inside = str(path.relative_to(source))
        if inside == DEFINITION:
            continue
        text = without_comments(read(path))
        for found in POINT.finditer(text):
            where = (f"src/{inside}", line_of(text, found.start()))
            name = found[1]
            if name is None:
                report.error(*where, "a fault point's name must be a string literal")
            elif not FORM.match(name):
                report.error(*where, f'"{name}" does not have the form "room.noun.moment"')
            elif name.split(".")[0] != inside.split("/")[0]:
                report.error(*where, f'"{name}" must begin with its room, '
                             f'"{inside.split("/")[0]}."')
            elif name in points:
                first = points[name]
                report.error(*where, f'fault point "{name}" is used before, at '
                             f"{first[0]}:{first[1]}", "each place needs its own name")
            else:
                points[name] = where
    return points


def check(root, report):
    points = collect(root / "src", report)
    tests = [read(path) for path in sorted((root / "tests").rglob("*"))
             if path.is_file() and "corpus" not in path.parts and "__pycache__" not in path.parts]
    for name, where in points.items():
        mention = re.compile(r"(?<![\w.])" + re.escape(name) + r"(?![\w]|\.\w)")
        if not any(mention.search(text) for text in tests):
            report.error(*where, f'no test fires the fault point "{name}"')
    return points


def findings(source, test):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in {**source, "tests/fault/run": test}.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        report = Report("test")
        with contextlib.redirect_stdout(io.StringIO()):
            check(root, report)
        return report.errors


def run_self_test():
    def one(text, test=""):
        return findings({"src/table/a.c": text}, test)
    use = 'if (TARN_FAULT("table.commit.before", error)) return false;\n'
    return self_test("faults", [
        ("a point that a test fires is fine", one(use, "table.commit.before=kill") == 0),
        ("a point without a test fails", one(use, "table.commit.after=kill") == 1),
        ("a longer name is no mention", one(use, "table.commit.before_that=kill") == 1),
        ("a name used twice fails", one(use + use, "table.commit.before") == 1),
        ("a name of another room fails", one('TARN_FAULT("store.put.x", e)', "store.put.x") == 1),
        ("a name without dots fails", one('TARN_FAULT("commit", e)', "commit") == 1),
        ("a name that is no literal fails", one("TARN_FAULT(name, error)") == 1),
        ("a name over two lines is seen", one('TARN_FAULT(\n    "table.a.b", e)', "") == 1),
        ("a comment is not a point", one('/* TARN_FAULT("table.a.b", e) */') == 0),
        ("the macro itself is not a point",
         findings({"src/base/fault.h": "#define TARN_FAULT(name, error) x"}, "") == 0),
    ])


def main(arguments):
    if arguments == ["--self-test"]:
        return run_self_test()
    report = Report("faults")
    if arguments == ["--list"]:
        for name in collect(ROOT / "src", report):
            print(name)
        return 1 if report.errors else 0
    points = check(ROOT, report)
    return report.end(f"{len(points)} fault points")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
