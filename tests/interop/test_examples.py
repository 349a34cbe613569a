"""Every table of both examples, as tarn, pyiceberg and DuckDB's Iceberg reader see it: the same
rows, and nothing in their files that the specification forbids."""

import json
import os
import subprocess

import pytest
from conftest import ROOT, TARN, Lake, duckdb_connection, quoted
from linter import lint

EXAMPLES = ROOT / "examples"


class Opened(Lake):
    """A lake that is there already."""

    def __init__(self, folder):
        self.folder = folder


def need(path):
    if not path.exists():
        pytest.skip(f"{path.relative_to(ROOT)} is not there")


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    need(EXAMPLES / "demo")
    folder = tmp_path_factory.mktemp("demo") / "flights"
    cache = folder.parent / "fetched"
    got = subprocess.run([str(ROOT / "tools" / "fetch_flights.sh"), str(cache)],
                         capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if got.returncode == 6:
        pytest.skip("the flights' files cannot be fetched: " + got.stderr.strip()[:200])
    assert got.returncode == 0, got.stderr
    done = subprocess.run([str(EXAMPLES / "demo"), str(folder)], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL, timeout=600,
                          env=dict(os.environ, TARN=TARN))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return Opened(folder)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    need(EXAMPLES / "user_events" / "tarn.yaml")
    folder = tmp_path_factory.mktemp("shop") / "lake"
    environment = dict(os.environ, TARN_EXAMPLES=str(EXAMPLES))
    for words in (["init", str(folder), "--example", "user_events"], ["-C", str(folder), "ingest"],
                  ["-C", str(folder), "build"]):
        done = subprocess.run([TARN, *words], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=300, env=environment)
        assert done.returncode == 0, f"tarn {words}: {done.stdout}{done.stderr}"
    return Opened(folder)


def tables(lake):
    listed = json.loads(lake.cli("--json", "ls").stdout)["data"]
    return [entry["name"] for entry in listed if entry["kind"] == "table"]


def parts(name):
    """Namespace and table of a name as `tarn ls` writes it, with quotes where they are needed."""
    return tuple(part.strip('"') for part in name.split(".", 1))


def rows_of_tarn(lake, name, types, path):
    """What tarn prints, read into the types the table has (binary is base64 in JSON)."""
    with open(path, "wb") as out:
        subprocess.run([TARN, "-C", str(lake.folder), "sql", "-o", "ndjson", "-c",
                        f"select * from {quoted('.'.join(parts(name)))}"], check=True, stdout=out,
                       stdin=subprocess.DEVNULL)
    columns = {column: "VARCHAR" if kind == "BLOB" else kind for column, kind in types.items()}
    decoded = "".join(f', from_base64("{column}") as "{column}"'
                      for column, kind in types.items() if kind == "BLOB")
    replaced = f"* replace ({decoded[2:]})" if decoded else "*"
    return duckdb_connection().execute(
        f"select {replaced} from read_json(?, format = 'newline_delimited', columns = {columns!r}, "
        "maximum_object_size = 100000000)", [str(path)]).to_arrow_table()


def same(mine, peer):
    """Both tables as bags of rows, compared by DuckDB; returns how many rows there are."""
    connection = duckdb_connection()
    connection.register("mine", mine)
    connection.register("peer", peer)
    names = ", ".join('"' + name + '"' for name in mine.column_names)
    assert mine.column_names == peer.column_names
    for left, right in (("mine", "peer"), ("peer", "mine")):
        only = connection.execute(f"select count(*) from (select {names} from {left} except all "
                                  f"select {names} from {right})").fetchone()[0]
        assert only == 0, f"{only} rows are in {left} alone"
    return mine.num_rows


def compare(lake, wanted, scratch):
    from pyiceberg.table import StaticTable

    catalog = lake.catalog()
    names = tables(lake)
    assert set(wanted) <= {".".join(parts(name)) for name in names}
    for name in names:
        location = lake.show(name)["metadata_location"]
        scan = f"select * from iceberg_scan('{location}')"
        described = duckdb_connection().execute(f"describe {scan}").fetchall()
        types = {row[0]: row[1] for row in described}
        mine = rows_of_tarn(lake, name, types, scratch / "rows.ndjson")
        same(mine, catalog.load_table(parts(name)).scan().to_arrow())
        same(mine, StaticTable.from_metadata(location).scan().to_arrow())
        same(mine, duckdb_connection().execute(scan).to_arrow_table())
        count = wanted.get(".".join(parts(name)))
        assert count in (None, mine.num_rows), name


def problems(lake, small):
    """The linter's findings; the rows of large tables would take minutes in Python."""
    found = []
    for name in tables(lake):
        shown = lake.show(name)
        if shown["rows"] <= small:
            found += [f"{name}: {problem}" for problem in lint(shown["metadata_location"]).problems]
    return found


def test_the_shop_is_the_same_for_everyone(shop, tmp_path):
    compare(shop, {"raw.user_events": 607, "raw.user_events$quarantine": 8,
                   "cleansed.user_events": 600, "curated.user_events": None,
                   "consumption.daily_activity": 7}, tmp_path)
    assert problems(shop, 5000) == []


def test_the_flights_are_the_same_for_everyone(flights, tmp_path):
    compare(flights, {"raw.flights": 336776, "raw.weather": None, "raw.planes": None,
                      "raw.airlines": None, "raw.airports": None, "curated.flights": None,
                      "consumption.delay_by_carrier": None, "consumption.delay_by_weather": None},
            tmp_path)
    assert problems(flights, 5000) == []
