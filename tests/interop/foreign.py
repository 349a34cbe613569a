"""A small writer of Iceberg tables for tests: what no other writer at hand makes.

Equality deletes (with any sets of columns, nulls, under any spec), position deletes, deletion
vectors, in any order of commits. Made with fastavro, pyarrow and pyroaring from the specification
alone; the linter and other readers are asked whether its tables are right before tarn is.
"""

import json
import struct
import uuid
import zlib
from pathlib import Path

import fastavro
import pyarrow
import pyroaring
from lint_avro import (ADDED, DATA_FILE, DELETED, ENTRY, EXISTING, LISTED, LISTED_OPTIONAL, LISTS,
                       MAPS, SUMMARY, TYPES)
from lint_deletes import DV_MAGIC, PATH_ID, POS_ID
from lint_files import LAST_UPDATED, ROW_ID
from lint_values import decode, partition_output, result_kind, transformed
from pyarrow import parquet

ARROW = {"long": pyarrow.int64(), "int": pyarrow.int32(), "string": pyarrow.string(),
         "double": pyarrow.float64(), "date": pyarrow.date32(), "boolean": pyarrow.bool_()}
AVRO = {"date": {"type": "int", "logicalType": "date"}}
NAME = {0: "data", 1: "position", 2: "equality"}


def avro_field(name, number, kind, required):
    field = {"name": name, "type": kind if required else ["null", kind], "field-id": number}
    return field if required else dict(field, default=None)


def manifest_schema(spec, kinds, version):
    """Avro's schema of a manifest: every field of the version, partition values by the spec."""
    partition = {"type": "record", "name": "r102", "fields": [
        avro_field(f["name"], f["field-id"], AVRO.get(kind, kind), False)
        for f, kind in zip(spec, kinds)]}
    fields = []
    for name, number in DATA_FILE.items():
        if name == "block_size_in_bytes" or (name == "first_row_id" and version < 3):
            continue
        kind = TYPES.get(name)
        if name == "partition":
            kind = partition
        elif name in MAPS:
            key, value = MAPS[name]
            kind = {"type": "array", "logicalType": "map", "items": {
                "type": "record", "name": f"k{key}_v{value}", "fields": [
                    {"name": "key", "type": "int", "field-id": key},
                    {"name": "value", "field-id": value,
                     "type": "bytes" if name.endswith("bounds") else "long"}]}}
        elif name in LISTS:
            kind = {"type": "array", "element-id": LISTS[name],
                    "items": "long" if name == "split_offsets" else "int"}
        required = name in ("content", "file_path", "file_format", "partition", "record_count",
                            "file_size_in_bytes")
        fields.append(avro_field(name, number, kind, required))
    types = dict(TYPES, data_file={"type": "record", "name": "r2", "fields": fields})
    return {"type": "record", "name": "manifest_entry", "fields": [
        avro_field(name, number, types[name], name in ("status", "data_file"))
        for name, number in ENTRY.items()]}


def list_schema(version):
    partitions = {"type": "array", "element-id": 508, "items": {
        "type": "record", "name": "r508", "fields": [
            avro_field(name, number, TYPES[name], name == "contains_null")
            for name, number in SUMMARY.items()]}}
    types = dict(TYPES, partitions=partitions)
    return {"type": "record", "name": "manifest_file", "fields": [
        avro_field(name, number, types[name], name not in LISTED_OPTIONAL)
        for name, number in LISTED.items() if version > 2 or name != "first_row_id"]}


def write_avro(path, schema, records, header):
    with open(path, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema), records, codec="deflate",
                        metadata=header)
    return path.stat().st_size


def puffin(blobs):
    """(the file's bytes, [(offset, length)]) of deletion vectors {path: positions}."""
    out, places, footer = b"PFA1", [], []
    for path, positions in blobs.items():
        body = DV_MAGIC + pyroaring.BitMap64(positions).serialize()
        blob = struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body))
        places.append((len(out), len(blob)))
        footer.append({"type": "deletion-vector-v1", "fields": [], "snapshot-id": -1,
                       "sequence-number": -1, "offset": len(out), "length": len(blob),
                       "properties": {"referenced-data-file": path,
                                      "cardinality": str(len(set(positions)))}})
        out += blob
    text = json.dumps({"blobs": footer, "properties": {}}).encode()
    return out + b"PFA1" + text + struct.pack("<i", len(text)) + b"\0\0\0\0PFA1", places


class Foreign:
    """A table in a folder; `location` is its newest metadata file."""

    def __init__(self, folder, columns, by=(), version=2):
        self.folder, self.version = Path(folder), version
        for name in ("data", "metadata"):
            (self.folder / name).mkdir(parents=True)
        fields = [{"id": n, "name": name, "type": kind, "required": False}
                  for n, (name, kind) in enumerate(columns, 1)]
        self.metadata = {
            "format-version": version, "table-uuid": str(uuid.uuid4()), "location": str(folder),
            "last-sequence-number": 0, "last-updated-ms": 1760000000000,
            "last-column-id": len(fields), "current-schema-id": 0,
            "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
            "default-spec-id": 0, "partition-specs": [], "last-partition-id": 999,
            "sort-orders": [{"order-id": 0, "fields": []}], "default-sort-order-id": 0,
            "properties": {}, "snapshots": [], "snapshot-log": [], "metadata-log": [], "refs": {}}
        if version > 2:
            self.metadata["next-row-id"] = 0
        self.listed = []   # the newest snapshot's manifests
        self.entries = {}  # manifest path: its entries
        self.count = 0
        self.location = None
        self.set_spec(by)

    # --- schema and layout -----------------------------------------------------------------------

    @property
    def fields(self):
        return self.metadata["schemas"][-1]["fields"]

    @property
    def spec(self):
        return self.metadata["partition-specs"][-1]

    def field(self, name):
        return next(f for f in self.fields if f["name"] == name)

    def set_fields(self, change):
        """A new schema: `change` edits a copy of the fields, or returns new ones."""
        fields = json.loads(json.dumps(self.fields))
        fields = change(fields) or fields
        schema = {"type": "struct", "schema-id": len(self.metadata["schemas"]), "fields": fields}
        self.metadata["schemas"].append(schema)
        self.metadata["current-schema-id"] = schema["schema-id"]
        self.metadata["last-column-id"] = max([self.metadata["last-column-id"]] +
                                              [f["id"] for f in fields])
        self.save()

    def set_spec(self, by):
        """A new spec of (column, transform)."""
        fields = []
        for column, transform in by:
            number = self.field(column)["id"]
            old = [f for s in self.metadata["partition-specs"] for f in s["fields"]
                   if (f["source-id"], f["transform"]) == (number, transform)]
            if not old:
                self.metadata["last-partition-id"] += 1
            fields.append(old[0] if old else {
                "field-id": self.metadata["last-partition-id"], "source-id": number,
                "name": column if transform == "identity" else
                f"{column}_{self.metadata['last-partition-id']}", "transform": transform})
        specs = self.metadata["partition-specs"]
        specs.append({"spec-id": len(specs), "fields": fields})
        self.metadata["default-spec-id"] = specs[-1]["spec-id"]
        self.save()

    def kinds(self, spec):
        known = {f["id"]: f["type"] for s in self.metadata["schemas"] for f in s["fields"]}
        return [result_kind(f["transform"], known[f["source-id"]]) for f in spec["fields"]]

    def partition_of(self, row):
        known = {f["id"]: f for s in self.metadata["schemas"] for f in s["fields"]}
        out = {}
        for field, kind in zip(self.spec["fields"], self.kinds(self.spec)):
            source = known[field["source-id"]]
            [value] = transformed(field["transform"], source["type"], [row.get(source["name"])])
            if kind == "date" and value is not None:
                value = decode("date", int(value).to_bytes(4, "little", signed=True))[0]
            out[field["name"]] = value
        return out

    # --- files -----------------------------------------------------------------------------------

    def parquet(self, fields, columns, name):
        """Writes columns with ids; the part of a data_file record that is the same for all."""
        self.count += 1
        path = self.folder / "data" / f"{self.count:05d}-{name}.parquet"
        schema = pyarrow.schema([pyarrow.field(f["name"], ARROW[f["type"]],
                                               metadata={"PARQUET:field_id": str(f["id"])})
                                 for f in fields])
        parquet.write_table(pyarrow.table(columns, schema=schema), path)
        group = parquet.ParquetFile(path).metadata.row_group(0).column(0)
        return {"file_path": str(path), "file_format": "PARQUET", "partition": {},
                "record_count": len(columns[0]), "file_size_in_bytes": path.stat().st_size,
                "split_offsets": [group.dictionary_page_offset or group.data_page_offset]}

    def data(self, rows, fields=None, extra=()):
        """A data file of rows (dicts) that are all of one partition."""
        fields = [*(fields or self.fields), *extra]
        columns = [[row.get(f["name"]) for row in rows] for f in fields]
        file = self.parquet(fields, columns, "data")
        counts = [{"key": f["id"], "value": len(rows)} for f in fields]
        nulls = [{"key": f["id"], "value": sum(v is None for v in c)}
                 for f, c in zip(fields, columns)]
        return dict(file, content=0, partition=self.partition_of(rows[0]), value_counts=counts,
                    null_value_counts=nulls, sort_order_id=0, rows=rows)

    def lineage_columns(self):
        return [{"id": ROW_ID, "name": "_row_id", "type": "long"},
                {"id": LAST_UPDATED, "name": "_last_updated_sequence_number", "type": "long"}]

    def equality(self, rows, names, partition=None):
        """An equality delete file; `partition` is a row of it, if the spec has fields."""
        fields = [f for f in self.all_fields() if f["name"] in names]
        file = self.parquet(fields, [[row.get(f["name"]) for row in rows] for f in fields], "eq")
        return dict(file, content=2, partition=self.partition_of(partition or {}),
                    equality_ids=[f["id"] for f in fields], sort_order_id=0)

    def all_fields(self):
        """The newest form of every column there ever was."""
        return list({f["id"]: f for s in self.metadata["schemas"] for f in s["fields"]}.values())

    def positions(self, targets):
        """A position delete file of {data_file: positions}, all of one partition."""
        rows = sorted((f["file_path"].encode(), n) for f, ns in targets for n in ns)
        fields = [{"id": PATH_ID, "name": "file_path", "type": "string"},
                  {"id": POS_ID, "name": "pos", "type": "long"}]
        file = self.parquet(fields, [[path.decode() for path, _ in rows],
                                     [n for _, n in rows]], "pos")
        one = targets[0][0]["file_path"] if len(targets) == 1 else None
        return dict(file, content=1, partition=targets[0][0]["partition"],
                    referenced_data_file=one)

    def vectors(self, targets):
        """Deletion vectors of [(data_file, positions)] in one Puffin file."""
        self.count += 1
        path = self.folder / "data" / f"{self.count:05d}-dv.puffin"
        raw, places = puffin({f["file_path"]: positions for f, positions in targets})
        path.write_bytes(raw)
        return [{"content": 1, "file_path": str(path), "file_format": "PUFFIN",
                 "partition": file["partition"], "record_count": len(set(positions)),
                 "file_size_in_bytes": len(raw), "referenced_data_file": file["file_path"],
                 "content_offset": offset, "content_size_in_bytes": length}
                for (file, positions), (offset, length) in zip(targets, places)]

    # --- commits ---------------------------------------------------------------------------------

    def commit(self, added, removed=(), operation="overwrite"):
        """A snapshot: data and delete files come, the paths of `removed` go."""
        snapshot = self.metadata["last-sequence-number"] + 1000
        sequence = self.metadata["last-sequence-number"] + 1
        self.metadata["last-sequence-number"] = sequence
        listed = [m for m in map(lambda m: self.without(m, removed, snapshot, sequence),
                                 self.listed) if m is not None]
        for deletes in (False, True):
            files = [f for f in added if bool(f["content"]) == deletes]
            if files:
                entries = [{"status": ADDED, "snapshot_id": snapshot, "data_file": f}
                           for f in files]
                listed.append(self.manifest(entries, self.spec, deletes, snapshot, sequence))
        self.listed = listed
        first = self.metadata.get("next-row-id")
        if first is not None:
            for item in listed:
                if item["content"] == 0 and item["first_row_id"] is None:
                    item["first_row_id"] = self.metadata["next-row-id"]
                    self.metadata["next-row-id"] += item["added_rows_count"] + \
                        item["existing_rows_count"]
        path = self.folder / "metadata" / f"snap-{snapshot}-1-{uuid.uuid4()}.avro"
        header = {"format-version": str(self.version), "snapshot-id": str(snapshot),
                  "sequence-number": str(sequence), "parent-snapshot-id": str(snapshot - 1)}
        write_avro(path, list_schema(self.version), listed, header)
        self.finish(snapshot, sequence, path, operation, first)
        return sequence

    def finish(self, snapshot, sequence, path, operation, first):
        live = [e["data_file"] for m in self.listed for e in self.entries[m["manifest_path"]]
                if e["status"] != DELETED]
        rows = [sum(f["record_count"] for f in live if f["content"] == kind) for kind in range(3)]
        data = sum(f["content"] == 0 for f in live)
        now = self.metadata["last-updated-ms"] + 1000
        record = {"snapshot-id": snapshot, "sequence-number": sequence, "timestamp-ms": now,
                  "schema-id": self.metadata["current-schema-id"], "manifest-list": str(path),
                  "summary": {"operation": operation, "total-data-files": str(data),
                              "total-records": str(rows[0]),
                              "total-delete-files": str(len(live) - data),
                              "total-position-deletes": str(rows[1]),
                              "total-equality-deletes": str(rows[2])}}
        if self.metadata["snapshots"]:
            record["parent-snapshot-id"] = self.metadata["snapshots"][-1]["snapshot-id"]
        if first is not None:
            record |= {"first-row-id": first, "added-rows": self.metadata["next-row-id"] - first}
        self.metadata["snapshots"].append(record)
        self.metadata["snapshot-log"].append({"snapshot-id": snapshot, "timestamp-ms": now})
        self.metadata |= {"current-snapshot-id": snapshot, "last-updated-ms": now,
                          "refs": {"main": {"snapshot-id": snapshot, "type": "branch"}}}
        self.save()

    def without(self, listed, removed, snapshot, sequence):
        """A manifest rewritten when files of it go; the same when none do; None without files."""
        entries = self.entries[listed["manifest_path"]]
        if not any(self.key(e["data_file"]) in removed for e in entries):
            return listed
        row = listed["first_row_id"]
        out = []
        for entry in entries:
            file, own = entry["data_file"], entry.get("sequence_number")
            own = listed["sequence_number"] if own is None else own
            if self.version > 2 and file["content"] == 0 and entry["status"] != DELETED:
                if file.get("first_row_id") is None:
                    file, row = dict(file, first_row_id=row), row + file["record_count"]
            if entry["status"] == DELETED:
                continue
            gone = self.key(file) in removed
            out.append({"status": DELETED if gone else EXISTING, "sequence_number": own,
                        "snapshot_id": snapshot if gone else entry["snapshot_id"],
                        "file_sequence_number": own, "data_file": file})
        spec = self.metadata["partition-specs"][listed["partition_spec_id"]]
        return self.manifest(out, spec, listed["content"] == 1, snapshot, sequence)

    @staticmethod
    def key(file):
        return file.get("referenced_data_file") and file["file_format"] == "PUFFIN" and \
            ("dv", file["referenced_data_file"]) or file["file_path"]

    def manifest(self, entries, spec, deletes, snapshot, sequence):
        kinds = self.kinds(spec)
        path = self.folder / "metadata" / f"{uuid.uuid4()}-m0.avro"
        schema = self.metadata["schemas"][-1]
        header = {"schema": json.dumps(schema), "schema-id": str(schema["schema-id"]),
                  "partition-spec": json.dumps(spec["fields"]),
                  "partition-spec-id": str(spec["spec-id"]), "format-version": str(self.version),
                  "content": "deletes" if deletes else "data"}
        size = write_avro(path, manifest_schema(spec["fields"], kinds, self.version), entries,
                          header)
        self.entries[str(path)] = entries
        sequences = [sequence if e.get("sequence_number") is None else e["sequence_number"]
                     for e in entries if e["status"] != DELETED]
        out = {"manifest_path": str(path), "manifest_length": size,
               "partition_spec_id": spec["spec-id"], "content": int(deletes),
               "sequence_number": sequence, "min_sequence_number": min(sequences, default=sequence),
               "added_snapshot_id": snapshot, "first_row_id": None,
               "partitions": [self.summary([e["data_file"]["partition"][f["name"]]
                                            for e in entries], kind)
                              for f, kind in zip(spec["fields"], kinds)]}
        for status, word in ((ADDED, "added"), (EXISTING, "existing"), (DELETED, "deleted")):
            files = [e["data_file"] for e in entries if e["status"] == status]
            out |= {f"{word}_files_count": len(files),
                    f"{word}_rows_count": sum(f["record_count"] for f in files)}
        return out

    @staticmethod
    def summary(values, kind):
        present = [v for v in values if v is not None]

        def raw(value):
            value = partition_output(value)
            if isinstance(value, str):
                return value.encode()
            if isinstance(value, bool):
                return bytes([value])
            return struct.pack("<q" if kind == "long" else "<i", value)
        return {"contains_null": None in values, "contains_nan": False,
                "lower_bound": raw(min(present)) if present else None,
                "upper_bound": raw(max(present)) if present else None}

    def save(self):
        number = len(self.metadata["metadata-log"]) + (self.location is not None)
        if self.location is not None:
            self.metadata["metadata-log"].append({
                "metadata-file": self.location, "timestamp-ms": self.metadata["last-updated-ms"]})
        self.location = str(self.folder / "metadata" /
                            f"{number:05d}-{uuid.uuid4()}.metadata.json")
        Path(self.location).write_text(json.dumps(self.metadata), encoding="utf-8")
