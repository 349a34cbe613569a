"""The Avro files of a table for the linter: names, ids and types of manifests and their lists."""

import json
from pathlib import Path

import fastavro

ENTRY = {"status": 0, "snapshot_id": 1, "sequence_number": 3, "file_sequence_number": 4,
         "data_file": 2}
DATA_FILE = {"content": 134, "file_path": 100, "file_format": 101, "partition": 102,
             "record_count": 103, "file_size_in_bytes": 104, "column_sizes": 108,
             "value_counts": 109, "null_value_counts": 110, "nan_value_counts": 137,
             "lower_bounds": 125, "upper_bounds": 128, "key_metadata": 131, "split_offsets": 132,
             "equality_ids": 135, "sort_order_id": 140, "referenced_data_file": 143,
             "content_offset": 144, "content_size_in_bytes": 145, "first_row_id": 142,
             "block_size_in_bytes": 105}
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
TYPES = {  # of the fields whose type is a plain one
    "status": "int", "snapshot_id": "long", "sequence_number": "long",
    "file_sequence_number": "long", "content": "int", "file_path": "string",
    "file_format": "string", "record_count": "long", "file_size_in_bytes": "long",
    "key_metadata": "bytes", "sort_order_id": "int", "referenced_data_file": "string",
    "content_offset": "long", "content_size_in_bytes": "long", "first_row_id": "long",
    "block_size_in_bytes": "long", "manifest_path": "string", "manifest_length": "long",
    "partition_spec_id": "int", "min_sequence_number": "long", "added_snapshot_id": "long",
    "added_files_count": "int", "existing_files_count": "int", "deleted_files_count": "int",
    "added_rows_count": "long", "existing_rows_count": "long", "deleted_rows_count": "long",
    "contains_null": "boolean", "contains_nan": "boolean", "lower_bound": "bytes",
    "upper_bound": "bytes"}
PARTITION_TYPES = {"boolean": "boolean", "int": "int", "long": "long", "float": "float",
                   "double": "double", "string": "string", "binary": "bytes"}
CODECS = ("null", "deflate", "snappy", "zstandard", "zstd")
EXISTING, ADDED, DELETED = 0, 1, 2


def local(path):
    return Path(path.removeprefix("file://").removeprefix("file:"))


def read_avro(path):
    """(records, header, schema as written)."""
    with open(local(path), "rb") as file:
        reader = fastavro.reader(file)
        records = list(reader)
        header = dict(reader.metadata.items())
    return records, header, json.loads(header["avro.schema"])


def optional_of(avro):
    """(the type, whether null is allowed)."""
    if isinstance(avro, list):
        return next((part for part in avro if part != "null"), None), "null" in avro
    return avro, False


def check_fields(lint, rule, where, record, names, ids, required):
    lint.check(rule, record.get("name") in names, where,
               f"the record is {record.get('name')}, not {names[0]}")
    seen = {}
    for field in record["fields"]:
        name = field["name"]
        inner, optional = optional_of(field["type"])
        seen[name] = inner
        lint.check(rule, name in ids and field.get("field-id") == ids[name], where,
                   f"field {name} has id {field.get('field-id')}, not {ids.get(name)}")
        if optional:
            lint.check(rule, field["type"][0] == "null" and len(field["type"]) == 2 and
                       field.get("default", "") is None, where,
                       f"field {name} is not [null, type] with default null")
        lint.check(rule, not (optional and name in required), where, f"field {name} is optional")
        if name in TYPES:
            lint.check(rule, inner == TYPES[name], where,
                       f"field {name} is {inner}, not {TYPES[name]}")
    for missing in required - set(seen):
        lint.say(rule, where, f"field {missing} is missing")
    return seen


def check_map(lint, where, name, avro, ids):
    items = avro.get("items", {})
    value = "bytes" if name.endswith("bounds") else "long"
    lint.check("manifest-records", avro.get("type") == "array" and
               avro.get("logicalType") == "map" and
               items.get("name") == f"k{ids[0]}_v{ids[1]}" and
               [(f["name"], f.get("field-id"), f["type"]) for f in items.get("fields", [])] ==
               [("key", ids[0], "int"), ("value", ids[1], value)], where,
               f"{name} is no map with ids {ids}")


def partition_type_fits(avro, kind):
    """Whether an Avro type holds the results of a transform (Appendix A)."""
    text = avro.get("type") if isinstance(avro, dict) else avro
    logical = avro.get("logicalType") if isinstance(avro, dict) else None
    if kind in PARTITION_TYPES:
        return text == PARTITION_TYPES[kind]
    if kind == "date":
        return text == "int" and logical in ("date", None)
    if kind == "time":
        return (text, logical) == ("long", "time-micros")
    if kind in ("timestamp", "timestamptz"):
        return (text, logical) == ("long", "timestamp-micros") and \
            avro.get("adjust-to-utc") == kind.endswith("z")
    if kind.endswith("_ns"):
        return text == "long"
    if kind == "uuid":
        return (text, logical, avro.get("size")) == ("fixed", "uuid", 16)
    if kind.startswith("fixed"):
        return text == "fixed" and avro["size"] == int(kind[6:-1])
    return text == "fixed" and logical == "decimal" and \
        f"decimal({avro['precision']},{avro['scale']})" == kind.replace(" ", "")


def check_manifest_schema(lint, where, schema, spec, kinds, version):
    required = {"status", "data_file"} | ({"snapshot_id"} if version == 1 else set())
    names = dict(ENTRY)
    entry = check_fields(lint, "manifest-records", where, schema, ("manifest_entry",), names,
                         required)
    wanted = DATA_FILE_REQUIRED if version > 1 else \
        (DATA_FILE_REQUIRED - {"content"}) | {"block_size_in_bytes"}
    fields = check_fields(lint, "manifest-records", where, entry["data_file"], ("r2",), DATA_FILE,
                          wanted)
    lint.check("manifest-records", version == 1 or "block_size_in_bytes" not in fields, where,
               "block_size_in_bytes is version 1's")
    for name, ids in MAPS.items():
        if name in fields:
            check_map(lint, where, name, fields[name], ids)
    for name, number in LISTS.items():
        if name in fields:
            lint.check("manifest-records", fields[name].get("element-id") == number, where,
                       f"{name} has no element-id {number}")
    partition = fields["partition"]
    lint.check("manifest-partition", partition.get("name") == "r102", where,
               "the partition is not r102")
    lint.check("manifest-partition", [f.get("field-id") for f in partition["fields"]] ==
               [f["field-id"] for f in spec], where,
               "the partition's fields are not those of its spec")
    for field, kind in zip(partition["fields"], kinds):
        inner, optional = optional_of(field["type"])
        lint.check("manifest-partition", optional and
                   (kind is None or partition_type_fits(inner, kind)), where,
                   f"partition field {field['name']} is {inner}, its values are {kind}")
