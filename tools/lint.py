#!/usr/bin/env python3
"""Looks at every source with clang's warnings and its static analyzer.

    tools/lint.py DIRECTORY [FILE...]     DIRECTORY: a build directory of Meson

All warnings that clang has, less those of the list below, which speak against what the
conventions ask or about C++; then the analyzer's path-sensitive checks. Takes include paths and
definitions from the build, so what is looked at is what is compiled.
"""

import concurrent.futures
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OFF = {
    "declaration-after-statement": "C17",
    "padded": "says nothing of correctness",
    "covered-switch-default": "a default for values that come from a file is wanted",
    "switch-enum": "a default that means the rest is wanted",
    "reserved-identifier": "tarn_<room>__noun is the name of what a room shares inside",
    "reserved-macro-identifier": "_GNU_SOURCE",
    "disabled-macro-expansion": "the C library's own macros",
    "sign-conversion": "off in the build as well",
    "float-equal": "comparing with a value that is exact is wanted",
    "gnu-auto-type": "not used by accident",
    "comma": "two small steps of one case may share a line",
    "atomic-implicit-seq-cst": "the strictest order is the safe default",
    "vla": "an error in the build already",
    "format-nonliteral": "off in the build as well",
    "unsafe-buffer-usage": "C++",
    "pre-c2x-compat": "C17",
    "documentation-unknown-command": "comments are not doxygen",
    "documentation": "comments are not doxygen",
    "gnu-statement-expression": "cleanup macros",
    "gnu-zero-variadic-macro-arguments": "cleanup macros",
    "assign-enum": "values from a file are checked by the reader",
    "bad-function-cast": "dlsym and (int)strtol() are read by people",
    "cast-align": "bytes are read through memcpy; the rest is allocated aligned",
    "unused-macros": "tables of constants hold what the specification lists",
}
ANALYZER = ["core", "deadcode", "nullability", "security.FloatLoopCounter",
            "security.insecureAPI.UncheckedReturn", "unix", "optin.portability"]
KEEP = ("-I", "-D", "-isystem", "-std", "-U")


def arguments_of(entry):
    """The include paths and definitions of a compile command."""
    words = shlex.split(entry["command"]) if "command" in entry else entry["arguments"]
    kept, take_next = [], False
    for word in words[1:]:
        if take_next or word.startswith(KEEP):
            kept.append(word)
            take_next = word in ("-I", "-D", "-isystem", "-U")
        else:
            take_next = False
    return kept


def look(entry):
    base = ["clang", *arguments_of(entry), entry["file"]]
    warnings = ["-fsyntax-only", "-Weverything"] + [f"-Wno-{name}" for name in OFF]
    analysis = ["--analyze", "-Xclang", "-analyzer-output=text", "-Xclang",
                "-analyzer-checker=" + ",".join(ANALYZER), "-o", os.devnull]
    output = ""
    if not entry["file"].endswith("base/error.c"):
        analysis += ["-include", str(ROOT / "tools" / "lint_contracts.h")]
    for options in (warnings, analysis):
        done = subprocess.run(base + ["-Wno-unknown-warning-option"] + options, check=False,
                              cwd=entry["directory"], capture_output=True, text=True)
        output += done.stderr
        if done.returncode != 0 and "error:" not in done.stderr:
            output += f"{entry['file']}: error: clang ended with {done.returncode}\n"
    return output


def main(arguments):
    if not arguments:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    entries = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    chosen = {}
    for entry in entries:
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        inside = path.is_relative_to(ROOT / "src")
        if arguments[1:]:
            inside = str(path.relative_to(ROOT)) in arguments[1:]
        if inside:
            chosen.setdefault(path, entry)
    seen, found = set(), 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for output in pool.map(look, chosen.values()):
            for line in output.splitlines():
                is_finding = " warning: " in line or " error: " in line
                if is_finding and line in seen:
                    continue  # a header's warning, met in another file before
                if is_finding:
                    seen.add(line)
                    found += 1
                if not line.endswith((" generated.", "generated")):
                    print(line.replace("../../", ""))
    print(f"lint: {len(chosen)} files, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
