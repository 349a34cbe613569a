"""A lake on S3: what the peers read of it, what they write there, and what is left after faults.

Needs a server: TARN_TEST_S3 and what belongs to it (tests/peers/s3.sh env), else one that
tests/peers/s3.sh has installed is started. Without either everything here is skipped.
"""

import csv
import glob
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.parse
import uuid
from pathlib import Path

import pytest

from conftest import TARN, Lake, ordered, rows_of_arrow

import s3_server
from s3_proxy import Proxy

SPOILT = int(os.environ.get("TARN_S3_DROPS", "60"))
try:
    SERVER = s3_server.find().environment
except s3_server.Missing as missing:
    pytest.skip(str(missing), allow_module_level=True)
ENDPOINT = SERVER["TARN_TEST_S3"]
BUCKET = SERVER["TARN_TEST_S3_ROOT"].removeprefix("s3://").split("/")[0]


class S3Lake(Lake):
    """The same lake, with its warehouse on S3."""

    def __init__(self, folder, endpoint=ENDPOINT):
        self.folder = Path(folder)
        self.prefix = f"interop/{uuid.uuid4()}"
        self.environment = dict(SERVER, AWS_ENDPOINT_URL_S3=endpoint)
        self.run("init", str(folder), "--warehouse", f"s3://{BUCKET}/{self.prefix}")

    def run(self, *arguments, ok=True, **extra):
        extra.setdefault("env", self.environment)
        return super().run(*arguments, ok=ok, **extra)

    def properties(self):
        return {"s3.endpoint": ENDPOINT, "s3.access-key-id": SERVER["AWS_ACCESS_KEY_ID"],
                "s3.secret-access-key": SERVER["AWS_SECRET_ACCESS_KEY"],
                "s3.region": SERVER.get("AWS_REGION", "us-east-1")}

    def catalog(self):
        from pyiceberg.catalog.sql import SqlCatalog

        return SqlCatalog("tarn", uri=f"sqlite:///{self.folder}/.tarn/catalog.db",
                          warehouse=f"s3://{BUCKET}/{self.prefix}", init_catalog_tables="false",
                          **self.properties())

    def duckdb(self, table):
        location = self.show(table)["metadata_location"]
        return rows_of_arrow(s3_duckdb().execute(
            f"select * from iceberg_scan('{location}')").to_arrow_table())

    def files_system(self):
        from pyarrow import fs

        place = urllib.parse.urlsplit(ENDPOINT)
        return fs.S3FileSystem(endpoint_override=place.netloc, scheme=place.scheme,
                               access_key=SERVER["AWS_ACCESS_KEY_ID"],
                               secret_key=SERVER["AWS_SECRET_ACCESS_KEY"],
                               region=SERVER.get("AWS_REGION", "us-east-1"))

    def objects(self):
        from pyarrow import fs

        found = self.files_system().get_file_info(
            fs.FileSelector(f"{BUCKET}/{self.prefix}", recursive=True, allow_not_found=True))
        return {f"s3://{info.path}" for info in found if info.type == fs.FileType.File}


_connection = None


def s3_duckdb():
    global _connection
    if _connection is None:
        import duckdb

        _connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for name in ("httpfs", "avro", "iceberg"):
            pattern = f"{sys.prefix}/lib/python3*/site-packages/duckdb_extension_{name}/**/" \
                      f"{name}.duckdb_extension"
            _connection.execute(f"load '{glob.glob(pattern, recursive=True)[0]}'")
        place = urllib.parse.urlsplit(ENDPOINT)
        _connection.execute(
            f"create secret (type s3, key_id '{SERVER['AWS_ACCESS_KEY_ID']}', "
            f"secret '{SERVER['AWS_SECRET_ACCESS_KEY']}', endpoint '{place.netloc}', "
            f"region '{SERVER.get('AWS_REGION', 'us-east-1')}', url_style 'path', "
            f"use_ssl {'true' if place.scheme == 'https' else 'false'})")
    return _connection.cursor()


@pytest.fixture
def s3_lake(tmp_path):
    return S3Lake(tmp_path / "lake")


def write_rows(path, first, count, names=("a", "b c", "ü=1", "50%", "x+y", "'q'", "#h&amp;")):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "name", "day"])
        for i in range(first, first + count):
            writer.writerow([i, names[i % len(names)], f"2026-{i % 12 + 1:02d}-15"])
    return str(path)


def test_peers_read_what_was_loaded(s3_lake, tmp_path):
    """Partition values become parts of keys, whatever is in them."""
    path = write_rows(tmp_path / "rows.csv", 0, 500)
    s3_lake.cli("load", path, "raw.rows", "--partition-by", "name,month(day)")
    rows = s3_lake.sql("select id, name, day from raw.rows order by id")
    assert len(rows) == 500 and rows[2]["name"] == "ü=1"
    seen = [{k: row[k] for k in ("id", "name", "day")} for row in s3_lake.pyiceberg("raw.rows")]
    assert sorted(seen, key=lambda row: row["id"]) == rows
    seen = [{k: row[k] for k in ("id", "name", "day")} for row in s3_lake.duckdb("raw.rows")]
    assert sorted(seen, key=lambda row: row["id"]) == rows
    # pruning works there too
    plan = s3_lake.cli("sql", "-o", "ndjson", "-c",
                       "explain select * from raw.rows where name = '50%'").stdout
    assert json.loads(plan.splitlines()[0])["files"] < 84
    assert s3_lake.sql("select count(*) as n from raw.rows where name = '50%'") == [{"n": 71}]


def test_tables_made_by_sql(s3_lake):
    s3_lake.do("create table sandbox.t (id bigint, note varchar)",
               "insert into sandbox.t values (1, 'a'), (2, null)",
               "insert into sandbox.t select 3, 'ü'",
               "alter table sandbox.t add column more double",
               "create table sandbox.copy as select * from sandbox.t where id > 1")
    assert len(s3_lake.sql("select * from sandbox.t")) == 3
    assert ordered(s3_lake.sql("select * from sandbox.copy")) == ordered(
        s3_lake.duckdb("sandbox.copy")) == ordered(s3_lake.pyiceberg("sandbox.copy"))


def test_what_pyiceberg_writes_is_read(s3_lake):
    import pyarrow as pa

    s3_lake.do("create table sandbox.t (id bigint, name varchar)",
               "insert into sandbox.t values (1, 'tarn')")
    table = s3_lake.catalog().load_table(("sandbox", "t"))
    table.append(pa.table({"id": pa.array([2], pa.int64()), "name": ["pyiceberg"]}))
    made = s3_lake.catalog().create_table(
        ("sandbox", "made"), schema=pa.schema([("id", pa.int64()), ("x", pa.float64())]))
    made.append(pa.table({"id": pa.array([7], pa.int64()), "x": [1.5]}))
    assert s3_lake.sql("select * from sandbox.t order by id") == [
        {"id": 1, "name": "tarn"}, {"id": 2, "name": "pyiceberg"}]
    assert s3_lake.sql("select * from sandbox.made") == [{"id": 7, "x": 1.5}]
    s3_lake.do("insert into sandbox.made values (8, 2.5)")
    assert len(s3_lake.pyiceberg("sandbox.made")) == 2


def test_foreign_tables_are_registered_in_place(s3_lake, tmp_path):
    """A table elsewhere in the bucket, known by another spelling of the scheme."""
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog

    other = SqlCatalog("other", uri=f"sqlite:///{tmp_path}/other.db",
                       warehouse=f"s3a://{BUCKET}/foreign-{uuid.uuid4()}",
                       **s3_lake.properties())
    other.create_namespace("ns")
    table = other.create_table(("ns", "t"), schema=pa.schema([("id", pa.int64())]))
    table.append(pa.table({"id": pa.array([1, 2, 3], pa.int64())}))
    assert table.metadata_location.startswith("s3a://")
    s3_lake.cli("table", "register", "sandbox.foreign", table.metadata_location)
    assert s3_lake.sql("select count(*) as n from sandbox.foreign") == [{"n": 3}]


def test_the_engine_stays_inside_the_lake(s3_lake):
    """No way to another prefix of the bucket, and none to the keys."""
    with s3_lake.files_system().open_output_stream(f"{BUCKET}/outside/secret.csv") as out:
        out.write(b"a\n1\n")
    for text in (f"select * from 's3://{BUCKET}/outside/secret.csv'",
                 f"select * from read_csv('s3://{BUCKET}/outside/secret.csv')",
                 "from duckdb_secrets()", "select * from which_secret('s3://lake/x', 's3')",
                 "create secret (type s3)", "set s3_endpoint = 'x'"):
        done = s3_lake.cli("sql", "-c", text, ok=False)
        assert done.returncode != 0, text
        assert SERVER["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr


def test_secrets_are_nowhere(tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "tarn.yaml").write_text(
        f"version: 1\nwarehouse: s3://{BUCKET}/interop/{uuid.uuid4()}\n"
        f"storage: {{ endpoint: \"{ENDPOINT}\", access_key: ${{secret:k}}, "
        "secret_key: ${secret:s} }\n", encoding="utf-8")
    environment = {name: value for name, value in SERVER.items() if not name.startswith("AWS_")}
    environment["AWS_EC2_METADATA_DISABLED"] = "true"

    def run(*arguments, text=None):
        return subprocess.run([TARN, "-C", str(folder), *arguments], input=text, timeout=60,
                              capture_output=True, text=True, check=False, env=environment)

    assert run("init", ".").returncode == 2  # the secrets are missing, by name
    assert run("secret", "set", "k", text=SERVER["AWS_ACCESS_KEY_ID"] + "\n").returncode == 0
    assert run("secret", "set", "s", text="a-wrong-secret").returncode == 0
    wrong = run("init", ".")
    assert wrong.returncode == 4 and "secret" in wrong.stderr
    assert "a-wrong-secret" not in wrong.stderr
    assert run("secret", "set", "s", text=SERVER["AWS_SECRET_ACCESS_KEY"]).returncode == 0
    outputs = [run(*arguments) for arguments in (
        ("init", "."), ("-v", "sql", "-c", "create table sandbox.t as select 1 as x"),
        ("sql", "-c", "explain select * from sandbox.t"), ("history", "sandbox.t"),
        ("doctor",), ("status",), ("show", "sandbox.t"), ("secret", "ls"), ("connect", "duckdb"),
        ("connect", "python"))]
    assert all(done.returncode == 0 for done in outputs), outputs
    for done in outputs:
        assert SERVER["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr
    assert (folder / ".tarn" / "secrets").stat().st_mode & 0o777 == 0o600
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "secrets":
            assert SERVER["AWS_SECRET_ACCESS_KEY"].encode() not in path.read_bytes(), path


def referenced(lake, table):
    return {row["file_path"] for row in lake.sql(f"select file_path from {files_of(table)}")}


def files_of(table):
    zone, name = table.split(".")
    return f'{zone}."{name}$files"'


@pytest.mark.parametrize("point", ["query.write.after_copy", "catalog.commit.after_metadata",
                                   "catalog.commit.before_swap"])
def test_a_kill_leaves_nothing(s3_lake, tmp_path, point):
    path = write_rows(tmp_path / "rows.csv", 0, 50)
    s3_lake.cli("load", path, "raw.rows", "--partition-by", "name")
    before = s3_lake.objects()
    more = write_rows(tmp_path / "more.csv", 50, 50)
    killed = s3_lake.run("-C", str(s3_lake.folder), "load", more, "raw.rows", ok=False,
                         env=dict(s3_lake.environment, TARN_FAULT_PLAN=f"{point}=kill"))
    assert killed.returncode == -signal.SIGKILL
    assert s3_lake.objects() > before
    s3_lake.cli("doctor")  # opens the lake for writing: the dead one's files go
    assert s3_lake.objects() == before
    s3_lake.cli("load", more, "raw.rows")
    assert s3_lake.sql("select count(*) as n from raw.rows") == [{"n": 100}]


def test_a_kill_at_any_time_leaves_nothing(s3_lake, tmp_path):
    pause = random.Random(7)
    rows = 0
    for cycle in range(12):
        path = write_rows(tmp_path / f"rows{cycle}.csv", cycle * 100, 100)
        child = subprocess.Popen([TARN, "-C", str(s3_lake.folder), "load", path, "raw.rows",
                                  "--partition-by", "name"], env=s3_lake.environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause.uniform(0.02, 0.4))
        child.kill()
        child.wait()
        s3_lake.cli("load", path, "raw.rows", "--partition-by", "name")
        rows += 100
        assert s3_lake.sql("select count(*) as n, count(distinct id) as d from raw.rows") == [
            {"n": rows, "d": rows}]
    s3_lake.cli("doctor")
    data = {name for name in s3_lake.objects() if "/data/" in name}
    assert data == referenced(s3_lake, "raw.rows")


def test_lost_answers_lose_and_double_nothing(s3_lake, tmp_path):
    """Requests are applied, their answers dropped, cut, or turned into 5xx."""
    place = urllib.parse.urlsplit(ENDPOINT)
    seed = int(os.environ.get("TARN_SEED", "1"))
    acknowledged = set()
    loads = 0
    with Proxy((place.hostname, place.port), chance=0.15, seed=seed) as proxy:
        broken = dict(s3_lake.environment, AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{proxy.port}")
        while proxy.spoilt < SPOILT:
            first = loads * 10
            path = write_rows(tmp_path / f"rows{loads}.csv", first, 10)
            done = s3_lake.run("-C", str(s3_lake.folder), "load", path, "raw.rows", ok=False,
                               env=broken)
            if done.returncode == 0:
                acknowledged |= set(range(first, first + 10))
            loads += 1
    print(f"seed {seed}: {loads} loads, {len(acknowledged) // 10} acknowledged, "
          f"{proxy.spoilt} answers spoilt, {proxy.passed} passed")
    assert len(acknowledged) > 5 * loads  # most got through
    s3_lake.cli("doctor")  # sweeps what failed loads left
    ids = [row["id"] for row in s3_lake.sql("select id from raw.rows")]
    assert len(ids) == len(set(ids))
    assert set(ids) == acknowledged
    objects = s3_lake.objects()
    files = referenced(s3_lake, "raw.rows")
    assert files <= objects
    assert {name for name in objects if "/raw/rows-" in name and "/data/" in name} == files
    assert len(s3_lake.pyiceberg("raw.rows")) == len(acknowledged)


def test_a_lake_far_away_costs_nothing_to_list(s3_lake):
    """Looking at names asks only the catalog: the store may be out of reach."""
    s3_lake.do("create table sandbox.t as select 1 as x")
    gone = dict(s3_lake.environment, AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    done = s3_lake.run("-C", str(s3_lake.folder), "ls", env=gone)
    assert "sandbox.t" in done.stdout
