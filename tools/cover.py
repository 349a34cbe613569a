#!/usr/bin/env python3
"""Says which lines of src/ the tests of a coverage build reached.

    tools/cover.py DIRECTORY [--lines]     --lines lists the lines that were not reached

Reads what gcov says of every object of the build; a file that several objects include counts a
line as reached when one of them reached it. Prints a table by file and by room, worst room last.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read_gcov(folder):
    """file -> {line: times run}, for the files of src/."""
    lines = defaultdict(dict)
    notes = sorted(path for path in folder.rglob("*.gcno") if "/src/" in str(path))
    for note in notes:
        done = subprocess.run(["gcov", "--json-format", "--stdout", str(note)], check=False,
                              cwd=folder, capture_output=True)
        for part in done.stdout.splitlines():
            for file in json.loads(part).get("files", []):
                path = (folder / file["file"]).resolve()
                if not path.is_relative_to(ROOT / "src"):
                    continue
                known = lines[str(path.relative_to(ROOT))]
                for line in file["lines"]:
                    number = line["line_number"]
                    known[number] = max(known.get(number, 0), line["count"])
    return lines


def ranges(numbers):
    """[1, 2, 3, 7] -> "1-3 7"."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main(arguments):
    if not arguments:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    lines = read_gcov(Path(arguments[0]).resolve())
    if not lines:
        print("error: no coverage data: run the tests of a build with -Db_coverage=true first",
              file=sys.stderr)
        return 1
    rooms = defaultdict(lambda: [0, 0])
    for name in sorted(lines):
        reached = sum(1 for count in lines[name].values() if count)
        room = rooms[name.split("/")[1]]
        room[0] += reached
        room[1] += len(lines[name])
        print(f"{100 * reached / len(lines[name]):6.1f} %  {reached:6} of {len(lines[name]):6}"
              f"  {name}")
        if "--lines" in arguments and reached < len(lines[name]):
            print(" " * 12 + ranges(sorted(n for n, count in lines[name].items() if not count)))
    print()
    for room, (reached, total) in sorted(rooms.items(), key=lambda item: -item[1][0] / item[1][1]):
        print(f"{100 * reached / total:6.1f} %  {reached:6} of {total:6}  src/{room}/")
    reached = sum(room[0] for room in rooms.values())
    total = sum(room[1] for room in rooms.values())
    print(f"{100 * reached / total:6.1f} %  {reached:6} of {total:6}  all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
