#!/usr/bin/env python3
"""Random statements to tarn and to a model, compared at checkpoints by several readers.

    $(tools/venv.sh) tests/property/differential.py [--seed N] [--statements N] [--every N] [--keep]

The model is DuckDB in memory: the same INSERT, UPDATE, DELETE and MERGE; a transaction is its
statements, or none if it is rolled back; ALTER of columns likewise, of partitions and properties
not at all; a branch is a copy of a table, a snapshot a remembered answer, maintenance nothing. tarn
runs some statements in one process. At a checkpoint every table is read by tarn and compared with
the model, as are one of its older snapshots, and one table is read by pyiceberg or DuckDB's own
Iceberg reader and looked at by the linter.

On a failure the statements are made fewer, as long as tarn and the model still differ, and printed.
"""

import argparse
import copy
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

from conftest import TARN, duckdb_connection, ordered, plain  # noqa: E402
from linter import lint  # noqa: E402

KINDS = ["bigint", "int", "double", "float", "varchar", "date", "timestamp", "decimal(9,2)",
         "boolean", "struct(a int, b varchar)"]
WIDER = {"int": "bigint", "float": "double", "decimal(9,2)": "decimal(18,2)"}
TEXTS = ["", "a", "ab", "b'c", "äöü", "🐦", "a long text of many letters", "null", "%_"]
TRIES = 60  # how often a failing list of statements is run again while it is made shorter


class Mismatch(Exception):
    """Both sides differ; `kind` is the refusal of tarn with names and numbers left out, if any."""

    def __init__(self, text, refusal=None):
        super().__init__(text)
        self.kind = None if refusal is None else \
            re.sub(r'"[^"]*"|\S*script.sql|\d+', "..", refusal.splitlines()[0] if refusal else "")


# --- statements ----------------------------------------------------------------------------------

class Statement:
    """What tarn runs (on a branch, or as a command) and what the model runs instead."""

    def __init__(self, text, model=None, branch=None, command=None, forgets=None):
        self.text, self.branch, self.command = text, branch, command
        self.model = [text] if model is None else model
        self.forgets = forgets  # the table whose older snapshots are gone afterwards

    def __str__(self):
        if self.command:
            return "tarn " + " ".join(self.command)
        return self.text + (f"   -- on branch {self.branch}" if self.branch else "")


class Generator:
    """Statements that fit the tables as they are by then."""

    def __init__(self, seed):
        self.pick = random.Random(seed)
        self.tables = {}    # name: {column: type}
        self.branches = {}  # name: {branch}
        self.ahead = {}     # name: {branch that main has not moved away from}
        self.layouts = {}   # name: text of the current partitioning
        self.versions = {}  # name: of the format
        self.filled = set()
        self.fresh = 0

    def new_name(self, stem):
        self.fresh += 1
        return f"{stem}{self.fresh}"

    def literal(self, kind, nulls=0.12):
        pick = self.pick
        if pick.random() < nulls:
            return "NULL"
        if kind.startswith("struct"):
            inner = [part.split() for part in kind[7:-1].split(", ")]
            return "{" + ", ".join(f"'{n}': {self.literal(k)}" for n, k in inner) + "}"
        return {
            "bigint": lambda: str(pick.choice([pick.randrange(-50, 50), 2**40, -2**62])),
            "int": lambda: str(pick.choice([pick.randrange(-50, 50), 2**31 - 1])),
            "double": lambda: pick.choice(["0.5::double", "-2.25::double", "1e10::double",
                                           "'inf'::double",
                                           "'nan'::double", "'-0.0'::double"]),
            "float": lambda: pick.choice(["0.5::float", "-2.25::float", "'-inf'::float"]),
            "varchar": lambda: "'" + pick.choice(TEXTS).replace("'", "''") + "'",
            "date": lambda: f"date '1970-01-01' + {pick.randrange(-800, 800)}",
            "timestamp": lambda: "timestamp '1970-01-01 00:00:00.5' + "
                                 f"to_hours({pick.randrange(-9000, 9000)})",
            "decimal(9,2)": lambda: f"{pick.randrange(-500, 500)}.{pick.randrange(100):02d}",
            "decimal(18,2)": lambda: f"{pick.randrange(-10**9, 10**9)}.25",
            "boolean": lambda: pick.choice(["true", "false"])}[kind]()

    def typed(self, kind):
        return f"cast({self.literal(kind)} as {kind})"

    def predicate(self, columns):
        pick = self.pick
        name = pick.choice(list(columns))
        kind = columns[name]
        shape = pick.randrange(8)
        if shape == 0 or kind.startswith("struct"):
            return f"{name} is {pick.choice(['', 'not '])}null"
        if shape == 1:
            values = ", ".join(self.literal(kind, 0.05) for _ in range(3))
            return f"{name} {pick.choice(['', 'not '])}in ({values})"
        if shape == 2:
            return f"({self.predicate(columns)} {pick.choice(['and', 'or'])} " \
                   f"{self.predicate(columns)})"
        if shape == 3 and "id" in columns:
            return f"id % {pick.randrange(2, 6)} = {pick.randrange(3)}"
        return f"{name} {pick.choice(['=', '<>', '<', '<=', '>', '>='])} {self.literal(kind, 0)}"

    def layout(self, columns):
        options = [""]
        for name, kind in columns.items():
            if kind in ("bigint", "int", "varchar", "decimal(9,2)", "date", "timestamp"):
                options.append(f"bucket({self.pick.randrange(2, 5)}, {name})")
            if kind in ("date", "timestamp"):
                options.append(f"{self.pick.choice(['month', 'year', 'day'])}({name})")
            if kind in ("varchar", "boolean"):
                options.append(name)
            if kind == "varchar":
                options.append(f"truncate(2, {name})")
        chosen = self.pick.sample(options, min(2, len(options)))
        return ", ".join(part for part in chosen if part)

    def rows(self, columns, count):
        return ", ".join("(" + ", ".join(map(self.literal, columns.values())) + ")"
                         for _ in range(count))

    def create(self):
        name = self.new_name("t")
        columns = {"id": "bigint"} | {self.new_name("c"): self.pick.choice(KINDS)
                                      for _ in range(self.pick.randrange(2, 6))}
        self.tables[name], self.branches[name], self.ahead[name] = columns, set(), set()
        text = f"create table sandbox.{name} (" + \
            ", ".join(f"{n} {k}" for n, k in columns.items()) + ")"
        self.layouts[name] = by = self.layout(columns)
        self.versions[name] = version = self.pick.choice([2, 2, 3])
        options = f" with ('format-version' = '{version}')" if version != 2 else ""
        return Statement(text + (f" partitioned by ({by})" if by else "") + options, [text])

    def place(self, name):
        """The branch that a statement is for, None for main."""
        branch = self.pick.choice([None, None, *sorted(self.branches[name])])
        if branch is None:
            self.ahead[name].clear()
        return branch

    def change(self, name, shape, branch=None):
        """One statement with {t} for the table, for tarn and the model alike."""
        model = f"sandbox.{name}" + (f"__{branch}" if branch else "")
        return Statement(shape.replace("{t}", f"sandbox.{name}"), [shape.replace("{t}", model)],
                         branch)

    def insert(self, name):
        columns = self.tables[name]
        self.filled.add(name)
        names = [n for n in columns if self.pick.random() < 0.9] or list(columns)
        part = {n: columns[n] for n in names}
        return f"insert into {{t}} ({', '.join(names)}) values " + \
            self.rows(part, self.pick.randrange(1, 12))

    def delete(self, name):
        return f"delete from {{t}} where {self.predicate(self.tables[name])}"

    def update(self, name):
        columns = self.tables[name]
        names = self.pick.sample(list(columns), min(len(columns), self.pick.randrange(1, 3)))
        sets = ", ".join(f"{n} = {self.typed(columns[n])}" for n in names)
        return f"update {{t}} set {sets} where {self.predicate(columns)}"

    def merge(self, name):
        columns = self.tables[name]
        ids = self.pick.sample(range(-50, 50), 12)
        other = [(n, k) for n, k in columns.items() if n != "id"]
        source = " union all ".join("select " + ", ".join(
            [f"{i}::bigint as id", *[f"{self.typed(k)} as {n}" for n, k in other]]) for i in ids)
        names = ", ".join(["id", *[n for n, _ in other]])
        values = ", ".join("s." + n for n in ["id", *[n for n, _ in other]])
        arms = []
        if self.pick.random() < 0.4:
            arms.append(f"when matched and s.id % {self.pick.randrange(2, 4)} = 0 then delete")
        if other and self.pick.random() < 0.8:
            n = self.pick.choice(other)[0]
            arms.append(f"when matched then update set {n} = s.{n}")
        if self.pick.random() < 0.3:
            arms.append(f"when not matched by source and t.id % {self.pick.randrange(3, 9)} = 1 "
                        "then delete")
        if self.pick.random() < 0.8 or not arms:
            arms.append(f"when not matched then insert ({names}) values ({values})")
        return f"merge into {{t}} as t using ({source}) as s on t.id = s.id " + " ".join(arms)

    def rows_change(self, name):
        """A statement that changes rows, as text."""
        ways = [self.insert] * 40 + [self.delete] * 12 + [self.update] * 12 + [self.merge] * 8
        return self.pick.choice(ways)(name)

    def dml(self, name):
        return self.change(name, self.rows_change(name), self.place(name))

    def empty(self, name):
        """TRUNCATE: the model knows it as well."""
        return self.change(name, "truncate table {t}", self.place(name))

    def transaction(self, name):
        """Several statements on several tables: all of them, or nothing."""
        names = [name] + self.pick.choices(sorted(self.tables), k=self.pick.randrange(1, 4))
        end = self.pick.choice(["commit", "commit", "rollback"])
        before = copy.deepcopy((self.tables, self.branches, self.ahead, self.layouts, self.filled,
                                self.versions))
        parts = [self.part(n) for n in names]
        model = [text for part in parts for text in part.model]
        if end == "rollback":
            model = []
            (self.tables, self.branches, self.ahead, self.layouts, self.filled,
             self.versions) = before
        else:
            for n in names:
                self.ahead[n].clear()
        return Statement(";\n".join(["begin", *[part.text for part in parts], end]), model)

    def part(self, name):
        """One statement of a transaction, on main."""
        way = self.pick.random()
        if way < 0.1 and len(self.tables) < 6:
            return self.create()
        if way < 0.4:
            part = self.alter(name) if way < 0.3 else self.arrange(name)
            if part.branch is None:
                return part
        return self.change(name, self.rows_change(name))

    def alter(self, name):
        """A change of columns: on the model it is one of the table and of each branch."""
        columns = self.tables[name]
        self.ahead[name].clear()
        kind = self.pick.randrange(5)
        if kind == 0 and len(columns) < 9:
            new, of = self.new_name("c"), self.pick.choice(KINDS)
            columns[new] = of
            return self.everywhere(name, f"add column {new} {of}")
        others = [n for n in columns if n != "id"]
        gone = self.pick.choice(others) if others else ""
        # a column that the table is partitioned by cannot go
        if kind == 1 and len(others) > 1 and not re.search(rf"\b{gone}\b", self.layouts[name]):
            del columns[gone]
            return self.everywhere(name, f"drop column {gone}")
        if kind == 2 and others:
            old, new = self.pick.choice(others), self.new_name("c")
            self.tables[name] = {new if n == old else n: k for n, k in columns.items()}
            self.layouts[name] = re.sub(rf"\b{old}\b", new, self.layouts[name])
            return self.everywhere(name, f"rename column {old} to {new}")
        widened = [n for n in others if columns[n] in WIDER]
        if kind == 3 and widened:
            n = self.pick.choice(widened)
            columns[n] = WIDER[columns[n]]
            return self.everywhere(name, f"alter column {n} type {columns[n]}")
        structs = [n for n in others if columns[n].startswith("struct")]
        if structs:
            return self.alter_struct(name, self.pick.choice(structs))
        return self.dml(name)

    def alter_struct(self, name, column):
        columns = self.tables[name]
        inner = [part.split() for part in columns[column][7:-1].split(", ")]
        new, old = self.new_name("f"), self.pick.choice(inner)
        if self.pick.random() < 0.5 or len(inner) > 3:
            change = f"rename column {column}.{old[0]} to {new}"
            inner = [[new, k] if n == old[0] else [n, k] for n, k in inner]
        else:
            change = f"add column {column}.{new} bigint"
            inner.append([new, "bigint"])
        columns[column] = "struct(" + ", ".join(f"{n} {k}" for n, k in inner) + ")"
        return self.everywhere(name, change)

    def everywhere(self, name, change):
        tables = [name] + [f"{name}__{b}" for b in sorted(self.branches[name])]
        return Statement(f"alter table sandbox.{name} {change}",
                         [f"alter table sandbox.{t} {change}" for t in tables])

    def arrange(self, name):
        self.layouts[name] = by = self.layout(self.tables[name])
        return Statement(f"alter table sandbox.{name} set partitioned by ({by})", [])

    def branch(self, name):
        if name not in self.filled:
            return self.dml(name)
        have, ahead = self.branches[name], sorted(self.ahead[name])
        if ahead and self.pick.random() < 0.4:
            return self.fast_forward(name, self.pick.choice(ahead))
        if have and self.pick.random() < 0.4:
            gone = self.pick.choice(sorted(have))
            have.discard(gone)
            self.ahead[name].discard(gone)
            return Statement(f"alter table sandbox.{name} drop branch {gone}",
                             [f"drop table sandbox.{name}__{gone}"])
        new = self.new_name("b")
        have.add(new)
        self.ahead[name].add(new)
        return Statement(f"alter table sandbox.{name} create branch {new}",
                         [f"create table sandbox.{name}__{new} as from sandbox.{name}"])

    def fast_forward(self, name, branch):
        self.ahead[name] = {branch}
        return Statement("", [f"create or replace table sandbox.{name} as from "
                              f"sandbox.{name}__{branch}"],
                         command=["table", "fast-forward", f"sandbox.{name}", branch])

    def properties(self, name):
        """How rows are changed, or the version of the format."""
        if self.versions[name] == 2 and self.pick.random() < 0.2:
            self.versions[name] = 3
            return Statement("", [], command=["table", "upgrade", f"sandbox.{name}"])
        word = self.pick.choice(["delete", "update", "merge"])
        mode = self.pick.choice(["copy-on-write", "merge-on-read"])
        return Statement(f"alter table sandbox.{name} set "
                         f"('write.{word}.mode' = '{mode}')", [])

    def maintain(self, name):
        """Rows stay what they are, whatever becomes of the files."""
        table = f"sandbox.{name}"
        self.ahead[name].clear()
        flat = [n for n, k in self.tables[name].items() if not k.startswith("struct")]
        curve = ",".join(self.pick.sample(flat, min(2, len(flat))))
        words = self.pick.choice([
            ["optimize", table, "--min-input-files", "2"], ["optimize", table, "--deletes"],
            ["optimize", table, "--manifests"],
            ["optimize", table, "--strategy", "sort", "--sort-by", curve],
            ["optimize", table, "--strategy", "zorder", "--sort-by", curve],
            ["optimize", table, "--strategy", "hilbert", "--sort-by", curve],
            ["sweep", table],
            ["expire", table, "--older-than", "0s", "--retain-last", "1", "--force"]])
        return Statement("", [], command=["table", *words],
                         forgets=name if words[0] == "expire" else None)

    def next(self):
        if len(self.tables) < 2 or (len(self.tables) < 5 and self.pick.random() < 0.03):
            return self.create()
        name = self.pick.choice(sorted(self.tables))
        ways = {self.dml: 72, self.transaction: 5, self.empty: 1, self.alter: 12, self.arrange: 5,
                self.branch: 5, self.properties: 4, self.maintain: 7}
        return self.pick.choices(list(ways), ways.values())[0](name)


# --- both sides ----------------------------------------------------------------------------------

class Sides:
    """A lake of tarn's and the model beside it."""

    def __init__(self, folder):
        import duckdb

        self.lake = Path(folder)
        subprocess.run([TARN, "init", str(folder)], check=True, capture_output=True)
        self.model = duckdb.connect()
        self.model.execute("set TimeZone = 'UTC'; create schema sandbox")
        self.snapshots = {}  # table: [(snapshot id, rows)]

    def tarn(self, *arguments):
        done = subprocess.run([TARN, "-C", str(self.lake), *arguments], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
        return done.returncode, done.stdout, done.stderr.strip()

    def run(self, statements):
        """Runs statements: those of one branch in one process. What fails is a mismatch."""
        start = 0
        while start < len(statements):
            end = start + 1
            first = statements[start]
            while end < len(statements) and not first.command and \
                    not statements[end].command and statements[end].branch == first.branch:
                end += 1
            code, said = self.run_tarn(statements[start:end])
            if code != 0:
                raise Mismatch(f"tarn ended with {code}: {said}", said)
            for statement in statements[start:end]:
                self.follow(statement)
            start = end

    def follow(self, statement):
        """What tarn has done, on the model."""
        for text in statement.model:
            self.model.execute(text)
        if statement.forgets:
            self.snapshots.pop(statement.forgets, None)

    def run_tarn(self, statements):
        first = statements[0]
        if first.command:
            code, _, said = self.tarn(*first.command)
            return code, said
        script = self.lake / "script.sql"
        script.write_text(";\n".join(s.text for s in statements) + ";\n", encoding="utf-8")
        branch = ["--branch", first.branch] if first.branch else []
        code, _, said = self.tarn("sql", "-q", *branch, "-f", str(script))
        return code, said

    def run_each(self, statements, kind):
        """Runs statements one by one, leaving out what tarn refuses, if it is no such refusal."""
        for statement in statements:
            code, said = self.run_tarn([statement])
            if code != 0:
                refusal = Mismatch(f"{statement}\n  {said}", said)
                if refusal.kind == kind:
                    raise refusal
                continue
            self.follow(statement)

    # --- comparing -------------------------------------------------------------------------------

    def rows_of_model(self, table, columns):
        found = self.model.execute(f"select {', '.join(columns)} from sandbox.{table}")
        return ordered([{k: plain(v) for k, v in zip(columns, row)} for row in found.fetchall()])

    def rows_of_tarn(self, query, branch=None):
        more = ["--branch", branch] if branch else []
        code, out, said = self.tarn("sql", "-o", "ndjson", *more, "-c", query)
        if code != 0:
            raise Mismatch(f"{query}: tarn ended with {code}: {said}")
        return ordered([{k: plain(v) for k, v in json.loads(line).items()}
                        for line in out.splitlines()])

    def same(self, what, mine, theirs):
        if mine != theirs:
            mine_only = [r for r in mine if r not in theirs][:3]
            theirs_only = [r for r in theirs if r not in mine][:3]
            raise Mismatch(f"{what}: {len(mine)} rows, the model has {len(theirs)}\n"
                           f"  only here:  {mine_only}\n  only there: {theirs_only}")

    def check(self, tables, branches, pick=None):
        for name in sorted(tables):
            columns = list(tables[name])
            wanted = self.rows_of_model(name, columns)
            query = f"select {', '.join(columns)} from sandbox.{name}"
            self.same(query, self.rows_of_tarn(query), wanted)
            for branch in sorted(branches.get(name, ())):
                self.same(f"{query} on {branch}", self.rows_of_tarn(query, branch),
                          self.rows_of_model(f"{name}__{branch}", columns))
        if pick is not None and tables:
            self.look_closer(pick, pick.choice(sorted(tables)), tables)

    def look_closer(self, pick, name, tables):
        """One table: counts, an older snapshot, another reader, the linter."""
        columns = list(tables[name])
        wanted = self.rows_of_model(name, columns)
        self.same(f"count of {name}", self.rows_of_tarn(
            f"select count(*) as n from sandbox.{name}"), [{"n": len(wanted)}])
        known = self.snapshots.setdefault(name, [])
        if known:
            snapshot, shape, rows = pick.choice(known)
            query = f"select {shape} from sandbox.{name} at (version => {snapshot})"
            self.same(query, self.rows_of_tarn(query), rows)
        code, out, said = self.tarn("--json", "show", f"sandbox.{name}")
        if code != 0:
            raise Mismatch(f"tarn show {name}: {said}")
        shown = json.loads(out)["data"]
        found = lint(shown["metadata_location"], few=5000)
        if found.problems:
            raise Mismatch(f"the linter on {name}: " + "\n".join(found.problems))
        if shown.get("snapshot_id") is None:
            return
        # an older snapshot is read with its own columns: known here only if they have not changed
        metadata = json.loads(Path(shown["metadata_location"]).read_text(encoding="utf-8"))
        schema = next(one.get("schema-id") for one in metadata["snapshots"]
                      if one["snapshot-id"] == shown["snapshot_id"])
        if schema == metadata["current-schema-id"]:
            known.append((shown["snapshot_id"], ", ".join(columns), wanted))
        self.ask_another(pick, name, columns, wanted, shown["metadata_location"])

    def ask_another(self, pick, name, columns, wanted, location):
        if pick.random() < 0.5:
            from pyiceberg.table import StaticTable

            found = StaticTable.from_metadata(location).scan().to_arrow()
            reader = "pyiceberg"
        else:
            if any(isinstance(value, dict) for row in wanted for value in row.values()):
                return  # it matches nested fields by name
            found = duckdb_connection().execute(
                f"select * from iceberg_scan('{location}')").to_arrow_table()
            reader = "DuckDB's reader"
        rows = ordered([{k: plain(row[k]) for k in columns} for row in found.to_pylist()])
        self.same(f"{reader} on {name}", rows, wanted)


# --- making a failure small ----------------------------------------------------------------------

def fails(folder, statements, tables, branches, kind):
    """Why a list of statements makes both sides differ in the same way, or None."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=folder) as place:
        sides = Sides(Path(place) / "lake")
        try:
            sides.run_each(statements, kind)
            have = {row[0] for row in sides.model.execute(
                "select table_name from information_schema.tables").fetchall()}
            tables = {n: [r[0] for r in sides.model.execute(
                f"describe sandbox.{n}").fetchall()] for n in tables if n in have}
            branches = {n: {b for b in branches.get(n, ()) if f"{n}__{b}" in have}
                        for n in tables}
            sides.check(tables, branches)
            for name in sorted(tables):
                sides.look_closer(random.Random(1), name, {n: dict.fromkeys(c) for n, c in
                                                           tables.items()})
        except Mismatch as error:
            return str(error) if error.kind == kind else None
        except duckdb.Error:  # a statement lost one that it needs
            return None
        return None


def shrink(folder, statements, tables, branches, why, kind):
    """Fewer statements with which both sides still differ."""
    size, tries = max(1, len(statements) // 2), 0
    while tries < TRIES:
        start, shorter = 0, False
        while start < len(statements) and tries < TRIES:
            part = statements[:start] + statements[start + size:]
            tries += 1
            found = fails(folder, part, tables, branches, kind)
            if found is not None:
                statements, why, shorter = part, found, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return statements, why


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--statements", type=int, default=300)
    parser.add_argument("--every", type=int, default=25, help="statements between checkpoints")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    arguments = parser.parse_args()
    if not os.access(TARN, os.X_OK):
        print(f"there is no program at {TARN}")
        return 1
    folder = tempfile.mkdtemp(prefix="tarn-differential-")
    print(f"# seed {arguments.seed}, {arguments.statements} statements", flush=True)
    sides, made = Sides(Path(folder) / "lake"), Generator(arguments.seed)
    done, began = [], time.monotonic()
    try:
        while len(done) < arguments.statements:
            part = [made.next() for _ in range(min(arguments.every,
                                                   arguments.statements - len(done)))]
            done += part
            sides.run(part)
            sides.check(made.tables, made.branches, made.pick)
            if len(done) // 1000 > (len(done) - len(part)) // 1000:
                print(f"# {len(done)} in {time.monotonic() - began:.0f} s", flush=True)
    except Mismatch as error:
        print(f"not ok - after {len(done)} statements: {error}\n# making it smaller", flush=True)
        sides.model.close()
        if fails(folder, done, list(made.tables), made.branches, error.kind) is None:
            print("# run one by one they do not fail; all of them:")
            small, why = done, str(error)
        else:
            small, why = shrink(folder, done, list(made.tables), made.branches, str(error),
                                error.kind)
        print(f"# {why}\n# {len(small)} statements:")
        print("\n".join(f"{statement};" for statement in small))
        print(f"# again: tests/property/differential.py --seed {arguments.seed} "
              f"--statements {arguments.statements} --every {arguments.every}")
        return 1
    finally:
        if not arguments.keep:
            subprocess.run(["rm", "-rf", folder], check=False)
    print(f"ok - {len(done)} statements in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
