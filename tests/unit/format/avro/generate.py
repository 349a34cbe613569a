"""Writes the golden Avro files with fastavro, and beside each what tarn must read from it.

    python3 generate.py FOLDER [SEEDS]      needs fastavro, cramjam, backports.zstd

With SEEDS, a folder, also small files for the fuzzer to start from.

all_types.CODEC.avro  every type and logical type, several blocks
all_types.raw.json    one line a record: value_to_json with options hex
all_types.logical.json  the same with options logical (bytes as base64)
manifest.CODEC.avro   an Iceberg manifest, field ids and header keys as the reference writes them
manifest.json         its entries
other_order.avro      the same entries with fields, unions and names in another order
"""
import base64
import datetime
import decimal
import io
import json
import pathlib
import random
import struct
import sys
import uuid

import fastavro

SYNC = bytes(range(0xA0, 0xB0))
CODECS = ["null", "deflate", "snappy", "zstandard"]
EPOCH = datetime.datetime(1970, 1, 1)

ALL_TYPES = {
    "type": "record", "name": "Everything", "namespace": "tarn.test", "doc": "all of it",
    "fields": [
        {"name": "nothing", "type": "null"},
        {"name": "truth", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "large", "type": "long", "default": 7},
        {"name": "single", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "text", "type": "string"},
        {"name": "binary", "type": "bytes"},
        {"name": "five", "type": {"type": "fixed", "name": "Five", "size": 5}},
        {"name": "suit", "type": {"type": "enum", "name": "Suit", "namespace": "cards",
                                  "symbols": ["HEARTS", "CLUBS", "SPADES"]}},
        {"name": "numbers", "type": {"type": "array", "items": "int"}},
        {"name": "names", "type": {"type": "map", "values": ["null", "long"]}},
        {"name": "maybe", "type": ["null", "string"], "default": None},
        {"name": "maybe_last", "type": ["string", "null"]},
        {"name": "any", "type": ["int", "string", "null", "cards.Suit", "Five",
                                 {"type": "array", "items": {"type": "map", "values": "double"}}]},
        {"name": "node", "type": {"type": "record", "name": "Node", "fields": [
            {"name": "value", "type": "long"},
            {"name": "next", "type": ["null", "Node"]}]}},
        {"name": "again", "type": "tarn.test.Five"},
        {"name": "decimal_bytes",
         "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "decimal_fixed",
         "type": {"type": "fixed", "name": "D", "size": 20, "logicalType": "decimal",
                  "precision": 40, "scale": 3}},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "date", "type": {"type": "int", "logicalType": "date"}},
        {"name": "time_ms", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "time_us", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "ts_ms", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "ts_us", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "ts_ns", "type": {"type": "long", "logicalType": "timestamp-nanos"}},
        {"name": "local_ms", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "local_us", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "no_zone", "type": {"type": "long", "logicalType": "timestamp-micros",
                                     "adjust-to-utc": False}},
        {"name": "span", "type": {"type": "fixed", "name": "Span", "size": 12,
                                  "logicalType": "duration"}},
        {"name": "unknown_logical", "type": {"type": "int", "logicalType": "colour"}},
    ],
}


def signed(value, size=None):
    if size is None:
        size = max(1, (value if value >= 0 else ~value).bit_length() // 8 + 1)
    return value.to_bytes(size, "big", signed=True)


def linked(count):
    node = None
    for value in range(count):
        node = {"value": value, "next": node}
    return node


def everything(rng, index):
    any_value = [5, "five", None, ("cards.Suit", "CLUBS"), ("tarn.test.Five", b"anyFF"),
                 [{"x": 1.5, "y": -0.25}, {}]][index % 6]
    return {
        "nothing": None,
        "truth": index % 2 == 1,
        "small": [0, -1, 2**31 - 1, -2**31, 63, 64, -64, -65][index % 8],
        "large": [0, 2**63 - 1, -2**63, 8191, 8192, -8193, 2**53 + 1][index % 7],
        "single": [0.0, 1.5, -2.25, 0.1, 3.4e38, 1e-45][index % 6],
        "double": [0.0, 1.1, -1e300, 5e-324, 1 / 3][index % 5],
        "text": ["", "plain", "Grüße \u2603 \U0001F600", "quote \" back \\ \n tab\t"][index % 4],
        "binary": bytes(rng.randrange(256) for _ in range(index % 7)),
        "five": bytes(rng.randrange(256) for _ in range(5)),
        "suit": ["HEARTS", "CLUBS", "SPADES"][index % 3],
        "numbers": [rng.randrange(-1000, 1000) for _ in range(index % 9)],
        "names": {f"k{i}": (None if i == 2 else i * 1000) for i in range(index % 5)},
        "maybe": None if index % 2 else f"m{index}",
        "maybe_last": f"l{index}" if index % 2 else None,
        "any": any_value,
        "node": linked(1 + index % 4),
        "again": b"again",
        "decimal_bytes": signed([0, 1, -1, 125000, -99, 999999999][index % 6]),
        "decimal_fixed": signed([0, 5, -10**39, 10**39 - 1, 1234567, -1000][index % 6], 20),
        "uuid": str(uuid.UUID(int=rng.getrandbits(128))),
        "date": [0, -1, 19000, -719162, 100000][index % 5],
        "time_ms": [0, 1, 86399999][index % 3],
        "time_us": [0, 999999, 86399999999][index % 3],
        "ts_ms": [0, -1, 1700000000123][index % 3],
        "ts_us": [0, -1, 1700000000123456, -62135596800000000][index % 4],
        "ts_ns": [0, -1, 1700000000123456789][index % 3],
        "local_ms": [0, -86400001, 1700000000123][index % 3],
        "local_us": [0, -1, 1700000000123456][index % 3],
        "no_zone": [0, -1, 1700000000123456][index % 3],
        "span": struct.pack("<III", index, 2, 3004),
        "unknown_logical": index,
    }


def plain(value, raw):
    """A datum as tarn prints it when no logical type is involved."""
    if isinstance(value, tuple):
        value = value[1]
    if isinstance(value, bytes):
        return value.hex() if raw else base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: plain(v, raw) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v, raw) for v in value]
    return value


def stamp(value, per_second, digits, zone):
    second, part = divmod(value, per_second)
    text = (EPOCH + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text.rjust(19, '0')}.{part:0{digits}d}{zone}"


def clock(value, per_second, digits):
    return stamp(value, per_second, digits, "")[11:]


def number(data, scale):
    with decimal.localcontext() as context:
        context.prec = 60
        value = decimal.Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale)
        return f"{value:f}"


def logical(row):
    out = plain(row, False)
    out["decimal_bytes"] = number(row["decimal_bytes"], 2)
    out["decimal_fixed"] = number(row["decimal_fixed"], 3)
    day = (EPOCH + datetime.timedelta(days=row["date"])).strftime("%Y-%m-%d")
    out["date"] = day.rjust(10, "0")
    out["time_ms"] = clock(row["time_ms"], 1000, 3)
    out["time_us"] = clock(row["time_us"], 10**6, 6)
    out["ts_ms"] = stamp(row["ts_ms"], 1000, 3, "Z")
    out["ts_us"] = stamp(row["ts_us"], 10**6, 6, "Z")
    out["ts_ns"] = stamp(row["ts_ns"], 10**9, 9, "Z")
    out["local_ms"] = stamp(row["local_ms"], 1000, 3, "")
    out["local_us"] = stamp(row["local_us"], 10**6, 6, "")
    out["no_zone"] = stamp(row["no_zone"], 10**6, 6, "")
    months, days, ms = struct.unpack("<III", row["span"])
    out["span"] = f"P{months}M{days}DT{ms // 1000}.{ms % 1000:03d}S"
    return out


def int_map(name, key_id, value_id, value):
    return ["null", {"type": "array", "logicalType": "map", "items": {
        "type": "record", "name": name, "fields": [
            {"name": "key", "type": "int", "field-id": key_id},
            {"name": "value", "type": value, "field-id": value_id}]}}]


def optional(name, field_id, kind):
    return {"name": name, "type": ["null", kind], "default": None, "field-id": field_id}


def manifest_schema():
    data_file = {"type": "record", "name": "r2", "fields": [
        {"name": "content", "type": "int", "field-id": 134},
        {"name": "file_path", "type": "string", "field-id": 100},
        {"name": "file_format", "type": "string", "field-id": 101},
        {"name": "partition", "field-id": 102, "type": {
            "type": "record", "name": "r102", "fields": [
                optional("day", 1000, {"type": "int", "logicalType": "date"}),
                optional("region_x23name", 1001, "string"),
                optional("amount", 1002, {"type": "fixed", "name": "decimal_9_2", "size": 4,
                                          "logicalType": "decimal", "precision": 9,
                                          "scale": 2})]}},
        {"name": "record_count", "type": "long", "field-id": 103},
        {"name": "file_size_in_bytes", "type": "long", "field-id": 104},
        {"name": "column_sizes", "type": int_map("k117_v118", 117, 118, "long"),
         "default": None, "field-id": 108},
        {"name": "value_counts", "type": int_map("k119_v120", 119, 120, "long"),
         "default": None, "field-id": 109},
        {"name": "null_value_counts", "type": int_map("k121_v122", 121, 122, "long"),
         "default": None, "field-id": 110},
        {"name": "nan_value_counts", "type": int_map("k138_v139", 138, 139, "long"),
         "default": None, "field-id": 137},
        {"name": "lower_bounds", "type": int_map("k126_v127", 126, 127, "bytes"),
         "default": None, "field-id": 125},
        {"name": "upper_bounds", "type": int_map("k129_v130", 129, 130, "bytes"),
         "default": None, "field-id": 128},
        optional("key_metadata", 131, "bytes"),
        {"name": "split_offsets", "default": None, "field-id": 132,
         "type": ["null", {"type": "array", "items": "long", "element-id": 133}]},
        {"name": "equality_ids", "default": None, "field-id": 135,
         "type": ["null", {"type": "array", "items": "int", "element-id": 136}]},
        optional("sort_order_id", 140, "int"),
        optional("referenced_data_file", 143, "string"),
    ]}
    return {"type": "record", "name": "manifest_entry", "fields": [
        {"name": "status", "type": "int", "field-id": 0},
        optional("snapshot_id", 1, "long"),
        optional("sequence_number", 3, "long"),
        optional("file_sequence_number", 4, "long"),
        {"name": "data_file", "type": data_file, "field-id": 2}]}


def entry(rng, index, shuffled):
    columns = list(range(1, 6))

    def stats(make):
        keys = columns[:]
        if shuffled:
            rng.shuffle(keys)
        return [{"key": key, "value": make(key)} for key in keys]

    return {
        "status": index % 3,
        "snapshot_id": None if index % 4 == 3 else 3051729675574597004 + index,
        "sequence_number": None if index % 3 == 1 else 34,
        "file_sequence_number": None if index % 3 == 1 else 35,
        "data_file": {
            "content": 0,
            "file_path": f"s3://bucket/data/{index:05d}.parquet",
            "file_format": "PARQUET",
            "partition": {"day": None if index == 2 else 19000 + index,
                          "region_x23name": ["eu", "us", None, ""][index % 4],
                          "amount": signed(index * 100 - 250, 4)},
            "record_count": index * 1000,
            "file_size_in_bytes": 12345 + index,
            "column_sizes": stats(lambda key: key * 100 + index),
            "value_counts": stats(lambda key: 1000 + index),
            "null_value_counts": stats(lambda key: key) if index % 2 else None,
            "nan_value_counts": [{"key": 9, "value": 3}] if index == 4 else [],
            "lower_bounds": stats(lambda key: struct.pack("<q", key - index))[:4],
            "upper_bounds": stats(lambda key: f"upper {key}".encode()),
            "key_metadata": b"\x00key" if index == 5 else None,
            "split_offsets": [4, 1000000 + index] if index % 2 else None,
            "equality_ids": [] if index == 3 else None,
            "sort_order_id": 0 if index % 2 else None,
            "referenced_data_file": None,
        },
    }


def turned(schema):
    """The same schema with fields reversed, unions null-last and other names."""
    if isinstance(schema, list):
        return [turned(branch) for branch in reversed(schema)]
    if not isinstance(schema, dict):
        return schema
    out = {k: (turned(v) if k in ("type", "items") else v) for k, v in schema.items()}
    if schema.get("type") == "record":
        out["fields"] = [turned(f) for f in reversed(schema["fields"])]
        if schema["name"] != "r102":
            out["fields"].insert(1, {"name": "not_wanted", "field-id": 9000,
                                     "type": {"type": "map", "values": ["double", "string"]}})
    elif "name" in schema:
        out["name"] = "old_" + schema["name"]
    out.pop("default", None)
    return out


def turned_row(value):
    if isinstance(value, dict):
        row = {"old_" + k: turned_row(v) for k, v in value.items()}
        row["not_wanted"] = {"a": 1.0, "b": "text"}
        return row
    if isinstance(value, list):
        return [turned_row(v) for v in value]
    return value


def write(path, schema, rows, codec, metadata=None, interval=16000):
    with open(path, "wb") as out:
        fastavro.writer(out, schema, rows, codec=codec, sync_marker=SYNC, metadata=metadata,
                        sync_interval=interval)


# The fields of tests/fuzz/fuzz_avro.c: name, id, type.
FUZZED = [
    ("a", 1, "boolean"),
    ("b", 2, {"type": "int", "logicalType": "date"}),
    ("c", 3, ["null", "long"]),
    ("d", 4, "float"),
    ("e", 5, ["float", "null"]),
    ("f", 6, ["null", "string", "bytes"]),
    ("g", 7, {"type": "record", "name": "p", "fields": [
        {"name": "x", "type": ["null", "int"], "field-id": 1000},
        {"name": "y", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9,
                               "scale": 2}}]}),
    ("h", 8, {"type": "array", "items": "long"}),
    ("i", 9, {"type": "map", "values": "int", "key-id": 5, "value-id": 6}),
    ("j", 10, int_map("kj", 11, 12, "long")),
    ("k", 13, {"type": "array", "items": {"type": "record", "name": "kk", "fields": [
        {"name": "value", "type": "bytes", "field-id": 15},
        {"name": "key", "type": "int", "field-id": 14}]}}),
]
FUZZED_ROW = {"a": True, "b": 3, "c": 9, "d": 1.5, "e": None, "f": "text",
              "g": {"x": 4, "y": b"\x01\x02"}, "h": [1, 2, 3], "i": {"q": 4},
              "j": [{"key": 5, "value": 6}, {"key": 2, "value": 7}],
              "k": [{"key": 2, "value": b"b"}, {"key": 5, "value": b"c"}]}


def fuzzed(with_ids):
    return {"type": "record", "name": "w", "fields": [
        {"name": name, "type": kind, **({"field-id": field_id} if with_ids else {})}
        for name, field_id, kind in FUZZED]}


def datum(path, schema, row):
    """A schema, a zero byte, one datum."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, row)
    text = json.dumps(schema, separators=(",", ":"))
    path.write_bytes(text.encode() + b"\0" + out.getvalue())


def seeds(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    small = {"type": "record", "name": "r", "fields": [{"name": "c", "type": "long"},
                                                       {"name": "f", "type": "string"}]}
    for codec in CODECS:
        write(folder / f"small_{codec}", small, [{"c": i, "f": "x" * i} for i in range(6)], codec,
              {"k": "v"}, 10)
        write(folder / f"all_{codec}", ALL_TYPES, [everything(rng, i) for i in range(3)], codec,
              interval=500)
    for codec in ["null", "deflate"]:
        write(folder / f"manifest_{codec}", manifest_schema(),
              [entry(rng, i, i > 1) for i in range(3)], codec)
    write(folder / "longs", "long", range(20), "null", interval=5)
    write(folder / "nulls", "null", [None] * 5, "null")
    write(folder / "empty", "int", [], "null")
    write(folder / "wide", fuzzed(True), [FUZZED_ROW] * 3, "null", interval=20)
    datum(folder / "datum_long", "long", -5)
    datum(folder / "datum_map", {"type": "map", "values": ["null", "double"]},
          {"a": 1.5, "b": None})
    datum(folder / "datum_list",
          {"type": "record", "name": "L", "fields": [{"name": "c", "type": "long"},
                                                     {"name": "n", "type": ["null", "L"]}]},
          {"c": 1, "n": {"c": 2, "n": None}})
    datum(folder / "datum_ids", fuzzed(True), FUZZED_ROW)
    datum(folder / "datum_names", fuzzed(False), FUZZED_ROW)
    datum(folder / "datum_deep",
          {"type": "record", "name": "top", "fields": [
              {"name": "s", "type": "double", "field-id": 99},
              {"name": "r", "type": ["null", fuzzed(True)], "field-id": 20}]},
          {"s": 1.0, "r": FUZZED_ROW})


def main(folder):
    rng = random.Random(20260101)
    rows = [everything(rng, index) for index in range(24)]
    for codec in CODECS:
        write(folder / f"all_types.{codec}.avro", ALL_TYPES, rows, codec, interval=1500)
    with open(folder / "all_types.raw.json", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(plain(row, True)) + "\n" for row in rows)
    with open(folder / "all_types.logical.json", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(logical(row)) + "\n" for row in rows)

    entries = [entry(rng, index, index >= 6) for index in range(12)]
    metadata = {"schema": '{"type":"struct","schema-id":0,"fields":[]}', "schema-id": "0",
                "partition-spec": "[]", "partition-spec-id": "0", "format-version": "2",
                "content": "data"}
    for codec in ["deflate", "null"]:
        write(folder / f"manifest.{codec}.avro", manifest_schema(), entries, codec, metadata)
    write(folder / "other_order.avro", turned(manifest_schema()),
          [turned_row(e) for e in entries], "deflate")
    with open(folder / "manifest.json", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(plain(e, False)) + "\n" for e in entries)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
    if len(sys.argv) > 2:
        seeds(pathlib.Path(sys.argv[2]))
