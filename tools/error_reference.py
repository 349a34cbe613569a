#!/usr/bin/env python3
"""Writes the reference page of the error codes from src/base/errors.def.

    tools/error_reference.py > errors.md
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from csource import ROOT, read, without_comments  # noqa: E402

ENTRY = re.compile(r'TARN_ERROR\(\s*(\w+)\s*,\s*(\d+)\s*,\s*"([^"]*)"\s*,\s*(\d+)\s*,'
                   r'\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)')
EXITS = {1: "a run, test or check failed", 2: "usage or configuration", 3: "not found",
         4: "denied", 5: "conflict", 6: "unavailable or timed out", 7: "data refused",
         130: "interrupted"}


def main():
    text = without_comments(read(ROOT / "src/base/errors.def"))
    entries = ENTRY.findall(text)
    if len(entries) != len(re.findall(r"^\s*TARN_ERROR\(", text, re.M)):
        print("error: src/base/errors.def has a line that cannot be read", file=sys.stderr)
        return 1
    print("# Error codes\n\nMade from `src/base/errors.def` by `make docs`.\n")
    print("| exit code | meaning |\n|---|---|")
    for code, meaning in EXITS.items():
        print(f"| {code} | {meaning} |")
    print("\n| code | meaning | exit code | SQLSTATE | HTTP |\n|---|---|---|---|---|")
    for name, exit_code, sqlstate, http, meaning in entries:
        words = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', meaning)).replace("|", "\\|")
        print(f"| `{name}` | {words} | {exit_code} | {sqlstate} | {http} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
