"""Files with every ugliness at once: good rows are loaded, each bad one is in quarantine with its
place, its reason and exactly the file's bytes, and the counts add up."""

import base64
import io
import json

import pytest

LONG = 10_000_000
SCHEMA = {"type": "record", "name": "row", "fields": [
    {"name": "id", "type": "long"}, {"name": "name", "type": ["null", "string"]},
    {"name": "v", "type": ["null", "double"]}]}

# Each row: its bytes, and what becomes of it: values, or a part of the reason, or None (no row).
CSV = [
    (b"1,plain,1.5", (1, "plain", 1.5)),
    (b'2,"two\nlines",2.5', (2, "two\nlines", 2.5)),
    (b'3,"quote "" and, comma",3.5', (3, 'quote " and, comma', 3.5)),
    (b"4,short", "2 fields"),
    (b"5,long,5.5,extra", "4 fields"),
    (b"x,wrong type,6.5", 'column "id"'),
    (b"7,nul \0 inside,7.5", "NUL"),
    (b"8,bad \xff\xfe bytes,8.5", "UTF-8"),
    (b"9," + b"z" * LONG + b",9.5", (9, "z" * LONG, 9.5)),
    (b"10,not a number,abc", 'column "v"'),
    (b'11,"quo"te,11.5', "closing quote"),
    (b"", None),
    ("12,zürich 🐦,".encode(), (12, "zürich 🐦", None)),
    (b"9223372036854775808,beyond,1", "out of range"),
    (b'14,"never closed,14.5', "never closed"),
    (b"15,after it,15.5", (15, "after it", 15.5)),
]
NDJSON = [
    (b'{"id":1,"name":"plain","v":1.5}', (1, "plain", 1.5)),
    (b'{"id":2,"name":"cut', "not JSON"),
    (b'{"v":3.5,"name":"\\u00fc\\ud83d\\udc26","id":3}', (3, "ü🐦", 3.5)),
    (b'{"id":"x","name":"wrong type","v":1}', 'column "id"'),
    (b"[1,2,3]", "not a JSON object"),
    (b'"text"', "not a JSON object"),
    (b'{"id":7,"id":8,"name":"twice","v":1}', "twice"),
    (b'{"id":8,"name":"bad \xff bytes","v":1}', "UTF-8"),
    (b'{"id":9,"name":"nul \\u0000","v":1}', "NUL"),
    (b'{"id":10,"name":"' + b"y" * LONG + b'","v":10.5}', (10, "y" * LONG, 10.5)),
    (b"", None),
    (b'{"id":12,"name":"one","v":1} {"id":13}', "follows"),
    (b'{"id":9223372036854775808,"name":"beyond"}', "out of range"),
    (b'{"id":14,"name":null}', (14, None, None)),
    (b'{"name":"no id","v":1}', "required"),
    (b'{"id":16,"name":"\\ud800","v":1}', "surrogate"),
    (b'{"id":17.5,"name":"a fraction"}', "digits"),
    (b'{"id":18,"name":"raw \0 nul"}', "not JSON"),
    (b'{"id":19,"v":' + b"[" * 5000 + b"]" * 5000 + b"}", "deep"),
    (b'{"id":20,"v":1e999}', "out of range"),
    (b'{"id":21,"name":"last","v":21.5}', (21, "last", 21.5)),
]


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "row.avsc"
    path.write_text(json.dumps(SCHEMA), encoding="utf-8")
    return str(path)


def load(lake, *arguments):
    data = json.loads(lake.cli("--json", "load", *map(str, arguments)).stdout)["data"]
    assert data["rows_in"] == (data["rows_loaded"] + data["rows_quarantined"] +
                               data["rows_skipped"])
    return data


def place(rows, start, separator):
    """(bytes with what ends them, line, offset, outcome, number) of each row as the file has it."""
    offset, line, number, placed = start[0], start[1], 0, []
    for text, outcome in rows:
        number += outcome is not None
        if outcome is not None:
            placed.append((text, line, offset, outcome, number))
        offset += len(text) + len(separator)
        line += text.count(b"\n") + 1
    return placed


def check(lake, table, path, placed):
    """Compares the table and its quarantine with what the rows' outcomes say."""
    raw = path.read_bytes()
    good = [(number, *outcome) for _, _, _, outcome, number in placed if isinstance(outcome, tuple)]
    found = lake.sql(f"select _ingest_row, id, name, v from {table} order by 1")
    assert [tuple(row.values()) for row in found] == good
    bad = [row for row in placed if isinstance(row[3], str)]
    zone, name = table.split(".")
    aside = lake.sql(f'select * from {zone}."{name}$quarantine" order by byte_offset')
    assert len(aside) == len(bad)
    for row, (text, line, offset, reason, number) in zip(aside, bad):
        bytes_of_row = base64.b64decode(row["original"])
        place = (row["line"], row["row"], row["byte_offset"])
        assert place == (line, number, offset), row["reason"]
        assert reason in row["reason"]
        assert bytes_of_row == raw[offset:offset + len(bytes_of_row)]
        assert bytes_of_row.rstrip(b"\r\n") == text
        assert row["file"] and path.name in row["file"]
    return len(good), len(bad)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_csv(lake, tmp_path, schema, end, last):
    head = b"\xef\xbb\xbfid,name,v" + end
    path = tmp_path / "ugly.csv"
    path.write_bytes(head + end.join(text for text, _ in CSV) + (end if last else b""))
    data = load(lake, "--schema", schema, path, "raw.ugly")
    counts = check(lake, "raw.ugly", path, place(CSV, (len(head), 2), end))
    assert (data["rows_loaded"], data["rows_quarantined"]) == counts
    lake.same_everywhere("raw.ugly", counts[0])


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_ndjson(lake, tmp_path, schema, end):
    path = tmp_path / "ugly.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + end.join(text for text, _ in NDJSON))
    data = load(lake, "--schema", schema, path, "raw.ugly")
    counts = check(lake, "raw.ugly", path, place(NDJSON, (3, 1), end))
    assert (data["rows_loaded"], data["rows_quarantined"]) == counts


def test_json_list(lake, tmp_path, schema):
    """Rows of one JSON document: those whose brackets and strings are whole."""
    rows = [row for row in NDJSON if row[1] is not None and row[1] != "follows" and
            not row[0].endswith(b"cut")]
    cut = b'{"id":22,"name":"never clo'
    path = tmp_path / "ugly.json"
    path.write_bytes(b"\xef\xbb\xbf[\n" + b",\n".join(text for text, _ in rows) + b",\n" + cut)
    data = load(lake, "--schema", schema, path, "raw.ugly")
    counts = check(lake, "raw.ugly", path, place([*rows, (cut, "not closed")], (5, 2), b",\n"))
    assert (data["rows_loaded"], data["rows_quarantined"]) == counts


def test_an_unfit_rate_refuses_the_load(lake, tmp_path, schema):
    path = tmp_path / "half.csv"
    path.write_text("id,name,v\n1,a,1\nx,b,2\n", encoding="utf-8")
    done = lake.cli("load", "--schema", schema, "--max-error-rate", "10%", str(path), "raw.half",
                    ok=False)
    assert done.returncode == 7, done.stderr
    assert lake.cli("show", "raw.half", ok=False).returncode == 3
    done = lake.cli("load", "--schema", schema, "--on-error", "fail", str(path), "raw.half",
                    ok=False)
    assert done.returncode == 7 and "half.csv:3" in done.stderr, done.stderr
    assert load(lake, "--schema", schema, "--on-error", "skip", path, "raw.half")[
        "rows_skipped"] == 1
    assert lake.sql("select id from raw.half") == [{"id": 1}]


@pytest.mark.parametrize("name,content,code", [
    ("header.csv", b"id,name,v\n", 0), ("bare.csv", b"id,name,v", 0), ("empty.ndjson", b"", 0),
    ("none.json", b" [ ] ", 0), ("empty.csv", b"", 7), ("wrong.csv", b"a,b,c\n1,2,3\n", 7),
    ("empty.avro", b"", 7), ("empty.parquet", b"", 7)])
def test_files_without_rows(lake, tmp_path, schema, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)
    done = lake.cli("load", "--schema", schema, str(path), "raw.t", ok=False)
    assert done.returncode == code, done.stderr
    if code == 0:
        assert lake.sql("select count(*) as n from raw.t") == [{"n": 0}]
    else:
        assert "error:" in done.stderr
        assert lake.cli("show", "raw.t", ok=False).returncode == 3


def test_parquet_files_that_are_broken_among_good_ones(lake, tmp_path):
    import pyarrow
    from pyarrow import parquet

    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(4):
        ids = range(number * 10, number * 10 + 10)
        parquet.write_table(pyarrow.table({"id": pyarrow.array(ids, pyarrow.int64()),
                                           "name": [f"n {i}" for i in ids]}),
                            folder / f"{number}.parquet")
    whole = (folder / "1.parquet").read_bytes()
    (folder / "1.parquet").write_bytes(whole[:-20] + b"\xff" * 12 + whole[-8:])
    (folder / "2.parquet").write_bytes(whole[:len(whole) // 2])
    data = load(lake, folder, "raw.p")
    assert (data["rows_loaded"], data["files_refused"]) == (20, 2)
    assert [row["id"] for row in lake.sql("select id from raw.p order by id")] == [
        *range(10), *range(30, 40)]
    aside = lake.sql('select file, reason from raw."p$quarantine" order by file')
    assert [row["file"].rsplit("/", 1)[-1] for row in aside] == ["1.parquet", "2.parquet"]
    assert "footer" in aside[0]["reason"] and "PAR1" in aside[1]["reason"]


def avro_bytes(count):
    import fastavro

    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "r", "fields": [
        {"name": "id", "type": "long"}, {"name": "name", "type": "string"}]},
        [{"id": i, "name": f"name {i}"} for i in range(count)], codec="deflate", sync_interval=2000)
    return out.getvalue()


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_an_avro_block_that_is_broken(lake, tmp_path, damage):
    import fastavro

    raw = bytearray(avro_bytes(2000))
    blocks, offset = [], 0
    for block in fastavro.block_reader(io.BytesIO(bytes(raw))):
        blocks.append((offset, block.num_records))
        offset += block.num_records
    assert len(blocks) >= 4
    if damage == "cut":
        raw = raw[:-50]
        lost = range(blocks[-1][0], blocks[-1][0] + blocks[-1][1])
    else:
        raw[len(raw) // 2] ^= 0xff
        lost = None
    path = tmp_path / "broken.avro"
    path.write_bytes(raw)
    data = load(lake, path, "raw.a")
    assert data["rows_quarantined"] == 1
    ids = [row["id"] for row in lake.sql("select id from raw.a order by id")]
    missing = sorted(set(range(2000)) - set(ids))
    assert len(ids) == len(set(ids)) == data["rows_loaded"]
    assert missing == list(lost if lost is not None else next(
        range(first, first + rows) for first, rows in blocks if first == missing[0]))
    [aside] = lake.sql('select * from raw."a$quarantine"')
    stretch = base64.b64decode(aside["original"])
    start = aside["byte_offset"]
    assert stretch and bytes(raw[start:start + len(stretch)]) == stretch
    assert aside["row"] == missing[0] + 1 and "damaged" in aside["reason"]
