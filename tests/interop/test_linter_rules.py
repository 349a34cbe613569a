"""Every rule of the linter fails on a table that was broken on purpose, and none on a whole one."""

import json
import os
import shutil
import struct
from pathlib import Path

import fastavro
import pyarrow
import pytest
from conftest import Lake
from foreign import Foreign
from lint_avro import local, read_avro
from linter import RULES, lint, lint_lake
from pyarrow import parquet

COLUMNS = [("id", "long"), ("k", "long"), ("name", "string")]


class Broken:
    """A table's files, to be damaged one thing at a time and put back."""

    def __init__(self, folder, location):
        self.folder, self.location = Path(folder), location
        self.copy = self.folder.with_name(self.folder.name + ".whole")
        shutil.copytree(self.folder, self.copy)

    def heal(self):
        shutil.rmtree(self.folder)
        shutil.copytree(self.copy, self.folder)

    def metadata(self):
        return json.loads(local(self.location).read_text(encoding="utf-8"))

    def edit(self, change):
        tree = self.metadata()
        change(tree)
        local(self.location).write_text(json.dumps(tree), encoding="utf-8")

    def avro(self, path, records=None, schema=None, header=None):
        """An Avro file with its records, schema or header changed."""
        found, head, written = read_avro(path)
        head = {k: v for k, v in head.items() if not k.startswith("avro.")}
        for change, what in ((records, found), (schema, written), (header, head)):
            if change is not None:
                change(what)
        with open(local(path), "wb") as out:
            fastavro.writer(out, written, found, metadata=head, codec="null")

    def list_path(self):
        return self.metadata()["snapshots"][-1]["manifest-list"]

    def manifest_path(self, content=0):
        return [m["manifest_path"] for m in read_avro(self.list_path())[0]
                if m["content"] == content][-1]

    def listed(self, change, content=0):
        def each(records):
            for record in records:
                if record["content"] == content:
                    change(record)
        self.avro(self.list_path(), each)

    def entries(self, change, content=0):
        def each(records):
            for record in records:
                change(record)
        self.avro(self.manifest_path(content), each)

    def files(self, change, content=0):
        self.entries(lambda entry: change(entry["data_file"]), content)

    def first_file(self, content=0):
        return local(read_avro(self.manifest_path(content))[0][0]["data_file"]["file_path"])

    def rewrite_parquet(self, change, content=0):
        path = self.first_file(content)
        parquet.write_table(change(parquet.read_table(path)), path)

    def patch(self, change, content=1):
        path = self.first_file(content)
        path.write_bytes(change(bytearray(path.read_bytes())))


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """{name: Broken} of whole tables: one of tarn, and three with deletes and row ids."""
    folder = tmp_path_factory.mktemp("broken")
    lake = Lake(folder / "lake")
    lake.do("create table sandbox.t (id bigint, g double, s varchar, li int[], bin blob) "
            "partitioned by (bucket(4, id))",
            "insert into sandbox.t values (1, 0.0, 'text', [1], 'a'::blob)",
            "insert into sandbox.t values (1, 'nan'::double, NULL, NULL, 'b'::blob), "
            "(1, 0.0::double, 'longer than sixteen characters', [], NULL)")
    location = lake.show("sandbox.t")["metadata_location"]
    tables = {"tarn": Broken(Path(lake.folder), location)}
    for name, version in (("two", 2), ("three", 3)):
        table = Foreign(folder / name, COLUMNS, [("k", "identity")], version)
        rows = [{"id": n, "k": 1, "name": f"n{n}"} for n in range(5)]
        first, second = table.data(rows), table.data(rows)
        third = table.data([dict(r, k=2) for r in rows])
        table.commit([first, second, third], operation="append")
        table.commit(table.vectors([(first, [1, 3]), (second, [0])]) if version == 3 else
                     [table.positions([(first, [1, 3])]), table.positions([(second, [0])])])
        tables[name] = Broken(table.folder, table.location)
    table = Foreign(folder / "equal", COLUMNS)
    table.commit([table.data(rows)], operation="append")
    table.commit([table.equality([{"id": 1}], ["id"])])
    tables["equal"] = Broken(table.folder, table.location)
    return tables


def test_whole_tables_are_clean(broken):
    for table in broken.values():
        assert lint(table.location).problems == []
    assert lint_lake(broken["tarn"].folder).problems == []


def first(tree, *keys):
    for key in keys:
        tree = tree[key]
    return tree


def put(*keys_and_value):
    """A change of metadata: the value below the keys is replaced."""
    *keys, last, value = keys_and_value

    def change(tree):
        first(tree, *keys)[last] = value
    return lambda table: table.edit(change)


def in_file(content=0, **values):
    return lambda table: table.files(lambda file: file.update(values), content)


def in_entry(content=0, **values):
    return lambda table: table.entries(lambda entry: entry.update(values), content)


def in_list(content=0, **values):
    return lambda table: table.listed(lambda item: item.update(values), content)


def in_pairs(name, value, number=None):
    def change(file):
        for item in file[name]:
            if number in (None, item["key"]):
                item["value"] = value
    return lambda table: table.files(change)


def schema_of(kind, change):
    """A change of the Avro schema of a list or manifest."""
    return lambda table: table.avro(
        table.list_path() if kind == "list" else table.manifest_path(), schema=change)


def fields(schema, *names):
    for name in names:
        kind = next(f for f in schema["fields"] if f["name"] == name)["type"]
        schema = kind[-1] if isinstance(kind, list) else kind
    return schema


def rename_without_gz(table):
    path = local(table.location)
    target = path.with_name(path.name.replace(".metadata.json", ".gz.metadata.json"))
    os.rename(path, target)
    table.location = str(target)


def another_parent(tree):
    schema = json.loads(json.dumps(tree["schemas"][0])) | {"schema-id": 1}
    schema["fields"][0]["type"] = "string"
    tree["schemas"].append(schema)


def log_entry(tree):
    tree["snapshot-log"].append({"snapshot-id": 77, "timestamp-ms": tree["last-updated-ms"]})


def statistics(tree):
    tree["statistics"] = [{"snapshot-id": tree["current-snapshot-id"], "statistics-path": "/none",
                           "file-size-in-bytes": 1, "file-footer-size-in-bytes": 1,
                           "blob-metadata": []}]


def twice(table):
    path = table.first_file()
    table.avro(table.manifest_path(), lambda records: records.append(dict(records[0])))
    assert path.is_file()


def unsort(found):
    return found.take(pyarrow.array(range(found.num_rows))[::-1])


def without_ids(found):
    return found.replace_schema_metadata(None).cast(pyarrow.schema(
        [pyarrow.field(f.name, f.type) for f in found.schema]))


def another_name(table):
    """The middle of a list has an element of another name, as pyarrow once wrote."""
    path = table.first_file()
    found = parquet.read_table(path)
    place = found.schema.get_field_index("li")
    field = found.schema.field(place)
    kind = pyarrow.list_(field.type.value_field.with_name("item"))
    changed = found.set_column(place, field.with_type(kind), found.column(place).cast(kind))
    parquet.write_table(changed, path, use_compliant_nested_type=False)


def torn(table):
    path = local(table.manifest_path())
    path.write_bytes(path.read_bytes()[:-40])


def other_type(found):
    place = found.schema.get_field_index("id")
    field = found.schema.field(place)
    return found.set_column(place, field.with_type(pyarrow.string()),
                            found.column(place).cast(pyarrow.string()))


def vector_byte(offset, value):
    """A byte of the first vector's blob, counted from its start."""
    def change(raw):
        raw[4 + offset] = value
        return raw
    return lambda table: table.patch(change)


def footer(old, new):
    return lambda table: table.patch(lambda raw: raw.replace(old, new))


def row_ids_again(table):
    """A file that brings its own row ids, which another file's rows have."""
    def change(found):
        column = pyarrow.array([7] * found.num_rows, pyarrow.int64())
        return found.append_column(pyarrow.field("_row_id", pyarrow.int64(), metadata={
            "PARQUET:field_id": "2147483540"}), column)
    data = read_avro(table.manifest_path())[0][0]["data_file"]
    path = local(data["file_path"])
    parquet.write_table(change(parquet.read_table(path)), path)


def updated_later(table):
    path = table.first_file()
    found = parquet.read_table(path)
    column = pyarrow.array([99] * found.num_rows, pyarrow.int64())
    parquet.write_table(found.append_column(pyarrow.field(
        "_last_updated_sequence_number", pyarrow.int64(),
        metadata={"PARQUET:field_id": "2147483539"}), column), path)


def other_partition(table):
    """The deletes of the first file say they are of the other partition."""
    table.files(lambda file: file["partition"].update(k=2), 1)


BROKEN = {
    "metadata-fields": ("tarn", put("last-column-id", "1")),
    "metadata-name": ("two", rename_without_gz),
    "schema-ids": ("tarn", put("last-column-id", 1)),
    "schema-types": ("tarn", put("schemas", 0, "fields", 0, "type", "timestamp_ns")),
    "schema-evolution": ("two", lambda t: t.edit(another_parent)),
    "schema-defaults": ("two", put("schemas", 0, "fields", 0, "initial-default", 5)),
    "identifier-fields": ("two", put("schemas", 0, "identifier-field-ids", [1])),
    "spec-ids": ("tarn", put("last-partition-id", 999)),
    "transforms": ("tarn", put("partition-specs", 0, "fields", 0, "transform", "month")),
    "sort-orders": ("tarn", put("sort-orders", 0, "fields", [
        {"source-id": 1, "transform": "identity", "direction": "up", "null-order": "first"}])),
    "snapshot-fields": ("tarn", put("snapshots", 0, "summary", "operation", "upsert")),
    "snapshot-sequence": ("tarn", put("last-sequence-number", 1)),
    "snapshot-times": ("tarn", put("snapshots", 1, "timestamp-ms", 1000)),
    "snapshot-row-ids": ("three", put("snapshots", 0, "added-rows", 4000)),
    "snapshot-summary": ("tarn", put("snapshots", 1, "summary", "total-records", "7")),
    "snapshot-operation": ("two", put("snapshots", 1, "summary", "operation", "append")),
    "next-row-id": ("three", put("next-row-id", 3)),
    "refs": ("tarn", put("refs", "old", {"snapshot-id": 77, "type": "tag"})),
    "snapshot-log": ("tarn", lambda t: t.edit(log_entry)),
    "metadata-log": ("tarn", put("metadata-log", [{"metadata-file": "/none", "timestamp-ms": 1}])),
    "name-mapping": ("tarn", put("properties", "schema.name-mapping.default",
                                 '[{"names": ["id"], "field-id": 77}]')),
    "statistics": ("tarn", lambda t: t.edit(statistics)),
    "list-records": ("tarn", schema_of("list", lambda s: s.update(name="manifests"))),
    "list-header": ("tarn", lambda t: t.avro(t.list_path(), header=lambda h: h.clear())),
    "list-entries": ("tarn", in_list(manifest_length=7)),
    "list-sequence": ("tarn", in_list(min_sequence_number=9)),
    "list-counts": ("tarn", in_list(added_files_count=9)),
    "list-partitions": ("tarn", lambda t: t.listed(
        lambda m: m["partitions"][0].update(lower_bound=b"\x07\0\0\0"))),
    "list-row-ids": ("three", in_list(first_row_id=None)),
    "avro-codec": ("tarn", lambda t: recode(t)),
    "manifest-header": ("tarn", lambda t: t.avro(
        t.manifest_path(), header=lambda h: h.update({"partition-spec": '{"fields": []}'}))),
    "manifest-records": ("tarn", schema_of("manifest", lambda s: fields(s, "data_file").update(
        name="data_file"))),
    "manifest-partition": ("tarn", schema_of("manifest", lambda s: fields(
        s, "data_file", "partition").update(name="partition"))),
    "manifest-content": ("two", lambda t: t.files(lambda f: f.update(content=0), 1)),
    "entry-status": ("tarn", in_entry(snapshot_id=77)),
    "entry-sequence": ("tarn", in_entry(status=0, sequence_number=None)),
    "entry-row-ids": ("three", in_file(1, first_row_id=7)),
    "entry-format": ("tarn", in_file(file_format="CSV")),
    "entry-order": ("tarn", in_file(sort_order_id=9)),
    "file-live-once": ("tarn", twice),
    "file-there": ("tarn", in_file(file_size_in_bytes=1)),
    "readable": ("tarn", torn),
    "file-rows": ("tarn", in_file(record_count=7)),
    "split-offsets": ("tarn", in_file(split_offsets=[77])),
    "metrics-fields": ("tarn", lambda t: t.files(
        lambda f: f["value_counts"].append({"key": 77, "value": 1}))),
    "metrics-present": ("tarn", in_file(null_value_counts=None)),
    "value-counts": ("tarn", in_pairs("value_counts", 9)),
    "null-counts": ("tarn", in_pairs("null_value_counts", 9)),
    "nan-counts": ("tarn", lambda t: t.files(
        lambda f: f.update(nan_value_counts=[{"key": 2, "value": 9}]))),
    "bounds-bytes": ("tarn", in_pairs("lower_bounds", b"abc", 1)),
    "bounds-hold": ("tarn", in_pairs("lower_bounds", struct.pack("<q", 100), 1)),
    "bounds-zero": ("tarn", in_pairs("lower_bounds", struct.pack("<d", 0.0), 2)),
    "bounds-short": ("tarn", in_pairs("upper_bounds", b"z" * 17, 3)),
    "partition-values": ("tarn", lambda t: t.files(
        lambda f: f["partition"].update(id_bucket=(f["partition"]["id_bucket"] + 1) % 4))),
    "parquet-ids": ("two", lambda t: t.rewrite_parquet(without_ids)),
    "parquet-lists": ("tarn", another_name),
    "parquet-types": ("two", lambda t: t.rewrite_parquet(other_type)),
    "puffin": ("three", footer(b'"snapshot-id"', b'"snapshot_id"')),
    "dv-fields": ("three", in_file(1, content_offset=None)),
    "dv-blob": ("three", vector_byte(20, 0xee)),
    "dv-footer": ("three", footer(b'"cardinality": "2"', b'"cardinality": "9"')),
    "dv-cardinality": ("three", in_file(1, record_count=9)),
    "dv-one": ("three", lambda t: one_target(t)),
    "dv-live": ("three", in_file(1, referenced_data_file="/none")),
    "pos-delete-columns": ("two", lambda t: t.rewrite_parquet(without_ids, 1)),
    "pos-delete-order": ("two", lambda t: t.rewrite_parquet(unsort, 1)),
    "pos-delete-reference": ("two", in_file(1, referenced_data_file="/none")),
    "pos-delete-version": ("three", in_file(1, file_format="PARQUET")),
    "deletes-in-bounds": ("two", in_file(0, record_count=2)),
    "deletes-partition": ("two", other_partition),
    "deletes-sequence": ("two", in_entry(0, sequence_number=5, file_sequence_number=5)),
    "equality-ids": ("equal", in_file(1, equality_ids=[77])),
    "equality-columns": ("equal", in_file(1, equality_ids=[1, 2])),
    "row-ids-unique": ("three", row_ids_again),
    "row-updated": ("three", updated_later),
}


def one_target(table):
    data = read_avro(table.manifest_path())[0][0]["data_file"]["file_path"]
    table.files(lambda file: file.update(referenced_data_file=data), 1)


def recode(table):
    """The list says that it is written in a codec which readers do not have."""
    path = table.list_path()
    found, head, schema = read_avro(path)
    head = {k: v for k, v in head.items() if not k.startswith("avro.")}
    with open(local(path), "wb") as out:
        fastavro.writer(out, schema, found, metadata=head, codec="bzip2")


def test_every_rule_is_shown():
    assert set(RULES) - {"orphans"} == set(BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_table_is_found(broken, rule):
    name, change = BROKEN[rule]
    table = broken[name]
    location = table.location
    try:
        change(table)
        found = lint(table.location).problems
    finally:
        table.location = location
        table.heal()
    assert any(problem.startswith(rule + ": ") for problem in found), found


def test_a_file_of_no_table_is_found(broken):
    table = broken["tarn"]
    stray = local(table.location).with_name("stray.avro")
    try:
        stray.write_bytes(b"")
        found = lint_lake(table.folder).problems
    finally:
        table.heal()
    assert found == ["sandbox.t: orphans: metadata/stray.avro: nothing refers to it"]
