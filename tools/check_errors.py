#!/usr/bin/env python3
"""Every code of src/base/errors.def is produced somewhere in src/.

    tools/check_errors.py               look at src/
    tools/check_errors.py --fix         take codes that are used now off the list of exceptions
    tools/check_errors.py --self-test   prove that each rule can fail

tools/errors_unused.txt lists the codes that nothing produces yet. It only shrinks: a code that is
used, or that is gone from the table, must leave the list, and a new code needs a use.
"""

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from csource import (ROOT, Report, line_of, read, self_test,  # noqa: E402
                     without_comments_and_literals, without_comments)

ENTRY = re.compile(r'^\s*TARN_ERROR\(\s*(\w+)\s*,\s*(\d+)\s*,\s*"([^"]*)"\s*,\s*(\d+)\s*,', re.M)
USE = re.compile(r"\bTARN_E_(\w+)\b")
EXIT_CODES = {1, 2, 3, 4, 5, 6, 7, 130}


def read_table(path, report):
    """The codes: name -> line."""
    codes = {}
    text = without_comments(read(path))
    if len(ENTRY.findall(text)) != len(re.findall(r"^\s*TARN_ERROR\(", text, re.M)):
        report.error("src/base/errors.def", 1, "a TARN_ERROR line cannot be read")
    for found in ENTRY.finditer(text):
        line = line_of(text, found.start(1))
        name, exit_code, sqlstate, http = found.groups()
        if name in codes:
            report.error("src/base/errors.def", line, f"{name} is listed twice")
        if int(exit_code) not in EXIT_CODES:
            report.error("src/base/errors.def", line, f"{name}: no exit code {exit_code}")
        if not re.fullmatch(r"[0-9A-Z]{5}", sqlstate):
            report.error("src/base/errors.def", line, f'{name}: no SQLSTATE "{sqlstate}"')
        if not 400 <= int(http) <= 599:
            report.error("src/base/errors.def", line, f"{name}: {http} is not an HTTP error")
        codes[name] = line
    return codes


def read_exceptions(path):
    """The codes that are allowed to be unused: name -> line."""
    lines = read(path).splitlines() if path.is_file() else []
    return {line.strip(): number for number, line in enumerate(lines, 1)
            if line.strip() and not line.startswith("#")}


def find_uses(source):
    used = set()
    for path in sorted(source.rglob("*.[ch]")):
        if path.suffix == ".c":  # a header promises codes, a source produces them
            used.update(USE.findall(without_comments_and_literals(read(path))))
    return used


def check(root, report):
    codes = read_table(root / "src/base/errors.def", report)
    exceptions = read_exceptions(root / "tools/errors_unused.txt")
    used = find_uses(root / "src")
    for name, line in codes.items():
        if name not in used and name not in exceptions:
            report.error("src/base/errors.def", line, f"nothing produces {name}",
                         "use it, or remove it from the table")
    for name, line in exceptions.items():
        if name not in codes:
            report.error("tools/errors_unused.txt", line, f"the table has no {name}",
                         "run tools/check_errors.py --fix")
        elif name in used:
            report.error("tools/errors_unused.txt", line, f"{name} is used now",
                         "run tools/check_errors.py --fix")
    return codes, used


def fix(root):
    path = root / "tools/errors_unused.txt"
    with contextlib.redirect_stdout(io.StringIO()):
        codes, used = check(root, Report("errors"))
    kept = [line for line in read(path).splitlines()
            if not line.strip() or line.startswith("#")
            or (line.strip() in codes and line.strip() not in used)]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")


def findings(table, source, exceptions="", then_fix=False):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {"src/base/errors.def": table, "src/base/a.c": source,
                 "tools/errors_unused.txt": exceptions}
        for path, text in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        if then_fix:
            fix(root)
        report = Report("test")
        with contextlib.redirect_stdout(io.StringIO()):
            check(root, report)
        return report.errors


def run_self_test():
    io_line = 'TARN_ERROR(IO, 6, "58030", 500, "text")\n'
    return self_test("errors", [
        ("a used code is fine", findings(io_line, "f(TARN_E_IO);") == 0),
        ("an unused code fails", findings(io_line, "f(TARN_E_IOTA);") == 1),
        ("a comment is no use", findings(io_line, "/* TARN_E_IO */") == 1),
        ("a string is no use", findings(io_line, 'f("TARN_E_IO");') == 1),
        ("a listed exception is fine", findings(io_line, "", "# why\nIO\n") == 0),
        ("an exception that is used fails", findings(io_line, "f(TARN_E_IO);", "IO\n") == 1),
        ("an exception without a code fails", findings("", "", "IO\n") == 1),
        ("--fix takes both off", findings(io_line, "f(TARN_E_IO);", "IO\nNO\n", True) == 0),
        ("a code twice fails", findings(io_line + io_line, "f(TARN_E_IO);") == 1),
        ("a bad exit code fails", findings(io_line.replace("6", "9", 1), "TARN_E_IO") == 1),
        ("a bad SQLSTATE fails", findings(io_line.replace("58030", "5803"), "TARN_E_IO") == 1),
        ("a bad HTTP status fails", findings(io_line.replace("500", "200"), "TARN_E_IO") == 1),
        ("a line that cannot be read fails", findings("TARN_ERROR(IO)\n", "") == 1),
    ])


def main(arguments):
    if arguments == ["--self-test"]:
        return run_self_test()
    if arguments == ["--fix"]:
        fix(ROOT)
    report = Report("errors")
    codes, used = check(ROOT, report)
    return report.end(f"{len(codes)} codes, {len(set(codes) - used)} not produced yet")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
