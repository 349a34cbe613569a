"""What Iceberg's specification (version 2) and its readers demand of the files of a table.

    lint(metadata_location) -> a list of sentences, each one thing that is wrong

Every snapshot, manifest list and manifest of the table's metadata is read with fastavro, every data
file with pyarrow, none with tarn. Field ids, names of records, header keys, sequence numbers and
counts are compared with the specification's tables ("Manifests", "Manifest Lists", Appendix A and
D); bounds, null and NaN counts and partition values with the rows themselves.
"""

import json
import math
import struct
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import fastavro
from pyarrow import parquet

ENTRY = {"status": 0, "snapshot_id": 1, "sequence_number": 3, "file_sequence_number": 4,
         "data_file": 2}
DATA_FILE = {"content": 134, "file_path": 100, "file_format": 101, "partition": 102,
             "record_count": 103, "file_size_in_bytes": 104, "column_sizes": 108,
             "value_counts": 109, "null_value_counts": 110, "nan_value_counts": 137,
             "lower_bounds": 125, "upper_bounds": 128, "key_metadata": 131, "split_offsets": 132,
             "equality_ids": 135, "sort_order_id": 140, "referenced_data_file": 143,
             "content_offset": 144, "content_size_in_bytes": 145, "first_row_id": 142}
DATA_FILE_REQUIRED = {"content", "file_path", "file_format", "partition", "record_count",
                      "file_size_in_bytes"}
MAPS = {"column_sizes": (117, 118), "value_counts": (119, 120), "null_value_counts": (121, 122),
        "nan_value_counts": (138, 139), "lower_bounds": (126, 127), "upper_bounds": (129, 130)}
LISTS = {"split_offsets": 133, "equality_ids": 136}
LISTED = {"manifest_path": 500, "manifest_length": 501, "partition_spec_id": 502, "content": 517,
          "sequence_number": 515, "min_sequence_number": 516, "added_snapshot_id": 503,
          "added_files_count": 504, "existing_files_count": 505, "deleted_files_count": 506,
          "added_rows_count": 512, "existing_rows_count": 513, "deleted_rows_count": 514,
          "partitions": 507, "key_metadata": 519, "first_row_id": 520}
LISTED_OPTIONAL = {"partitions", "key_metadata", "first_row_id"}
SUMMARY = {"contains_null": 509, "contains_nan": 518, "lower_bound": 510, "upper_bound": 511}
EXISTING, ADDED, DELETED = 0, 1, 2


class Linter:
    def __init__(self):
        self.problems = []
        self.files = 0
        self.values = 0  # bounds and counts compared with rows

    def say(self, where, what):
        self.problems.append(f"{where}: {what}")

    def check(self, condition, where, what):
        if not condition:
            self.say(where, what)
        return condition


def local(path):
    return Path(path.removeprefix("file://"))


def read_avro(path):
    """(records, header, schema as written)."""
    with open(local(path), "rb") as file:
        reader = fastavro.reader(file)
        records = list(reader)
        header = {key: value for key, value in reader.metadata.items()}
    return records, header, json.loads(header["avro.schema"])


def optional_of(avro):
    """(the type, whether null is allowed)."""
    if isinstance(avro, list):
        return avro[-1], True
    return avro, False


# --- schemas of the Avro files -------------------------------------------------------------------

def check_fields(lint, where, record, name, ids, required):
    lint.check(record.get("name") == name, where, f"record is {record.get('name')}, not {name}")
    seen = {}
    for field in record["fields"]:
        inner, optional = optional_of(field["type"])
        seen[field["name"]] = inner
        known = ids.get(field["name"])
        lint.check(known is not None and field.get("field-id") == known, where,
                   f"field {field['name']} has id {field.get('field-id')}, not {known}")
        if optional:
            lint.check(field["type"][0] == "null" and len(field["type"]) == 2 and
                       "default" in field and field["default"] is None, where,
                       f"field {field['name']} is not [null, type] with default null")
        lint.check(optional != (field["name"] in required), where,
                   f"field {field['name']} is {'optional' if optional else 'required'}")
    for missing in required - set(seen):
        lint.say(where, f"field {missing} is missing")
    return seen


def check_map(lint, where, name, avro, ids):
    items = avro.get("items", {})
    lint.check(avro.get("logicalType") == "map" and
               items.get("name") == f"k{ids[0]}_v{ids[1]}" and
               [(f["name"], f.get("field-id")) for f in items.get("fields", [])] ==
               [("key", ids[0]), ("value", ids[1])], where, f"{name} is no map with ids {ids}")


def check_manifest_schema(lint, where, schema, spec):
    entry = check_fields(lint, where, schema, "manifest_entry", ENTRY, {"status", "data_file"})
    file = entry["data_file"]
    fields = check_fields(lint, where, file, "r2", DATA_FILE, DATA_FILE_REQUIRED)
    for name, ids in MAPS.items():
        if name in fields:
            check_map(lint, where, name, fields[name], ids)
    for name, number in LISTS.items():
        if name in fields:
            lint.check(fields[name].get("element-id") == number, where, f"{name} has no element-id")
    partition = fields["partition"]
    lint.check(partition.get("name") == "r102", where, "the partition is not r102")
    lint.check([(f["name"], f.get("field-id")) for f in partition["fields"]] ==
               [(f["name"], f["field-id"]) for f in spec], where,
               "the partition's fields are not those of its spec")


# --- single values (Appendix D) ------------------------------------------------------------------

EPOCH = date(1970, 1, 1)


def moment(us, zone):
    base = datetime(1970, 1, 1, tzinfo=timezone.utc if zone else None)
    return base + timedelta(microseconds=us)


def decode(kind, raw):
    """(value as pyarrow gives it, None or what is wrong with the bytes)."""
    if kind in ("long", "int", "date", "time", "timestamp", "timestamptz"):
        sizes = {"int": (4,), "date": (4,), "long": (4, 8)}.get(kind, (8,))
        if len(raw) not in sizes:
            return None, f"{len(raw)} bytes"
        number = int.from_bytes(raw, "little", signed=True)
        if kind == "date":
            return EPOCH + timedelta(days=number), None
        if kind == "time":
            return (datetime.min + timedelta(microseconds=number)).time(), None
        if kind.startswith("timestamp"):
            return moment(number, kind.endswith("z")), None
        return number, None
    if kind == "boolean":
        return raw == b"\1", None if raw in (b"\0", b"\1") else f"bytes {raw.hex()}"
    if kind in ("float", "double"):
        if len(raw) not in ((4,) if kind == "float" else (4, 8)):
            return None, f"{len(raw)} bytes"
        value = struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0]
        return value, "NaN" if math.isnan(value) else None
    if kind == "string":
        return raw.decode("utf-8"), None
    if kind == "uuid":
        return raw if len(raw) == 16 else None, None if len(raw) == 16 else f"{len(raw)} bytes"
    if kind.startswith("decimal"):
        number = int.from_bytes(raw, "big", signed=True)
        least = max(1, ((number if number >= 0 else ~number).bit_length() + 8) // 8)
        scale = int(kind.rstrip(")").split(",")[1])
        digits = tuple(map(int, str(abs(number))))  # Decimal.scaleb would round to 28 of them
        value = Decimal((int(number < 0), digits, -scale))
        return value, None if len(raw) == least else "bytes not minimal"
    return raw, None  # binary, fixed


def comparable(kind, value):
    if kind == "uuid":
        return value.bytes if isinstance(value, UUID) else bytes(value)
    if kind == "string":
        return value.encode("utf-8") if isinstance(value, str) else value
    return value


# --- data files ----------------------------------------------------------------------------------

def leaves(fields, prefix=()):
    """{field id: (path of names, type, below a list or map)} of the primitive columns."""
    found = {}
    for field in fields:
        kind = field["type"]
        if isinstance(kind, str):
            found[field["id"]] = ((*prefix, field["name"]), kind, False)
            continue
        inner = {"struct": lambda: kind["fields"],
                 "list": lambda: [{"id": kind["element-id"], "name": "element",
                                   "type": kind["element"]}],
                 "map": lambda: [{"id": kind["key-id"], "name": "key", "type": kind["key"]},
                                 {"id": kind["value-id"], "name": "value",
                                  "type": kind["value"]}]}[kind["type"]]()
        for number, (path, primitive, deep) in leaves(inner, (*prefix, field["name"])).items():
            found[number] = (path, primitive, deep or kind["type"] != "struct")
    return found


def wanted_ids(fields):
    """Ids and names of every node of a table's schema, as nested lists."""
    out = []
    for field in fields:
        kind = field["type"]
        inner = []
        if isinstance(kind, dict) and kind["type"] == "struct":
            inner = wanted_ids(kind["fields"])
        elif isinstance(kind, dict) and kind["type"] == "list":
            inner = wanted_ids([{"id": kind["element-id"], "name": "element",
                                 "type": kind["element"]}])
        elif isinstance(kind, dict):
            inner = wanted_ids([{"id": kind["key-id"], "name": "key", "type": kind["key"]},
                                {"id": kind["value-id"], "name": "value", "type": kind["value"]}])
        out.append((field["id"], field["name"], inner))
    return out


def field_id(field):
    return int((field.metadata or {}).get(b"PARQUET:field_id", b"-1"))


def arrow_ids(fields):
    import pyarrow

    out = []
    for field in fields:
        kind = field.type
        inner = []
        if pyarrow.types.is_struct(kind):
            inner = arrow_ids([kind.field(i) for i in range(kind.num_fields)])
        elif pyarrow.types.is_map(kind):
            inner = arrow_ids([kind.key_field, kind.item_field])
        elif pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
            inner = arrow_ids([kind.value_field])
        out.append((field_id(field), field.name, inner))
    return out


WIDTHS = {"int": ("int32",), "long": ("int64",), "float": ("float",), "double": ("double",)}


def same_widths(fields, arrow):
    """Whether the columns that a promotion can have changed have these types."""
    for names, kind, _ in leaves(fields).values():
        field = arrow.field(names[0])
        if len(names) == 1 and kind in WIDTHS and str(field.type) not in WIDTHS[kind]:
            return False
        if len(names) == 2 and kind in WIDTHS and str(field.type).startswith("struct") and \
                str(field.type.field(names[1]).type) not in WIDTHS[kind]:
            return False
    return True


def column_values(rows, path):
    for row in rows:
        for name in path:
            row = row[name] if row is not None else None
        yield row


def check_bound(lint, where, kind, raw, values, lower):
    bound, wrong = decode(kind, raw)
    side = "lower" if lower else "upper"
    if not lint.check(wrong is None, where, f"{side} bound: {wrong}"):
        return
    for value in values:
        here = comparable(kind, value)
        mark = comparable(kind, bound)
        if not (mark <= here if lower else mark >= here):
            lint.say(where, f"{side} bound {bound!r} does not hold {value!r}")
            return
    if isinstance(bound, float) and bound == 0:
        lint.check(math.copysign(1, bound) == (-1 if lower else 1), where,
                   f"{side} bound of zero has the wrong sign")
    if kind in ("string",):
        lint.check(len(bound) <= 16, where, f"{side} bound of {len(bound)} characters")
    if kind == "binary":
        lint.check(len(bound) <= 16, where, f"{side} bound of {len(bound)} bytes")


def pairs(field):
    return {item["key"]: item["value"] for item in field or []}


def check_data_file(lint, metadata, spec, file):
    where = file["file_path"].rsplit("/", 1)[-1]
    path = local(file["file_path"])
    if not lint.check(path.is_file(), where, "the file is not there"):
        return
    lint.files += 1
    lint.check(path.stat().st_size == file["file_size_in_bytes"], where, "its size is wrong")
    opened = parquet.ParquetFile(path)
    table = opened.read()
    lint.check(table.num_rows == file["record_count"], where, "record_count is wrong")
    offsets = [opened.metadata.row_group(i).column(0) for i in range(opened.num_row_groups)]
    starts = [c.dictionary_page_offset or c.data_page_offset for c in offsets]
    if file.get("split_offsets") is not None:
        lint.check(list(file["split_offsets"]) == starts, where, "split_offsets are no row groups")
    found = arrow_ids(table.schema)
    # the file's own schema: the names and types it was written with
    known = [schema["fields"] for schema in metadata["schemas"]
             if wanted_ids(schema["fields"]) == found]
    if not lint.check(known, where, f"its fields {found} are those of no schema of the table"):
        return
    fields = next((k for k in known if same_widths(k, table.schema)), None)
    if not lint.check(fields is not None, where, "its types are those of no schema of the table"):
        return
    rows = table.to_pylist(maps_as_pydicts=None)
    counts, nulls = pairs(file["value_counts"]), pairs(file["null_value_counts"])
    nans = pairs(file["nan_value_counts"])
    lower, upper = pairs(file["lower_bounds"]), pairs(file["upper_bounds"])
    known_leaves = leaves(fields)
    for number in {*counts, *nulls, *nans, *lower, *upper}:
        lint.check(number in known_leaves, where, f"statistics of the unknown field {number}")
    for number, (names, kind, deep) in known_leaves.items():
        if deep:
            lint.check(number not in lower and number not in upper, where,
                       f"bounds of {'.'.join(names)}, which is below a list or map")
            continue
        check_column(lint, f"{where} {'.'.join(names)}", kind,
                     list(column_values(rows, names)), counts.get(number), nulls.get(number),
                     nans.get(number), lower.get(number), upper.get(number))
    check_partition(lint, where, spec, fields, rows, file["partition"])


def check_column(lint, where, kind, values, count, null, nan, lower, upper):
    lint.values += 1
    present = [v for v in values if v is not None]
    is_nan = [v for v in present if isinstance(v, float) and math.isnan(v)]
    ordered = [v for v in present if not (isinstance(v, float) and math.isnan(v))]
    lint.check(count == len(values), where, f"value count {count}, not {len(values)}")
    lint.check(null == len(values) - len(present), where, f"null count {null}")
    if kind in ("float", "double"):
        # the engine writes no NaN counts; unknown is allowed, a wrong number is not
        lint.check(nan is None or nan == len(is_nan), where, f"NaN count {nan}")
    else:
        lint.check(nan is None, where, "a NaN count of a type that has none")
    lint.check(bool(ordered) or (lower is None and upper is None), where, "bounds of no values")
    if lower is not None:
        check_bound(lint, where, kind, lower, ordered, True)
    if upper is not None:
        check_bound(lint, where, kind, upper, ordered, False)


def partition_transform(text, kind):
    from pyiceberg import transforms, types

    return transforms.parse_transform(text).transform(
        types.NestedField.model_validate({"id": 1, "name": "x", "type": kind, "required": False})
        .field_type)


def partition_input(kind, value):
    """What pyiceberg's transforms take: its internal values."""
    if value is None:
        return None
    if kind == "date":
        return (value - EPOCH).days
    if kind == "time":
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
    if kind.startswith("timestamp"):
        base = datetime(1970, 1, 1, tzinfo=timezone.utc if value.tzinfo else None)
        return (value - base) // timedelta(microseconds=1)
    if kind == "uuid":
        return UUID(bytes=value) if isinstance(value, bytes) else value
    return value


def partition_output(value):
    if isinstance(value, (datetime, date, time)):
        return partition_input("timestamp" if isinstance(value, datetime) else
                               "date" if isinstance(value, date) else "time", value)
    if isinstance(value, bytes) and len(value) == 16:
        return UUID(bytes=value)
    return value


def check_partition(lint, where, spec, fields, rows, partition):
    sources = {number: (names, kind) for number, (names, kind, _) in leaves(fields).items()}
    for field in spec:
        if field["transform"] == "void" or field["source-id"] not in sources:
            continue
        names, kind = sources[field["source-id"]]
        transform = partition_transform(field["transform"], kind)
        wanted = {transform(partition_input(kind, v)) for v in column_values(rows, names)}
        wanted = {partition_output(v) if isinstance(v, bytes) else v for v in wanted}
        value = partition_output(partition[field["name"]])
        lint.check(wanted == {value}, where,
                   f"partition {field['name']} is {value!r}, its rows give {wanted!r}")


# --- manifests -----------------------------------------------------------------------------------

def check_manifest(lint, metadata, listed, cache):
    path = listed["manifest_path"]
    where = path.rsplit("/", 1)[-1]
    if path not in cache:
        cache[path] = read_manifest(lint, metadata, where, path)
    entries, spec = cache[path]
    lint.check(local(path).stat().st_size == listed["manifest_length"], where, "length is wrong")
    by_status = {status: [e["data_file"] for e in entries if e["status"] == status]
                 for status in (EXISTING, ADDED, DELETED)}
    for status, word in ((ADDED, "added"), (EXISTING, "existing"), (DELETED, "deleted")):
        lint.check(listed[f"{word}_files_count"] == len(by_status[status]), where,
                   f"the list counts {listed[f'{word}_files_count']} {word} files")
        lint.check(listed[f"{word}_rows_count"] ==
                   sum(f["record_count"] for f in by_status[status]), where,
                   f"the list counts {listed[f'{word}_rows_count']} {word} rows")
    sequences = [listed["sequence_number"] if e["sequence_number"] is None else e["sequence_number"]
                 for e in entries if e["status"] != DELETED]
    lint.check(not sequences or listed["min_sequence_number"] <= min(sequences), where,
               "min_sequence_number is above that of an entry")
    lint.check(listed["min_sequence_number"] <= listed["sequence_number"], where,
               "min_sequence_number is above sequence_number")
    for entry in entries:
        if entry["sequence_number"] is None:
            lint.check(entry["status"] == ADDED and
                       entry["snapshot_id"] in (None, listed["added_snapshot_id"]), where,
                       "an inherited sequence number of an entry that was not added here")
    check_summaries(lint, where, metadata, spec, entries, listed["partitions"])
    return [(e, spec) for e in entries if e["status"] != DELETED]


def read_manifest(lint, metadata, where, path):
    entries, header, schema = read_avro(path)
    for key in ("schema", "schema-id", "partition-spec", "partition-spec-id", "format-version",
                "content"):
        lint.check(key in header, where, f"no header key {key}")
    spec_id = int(header["partition-spec-id"])
    spec = json.loads(header["partition-spec"])
    lint.check(isinstance(spec, list), where, "partition-spec is not a bare list")
    known = {s["spec-id"]: s["fields"] for s in metadata["partition-specs"]}
    lint.check(known.get(spec_id) == spec, where, "partition-spec is not the table's")
    lint.check(json.loads(header["schema"]).get("type") == "struct", where, "schema is no struct")
    lint.check(header["format-version"] == str(metadata["format-version"]), where, "version")
    lint.check(header["content"] in ("data", "deletes"), where, "content")
    check_manifest_schema(lint, where, schema, spec)
    for entry in entries:
        lint.check(entry["status"] in (EXISTING, ADDED, DELETED), where, "status")
        lint.check(entry["status"] == ADDED or None not in (
            entry["snapshot_id"], entry["sequence_number"], entry["file_sequence_number"]), where,
            "an entry that was not added lacks its snapshot or sequence numbers")
        lint.check(entry["data_file"]["file_format"] == "PARQUET", where, "file_format")
    return entries, spec


def result_kind(spec_field, metadata):
    from pyiceberg import transforms, types

    for schema in metadata["schemas"]:
        found = leaves(schema["fields"]).get(spec_field["source-id"])
        if found is not None:
            source = types.NestedField.model_validate(
                {"id": 1, "name": "x", "type": found[1], "required": False}).field_type
            return str(transforms.parse_transform(spec_field["transform"]).result_type(source))
    return None


def check_summaries(lint, where, metadata, spec, entries, summaries):
    if not lint.check(summaries is not None and len(summaries) == len(spec), where,
                      "not one partition summary a field"):
        return
    for field, summary in zip(spec, summaries):
        kind = result_kind(field, metadata)
        values = [e["data_file"]["partition"][field["name"]] for e in entries]
        lint.check(summary["contains_null"] == (None in values), where, "contains_null")
        present = [v for v in values if v is not None and
                   not (isinstance(v, float) and math.isnan(v))]
        if kind == "date":
            present = [EPOCH + timedelta(days=v) if isinstance(v, int) else v for v in present]
        if kind == "timestamp":  # fastavro takes every timestamp for one with a zone
            present = [v.replace(tzinfo=None) for v in present]
        for name, lower in (("lower_bound", True), ("upper_bound", False)):
            if lint.check((summary[name] is not None) == bool(present), where,
                          f"{name} of {field['name']}") and present:
                bound, wrong = decode(kind, summary[name])
                lint.check(wrong is None, where, f"{name} of {field['name']}: {wrong}")
                ends = [comparable(kind, v) for v in present]
                lint.check(comparable(kind, bound) == (min(ends) if lower else max(ends)), where,
                           f"{name} of {field['name']} is not the smallest or largest value")


# --- the whole -----------------------------------------------------------------------------------

def check_list(lint, metadata, snapshot):
    where = snapshot["manifest-list"].rsplit("/", 1)[-1]
    listed, header, schema = read_avro(snapshot["manifest-list"])
    wanted = {"format-version": str(metadata["format-version"]),
              "snapshot-id": str(snapshot["snapshot-id"]),
              "sequence-number": str(snapshot["sequence-number"])}
    for key, value in wanted.items():
        lint.check(header.get(key) == value, where, f"header key {key} is {header.get(key)}")
    lint.check("parent-snapshot-id" in header, where, "no header key parent-snapshot-id")
    fields = check_fields(lint, where, schema, "manifest_file", LISTED,
                          set(LISTED) - LISTED_OPTIONAL)
    partitions = fields["partitions"]
    lint.check(partitions.get("element-id") == 508, where, "partitions has no element-id 508")
    check_fields(lint, where, partitions["items"], "r508", SUMMARY, {"contains_null"})
    for manifest in listed:
        lint.check(manifest["sequence_number"] <= snapshot["sequence-number"], where,
                   "a manifest is younger than its snapshot")
        lint.check(manifest["content"] in (0, 1), where, "content")
    return listed


def check_summary(lint, where, snapshot, live):
    summary = snapshot["summary"]
    lint.check(summary.get("operation") in ("append", "replace", "overwrite", "delete"), where,
               "operation")
    lint.check(int(summary.get("total-data-files", -1)) == len(live), where, "total-data-files")
    rows = sum(e["data_file"]["record_count"] for e, _ in live)
    lint.check(int(summary.get("total-records", -1)) == rows, where, "total-records")
    size = sum(e["data_file"]["file_size_in_bytes"] for e, _ in live)
    lint.check(int(summary.get("total-files-size", size)) == size, where, "total-files-size")


def check_metadata(lint, metadata):
    ids = [snapshot["snapshot-id"] for snapshot in metadata.get("snapshots", [])]
    lint.check(len(ids) == len(set(ids)), "metadata", "a snapshot id comes twice")
    numbers = [snapshot["sequence-number"] for snapshot in metadata.get("snapshots", [])]
    lint.check(numbers == sorted(set(numbers)), "metadata", "sequence numbers do not rise")
    lint.check(metadata["last-sequence-number"] >= max(numbers, default=0), "metadata",
               "last-sequence-number is below a snapshot's")
    for schema in metadata["schemas"]:
        top = max([0, *leaves(schema["fields"])])
        lint.check(metadata["last-column-id"] >= top, "metadata", "last-column-id is too low")
    parts = [f["field-id"] for s in metadata["partition-specs"] for f in s["fields"]]
    lint.check(metadata["last-partition-id"] >= max(parts, default=999), "metadata",
               "last-partition-id is too low")
    current = metadata.get("current-snapshot-id")
    if current not in (None, -1):
        lint.check(metadata["refs"]["main"]["snapshot-id"] == current, "metadata", "main")
        lint.check(metadata["snapshot-log"][-1]["snapshot-id"] == current, "metadata",
                   "the snapshot log ends elsewhere")


def lint(location):
    """The Linter after everything was looked at: problems, and how much was compared."""
    out = Linter()
    metadata = json.loads(local(location).read_text(encoding="utf-8"))
    check_metadata(out, metadata)
    cache, done = {}, set()
    for snapshot in metadata.get("snapshots", []):
        where = f"snapshot {snapshot['snapshot-id']}"
        live = [entry for manifest in check_list(out, metadata, snapshot)
                for entry in check_manifest(out, metadata, manifest, cache)]
        paths = [entry["data_file"]["file_path"] for entry, _ in live]
        out.check(len(paths) == len(set(paths)), where, "a file is live twice")
        check_summary(out, where, snapshot, live)
        for entry, spec in live:
            if entry["data_file"]["file_path"] not in done:
                done.add(entry["data_file"]["file_path"])
                check_data_file(out, metadata, spec, entry["data_file"])
    return out


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        result = lint(argument)
        print("\n".join(result.problems) or f"{argument}: nothing wrong")
