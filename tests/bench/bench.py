"""Benchmarks as ratios: tarn beside DuckDB and pyiceberg, alternating in one run.

    tests/bench/run [NAME..]    load queries commits planning big start listing memory merge deletes
                                compaction; s3 by name only: it needs tests/peers/s3.sh

Every figure is of a whole child process: CPU seconds (user and system, of the child and its
threads), wall seconds and peak resident memory, as the kernel accounts them. Rounds alternate
A, B, A, B; the ratio quoted is the median of the rounds' ratios. TARN_BENCH_ROUNDS (5),
TARN_BENCH_SF (1: TPC-H scale), TARN_BENCH_FILES (10000) and TARN_BENCH_COMMITS (1000) set sizes.
Results go to build/bench/<time>.json as well.

Commits make many small files, and ext4 hands out inodes freed within the last minutes last: a
run within five minutes of another one (which removed its files) shows fewer commits a second.
"""

import ast
import glob
import json
import os
import platform
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import s3_proxy  # noqa: E402
import s3_server  # noqa: E402

TARN = os.environ.get("TARN", str(ROOT / "build" / "tarn"))
ROUNDS = int(os.environ.get("TARN_BENCH_ROUNDS", "5"))
SCALE = os.environ.get("TARN_BENCH_SF", "1")
FILES = int(os.environ.get("TARN_BENCH_FILES", "10000"))
COMMITS = int(os.environ.get("TARN_BENCH_COMMITS", "1000"))
results = []


# --- measuring ---------------------------------------------------------------------------------

# A bare interpreter between us and the child: what exec replaces counts into the child's peak
# memory, and this is 10 MB where the benchmark with its libraries is many times that.
SPAWN = """
import os, sys, time
start = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(int(sys.argv[1]), repr((time.monotonic() - start, usage.ru_utime + usage.ru_stime,
                                 usage.ru_maxrss * 1024)).encode())
sys.exit(min(255, abs(os.waitstatus_to_exitcode(status))))
"""


class Run:
    """One finished child: cpu, wall seconds, rss bytes, its output."""

    def __init__(self, command, cwd=None, environment=None):
        read, write = os.pipe()
        done = subprocess.run([sys.executable, "-I", "-S", "-c", SPAWN, str(write), *command],
                              cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                              pass_fds=[write], env=dict(os.environ, **(environment or {})),
                              check=False)
        os.close(write)
        with os.fdopen(read) as figures:
            text = figures.read()
        self.out = done.stdout.decode(errors="replace")
        if done.returncode != 0 or not text:
            sys.exit(f"{command} ended with {done.returncode}:\n"
                     f"{done.stderr.decode(errors='replace')}")
        self.wall, self.cpu, self.rss = ast.literal_eval(text)


def alternate(ours, theirs, rounds=ROUNDS, warm=True):
    """Runs two functions that return Run objects in turn; returns the two lists."""
    if warm:
        ours(), theirs()
    a, b = [], []
    for _ in range(rounds):
        a.append(ours())
        b.append(theirs())
    return a, b


def median(values):
    return statistics.median(values)


def compare(name, a, b, goal, attribute="cpu", better="lower"):
    """Prints one line: the figures of both sides, the ratio, the goal."""
    ratio = median([getattr(x, attribute) / max(getattr(y, attribute), 1e-9)
                    for x, y in zip(a, b)])
    mine, other = median([getattr(x, attribute) for x in a]), median(
        [getattr(y, attribute) for y in b])
    report(name, attribute, mine, other, ratio, goal, better)


def report(name, what, mine, other, ratio, goal, better="lower"):
    met = ratio <= goal if better == "lower" else ratio >= goal
    sign = "<=" if better == "lower" else ">="
    shown = (f"{mine / 2**20:.0f} MB", f"{other / 2**20:.0f} MB") if what == "rss" else (
        f"{mine:.4g}", f"{other:.4g}")
    print(f"{name:58} {what:5} {shown[0]:>9} : {shown[1]:>9}  ratio {ratio:7.3f}  goal {sign} "
          f"{goal:<5} {'met' if met else 'MISSED'}", flush=True)
    results.append({"name": name, "what": what, "tarn": mine, "other": other, "ratio": ratio,
                    "goal": goal, "met": met})


def absolute(name, what, value, limit, unit):
    met = value <= limit
    print(f"{name:58} {what:5} {value:>9.4g} {unit:22} goal <= {limit:<5} "
          f"{'met' if met else 'MISSED'}", flush=True)
    results.append({"name": name, "what": what, "tarn": value, "goal": limit, "met": met})


def python(code, *arguments, **extra):
    return Run([sys.executable, "-c", code, *map(str, arguments)], **extra)


def tarn(lake, *arguments, **extra):
    return Run([TARN, "-C", str(lake), *arguments], **extra)


def new_lake(folder, sync="full"):
    subprocess.run([TARN, "init", str(folder)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    config = Path(folder) / "tarn.yaml"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("sync:")]
    config.write_text("\n".join([*lines, f"sync: {sync}"]) + "\n")
    return folder


def extension(name):
    pattern = f"{sys.prefix}/lib/python3*/site-packages/duckdb_extension_{name}/**/" \
              f"{name}.duckdb_extension"
    return glob.glob(pattern, recursive=True)[0]


# --- data --------------------------------------------------------------------------------------

TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
AVRO_TYPES = {"BIGINT": "long", "INTEGER": "int", "VARCHAR": "string", "DOUBLE": "double",
              "DATE": {"type": "int", "logicalType": "date"}}


def tpch():
    """CSV files and Avro schemas of TPC-H, made once by DuckDB's own generator."""
    folder = ROOT / "build" / "bench" / f"tpch-{SCALE}"
    if (folder / "done").exists():
        return folder
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute(f"load '{extension('tpch')}'; call dbgen(sf={SCALE})")
    for table in TABLES:
        con.execute(f"copy {table} to '{folder}/{table}.csv' (header)")
        fields = []
        for name, kind, *_ in con.execute(f"describe {table}").fetchall():
            if kind.startswith("DECIMAL"):
                precision, scale = kind[8:-1].split(",")
                avro = {"type": "bytes", "logicalType": "decimal", "precision": int(precision),
                        "scale": int(scale)}
            else:
                avro = AVRO_TYPES[kind]
            fields.append({"name": name, "type": ["null", avro]})
        (folder / f"{table}.avsc").write_text(json.dumps(
            {"type": "record", "name": table, "fields": fields}))
    queries = con.execute("select query_nr, query from tpch_queries() order by 1").fetchall()
    (folder / "queries.json").write_text(json.dumps(queries))
    (folder / "done").touch()
    return folder


COPY = """
import duckdb, sys
csv, schema, out, partitioned = sys.argv[1:5]
import json
types = {}
for f in json.load(open(schema))['fields']:
    t = f['type'][1]
    types[f['name']] = ({'long':'BIGINT','int':'INTEGER','string':'VARCHAR','double':'DOUBLE'}[t]
        if isinstance(t, str) else 'DATE' if t['logicalType']=='date'
        else f"DECIMAL({t['precision']},{t['scale']})")
con = duckdb.connect()
con.execute("set preserve_insertion_order = false; set memory_limit = '2GB'")
columns = '{' + ','.join(f"'{k}': '{v}'" for k, v in types.items()) + '}'
select = f"select *{', year(l_shipdate) as y' if partitioned == '1' else ''} from " \\
         f"read_csv('{csv}', header = true, delim = ',', quote = '\\"', columns = {columns})"
options = ", partition_by (y)" if partitioned == '1' else ''
con.execute(f"copy ({select}) to '{out}' (format parquet, compression zstd{options})")
"""

APPEND = """
import sys, json, pyarrow, pyarrow.csv
from pyiceberg.catalog.sql import SqlCatalog
csv, schema, out = sys.argv[1:4]
types = {}
for f in json.load(open(schema))['fields']:
    t = f['type'][1]
    types[f['name']] = ({'long': pyarrow.int64(), 'int': pyarrow.int32(),
        'string': pyarrow.string(), 'double': pyarrow.float64()}[t] if isinstance(t, str)
        else pyarrow.date32() if t['logicalType'] == 'date'
        else pyarrow.decimal128(t['precision'], t['scale']))
table = pyarrow.csv.read_csv(csv, convert_options=pyarrow.csv.ConvertOptions(column_types=types))
catalog = SqlCatalog('b', uri=f'sqlite:///{out}/c.db', warehouse=f'file://{out}/wh')
catalog.create_namespace('n')
catalog.create_table('n.t', table.schema).append(table)
"""


# --- the benchmarks ----------------------------------------------------------------------------

def bench_load(work):
    data = tpch()
    csv, schema = data / "lineitem.csv", data / "lineitem.avsc"

    def load(*partition):
        lake = new_lake(tempfile.mkdtemp(dir=work), sync="catalog")
        done = tarn(lake, "load", str(csv), "sandbox.lineitem", "--schema", str(schema), *partition)
        shutil.rmtree(lake)
        return done

    def copy(partitioned):
        out = tempfile.mkdtemp(dir=work)
        target = f"{out}/p" if partitioned else f"{out}/f.parquet"
        done = python(COPY, csv, schema, target, int(partitioned))
        shutil.rmtree(out)
        return done

    def append():
        out = tempfile.mkdtemp(dir=work)
        os.mkdir(f"{out}/wh")
        done = python(APPEND, csv, schema, out)
        shutil.rmtree(out)
        return done

    by_year = ("--partition-by", "year(l_shipdate)")
    a, b = alternate(lambda: load(*by_year), lambda: copy(True))
    compare("load CSV, partitioned : DuckDB COPY, partitioned", a, b, 1.25)
    compare("load CSV, partitioned : DuckDB COPY, partitioned", a, b, 1.25, "wall")
    a, b = alternate(load, lambda: copy(False))
    compare("load CSV : DuckDB COPY", a, b, 1.25)
    compare("load CSV : DuckDB COPY", a, b, 1.25, "wall")
    rounds = max(1, ROUNDS // 2)
    a, b = alternate(lambda: load(*by_year), append, rounds, warm=False)
    compare("load CSV, partitioned : pyiceberg append", a, b, 1.0)
    compare("load CSV, partitioned : pyiceberg append", a, b, 0.35, "rss")


QUERY = """
import duckdb, os, sys, json
con = duckdb.connect()
con.execute("set threads = 2")
if len(sys.argv) > 3:
    con.execute(f"load '{sys.argv[3]}'")
    con.execute(f"create secret (type s3, key_id '{os.environ['AWS_ACCESS_KEY_ID']}', secret "
                f"'{os.environ['AWS_SECRET_ACCESS_KEY']}', endpoint '{sys.argv[4]}', region "
                f"'{os.environ.get('AWS_REGION', 'us-east-1')}', url_style 'path', use_ssl false)")
for table, files in json.load(open(sys.argv[1])).items():
    con.execute(f"create view {table} as select * from read_parquet({files}, "
                "hive_partitioning = false)")
for number, query in json.load(open(sys.argv[2])):
    con.execute(query).fetchall()
"""


def in_sandbox(query):
    """The query over sandbox.lineitem and so on, by DuckDB's own parser and printer."""
    import duckdb

    con = duckdb.connect()
    tree = json.loads(con.execute("select json_serialize_sql(?)", [query]).fetchone()[0])

    def walk(node):
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE" and node.get("table_name") in TABLES:
                node["schema_name"] = "sandbox"
                node["alias"] = node["alias"] or node["table_name"]
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            walk(child)

    walk(tree)
    return con.execute("select json_deserialize_sql(?)", [json.dumps(tree)]).fetchone()[0]


def load_tpch(lake, data, work):
    """Into the lake; work/files.json gets each table's files, work/queries.sql the queries."""
    files = {}
    for table in TABLES:
        tarn(lake, "load", str(data / f"{table}.csv"), f"sandbox.{table}", "--schema",
             str(data / f"{table}.avsc"))
        rows = tarn(lake, "sql", "-o", "ndjson", "-c",
                    f'select file_path from sandbox."{table}$files"').out
        files[table] = [json.loads(line)["file_path"] for line in rows.splitlines()]
    (work / "files.json").write_text(json.dumps(files))
    queries = json.loads((data / "queries.json").read_text())
    script = "".join(in_sandbox(query) + ";\n" for _, query in queries)
    (work / "queries.sql").write_text(script)


def bench_queries(work):
    data = tpch()
    lake = new_lake(work / "queries", sync="catalog")
    load_tpch(lake, data, work)
    a, b = alternate(
        lambda: tarn(lake, "sql", "-o", "csv", "-f", str(work / "queries.sql")),
        lambda: python(QUERY, work / "files.json", data / "queries.json"))
    compare("22 TPC-H queries : DuckDB on the same files", a, b, 1.10)
    compare("22 TPC-H queries : DuckDB on the same files", a, b, 1.10, "wall")


def bench_s3(work):
    """The 22 queries over a lake on S3, beside DuckDB's httpfs over the same objects."""
    server = s3_server.find()
    os.environ.update(server.variables(), AWS_ENDPOINT_URL_S3=server.endpoint)
    place = urllib.parse.urlsplit(server.endpoint)
    data = tpch()
    lake = work / "s3"
    subprocess.run([TARN, "init", "-q", str(lake), "--warehouse",
                    f"{server.root}/bench-{uuid.uuid4()}"], check=True)
    load_tpch(lake, data, work)
    arguments = [work / "files.json", data / "queries.json", extension("httpfs"), place.netloc]

    def ours(endpoint=server.endpoint):
        return tarn(lake, "sql", "-o", "csv", "-f", str(work / "queries.sql"),
                    environment={"AWS_ENDPOINT_URL_S3": endpoint})

    def theirs(host=place.netloc):
        return python(QUERY, *arguments[:3], host)

    a, b = alternate(ours, theirs)
    name = "22 TPC-H queries on S3 : DuckDB httpfs, same objects"
    compare(name, a, b, 1.10)
    compare(name, a, b, 1.10, "wall")
    compare(name, a, b, 1.10, "rss")
    counts = []
    for run, address in ((ours, "http://127.0.0.1:{}"), (theirs, "127.0.0.1:{}")):
        with s3_proxy.Proxy((place.hostname, place.port)) as proxy:
            run(address.format(proxy.port))
            counts.append((sum(proxy.requests.values()), proxy.bytes_sent / 2**20))
            print(f"{'  requests, MB answered':58} {dict(proxy.requests)} {counts[-1][1]:.0f}")
    for i, what in enumerate(("reqs", "MB")):
        report(name, what, counts[0][i], counts[1][i], counts[0][i] / counts[1][i], 1.10)


PYICEBERG_COMMITS = """
import sys, time, json, pyarrow
from pyiceberg.catalog.sql import SqlCatalog
out, count = sys.argv[1], int(sys.argv[2])
catalog = SqlCatalog('b', uri=f'sqlite:///{out}/c.db', warehouse=f'file://{out}/wh')
catalog.create_namespace('n')
row = pyarrow.table({'id': [1], 'v': ['abc'], 'd': [1.5]})
table = catalog.create_table('n.t', row.schema)
times = []
for _ in range(count):
    start = time.perf_counter()
    table.append(row)
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""


def commit_times(work, sync, count):
    """Seconds of each one-row INSERT of one process, from `tarn sql --timing`'s own clock."""
    lake = new_lake(Path(tempfile.mkdtemp(dir=work)), sync)
    tarn(lake, "sql", "-c", "create table sandbox.t (id bigint, v varchar, d double)")
    script = Path(work) / f"commits-{sync}.sql"
    script.write_text("".join(f"insert into sandbox.t values ({n}, 'abc', 1.5);\n"
                              for n in range(count)))
    start = time.monotonic()
    tarn(lake, "sql", "-q", "-f", str(script))
    seconds = time.monotonic() - start
    rows = tarn(lake, "sql", "-o", "ndjson", "-c",
                'select epoch_ms(committed_at) as ms from sandbox."t$snapshots" order by '
                "sequence_number").out
    stamps = [json.loads(line)["ms"] for line in rows.splitlines()]
    assert len(stamps) == count
    # the lake stays until the end: ext4 passes over inodes freed within the last minutes, one by
    # one, so that removing thousands of files here would slow down whoever makes files next
    return count / seconds, stamps


def bench_commits(work):
    theirs = Path(tempfile.mkdtemp(dir=work))
    (theirs / "wh").mkdir()
    peer = json.loads(python(PYICEBERG_COMMITS, theirs, 60).out)
    rate = len(peer) / sum(peer)
    for sync, goal in (("catalog", 10), ("full", 5)):
        mine, stamps = commit_times(work, sync, COMMITS)
        report(f"one-row commits/s, sync={sync} : pyiceberg (first 60)", "rate", mine, rate,
               mine / rate, goal, "higher")
        early = (stamps[59] - stamps[9]) / 50
        late = (stamps[-1] - stamps[-51]) / 50
        report(f"commit {COMMITS} : commit 10, ms, sync={sync}", "wall", late, early,
               late / max(early, 1e-9), 1.5)


MAKE_FILES = """
import sys, os, pyarrow, pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.transforms import IdentityTransform
out, count = sys.argv[1], int(sys.argv[2])
os.makedirs(f'{out}/wh/t/data')
catalog = SqlCatalog('b', uri=f'sqlite:///{out}/c.db', warehouse=f'file://{out}/wh')
catalog.create_namespace('n')
schema = pyarrow.schema([('p', pyarrow.int64()), ('a', pyarrow.int64()), ('b', pyarrow.float64()),
                         ('c', pyarrow.string()), ('e', pyarrow.int64())])
table = catalog.create_table('n.t', schema, location=f'{out}/wh/t')
with table.update_spec() as update:
    update.add_field('p', IdentityTransform(), 'p')
paths = []
for partition in range(100):
    rows = pyarrow.table({'p': [partition], 'a': [partition], 'b': [0.5], 'c': [f'v{partition}'],
                          'e': [1]}, schema=schema)
    first = f'{out}/wh/t/data/{partition}.parquet'
    pq.write_table(rows, first)
    for i in range(count // 100):
        path = f'{out}/wh/t/data/{partition}-{i}.parquet'
        os.link(first, path)
        paths.append(path)
for start in range(0, len(paths), 1000):
    table.add_files(paths[start:start + 1000])
print(table.metadata_location)
"""

PLAN = """
import sys
from pyiceberg.table import StaticTable
print(len(list(StaticTable.from_metadata(sys.argv[1]).scan(row_filter='p == 42').plan_files())))
"""

ICEBERG_SCAN = """
import sys, duckdb
con = duckdb.connect()
con.execute(f"load '{sys.argv[2]}'; load '{sys.argv[3]}'; set threads = 2")
con.execute(f"explain select * from iceberg_scan('{sys.argv[1]}') where p = 42").fetchall()
"""


def bench_planning(work):
    out = Path(tempfile.mkdtemp(dir=work))
    location = python(MAKE_FILES, out, FILES).out.strip().removeprefix("file://")
    lake = new_lake(work / "planning")
    tarn(lake, "table", "register", "sandbox.t", location)
    explain = ("sql", "-o", "csv", "-c", "explain select * from sandbox.t where p = 42")
    one = ("sql", "-o", "csv", "-c", "explain select 1")
    base = median([tarn(lake, *one).cpu for _ in range(5)])
    idle = median([python("import pyiceberg.table").cpu for _ in range(5)])
    a, b = alternate(lambda: tarn(lake, *explain), lambda: python(PLAN, location))
    ours = median([x.cpu for x in a]) - base
    theirs = median([x.cpu for x in b]) - idle
    report(f"plan {FILES} files, cold : pyiceberg (start taken off)", "cpu", ours, theirs,
           theirs / max(ours, 1e-4), 10, "higher")
    avro, iceberg = extension("avro"), extension("iceberg")
    empty = median([python("import duckdb,sys;c=duckdb.connect();c.execute(f\"load '{sys.argv[1]}';"
                           "load '{sys.argv[2]}'\")", avro, iceberg).cpu for _ in range(5)])
    a, b = alternate(lambda: tarn(lake, *explain),
                     lambda: python(ICEBERG_SCAN, location, avro, iceberg))
    ours = median([x.cpu for x in a]) - base
    theirs = median([x.cpu for x in b]) - empty
    report(f"plan {FILES} files, cold : iceberg_scan (start taken off)", "cpu", ours, theirs,
           theirs / max(ours, 1e-4), 4, "higher")
    script = work / "warm.sql"
    script.write_text("explain select * from sandbox.t where p = 42;\n" * 101)
    warm = (median([tarn(lake, "sql", "-o", "csv", "-f", str(script)).cpu for _ in range(3)]) -
            median([x.cpu for x in a])) / 100
    absolute(f"plan {FILES} files, warm, whole EXPLAIN", "cpu", warm * 1000, 20, "ms")


# Parquet files that the metadata of make_big_table names, of the size that it says (padded before
# the footer): for those queries that read one.
BIG_FILES = """
import os, sys, duckdb
folder, numbers = sys.argv[1], map(int, sys.argv[2:])
columns = [("'x'" if i % 3 == 0 else f"{i}::bigint") + f" as column_{i}" for i in range(20)]
ids = ", ".join(f"column_{i}: {i + 1}" for i in range(20))
duckdb.connect().execute(f"copy (select {', '.join(columns)}) to '{folder}/one.parquet' "
                         f"(format parquet, field_ids {{{ids}}})")
with open(f"{folder}/one.parquet", "r+b") as file:
    whole = file.read()
    tail = 8 + int.from_bytes(whole[-8:-4], "little")
    file.seek(len(whole) - tail)
    file.write(bytes(250000 - len(whole)) + whole[-tail:])
for number in numbers:
    path = f"{folder}/data/{number // 1000:03}/00000-0-4f1f2f3f-aaaa-bbbb-cccc-{number:012}.parquet"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.link(f"{folder}/one.parquet", path)
"""


def bench_big(work):
    """Planning among 100,000 files in 100 manifests, 20 columns of metrics each: one file is left
    by the condition, each time another one."""
    maker = ROOT / "build" / "meson" / "tests" / "bench" / "make_big_table"
    folder = work / "big"
    location = Run([str(maker), str(folder), "100000", "0", "101", "1000"]).out.strip()
    numbers = [n * 997 % 100000 for n in range(101)]
    python(BIG_FILES, folder, *numbers)
    lake = new_lake(work / "big-lake")
    tarn(lake, "table", "register", "sandbox.t", location)
    texts = [f"explain select * from sandbox.t where column_1 = {n * 1000 + 1};" for n in numbers]
    scripts = {}
    for name, lines in {"one": texts[:1], "all": texts}.items():
        scripts[name] = work / f"big-{name}.sql"
        scripts[name].write_text("\n".join(lines))

    def cpu(name):
        return median([tarn(lake, "sql", "-o", "csv", "-f", str(scripts[name])).cpu
                       for _ in range(ROUNDS)])

    start = median([tarn(lake, "sql", "-o", "csv", "-c", "explain select 1").cpu
                    for _ in range(ROUNDS)])
    one = cpu("one")
    plans = json.loads(tarn(lake, "sql", "-o", "ndjson", "-c", texts[0]).out)
    assert (plans["files"], plans["files_total"]) == (1, 100000), plans
    absolute("plan 100,000 files, cold (start taken off)", "cpu", (one - start) * 1000, 300, "ms")
    absolute("plan 100,000 files, warm, whole EXPLAIN", "cpu", (cpu("all") - one) * 10, 5, "ms")


# 1 % of the rows by key: nine of ten change a row of the table, one is new.
MERGE_DATA = """
import duckdb, sys
csv, out = sys.argv[1:3]
con = duckdb.connect()
con.execute(f"copy (select row_number() over () as id, * from read_csv('{csv}')) to "
            f"'{out}/base.parquet' (format parquet, compression zstd)")
con.execute(f"copy (select * replace (case when id % 10 = 0 then id + 100000000 else id end as id,"
            f" l_quantity + 1 as l_quantity) from read_parquet('{out}/base.parquet') where"
            f" hash(id) % 100 = 0) to '{out}/changes.parquet' (format parquet, compression zstd)")
"""

MERGE = "merge into sandbox.t t using sandbox.s s on t.id = s.id when matched then update set * " \
        "when not matched then insert *"

DELTA_MAKE = """
import sys, deltalake, pyarrow.parquet
deltalake.write_deltalake(sys.argv[1], pyarrow.parquet.read_table(sys.argv[2]))
"""

DELTA_MERGE = """
import sys, deltalake, pyarrow.parquet
changes = pyarrow.parquet.read_table(sys.argv[2])
deltalake.DeltaTable(sys.argv[1]).merge(source=changes, predicate="t.id = s.id", source_alias="s",
    target_alias="t").when_matched_update_all().when_not_matched_insert_all().execute()
"""

DUCKLAKE = """
import sys, duckdb
out, extension, statements = sys.argv[1], sys.argv[2], sys.argv[3:]
con = duckdb.connect()
con.execute(f"load '{extension}'; attach 'ducklake:{out}/meta.db' as l (data_path '{out}/data')")
for statement in statements: con.execute(statement)
"""


def bench_merge(work):
    out = work / "merge"
    out.mkdir()
    python(MERGE_DATA, tpch() / "lineitem.csv", out)
    lake = new_lake(out / "lake")
    for file, table in (("base", "t"), ("changes", "s")):
        tarn(lake, "load", str(out / f"{file}.parquet"), f"sandbox.{table}")
    history = json.loads(tarn(lake, "history", "sandbox.t", "--json").out)["data"]

    def ours():
        run = tarn(lake, "sql", "-q", "-c", MERGE)
        tarn(lake, "table", "rollback", "sandbox.t", str(history[-1]["snapshot_id"]))
        return run

    def delta():
        shutil.rmtree(out / "delta", ignore_errors=True)
        python(DELTA_MAKE, out / "delta", out / "base.parquet")
        return python(DELTA_MERGE, out / "delta", out / "changes.parquet")

    def ducklake():
        shutil.rmtree(out / "ducklake", ignore_errors=True)
        (out / "ducklake").mkdir()
        make = [f"create table l.{name} as select * from '{out}/{file}.parquet'"
                for file, name in (("base", "t"), ("changes", "s"))]
        python(DUCKLAKE, out / "ducklake", extension("ducklake"), *make)
        return python(DUCKLAKE, out / "ducklake", extension("ducklake"),
                      "merge into l.t t using l.s s on t.id = s.id when matched then update "
                      "when not matched then insert")

    a, b = alternate(ours, delta, rounds=3)
    ratio = median([y.cpu / x.cpu for x, y in zip(a, b)])
    report("merge of 1 % by key : deltalake", "cpu", median([x.cpu for x in a]),
           median([y.cpu for y in b]), ratio, 10, "higher")
    compare("merge of 1 % by key : deltalake", a, b, 1, "rss")
    a, b = alternate(ours, ducklake, rounds=3)
    compare("merge of 1 % by key : DuckLake", a, b, 2)
    compare("merge of 1 % by key : DuckLake", a, b, 2, "rss")


SMALL_FILES = """
import duckdb, sys
csv, out, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
con = duckdb.connect()
con.execute(f"create table t as select * from read_csv('{csv}')")
rows = con.execute("select count(*) from t").fetchone()[0]
for i in range(count):
    low, high = rows * i // count, rows * (i + 1) // count
    con.execute(f"copy (select * from t where rowid >= {low} and rowid < {high}) to "
                f"'{out}/{i:04}.parquet' (format parquet, compression zstd)")
"""

DELTA_COMPACT = """
import sys, deltalake
deltalake.DeltaTable(sys.argv[1]).optimize.compact(target_size=int(sys.argv[2]))
"""

COPY_FILES = """
import sys, duckdb
con = duckdb.connect()
con.execute("set preserve_insertion_order = false; set memory_limit = '2GB'")
con.execute(f"copy (select * from '{sys.argv[1]}/*.parquet') to '{sys.argv[2]}' "
            "(format parquet, compression zstd)")
"""


def bench_compaction(work):
    """1,000 small files of lineitem into large ones, beside deltalake and a COPY of the files."""
    out, target = work / "compaction", 128 << 20
    (out / "small").mkdir(parents=True)
    python(SMALL_FILES, tpch() / "lineitem.csv", out / "small", 1000)
    files = sorted((out / "small").iterdir())
    lake = new_lake(out / "lake")
    script = out / "inserts.sql"
    script.write_text("create table sandbox.t as select columns('^l_') from sandbox.first limit 0"
                      ";\n" + "".join(f"copy sandbox.t from '{file}';\n" for file in files))
    tarn(lake, "load", str(files[0]), "sandbox.first")
    tarn(lake, "sql", "-q", "-f", str(script))
    head = json.loads(tarn(lake, "history", "sandbox.t", "--json").out)["data"][0]["snapshot_id"]

    def ours():
        run = tarn(lake, "table", "optimize", "sandbox.t", "--target-size", str(target))
        tarn(lake, "table", "rollback", "sandbox.t", str(head))
        return run

    def delta():
        shutil.rmtree(out / "delta", ignore_errors=True)
        (out / "delta").mkdir()
        for file in files:
            os.link(file, out / "delta" / file.name)
        python("import sys, deltalake; deltalake.convert_to_deltalake(sys.argv[1])", out / "delta")
        return python(DELTA_COMPACT, out / "delta", target)

    for name, other, goal in (("deltalake", delta, 1.0), ("DuckDB COPY", lambda: python(
            COPY_FILES, out / "small", out / "copy.parquet"), 1.3)):
        a, b = alternate(ours, other, rounds=3)
        for what in ("cpu", "wall", "rss"):
            compare(f"compaction of 1,000 small files : {name}", a, b, goal, what)


ICEBERG_QUERIES = """
import json, sys, duckdb
con = duckdb.connect()
con.execute(f"load '{sys.argv[3]}'; load '{sys.argv[4]}'; create schema sandbox")
for name, location in json.loads(sys.argv[2]):
    con.execute(f"create view sandbox.{name} as select * from iceberg_scan('{location}')")
for query in open(sys.argv[1]).read().split(";\\n"):
    if query.strip():
        con.execute(query).fetchall()
"""


def locations_of(lake, tables):
    """What another engine needs to read the tables, as JSON."""
    with sqlite3.connect(Path(lake) / ".tarn" / "catalog.db") as db:
        rows = db.execute("select table_name, metadata_location from iceberg_tables").fetchall()
    return json.dumps([row for row in rows if row[0] in tables])


def bench_deletes(work):
    """TPC-H over a lineitem of which 1 % is deleted, beside one that never had those rows, and
    beside DuckDB's Iceberg extension on the same tables."""
    data = tpch()
    lake = new_lake(work / "deletes", sync="catalog")
    for table in TABLES:
        tarn(lake, "load", str(data / f"{table}.csv"), f"sandbox.{table}", "--schema",
             str(data / f"{table}.avsc"))
    gone = "hash(l_orderkey, l_linenumber) % 100 = 1"
    queries = [in_sandbox(query) for _, query in json.loads((data / "queries.json").read_text())]
    scripts = {}
    for version in (2, 3):
        tarn(lake, "sql", "-q", "-c", f"create table sandbox.clean{version} with ('format-version' "
             f"= {version}) as select * from sandbox.lineitem where not ({gone}); "
             f"create table sandbox.dead{version} with ('format-version' = {version}) as "
             f"select * from sandbox.lineitem; delete from sandbox.dead{version} where {gone}")
        for kind in ("clean", "dead"):
            scripts[kind] = work / f"{kind}{version}.sql"
            scripts[kind].write_text("".join(
                query.replace("sandbox.lineitem", f"sandbox.{kind}{version}") + ";\n"
                for query in queries))
        a, b = alternate(*[lambda k=k: tarn(lake, "sql", "-o", "csv", "-f", str(scripts[k]))
                           for k in ("dead", "clean")], rounds=3)
        what = "position deletes" if version == 2 else "deletion vectors"
        compare(f"22 queries, 1 % deleted by {what} : clean", a, b, 1.10)
        compare(f"22 queries, 1 % deleted by {what} : clean", a, b, 1.10, "wall")
        known = locations_of(lake, [*TABLES, f"dead{version}"])
        a, b = alternate(lambda: tarn(lake, "sql", "-o", "csv", "-f", str(scripts["dead"])),
                         lambda: python(ICEBERG_QUERIES, scripts["dead"], known,
                                        extension("avro"), extension("iceberg")), rounds=3)
        compare(f"22 queries, 1 % deleted by {what} : iceberg_scan", a, b, 1.0)


def bench_start(work):
    lake = new_lake(work / "start")
    runs = [tarn(lake, "ls") for _ in range(20)]
    absolute("tarn ls, start to end", "wall", min(r.wall for r in runs) * 1000, 20, "ms (best)")
    absolute("tarn ls, start to end", "cpu", median([r.cpu for r in runs]) * 1000, 20, "ms")
    absolute("tarn ls, peak memory", "rss", median([r.rss for r in runs]) / 2**20, 20, "MB")


def bench_listing(work):
    import sqlite3

    lake = new_lake(work / "listing")
    tarn(lake, "sql", "-c", "create table sandbox.t (id bigint)")
    db = sqlite3.connect(lake / ".tarn" / "catalog.db")
    db.execute("insert into iceberg_tables select catalog_name, 'sandbox', 'table_' || value, "
               "metadata_location, null, 'TABLE' from iceberg_tables, generate_series(1, 9999) "
               "where table_name = 't'") if has_series(db) else fill_by_hand(db)
    db.commit()
    db.close()
    runs = [tarn(lake, "ls", "-o", "ndjson") for _ in range(10)]
    assert len(runs[0].out.splitlines()) >= 10000
    absolute("list 10,000 tables, whole command", "cpu", median([r.cpu for r in runs]) * 1000, 20,
             "ms")
    absolute("list 10,000 tables, whole command", "wall", min(r.wall for r in runs) * 1000, 20,
             "ms (best)")


def has_series(db):
    try:
        db.execute("select count(*) from generate_series(1, 2)")
        return True
    except Exception:
        return False


def fill_by_hand(db):
    row = db.execute("select catalog_name, metadata_location from iceberg_tables").fetchone()
    db.executemany("insert into iceberg_tables values (?, 'sandbox', ?, ?, null, 'TABLE')",
                   [(row[0], f"table_{i}", row[1]) for i in range(9999)])
    db.executemany("insert into tarn_table values ('sandbox', ?, ?, 'u', 1, 1, 1, 1)",
                   [(f"table_{i}", row[1]) for i in range(9999)])


def bench_memory(work):
    data = tpch()
    schema = data / "lineitem.avsc"
    for times in (1, 4):
        csv = work / f"lineitem-{times}.csv"
        with open(csv, "wb") as out:
            for number in range(times):
                with open(data / "lineitem.csv", "rb") as part:
                    if number > 0:
                        part.readline()
                    shutil.copyfileobj(part, out, 1 << 20)
        for unit in ("year", "day"): # 7 partitions, and 2,526 that the rows are sorted for
            lake = new_lake(work / f"memory-{times}-{unit}", sync="catalog")
            done = tarn(lake, "load", str(csv), "sandbox.lineitem", "--schema", str(schema),
                        "--partition-by", f"{unit}(l_shipdate)")
            absolute(f"load of {times} x lineitem CSV by {unit}, peak memory", "rss",
                     done.rss / 2**20, 512, "MB")
            shutil.rmtree(lake)
        csv.unlink()


BENCHES = {"start": bench_start, "listing": bench_listing, "commits": bench_commits,
           "planning": bench_planning, "big": bench_big, "load": bench_load,
           "queries": bench_queries, "memory": bench_memory, "merge": bench_merge,
           "deletes": bench_deletes, "compaction": bench_compaction, "s3": bench_s3}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": model, "cores": os.cpu_count(), "memory_gb": round(memory, 1),
            "system": platform.platform(), "load": os.getloadavg()}


def main():
    names = sys.argv[1:] or [name for name in BENCHES if name != "s3"]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    import duckdb
    import pyiceberg

    about = dict(machine(), duckdb=duckdb.__version__, pyiceberg=pyiceberg.__version__,
                 rounds=ROUNDS, scale=SCALE)
    print(json.dumps(about))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    build = ROOT / "build" / "bench"
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as work:
        for name in names:
            BENCHES[name](Path(work))
    out = build / time.strftime("%Y%m%dT%H%M%SZ.json", time.gmtime())
    out.write_text(json.dumps({"machine": about, "results": results}, indent=1))
    print(f"written to {out.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
