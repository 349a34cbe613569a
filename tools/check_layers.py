#!/usr/bin/env python3
"""Holds the includes of src/ to tools/layers.txt.

    tools/check_layers.py               look at src/
    tools/check_layers.py --self-test   prove that each rule can fail

An edge that the table does not list, a header that another room keeps to itself, a sibling folder
inside a room and an outside header in the wrong room are errors.
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from csource import ROOT, Report, includes, read, self_test  # noqa: E402


class Layers:
    def __init__(self, path, report):
        self.rank, self.allowed, self.only = {}, {}, {}
        lines = []
        for number, line in enumerate(read(path).splitlines(), 1):
            words = line.split("#")[0].replace(":", " : ").split()
            if not words:
                continue
            if words[0] == "room" and len(words) >= 4 and words[3] == ":":
                self.rank[words[2]] = int(words[1])
                self.allowed[words[2]] = set(words[4:])
                lines.append((number, words[2]))
            elif words[0] == "only" and len(words) >= 3:
                self.only[words[1]] = set(words[2:])
            else:
                report.error(path.name, number, f'cannot read "{line.strip()}"')
        for number, room in lines:
            for lower in sorted(self.allowed[room]):
                if lower not in self.rank:
                    report.error(path.name, number, f'no room is called "{lower}"')
                elif self.rank[lower] >= self.rank[room]:
                    report.error(path.name, number, f'"{room}" may not include "{lower}": '
                                 f"rank {self.rank[lower]} is not below {self.rank[room]}")


def check_include(layers, room, folder, name, report, where):
    """One quoted include: `folder` is the sub-folder of the file inside its room, or ""."""
    path, line = where
    parts = name.split("/")
    if len(parts) < 2 or parts[0] not in layers.rank:
        report.error(path, line, f'"{name}" names no room', 'write "room/header.h"')
        return
    other = parts[0]
    if other == room:
        sibling = parts[1] if len(parts) > 2 else ""
        if folder and sibling and sibling != folder:
            report.error(path, line, f"{room}/{folder}/ includes {name}: sub-folders of a room "
                         "are strangers")
        return
    if other not in layers.allowed[room]:
        report.error(path, line, f'room "{room}" includes "{name}", an edge that '
                     "tools/layers.txt does not list", "hand a callback down, or plan it above")
    elif name.endswith("_private.h"):
        report.error(path, line, f'"{name}" belongs to room "{other}" alone')


def check(source, table, report):
    layers = Layers(table, report)
    count = 0
    for path in sorted(source.rglob("*.[ch]")):
        parts = path.relative_to(source).parts
        shown = f"src/{path.relative_to(source)}"
        count += 1
        if len(parts) < 2 or parts[0] not in layers.rank:
            report.error(shown, 1, "the file is in no room that tools/layers.txt lists")
            continue
        folder = parts[1] if len(parts) > 2 else ""
        for line, quoted, name in includes(read(path)):
            if name in layers.only and parts[0] not in layers.only[name]:
                rooms = " and ".join(sorted(layers.only[name]))
                report.error(shown, line, f"{name} is for {rooms} only")
            elif quoted and name not in layers.only:
                check_include(layers, parts[0], folder, name, report, (shown, line))
    return count


TEST_TABLE = """
room 0 base:
room 1 os: base
room 2 engine: os base
room 2 store: base
room 3 table: store base
only duckdb.h engine
"""


def findings(files, table=TEST_TABLE):
    """How many errors the check finds in a small tree."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "layers.txt").write_text(table, encoding="utf-8")
        for path, text in files.items():
            place = root / "src" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        report = Report("test")
        with contextlib.redirect_stdout(io.StringIO()):
            check(root / "src", root / "layers.txt", report)
        return report.errors


def run_self_test():
    def one(path, text):
        return findings({path: text})
    return self_test("layers", [
        ("a listed edge is fine", one("table/a.c", '#include "store/s.h"\n') == 0),
        ("an own header is fine", one("table/a.c", '#include "table/a_private.h"\n') == 0),
        ("a system header is fine", one("base/a.c", "#include <stdio.h>\n") == 0),
        ("an edge upward fails", one("base/a.c", '#include "table/a.h"\n') == 1),
        ("an edge not listed fails", one("table/a.c", '#include "os/os.h"\n') == 1),
        ("rooms of one rank are strangers", one("store/a.c", '#include "engine/e.h"\n') == 1),
        ("another room's private header fails",
         one("table/a.c", '#include "store/s_private.h"\n') == 1),
        ("duckdb.h outside engine fails", one("store/a.c", "#include <duckdb.h>\n") == 1),
        ("duckdb.h in quotes fails too", one("store/a.c", '#include "duckdb.h"\n') == 1),
        ("duckdb.h in engine is fine", one("engine/a.c", "#include <duckdb.h>\n") == 0),
        ("an own header of the same name is fine",
         one("store/a.c", '#include "store/duckdb.h"') == 0),
        ("an include without a room fails", one("base/a.c", '#include "error.h"\n') == 1),
        ("an include with spaces is seen", one("base/a.c", '  #  include  "table/a.h"\n') == 1),
        ("an include in a comment is not", one("base/a.c", '/*\n#include "table/a.h"\n*/\n') == 0),
        ("an unknown room fails", one("cellar/a.c", "\n") == 1),
        ("a sibling folder fails", one("store/s3/a.c", '#include "store/local/b.h"\n') == 1),
        ("the room from a sub-folder is fine", one("store/s3/a.c", '#include "store/b.h"\n') == 0),
        ("a table with an upward edge fails", findings({}, "room 0 a: b\nroom 1 b:\n") == 1),
        ("a table with an unknown room fails", findings({}, "room 1 a: c\n") == 1),
        ("a table that cannot be read fails", findings({}, "rooms 1 a\n") == 1),
    ])


def main(arguments):
    if arguments == ["--self-test"]:
        return run_self_test()
    report = Report("layers")
    count = check(ROOT / "src", ROOT / "tools" / "layers.txt", report)
    return report.end(f"{count} files")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
