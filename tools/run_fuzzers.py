#!/usr/bin/env python3
"""Runs every libFuzzer program of a build directory for some seconds, from its corpus.

    tools/run_fuzzers.py DIRECTORY [--seconds N] [NOUN...]

New inputs go to DIRECTORY/found/<noun>/, never into the repository: whoever keeps one copies it to
tests/fuzz/corpus/<noun>/, where every `make check` replays it. A crash's input is kept beside it
and the line to repeat it is printed. As many run at a time as the machine has cores.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import tally as count  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
INPUT_BYTES, INPUT_SECONDS, MEMORY_MB = 65536, 10, 2048
GRACE_SECONDS = 60


def run_one(program, folder, seconds):
    """Fuzzes one noun; returns (noun, exit code, output)."""
    noun = program.name[len("fuzz_"):]
    corpus = ROOT / "tests" / "fuzz" / "corpus" / noun
    found = folder / "found" / noun
    found.mkdir(parents=True, exist_ok=True)
    command = [str(program), f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES}",
               f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1",
               f"-artifact_prefix={folder}/crash-{noun}-", str(found)]
    if corpus.is_dir():
        command.append(str(corpus))
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              timeout=seconds + GRACE_SECONDS)
        return noun, done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        return noun, 124, (error.stdout or b"").decode("utf-8", "replace")


def describe(noun, code, output):
    def last(pattern, default="0"):
        values = re.findall(pattern, output)
        return values[-1] if values else default
    runs = last(r"number_of_executed_units: (\d+)")
    speed = last(r"average_exec_per_sec:\s+(\d+)")
    new = last(r"new_units_added:\s+(\d+)")
    reached = last(r"cov: (\d+)")
    verdict = "fine" if code == 0 else f"FAILED (exit code {code})"
    return (f"fuzz {noun}: {verdict}, {runs} runs ({speed}/s), coverage {reached}, "
            f"{new} new inputs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("nouns", nargs="*")
    options = parser.parse_args()
    folder = options.directory.resolve()
    programs = sorted(path for path in (folder / "tests" / "fuzz").glob("fuzz_*")
                      if path.is_file() and os.access(path, os.X_OK))
    if options.nouns:
        programs = [path for path in programs if path.name[len("fuzz_"):] in options.nouns]
    if not programs:
        print(f"error: no fuzzer in {folder}/tests/fuzz", file=sys.stderr)
        return 2
    total = count.Tally()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = [pool.submit(run_one, path, folder, options.seconds) for path in programs]
        for job in concurrent.futures.as_completed(jobs):
            noun, code, output = job.result()
            print(describe(noun, code, output), flush=True)
            if code != 0:
                print("\n".join("    " + line for line in output.splitlines()[-40:]))
                artifact = re.findall(r"Test unit written to (\S+)", output)
                if artifact:
                    print(f"    again: {folder}/tests/fuzz/fuzz_{noun} {artifact[-1]}")
            total.add(count.of_exit(f"fuzz {noun}", code))
    for text in total.failed:
        print(f"failed: {text}")
    print(total.line())
    return 1 if total.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
