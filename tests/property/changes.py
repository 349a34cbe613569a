#!/usr/bin/env python3
"""A snapshot and its changes are the snapshot they lead to: random tables, random pairs.

Tables of version 2 and 3, merge-on-read and copy-on-write, get random INSERT, UPDATE, DELETE,
MERGE, INSERT OVERWRITE, TRUNCATE, transactions, compaction, schema evolution and commits on a
branch. For pairs of snapshots the rows of the first with "t$changes" between them must be those of
the second, as multisets. Called by tests/property/run; alone: changes.py [SEED].
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import changelog  # noqa: E402
import scratch  # noqa: E402

TARN = os.environ.get("TARN", str(Path(__file__).resolve().parents[2] / "build" / "tarn"))
TYPES = {"id": "int", "k": "int", "s": "varchar", "g": "double", "d": "date",
         "p": "struct(a int, b varchar)"}
VALUES = {"int": lambda pick: str(pick.randrange(8)), "bigint": lambda pick: str(pick.randrange(8)),
          "varchar": lambda pick: pick.choice(["''", "'a'", "'b''c'", "'äöü'"]),
          "double": lambda pick: pick.choice(["'NaN'::double", "1.5", "-2", "0"]),
          "date": lambda pick: f"date '2026-01-01' + {pick.randrange(3)}",
          "struct(a int, b varchar)": lambda pick: "{'a': %d, 'b': %s}" % (
              pick.randrange(2), pick.choice(["null", "'x'"]))}
LAYOUTS = ["", " partitioned by (k)", " partitioned by (bucket(2, id), d)"]


def tarn(lake, *arguments):
    return subprocess.run([TARN, "-C", str(lake), *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)


def run(lake, statements, *arguments):
    path = Path(lake) / "script.sql"
    path.write_text(";\n".join(statements) + ";\n", encoding="utf-8")
    return tarn(lake, "sql", "-o", "csv", *arguments, "-f", str(path))


class Play:
    """One table and what has been done to it."""

    def __init__(self, lake, name, pick, version, mode):
        self.lake, self.name, self.pick, self.log = lake, name, pick, []
        self.columns = dict(TYPES)
        self.new = 0
        modes = ", ".join(f"'write.{kind}.mode' = '{mode}'"
                          for kind in ("update", "delete", "merge"))
        columns = ", ".join(f"{column} {kind}" for column, kind in self.columns.items())
        self.do(f"create table {name} ({columns}){pick.choice(LAYOUTS)} "
                f"with ('format-version' = '{version}', {modes})")

    def do(self, *statements, branch=None):
        self.log += statements
        done = run(self.lake, statements, *(["--branch", branch] if branch else []))
        if done.returncode != 0:
            raise AssertionError(done.stderr)

    def row(self):
        pick = self.pick
        return "(" + ", ".join("null" if pick.random() < 0.1 else VALUES[kind](pick)
                               for kind in self.columns.values()) + ")"

    def rows(self, most=8):
        rows = [self.row() for _ in range(self.pick.randrange(1, most))]
        rows += self.pick.sample(rows, self.pick.randrange(0, len(rows)))  # some are there twice
        return ", ".join(rows)

    def where(self):
        pick = self.pick
        return pick.choice([f"id = {pick.randrange(8)}", f"k < {pick.randrange(8)}", "k is null",
                            f"id in ({pick.randrange(8)}, {pick.randrange(8)}) or k = 1"])

    def assignment(self):
        column = self.pick.choice([c for c in self.columns if c not in ("id", "k")] + ["k"])
        value = self.pick.choice(["null", VALUES[self.columns[column]](self.pick), column])
        return f"{column} = {value}"

    def statement(self):
        pick, name = self.pick, self.name
        kind = pick.randrange(12)
        if kind < 3:
            return f"insert into {name} values {self.rows()}"
        if kind < 6:
            return f"update {name} set {self.assignment()} where {self.where()}"
        if kind < 8:
            return f"delete from {name} where {self.where()}"
        if kind < 10:
            names = ", ".join(self.columns)
            source = f"select distinct on (id) * from (values {self.rows()}) v({names}) " \
                     "where id is not null"
            values = ", ".join(f"u.{column}" for column in self.columns)
            return f"merge into {name} t using ({source}) u on t.id = u.id " \
                   f"when matched and t.k is null then delete when matched then update set " \
                   f"s = u.s when not matched then insert ({names}) values ({values})"
        if kind == 10:
            return f"insert overwrite {name} select * from {name} where {self.where()}"
        return f"truncate table {name}" if pick.random() < 0.3 else \
            f"delete from {name} where s = 'none such'"

    def evolve(self):
        kind = self.pick.randrange(4)
        if kind == 0:
            self.new += 1
            self.columns[f"n{self.new}"] = "int"
            return f"alter table {self.name} add column n{self.new} int"
        if kind == 1 and self.columns["k"] == "int":
            self.columns["k"] = "bigint"
            return f"alter table {self.name} alter column k type bigint"
        column = self.pick.choice(["g"] + [c for c in self.columns if c[0] == "n"])
        if column not in self.columns:
            return f"select 1 from {self.name}"
        if kind == 2:
            self.new += 1
            self.columns = {f"n{self.new}" if c == column else c: t
                            for c, t in self.columns.items()}
            return f"alter table {self.name} rename column {column} to n{self.new}"
        del self.columns[column]
        return f"alter table {self.name} drop column {column}"

    def play(self):
        pick = self.pick
        self.do(f"insert into {self.name} values {self.rows(12)}",
                *[self.statement() for _ in range(3)])
        self.do("begin", *[self.statement() for _ in range(3)], "commit", self.evolve())
        done = tarn(self.lake, "table", "optimize", self.name)
        self.log.append("-- optimize")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        self.do(*[self.statement() for _ in range(3)], branch="side")
        self.do(self.evolve(), *[self.statement() for _ in range(4)])
        if pick.random() < 0.5:
            tarn(self.lake, "table", "optimize", self.name)
            self.log.append("-- optimize")
        self.do(*[self.statement() for _ in range(3)])

    def history(self):
        shown = json.loads(tarn(self.lake, "--json", "show", self.name).stdout)
        return changelog.History(shown["data"]["metadata_location"])

    def check(self):
        """What is wrong, or nothing."""
        history = self.history()
        questions = []
        for ref, count in (("main", 7), ("side", 3)):
            chain = history.chain(ref)
            pairs = [(None, chain[-1]), (chain[0], chain[-1])]
            pairs += self.pick.sample(list(zip(chain, chain[1:])), min(count, len(chain) - 1))
            for _ in range(count):
                a, b = sorted(self.pick.sample(range(len(chain)), 2))
                pairs.append((chain[a], chain[b]))
            for start, end in pairs:
                questions.append(changelog.difference(history, self.name, start, end))
                if start is not None:
                    questions.append(self.pick.choice([
                        changelog.unsettled(history, self.name, start, end),
                        changelog.pruned(self.name, start, end, self.where())]))
        done = run(self.lake, questions)
        if done.returncode != 0:
            return done.stderr
        answers = done.stdout.splitlines()[1::2]
        if len(answers) != len(questions):
            return f"{len(answers)} answers to {len(questions)} questions"
        return next((f"{answer}: {question}" for question, answer in zip(questions, answers)
                     if answer != "0"), "")


def cases(folder, seed):
    """(name, what is wrong or nothing) of each table."""
    lake = Path(folder) / "changes"
    subprocess.run([TARN, "init", str(lake)], check=True, capture_output=True)
    for version in (2, 3):
        for mode in ("merge-on-read", "copy-on-write"):
            name = f"sandbox.t{version}_{mode[0]}"
            pick = random.Random(f"{seed} {name}")
            play = None
            try:
                play = Play(lake, name, pick, version, mode)
                play.play()
                wrong = play.check()
            except AssertionError as error:
                wrong = str(error)
            if wrong:
                done = ";\n".join(play.log) if play else ""
                wrong = f"{wrong}\nafter\n{done}"
            yield f"changes of version {version}, {mode}", wrong


def main():
    seed = sys.argv[1] if len(sys.argv) > 1 else str(int(time.time()))
    print(f"# changes.py {seed}")
    failed = 0
    with scratch.folder("tarn-changes-") as folder:
        for number, (name, wrong) in enumerate(cases(folder, seed), 1):
            failed += bool(wrong)
            told = "".join(f"\n# {line}" for line in wrong.splitlines())
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}{told}", flush=True)
    print("1..4")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
