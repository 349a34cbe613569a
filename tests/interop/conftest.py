"""The program under test, and the peers' view of the same lake."""

import base64
import datetime
import decimal
import glob
import json
import math
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARN = os.environ.get("TARN", str(ROOT / "build" / "tarn"))
sys.path.insert(0, str(ROOT / "tests" / "support"))


class Lake:
    """A lake in a folder, driven through the command line alone."""

    by_hand = False  # a test has edited metadata, against the rules of writers too
    own = True  # whether tarn alone writes to it: then its promises are checked too

    def __init__(self, folder):
        self.folder = Path(folder)
        self.run("init", str(folder))

    def run(self, *arguments, ok=True, **extra):
        done = subprocess.run([TARN, *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300, check=False, **extra)
        if ok and done.returncode != 0:
            pytest.fail(f"tarn {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done

    def cli(self, *arguments, ok=True):
        return self.run("-C", str(self.folder), *arguments, ok=ok)

    def sql(self, text):
        """Rows as a list of dicts, in one shape for every peer (see plain)."""
        out = self.cli("sql", "-o", "ndjson", "-c", text).stdout
        return [{k: plain(v) for k, v in json.loads(line).items()} for line in out.splitlines()]

    def do(self, *statements):
        for statement in statements:
            self.cli("sql", "-c", statement)

    def show(self, table):
        return json.loads(self.cli("--json", "show", table).stdout)["data"]

    def catalog(self):
        from pyiceberg.catalog.sql import SqlCatalog

        return SqlCatalog("tarn", uri=f"sqlite:///{self.folder}/.tarn/catalog.db",
                          warehouse=f"{self.folder}/.tarn/warehouse", init_catalog_tables="false")

    def pyiceberg(self, table, **scan):
        return rows_of_arrow(self.catalog().load_table(tuple(table.split("."))).scan(**scan)
                             .to_arrow())

    def static(self, table, **scan):
        from pyiceberg.table import StaticTable

        return rows_of_arrow(StaticTable.from_metadata(self.show(table)["metadata_location"])
                             .scan(**scan).to_arrow())

    def duckdb(self, table):
        location = self.show(table)["metadata_location"]
        return rows_of_arrow(duckdb_connection().execute(
            f"select * from iceberg_scan('{location}')").to_arrow_table())

    def pyiceberg_sees(self, table, rows):
        """pyiceberg 0.12 rebuilds lists and maps of structs from their offsets and forgets which
        were null: they come out empty. The files have the nulls (DuckDB's reader sees them)."""
        schema = self.show(table)["schema"]
        lossy = [field["name"] for field in schema["fields"] if isinstance(field["type"], dict) and
                 isinstance(field["type"].get("element", field["type"].get("value")), dict)]
        empty = {field["name"]: [] if field["type"]["type"] == "list" else {}
                 for field in schema["fields"] if field["name"] in lossy}
        return [{name: empty[name] if value is None and name in empty else value
                 for name, value in row.items()} for row in rows]

    def same_everywhere(self, table, count=None):
        """Every reader sees the same rows; returns them."""
        expected = ordered(self.sql(f"select * from {quoted(table)}"))
        seen = ordered(self.pyiceberg_sees(table, expected))
        assert seen == ordered(self.pyiceberg(table))
        assert seen == ordered(self.static(table))
        assert expected == ordered(self.duckdb(table))
        if count is not None:
            assert len(expected) == count
        return expected


def quoted(table):
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))


_connection = None


def duckdb_connection():
    """DuckDB with its iceberg extension, from packages, loaded by path."""
    global _connection
    if _connection is None:
        import duckdb

        _connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        _connection.execute("set TimeZone = 'UTC'")
        # with it the extension of 1.5.5 may take the vector that lies before the one it wants
        _connection.execute("set enable_external_file_cache = false")
        for name in ("avro", "iceberg"):
            pattern = f"{sys.prefix}/lib/python3*/site-packages/duckdb_extension_{name}/**/" \
                      f"{name}.duckdb_extension"
            _connection.execute(f"load '{glob.glob(pattern, recursive=True)[0]}'")
    return _connection.cursor()


def rows_of_arrow(table):
    return [{k: plain(v) for k, v in row.items()}
            for row in table.to_pylist(maps_as_pydicts="strict")]


def plain(value):
    """One shape for a value, whoever read it: numbers as floats or ints, times as text."""
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return int(value) if value == int(value) and abs(value) < 1e15 else value
    if isinstance(value, decimal.Decimal):
        return plain(float(value))
    if isinstance(value, datetime.datetime):
        text = value.replace(tzinfo=None).isoformat()
        return text + ("Z" if value.tzinfo is not None else "")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return times(value)


def times(value):
    """Text of a time as the others write it: no zero fraction."""
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] in "T ":
        zone = "Z" if value.endswith(("Z", "+00:00", "+00")) else ""
        body = value.replace(" ", "T").removesuffix("Z").removesuffix("+00:00").removesuffix("+00")
        try:
            return datetime.datetime.fromisoformat(body).isoformat() + zone
        except ValueError:
            return value
    return value


def ordered(rows):
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


@pytest.fixture
def lake(tmp_path):
    """A new lake; what a test has left in it is looked at by the linter."""
    from linter import lint_lake

    if not os.access(TARN, os.X_OK):
        pytest.fail(f"there is no program at {TARN}")
    made = Lake(tmp_path / "lake")
    yield made
    if not made.by_hand:
        assert lint_lake(made.folder, own=made.own, few=2000).problems == []


@pytest.fixture
def spark(lake, tmp_path):
    import spark_peer

    lake.own = False
    return spark_peer.Session(lake, tmp_path / "own")
