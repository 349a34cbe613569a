#!/usr/bin/env python3
"""What docs/CONVENTIONS.md asks of a file, as far as a program can see it.

    tools/check_style.py               look at every file of the repository
    tools/check_style.py FILE...       look at these
    tools/check_style.py --self-test   prove that each rule can fail

Errors: a banned function, a line over 100 columns, a tab or white space at a line's end, a missing
newline at the end of a file, a file over 900 lines or a function over 100, a header without the
guard of its path or that does not compile alone, a .c file that opens without a comment, an open
mark such as a to-do, a room without a README.md. Warnings: over 800 and 70 lines.

Headers are compiled with the compiler's own syntax check; results are kept in build/ by the hash
of everything a header includes, so only what changed is compiled again.
"""

import concurrent.futures
import contextlib
import hashlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from csource import (ROOT, Report, includes, line_of, read, self_test,  # noqa: E402
                     without_comments_and_literals)

BANNED = {
    "strcpy": "use tarn_base_text or a buffer", "strcat": "use a buffer",
    "sprintf": "use snprintf or a buffer", "vsprintf": "use vsnprintf or a buffer",
    "stpcpy": "use a buffer", "gets": "use fgets", "strtok": "use TarnText",
    "strtok_r": "use TarnText", "atoi": "use tarn_base_text", "atol": "use tarn_base_text",
    "atoll": "use tarn_base_text", "atof": "use tarn_base_text", "alloca": "use an arena",
    "system": "use posix_spawn", "popen": "use posix_spawn", "rand": "use the os table's random",
    "srand": "use the os table's random", "random": "use the os table's random",
    "setjmp": "return an error", "longjmp": "return an error", "sigsetjmp": "return an error",
    "siglongjmp": "return an error",
}
CALL = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(BANNED) + r")\s*\(")
OPEN_MARK = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
FUNCTION_END = re.compile(r"^\}", re.M)
FUNCTION_START = re.compile(r"^(?:[A-Za-z_][^;{}#]*)\)[^;{}()=]*\{[ \t]*$", re.M)
COLUMNS, FILE_WARN, FILE_MAX, FUNCTION_WARN, FUNCTION_MAX = 100, 800, 900, 70, 100
TEXT_SUFFIXES = {".c", ".h", ".def", ".py", ".sh", ".build", ".sql", ".yaml", ".yml", ".txt", ".md"}
CODE_SUFFIXES = {".c", ".h", ".py", ".sh"}
MARK_IS_A_WORD = {"tools/tally.py"}  # a directive of TAP has that name
TEXT_NAMES = {"dev", "Makefile", "run"}
FLAGS = ["-std=c17", "-D_GNU_SOURCE", '-DTARN_VERSION="0"', "-Wall", "-Wextra", "-Wpedantic",
         "-Wstrict-prototypes", "-Wno-unused-function", "-Werror", "-fsyntax-only", "-Isrc"]


def check_text(shown, text, report):
    """Rules for every text file."""
    suffix = Path(shown).suffix
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")):
            report.error(shown, number, "white space at the end of the line")
        if "\t" in line and Path(shown).name != "Makefile":
            report.error(shown, number, "a tab", "indent by 4 spaces")
        if len(line) > COLUMNS and suffix in CODE_SUFFIXES:
            report.error(shown, number, f"{len(line)} columns, at most {COLUMNS}")
        if suffix != ".md" and shown not in MARK_IS_A_WORD and OPEN_MARK.search(line):
            report.error(shown, number, "an open mark", "finish it, or state the limit")
    if text and not text.endswith("\n"):
        report.error(shown, text.count("\n") + 1, "no newline at the end of the file")


def check_c(shown, text, report):
    """Rules for .c and .h files."""
    plain = without_comments_and_literals(text)
    for found in CALL.finditer(plain):
        report.error(shown, line_of(plain, found.start()), f"{found[1]}() is banned",
                     BANNED[found[1]])
    lines = text.count("\n")
    if lines > FILE_MAX:
        report.error(shown, lines, f"{lines} lines, at most {FILE_MAX}", "split by noun")
    elif lines > FILE_WARN:
        report.warn(shown, lines, f"{lines} lines, should be under {FILE_WARN}")
    for found in FUNCTION_START.finditer(plain):
        end = FUNCTION_END.search(plain, found.end())
        if end is None:
            continue
        first = line_of(plain, found.end())
        length = line_of(plain, end.start()) - first + 1
        if length > FUNCTION_MAX:
            report.error(shown, first, f"a function of {length} lines, at most {FUNCTION_MAX}")
        elif length > FUNCTION_WARN:
            report.warn(shown, first, f"a function of {length} lines, should be under "
                        f"{FUNCTION_WARN}")
    if shown.endswith(".c"):
        if not text.startswith("/*") and not text.startswith("//"):
            report.error(shown, 1, "a .c file opens with a comment", "purpose, idea, what it "
                         "does not do")
    elif shown.startswith("src/"):
        guard = "TARN_" + re.sub(r"[^A-Z0-9]", "_", shown[len("src/"):].upper())
        found = re.search(r"^#ifndef (\w+)\n#define (\w+)$", plain, re.M)
        if found is None or found[1] != guard or found[2] != guard:
            report.error(shown, 1, f"the header guard should be {guard}")


def check_rooms(root, report):
    for room in sorted((root / "src").iterdir()) if (root / "src").is_dir() else []:
        if any(room.glob("**/*.c")) and not (room / "README.md").is_file():
            report.error(f"src/{room.name}", 1, "the room has no README.md",
                         "what it promises, its words, the call order of one example, its locks")


class HeaderCompiler:
    """Compiles headers alone, remembering what was fine."""

    def __init__(self, root, compiler, cache):
        self.root, self.compiler, self.cache_path = root, shlex.split(compiler), cache
        prefix = os.environ.get("TARN_DUCKDB_PREFIX") or str(root / "build/deps/duckdb-1.5.5")
        self.flags = FLAGS + ["-isystem", f"{prefix}/include"]
        try:
            self.known = set(json.loads(cache.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            self.known = set()
        version = subprocess.run([*self.compiler, "--version"], capture_output=True, check=False)
        self.salt = repr((version.stdout, self.flags))
        self.texts = {}

    def text(self, name):
        if name not in self.texts:
            path = self.root / "src" / name
            self.texts[name] = read(path) if path.is_file() else ""
        return self.texts[name]

    def key(self, name):
        """The hash of a header with all that it includes of ours."""
        seen, todo = set(), [name]
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += [inner for _, quoted, inner in includes(self.text(one)) if quoted]
        digest = hashlib.sha256(self.salt.encode())
        for one in sorted(seen):
            digest.update(f"{one}\0{self.text(one)}\0".encode())
        return digest.hexdigest()

    def compile(self, name):
        # through a file of its own: as main file a header would warn about its #pragma and guard
        source = f'#include "{name}"\ntypedef int tarn_not_empty;\n'
        done = subprocess.run([*self.compiler, *self.flags, "-x", "c", "-"], input=source,
                              cwd=self.root, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stderr

    def check(self, names, report):
        keys = {name: self.key(name) for name in names}
        todo = [name for name in names if keys[name] not in self.known]
        good = {keys[name] for name in names} & self.known
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for name, (fine, output) in zip(todo, pool.map(self.compile, todo)):
                if fine:
                    good.add(keys[name])
                else:
                    report.error(f"src/{name}", 1, "the header does not compile alone:\n"
                                 + "\n".join(output.splitlines()[:4]))
        if todo:
            with contextlib.suppress(OSError):
                self.cache_path.parent.mkdir(parents=True, exist_ok=True)
                self.cache_path.write_text(json.dumps(sorted(good)), encoding="utf-8")


def listed_files(root):
    """What git knows or would add; without git, everything outside of build/."""
    done = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
                           "--exclude-standard"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = [name for name in done.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    return sorted(name for name in set(names)
                  if (root / name).is_file() and not name.startswith(("build/", ".git/"))
                  and "corpus" not in Path(name).parts)


def check(root, names, report, compiler=None):
    headers = []
    for name in names:
        path = Path(name)
        if path.suffix not in TEXT_SUFFIXES and path.name not in TEXT_NAMES:
            continue
        text = read(root / name)
        if not name.startswith("tests/") or path.suffix in CODE_SUFFIXES:  # else a test's data
            check_text(name, text, report)
        if path.suffix in (".c", ".h"):
            check_c(name, text, report)
        if path.suffix == ".h" and name.startswith("src/"):
            headers.append(name[len("src/"):])
    check_rooms(root, report)
    if compiler:
        HeaderCompiler(root, compiler, root / "build/checks/headers.json").check(headers, report)
    return len(names)


def findings(files, compiler=None):
    """(errors, warnings) in a small tree."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        report = Report("test")
        with contextlib.redirect_stdout(io.StringIO()):
            check(root, sorted(files), report, compiler)
            if compiler:  # once more, now from what was remembered
                check(root, sorted(files), report, compiler)
        return report.errors, report.warnings


def run_self_test():
    def c(text):
        return findings({"tests/a.c": "/* why */\n" + text})

    def h(text, name="src/base/a.h", compiler=None):
        return findings({name: text}, compiler)
    body = "    call();\n"
    guard = "#ifndef TARN_BASE_A_H\n#define TARN_BASE_A_H\n%s\n#endif\n"
    mark = "TO" + "DO"
    cases = [
        ("a good file is fine", c("int x;\n") == (0, 0)),
        ("a banned call fails", c("void f(void) { strcpy(a, b); }\n") == (1, 0)),
        ("a banned call over a line's end fails", c("int x = atoi\n(a);\n") == (1, 0)),
        ("a banned name in a longer one is fine", c("int x = my_atoi(a) + catoi(b);\n") == (0, 0)),
        ("a member of that name is fine", c("void f(void) { os->random(os); }\n") == (0, 0)),
        ("a banned call in a comment is fine", c("/* strcpy(a, b) */\n") == (0, 0)),
        ("a banned call in a string is fine", c('char *x = "system(1)";\n') == (0, 0)),
        ("a string with a quote does not hide one", c('char *x = "\\""; gets(x);\n') == (1, 0)),
        ("101 columns fail", c("//" + "x" * 99 + "\n") == (1, 0)),
        ("100 columns are fine", c("//" + "x" * 98 + "\n") == (0, 0)),
        ("a tab fails", c("\tint x;\n") == (1, 0)),
        ("white space at the end fails", c("int x; \n") == (1, 0)),
        ("no newline at the end fails", c("int x;") == (1, 0)),
        ("an open mark fails", c(f"/* {mark}: later */\n") == (1, 0)),
        ("a .c without a comment fails", findings({"tests/a.c": "int x;\n"}) == (1, 0)),
        ("801 lines warn", c("int x;\n" * 800) == (0, 1)),
        ("901 lines fail", c("int x;\n" * 900) == (1, 0)),
        ("a function of 71 lines warns", c("void f(void) {\n" + body * 69 + "}\n") == (0, 1)),
        ("a function of 101 lines fails", c("void f(void) {\n" + body * 99 + "}\n") == (1, 0)),
        ("a function of 70 lines is fine", c("void f(void) {\n" + body * 68 + "}\n") == (0, 0)),
        ("a head over two lines is seen",
         c("static void f(int a,\n              int b) {\n" + body * 99 + "}\n") == (1, 0)),
        ("a good header is fine", h(guard % "int x;", compiler="cc") == (0, 0)),
        ("another guard fails", h((guard % "").replace("_A_", "_B_")) == (1, 0)),
        ("a header without a guard fails", h("int x;\n") == (1, 0)),
        ("a header that needs another fails, remembered or not",
         h(guard % "size_t f(void);", compiler="cc") == (2, 0)),
        ("a room without README.md fails", findings({"src/os/a.c": "/* x */\n"}) == (1, 0)),
        ("a room with README.md is fine",
         findings({"src/os/a.c": "/* x */\n", "src/os/README.md": "x\n"}) == (0, 0)),
    ]
    return self_test("style", cases)


def main(arguments):
    if arguments == ["--self-test"]:
        return run_self_test()
    report = Report("style")
    names = arguments or listed_files(ROOT)
    count = check(ROOT, names, report, os.environ.get("CC") or "cc")
    return report.end(f"{count} files")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
