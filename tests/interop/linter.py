"""What Iceberg's specification (versions 1 to 3) and its readers demand of the files of a table.

    lint(metadata_location) -> a Linter: .problems are sentences "rule: where: what is wrong"
    lint_lake(folder)       -> the same for every table of a lake, and for files of no table
    python3 linter.py PATH..   metadata files or lakes; exit code 1 when something is wrong

Every snapshot, manifest list and manifest of the table's metadata is read with fastavro, every data
file with pyarrow, every deletion vector with pyroaring; nothing with tarn. Each rule has a name in
RULES, and test_linter_rules.py has a broken table for each. Rows are compared with metrics in files
of at most `few` rows; of larger ones the footer alone. `own`: hold it to what tarn itself promises,
beyond what other writers keep to.
"""

import contextlib
import json
import sqlite3
import sys
from pathlib import Path

from lint_avro import (ADDED, CODECS, DELETED, EXISTING, LISTED, LISTED_OPTIONAL, SUMMARY,
                       check_fields, check_manifest_schema, local, read_avro)
from lint_deletes import (check_deletes, check_equality, check_positions, check_vector,
                          check_vector_entry, read_puffin)
from lint_files import LAST_UPDATED, ROW_ID, check_data_file
from lint_metadata import check_metadata, load, source_kind
from lint_values import comparable, decode, is_nan, partition_output

RULES = {
    "metadata-fields": "required fields of metadata.json, by version",
    "metadata-name": "the name of a metadata file tells whether it is compressed",
    "schema-ids": "ids and names of fields are unique, and below last-column-id",
    "schema-types": "types of the format version",
    "schema-evolution": "a field keeps its parent, and its type but for promotions",
    "schema-defaults": "defaults: version 3 only, values of the type, initial ones for ever",
    "identifier-fields": "identifier fields are required, primitive and no floats",
    "spec-ids": "partition fields: ids from 1000, unique, the same meaning in every spec",
    "transforms": "transforms that exist, on types they take",
    "sort-orders": "sort orders: ids, directions, sources",
    "snapshot-fields": "required fields of snapshots, ids unique, operations known",
    "snapshot-sequence": "sequence numbers are unique and rise from parent to child",
    "snapshot-times": "times of snapshots rise from parent to child",
    "snapshot-row-ids": "ranges of row ids of snapshots are apart and rise",
    "snapshot-summary": "the counts in a snapshot's summary are those of its manifests",
    "snapshot-operation": "append only adds, delete adds no rows, replace keeps their number",
    "next-row-id": "next-row-id is above every row id that was given",
    "refs": "refs name snapshots; main is the current one",
    "snapshot-log": "the snapshot log names snapshots that are there and ends with the current",
    "metadata-log": "the metadata log: in order, capped, its files are there",
    "name-mapping": "the name mapping names columns of the table",
    "statistics": "statistics files: of known snapshots, there, of the size and blobs stated",
    "list-records": "names, ids and types of the fields of manifest lists",
    "list-header": "header keys of manifest lists (not in the specification; readers want them)",
    "list-entries": "manifests of a list: once each, known spec, sizes, snapshot",
    "list-sequence": "sequence numbers of manifests against their snapshot and entries",
    "list-counts": "counts of files and rows in a list are those of its manifests",
    "list-partitions": "partition summaries are those of the entries",
    "list-row-ids": "first row ids of data manifests are within their snapshot's, and apart",
    "avro-codec": "codecs that every reader knows",
    "manifest-header": "header keys of manifests",
    "manifest-records": "names, ids and types of the fields of manifests",
    "manifest-partition": "the partition record: r102, ids and types of its spec",
    "manifest-content": "data files in data manifests, delete files in delete manifests",
    "entry-status": "states of entries, and the snapshot that made an added or deleted one",
    "entry-sequence": "sequence numbers: explicit but in added entries, data before file",
    "entry-row-ids": "first row ids: never of deletes, kept for ever",
    "entry-format": "file formats",
    "entry-order": "sort order ids: known ones, none for position deletes",
    "file-live-once": "a file is live once in a snapshot",
    "file-there": "files are there, with the size stated",
    "readable": "every file can be read as what it is",
    "file-rows": "record_count is the number of rows",
    "split-offsets": "split offsets are the starts of row groups",
    "metrics-fields": "metrics of known columns, bounds of those that have them",
    "metrics-present": "counts of every column (tarn's promise)",
    "value-counts": "value counts count every value",
    "null-counts": "null counts",
    "nan-counts": "NaN counts, of floats only",
    "bounds-bytes": "bounds decode: lengths, minimal decimals, UTF-8",
    "bounds-hold": "bounds hold every value but null and NaN",
    "bounds-zero": "a lower bound of zero is negative, an upper one positive",
    "bounds-short": "bounds of texts are cut (tarn's promise)",
    "partition-values": "partition values are the transforms of the rows",
    "parquet-ids": "the columns of a Parquet file are those of a schema, all with field ids",
    "parquet-lists": "lists and maps have three levels, the middle one without an id",
    "parquet-types": "physical and logical types of Parquet columns",
    "puffin": "the frame and the footer of Puffin files",
    "dv-fields": "deletion vectors: Puffin, with referenced file, offset and length",
    "dv-blob": "a deletion vector's blob: magic, length, CRC, bitmap",
    "dv-footer": "the blob in the Puffin footer is the one the manifest names",
    "dv-cardinality": "record_count of a deletion vector is its number of positions",
    "dv-one": "one deletion vector for a data file",
    "dv-live": "a deletion vector is of a live data file",
    "pos-delete-columns": "columns of position delete files",
    "pos-delete-order": "position deletes are sorted, and come once",
    "pos-delete-reference": "referenced_data_file and bounds of paths",
    "pos-delete-version": "no new position delete files in version 3",
    "deletes-in-bounds": "positions are rows of the file",
    "deletes-partition": "a delete has the spec and partition of its data file",
    "deletes-sequence": "a delete is not older than its data file",
    "equality-ids": "equality ids: known columns, no floats, of equality deletes only",
    "equality-columns": "an equality delete file has the columns of its ids",
    "row-ids-unique": "a live row's id is its own, and below next-row-id",
    "row-updated": "_last_updated_sequence_number is not above the file's",
    "orphans": "nothing lies in a table's folder but what is referenced or in an intent",
}
FEW = 20000
# what fastavro, pyarrow, json and the linter's own look-ups raise on files that are wrong
READING_ERRORS = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError,
                  StopIteration)


class Linter:
    def __init__(self, own=True, few=FEW):
        self.problems = []
        self.files = 0
        self.values = 0  # columns compared with rows
        self.tables = 0
        self.own, self.few = own, few

    def say(self, rule, where, what):
        assert rule in RULES, rule
        self.problems.append(f"{rule}: {where}: {what}")

    def check(self, rule, condition, where, what):
        if not condition:
            self.say(rule, where, what)
        return bool(condition)


@contextlib.contextmanager
def readable(lint, where):
    """What breaks the reading of a file is a finding about the file."""
    try:
        yield
    except READING_ERRORS as error:
        lint.say("readable", where, f"{type(error).__name__}: {error}")


class Entry:
    """A manifest's entry with what it inherits."""

    def __init__(self, raw, spec_id, listed, first_row_id):
        self.file, self.status, self.spec_id = raw["data_file"], raw["status"], spec_id
        self.snapshot = raw.get("snapshot_id") or listed["added_snapshot_id"]
        given = raw.get("sequence_number")
        self.sequence = listed["sequence_number"] if given is None else given
        self.content = 0 if not self.file.get("content") else 1
        self.kind = self.file.get("content") or 0
        self.first_row_id = first_row_id


class Table:
    """One table's metadata while it is looked at."""

    def __init__(self, lint, metadata):
        self.lint, self.metadata = lint, metadata
        self.version = metadata["format-version"]
        self.specs = {s["spec-id"]: s["fields"] for s in metadata["partition-specs"]}
        self.schemas = [s["fields"] for s in metadata["schemas"]]
        self.snapshots = {s["snapshot-id"]: s for s in metadata.get("snapshots", [])}
        self.manifests, self.files, self.positions = {}, {}, {}
        self.row_ids = {}  # snapshot id: {path: first row id}
        self.referenced = set()

    # --- manifests -------------------------------------------------------------------------------

    def read_manifest(self, path, where):
        """(entries, spec id, spec fields with the key their value has), read once."""
        if path in self.manifests:
            return self.manifests[path]
        lint = self.lint
        entries, header, schema = read_avro(path)
        wanted = ["schema", "partition-spec"] + (["partition-spec-id", "format-version", "content"]
                                                 if self.version > 1 else [])
        for key in wanted + (["schema-id"] if lint.own and self.version > 1 else []):
            lint.check("manifest-header", key in header, where, f"no header key {key}")
        lint.check("avro-codec", header.get("avro.codec", "null") in CODECS, where,
                   f"codec {header.get('avro.codec')}")
        spec_id = int(header.get("partition-spec-id", 0))
        written = json.loads(header["partition-spec"])
        lint.check("manifest-header", isinstance(written, list), where,
                   "partition-spec is not a bare list")
        written = written if isinstance(written, list) else written["fields"]
        fields = self.specs.get(spec_id)
        if not lint.check("manifest-header", fields is not None, where,
                          f"there is no partition spec {spec_id}"):
            fields = written
        lint.check("manifest-header", [(f["field-id"], f["transform"]) for f in written] ==
                   [(f["field-id"], f["transform"]) for f in fields], where,
                   "partition-spec is not the table's")
        table_schema = json.loads(header["schema"])
        lint.check("manifest-header", table_schema.get("type") == "struct", where,
                   "schema is no struct")
        if "schema-id" in header:
            lint.check("manifest-header", table_schema.get("schema-id") ==
                       int(header["schema-id"]), where, "schema-id is not that of schema")
        if table_schema.get("fields") not in self.schemas:
            self.schemas.append(table_schema["fields"])
        version = int(header.get("format-version", 1))
        lint.check("manifest-header", 1 <= version <= self.version, where,
                   f"format-version {version}")
        lint.check("manifest-header", header.get("content", "data") in ("data", "deletes"), where,
                   "content")
        kinds = [self.partition_kind(f, table_schema) for f in fields]
        check_manifest_schema(lint, where, schema, fields, kinds, version)
        names = [n for n in self.partition_names(schema)]
        spec = [dict(f, key=name, kind=kind) for f, name, kind in zip(fields, names, kinds)]
        for entry in entries:
            self.check_entry(where, entry, header.get("content", "data"), version)
        self.manifests[path] = (entries, spec_id, spec, header)
        return self.manifests[path]

    def partition_kind(self, field, schema):
        """By the schema the manifest was written with: types may have been widened since."""
        source = field.get("source-id", field.get("source-ids", [None])[0])
        written = {"schemas": [{"schema-id": 0, "fields": schema["fields"]}]}
        return source_kind(written, source, field["transform"]) or \
            source_kind(self.metadata, source, field["transform"])

    @staticmethod
    def partition_names(schema):
        files = {f["name"]: f for f in schema["fields"]}["data_file"]["type"]
        partition = {f["name"]: f for f in files["fields"]}["partition"]["type"]
        return [f["name"] for f in partition["fields"]]

    def check_entry(self, where, entry, content, version):
        lint, file = self.lint, entry["data_file"]
        kind = file.get("content") or 0
        if not lint.check("entry-status", entry["status"] in (EXISTING, ADDED, DELETED), where,
                          f"status {entry['status']}"):
            return
        if version > 1:
            lint.check("entry-sequence", entry["status"] == ADDED or None not in (
                entry["snapshot_id"], entry["sequence_number"], entry["file_sequence_number"]),
                where, "an entry that was not added lacks its snapshot or sequence numbers")
            both = (entry.get("sequence_number"), entry.get("file_sequence_number"))
            lint.check("entry-sequence", None in both or both[0] <= both[1], where,
                       f"data sequence number {both[0]} after the file's {both[1]}")
        lint.check("manifest-content", kind in ((0,) if content == "data" else (1, 2)), where,
                   f"a file of content {kind} in a manifest of {content}")
        formats = ("PARQUET",) if kind != 1 or version < 3 else ("PARQUET", "PUFFIN")
        lint.check("entry-format", file["file_format"].upper() in formats, where,
                   f"{file['file_format']} for content {kind}")
        orders = {o["order-id"] for o in self.metadata["sort-orders"]}
        order = file.get("sort_order_id")
        lint.check("entry-order", (order is None or order in orders) if kind != 1
                   else order is None, where, f"sort order {order} of content {kind}")
        lint.check("equality-ids", kind == 2 or not file.get("equality_ids"), where,
                   f"equality_ids of content {kind}")
        lint.check("entry-row-ids", kind == 0 or file.get("first_row_id") is None, where,
                   "a delete file with a first row id")
        if kind == 1 and entry["status"] == ADDED and version > 2:
            lint.check("pos-delete-version", file["file_format"].upper() == "PUFFIN", where,
                       "a position delete file was added in version 3")

    def look_at_manifest(self, snapshot, listed):
        """The live entries of a manifest, with what they inherit."""
        lint, path = self.lint, listed["manifest_path"]
        where = path.rsplit("/", 1)[-1]
        self.referenced.add(str(local(path)))
        if not lint.check("file-there", local(path).is_file(), where, "the manifest is not there"):
            return [], []
        entries, spec_id, spec, header = self.read_manifest(path, where)
        lint.check("list-entries", local(path).stat().st_size == listed["manifest_length"], where,
                   "manifest_length is wrong")
        lint.check("list-entries", listed["partition_spec_id"] == spec_id, where,
                   "partition_spec_id is not the manifest's")
        lint.check("manifest-content", (listed["content"] == 1) ==
                   (header.get("content") == "deletes"), where, "content is not the list's")
        for status, word in ((ADDED, "added"), (EXISTING, "existing"), (DELETED, "deleted")):
            files = [e["data_file"] for e in entries if e["status"] == status]
            given = (listed.get(f"{word}_files_count"), listed.get(f"{word}_rows_count"))
            rows = sum(f["record_count"] for f in files)
            lint.check("list-counts", given[0] in (len(files), None) and given[1] in (rows, None),
                       where, f"{given[0]} {word} files of {given[1]} rows, not {len(files)} of "
                       f"{rows}")
        out, row = [], listed.get("first_row_id")
        for entry in entries:
            first = entry["data_file"].get("first_row_id")
            if first is None and row is not None and entry["status"] != DELETED:
                first, row = row, row + entry["data_file"]["record_count"]
            out.append(Entry(entry, spec_id, listed, first))
            if entry["status"] != EXISTING:
                lint.check("entry-status", out[-1].snapshot == listed["added_snapshot_id"], where,
                           "an added or deleted entry of another snapshot")
        live = [e for e in out if e.status != DELETED]
        if self.version > 1:
            lint.check("list-sequence", listed["min_sequence_number"] <= min(
                [e.sequence for e in live], default=listed["min_sequence_number"]), where,
                "min_sequence_number is above that of an entry")
            lint.check("list-sequence", listed["min_sequence_number"] <=
                       listed["sequence_number"] <= snapshot.get("sequence-number", 0) and
                       max([e.sequence for e in live], default=0) <= listed["sequence_number"],
                       where, "sequence numbers of entries, manifest and snapshot do not rise")
        self.check_summaries(where, spec, entries, listed["partitions"])
        for entry in live:
            entry.spec = spec
        return live, [e for e in out if e.status != EXISTING]

    def check_summaries(self, where, spec, entries, summaries):
        lint = self.lint
        if summaries is None and not lint.own:
            return
        if not lint.check("list-partitions", summaries is not None and
                          len(summaries) == len(spec), where, "not one summary for each field"):
            return
        for field, summary in zip(spec, summaries):
            kind = field["kind"]
            values = [partition_output(e["data_file"]["partition"][field["key"]]) for e in entries]
            lint.check("list-partitions", summary["contains_null"] == (None in values), where,
                       f"contains_null of {field['name']}")
            nan = summary.get("contains_nan")
            lint.check("list-partitions", nan in (None, any(map(is_nan, values))), where,
                       f"contains_nan of {field['name']}")
            present = [v for v in values if v is not None and not is_nan(v)]
            for name, pick in (("lower_bound", min), ("upper_bound", max)):
                if not lint.check("list-partitions", (summary[name] is not None) == bool(present),
                                  where, f"{name} of {field['name']}") or not present or \
                        kind is None:
                    continue
                bound, wrong = decode(kind.replace(" ", ""), summary[name])
                bound = partition_output(bound)
                ends = pick(comparable(kind, v) for v in present)
                lint.check("list-partitions", wrong is None and comparable(kind, bound) == ends,
                           where, f"{name} of {field['name']} is {bound!r}, not {ends!r} ({wrong})")

    # --- lists -----------------------------------------------------------------------------------

    def read_list(self, snapshot):
        """The manifests of a snapshot; fields that version 1 lacks have their defaults."""
        lint = self.lint
        path = snapshot["manifest-list"]
        where = path.rsplit("/", 1)[-1]
        self.referenced.add(str(local(path)))
        if not lint.check("file-there", local(path).is_file(), where, "the list is not there"):
            return []
        listed, header, schema = read_avro(path)
        version = int(header.get("format-version", self.version))
        wanted = {"format-version": str(version), "snapshot-id": str(snapshot["snapshot-id"])}
        if version > 1:
            wanted["sequence-number"] = str(snapshot["sequence-number"])
        for key, value in wanted.items():
            lint.check("list-header", header.get(key) == value, where,
                       f"header key {key} is {header.get(key)}")
        lint.check("list-header", not lint.own or "parent-snapshot-id" in header, where,
                   "no header key parent-snapshot-id")
        lint.check("avro-codec", header.get("avro.codec", "null") in CODECS, where,
                   f"codec {header.get('avro.codec')}")
        required = set(LISTED) - LISTED_OPTIONAL if version > 1 else \
            {"manifest_path", "manifest_length", "partition_spec_id", "added_snapshot_id"}
        fields = check_fields(lint, "list-records", where, schema, ("manifest_file",), LISTED,
                              required)
        if "partitions" in fields:
            lint.check("list-records", fields["partitions"].get("element-id") == 508, where,
                       "partitions has no element-id 508")
            check_fields(lint, "list-records", where, fields["partitions"]["items"],
                         ("r508",), SUMMARY, {"contains_null"})
        for manifest in listed:
            for name in ("content", "sequence_number", "min_sequence_number"):
                manifest.setdefault(name, 0)
        self.check_list(where, snapshot, listed, version)
        return listed

    def check_list(self, where, snapshot, listed, version):
        lint = self.lint
        paths = [m["manifest_path"] for m in listed]
        lint.check("list-entries", len(paths) == len(set(paths)), where, "a manifest comes twice")
        for manifest in listed:
            lint.check("list-entries", manifest["content"] in (0, 1) and
                       manifest["partition_spec_id"] in self.specs, where,
                       f"content {manifest['content']}, spec {manifest['partition_spec_id']}")
            lint.check("list-sequence", version == 1 or
                       manifest["added_snapshot_id"] != snapshot["snapshot-id"] or
                       manifest["sequence_number"] == snapshot["sequence-number"], where,
                       "a manifest of this snapshot has another sequence number")
        first = snapshot.get("first-row-id")
        ranges = []
        for manifest in listed:
            start = manifest.get("first_row_id")
            if manifest["content"] == 1 or first is None:
                lint.check("list-row-ids", start is None or manifest["content"] == 0, where,
                           "a manifest of deletes with a first row id")
            elif lint.check("list-row-ids", start is not None, where,
                            "a data manifest without a first row id"):
                rows = (manifest["added_rows_count"] or 0) + (manifest["existing_rows_count"] or 0)
                if start >= first:
                    ranges.append((start, start + rows))
        ranges.sort()
        lint.check("list-row-ids", all(a[1] <= b[0] for a, b in zip(ranges, ranges[1:]) if
                                       a[0] < a[1] and b[0] < b[1]), where,
                   f"row ids of manifests overlap: {ranges}")
        if ranges:
            lint.check("list-row-ids", ranges[-1][1] <= first + snapshot.get("added-rows", 0),
                       where, f"row ids {ranges} of {snapshot.get('added-rows')} added rows")

    # --- snapshots -------------------------------------------------------------------------------

    def look_at_snapshot(self, snapshot):
        lint = self.lint
        where = f"snapshot {snapshot['snapshot-id']}"
        live, changed = [], []
        for manifest in self.read_list(snapshot):
            alive, others = self.look_at_manifest(snapshot, manifest)
            live += alive
            if manifest["added_snapshot_id"] == snapshot["snapshot-id"]:
                changed += others
        keys = [(e.file["file_path"], e.file.get("content_offset")) for e in live]
        lint.check("file-live-once", len(keys) == len(set(keys)), where, "a file is live twice")
        # other branches of a table that was upgraded may give a file ids of their own
        before = self.row_ids.get(snapshot.get("parent-snapshot-id"), {})
        known = self.row_ids[snapshot["snapshot-id"]] = {}
        for entry in live:
            path = entry.file["file_path"]
            if entry.content == 0 and entry.first_row_id is not None:
                known[path] = entry.first_row_id
                lint.check("entry-row-ids", before.get(path, entry.first_row_id) ==
                           entry.first_row_id, where, f"the first row id of "
                           f"{path.rsplit('/', 1)[-1]} changed")
            if entry.content == 0 and self.version > 2 and snapshot.get("first-row-id") is not None:
                lint.check("entry-row-ids", entry.first_row_id is not None, where,
                           f"{path.rsplit('/', 1)[-1]} has no row ids")
            self.look_at_file(entry)
        gone = check_deletes(lint, where, live, self.positions_of)
        self.check_summary(where, snapshot, live, changed)
        return live, gone

    def look_at_file(self, entry):
        file, lint = entry.file, self.lint
        path = file["file_path"]
        if path in self.files:
            return
        self.files[path] = None
        self.referenced.add(str(local(path)))
        where = path.rsplit("/", 1)[-1]
        if not lint.check("file-there", local(path).is_file(), where, "the file is not there"):
            return
        lint.check("file-there", local(path).stat().st_size == file["file_size_in_bytes"], where,
                   "its size is not what is stated")
        lint.files += 1
        with readable(lint, where):
            if entry.kind == 0:
                self.files[path] = check_data_file(lint, self.metadata, self.schemas, entry.spec,
                                                   file, lint.few)
            elif entry.kind == 2:
                check_equality(lint, self.metadata, file)

    def positions_of(self, entry):
        file = entry.file
        key = (file["file_path"], file.get("content_offset"))
        if key not in self.positions:
            self.positions[key] = {}
            there = local(file["file_path"]).is_file()
            with readable(self.lint, key[0].rsplit("/", 1)[-1]):
                if entry.kind == 1 and file["file_format"].upper() == "PUFFIN":
                    if check_vector_entry(self.lint, file, key[0].rsplit("/", 1)[-1]) and there:
                        self.positions[key] = {file["referenced_data_file"]:
                                               check_vector(self.lint, file)}
                elif entry.kind == 1 and there:
                    self.positions[key] = check_positions(self.lint, file)
        return self.positions[key]

    def check_summary(self, where, snapshot, live, changed):
        lint, summary = self.lint, snapshot.get("summary") or {}
        deletes = [e for e in live if e.content]
        added = [e for e in changed if e.status == ADDED]
        removed = [e for e in changed if e.status == DELETED]

        def rows(entries, kind=0):
            return sum(e.file["record_count"] for e in entries if e.kind == kind)

        def count(entries, content):
            return sum(e.content == content for e in entries)

        def size(entries):
            return sum(e.file.get("content_size_in_bytes") or e.file["file_size_in_bytes"]
                       for e in entries)
        wanted = {
            "total-data-files": len(live) - len(deletes), "total-delete-files": len(deletes),
            "total-records": rows(live), "total-position-deletes": rows(live, 1),
            "total-equality-deletes": rows(live, 2), "total-files-size": size(live),
            "added-data-files": count(added, 0), "added-records": rows(added),
            "added-delete-files": count(added, 1), "added-files-size": size(added),
            "added-position-deletes": rows(added, 1), "added-equality-deletes": rows(added, 2),
            "deleted-data-files": count(removed, 0), "deleted-records": rows(removed),
            "removed-delete-files": count(removed, 1), "removed-files-size": size(removed),
            "removed-position-deletes": rows(removed, 1),
            "removed-equality-deletes": rows(removed, 2)}
        for name, value in wanted.items():
            given = summary.get(name)
            must = lint.own and name in ("total-data-files", "total-records")
            lint.check("snapshot-summary", (given is None and not must) or given == str(value),
                       where, f"{name} is {given}, not {value}")
        operation = summary.get("operation")
        fine = {"append": not removed and not count(added, 1),
                "delete": not count(added, 0),
                "replace": rows(added) <= rows(removed)}.get(operation, True)
        lint.check("snapshot-operation", fine, where, f"{operation} adds {len(added)} files and "
                   f"removes {len(removed)}")

    # --- rows ------------------------------------------------------------------------------------

    def check_lineage(self, snapshot, live, gone):
        """Ids of live rows: from the file's column, else the file's first id and the position."""
        lint, where, seen = self.lint, f"snapshot {snapshot['snapshot-id']}", {}
        if any(e.kind == 2 for e in live):
            return
        for entry in live:
            path = entry.file["file_path"]
            file = self.files.get(path)
            if entry.content or file is None or not file.few or entry.first_row_id is None:
                continue
            reserved = {number: name for number, name, _ in file.tree}
            own = list(file.values((reserved[ROW_ID],))) if ROW_ID in reserved else \
                [None] * file.rows
            if LAST_UPDATED in reserved:
                numbers = [n for n in file.values((reserved[LAST_UPDATED],)) if n is not None]
                lint.check("row-updated", max(numbers, default=0) <= entry.sequence, where,
                           f"rows of {path.rsplit('/', 1)[-1]} were updated after it was written")
            dead = gone.get(path, ())
            for position, number in enumerate(own):
                if position in dead:
                    continue
                number = entry.first_row_id + position if number is None else number
                if number in seen or number >= self.metadata["next-row-id"]:
                    lint.say("row-ids-unique", where, f"row id {number} of "
                             f"{path.rsplit('/', 1)[-1]} is also in {seen.get(number)}")
                    return
                seen[number] = path.rsplit("/", 1)[-1]

    # --- statistics ------------------------------------------------------------------------------

    def check_statistics(self):
        for key in ("statistics", "partition-statistics"):
            for item in self.metadata.get(key) or []:
                path = item["statistics-path"]
                where = path.rsplit("/", 1)[-1]
                self.referenced.add(str(local(path)))
                self.lint.check("statistics", item["snapshot-id"] in self.snapshots, where,
                                f"there is no snapshot {item['snapshot-id']}")
                if not self.lint.check("statistics", local(path).is_file() and
                                       local(path).stat().st_size == item["file-size-in-bytes"],
                                       where, "it is not there in the size stated"):
                    continue
                if key == "statistics":
                    footer = read_puffin(self.lint, where, local(path).read_bytes())
                    types = [b["type"] for b in footer["blobs"]] if footer else None
                    self.lint.check("statistics", types == [
                        b["type"] for b in item.get("blob-metadata", [])], where,
                        "its blobs are not those stated")


def check_table(out, location):
    """One table; returns its metadata and the paths that it needs, or None if it is unreadable."""
    with readable(out, location.rsplit("/", 1)[-1]):
        return look_at_table(out, location)
    return None


def look_at_table(out, location):
    metadata = load(out, location)
    needed = {str(local(location))}
    if not check_metadata(out, metadata, location):
        return None
    table = Table(out, metadata)
    heads = {metadata.get("current-snapshot-id")} | \
        {ref["snapshot-id"] for ref in metadata.get("refs", {}).values()}
    for snapshot in metadata.get("snapshots", []):
        if "manifest-list" not in snapshot:
            continue  # version 1 may name its manifests in the metadata
        live, gone = table.look_at_snapshot(snapshot)
        if metadata["format-version"] > 2 and snapshot["snapshot-id"] in heads:
            table.check_lineage(snapshot, live, gone)
    table.check_statistics()
    needed |= table.referenced
    needed |= {str(local(entry["metadata-file"])) for entry in metadata.get("metadata-log", [])}
    needed |= {path for path in map(str, map(local, entry_paths(table)))}
    return metadata, needed


def entry_paths(table):
    for entries, _, _, _ in table.manifests.values():
        for entry in entries:
            yield entry["data_file"]["file_path"]


def lint(location, own=True, few=FEW):
    """The Linter after everything was looked at: problems, and how much was compared."""
    out = Linter(own, few)
    check_table(out, location)
    out.tables = 1
    return out


def lint_lake(folder, own=True, few=FEW):
    """Every table of a lake, and the files below their folders that nothing explains."""
    out = Linter(own, few)
    database = Path(folder) / ".tarn" / "catalog.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("select table_namespace || '.' || table_name, metadata_location "
                                  "from iceberg_tables where metadata_location is not null "
                                  "and (iceberg_type is null or iceberg_type = 'TABLE')")
        tables = rows.fetchall()
        intents = [row[0] for row in connection.execute("select id from tarn_intent")]
    for name, location in tables:
        before = len(out.problems)
        found = check_table(out, location)
        out.tables += 1
        metadata, needed = found or ({"location": "/"}, set())
        root = local(metadata["location"])
        kept = int(metadata.get("properties", {}).get("write.metadata.previous-versions-max", 100))
        trimmed = len(metadata.get("metadata-log", [])) >= kept
        inside = own and found and Path(folder).resolve() in root.resolve().parents
        for path in root.rglob("*") if inside else []:
            if path.is_file() and str(path) not in needed and \
                    not any(intent in path.name for intent in intents) and \
                    not (trimmed and path.name.endswith(".metadata.json")) and \
                    not path.name.endswith(".crc"):  # which Hadoop's files have beside them
                out.say("orphans", str(path.relative_to(root)), "nothing refers to it")
        out.problems[before:] = [f"{name}: {text}" for text in out.problems[before:]]
    return out


def main(arguments):
    bad = False
    for argument in arguments:
        look = lint_lake if Path(argument).is_dir() else lint
        result = look(argument)
        bad = bad or bool(result.problems)
        print("\n".join(result.problems) or f"{argument}: nothing wrong ({result.tables} tables, "
              f"{result.files} files, {result.values} columns compared with rows)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
