"""Reads C text for the checks: a view without comments, or without comments and literals.

Lines stay where they are, so a place in the view is a place in the file. Not a preprocessor:
macros are not expanded and conditional parts are all read.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//(?:\\\n|[^\n])*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])*')""",
    re.S | re.X)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return TOKEN.sub(lambda found: blank(found[0]) if found["comment"] else found[0], text)


def without_comments_and_literals(text):
    def replace(found):
        if found["comment"]:
            return blank(found[0])
        return found[0][0] + blank(found[0][1:-1]) + found[0][-1]
    return TOKEN.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def includes(text):
    """The include lines of a file: (line, quoted or not, name)."""
    plain = without_comments(text)
    return [(line_of(plain, found.start(2)), found[1] == '"', found[2])
            for found in INCLUDE.finditer(plain)]


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


class Report:
    """Findings of a check, printed as compilers do; the exit code of the program."""

    def __init__(self, name):
        self.name = name
        self.errors = 0
        self.warnings = 0

    def error(self, path, line, text, hint=""):
        self.errors += 1
        print(f"{path}:{line}: {text}" + (f" ({hint})" if hint else ""))

    def warn(self, path, line, text):
        self.warnings += 1
        print(f"{path}:{line}: warning: {text}")

    def end(self, looked_at):
        warned = f", {self.warnings} warnings" if self.warnings else ""
        print(f"{self.name}: {looked_at}, {self.errors} errors{warned}")
        return 1 if self.errors else 0


def self_test(name, cases):
    """Prints one TAP line for each (what, condition)."""
    failed = 0
    for number, (what, good) in enumerate(cases, 1):
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}: {what}")
    print(f"1..{len(cases)}")
    return 1 if failed else 0
