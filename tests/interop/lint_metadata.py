"""The linter's rules for metadata.json: schemas, specs, orders, snapshots, refs, logs, row ids."""

import gzip
import json
import re

from lint_avro import local
from lint_values import known_type, leaves, promotes, result_kind, walk

FIELDS = {"format-version": int, "table-uuid": str, "location": str, "last-updated-ms": int,
          "last-column-id": int, "schemas": list, "current-schema-id": int,
          "partition-specs": list, "default-spec-id": int, "last-partition-id": int,
          "sort-orders": list, "default-sort-order-id": int}
FIELDS_V2 = {"last-sequence-number": int}
FIELDS_V3 = {"next-row-id": int}
OPERATIONS = ("append", "replace", "overwrite", "delete")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SKEW_MS = 60000  # how far Iceberg's own commits allow clocks to be apart


def load(lint, location):
    """The metadata as a tree; the name tells the codec."""
    name = location.rsplit("/", 1)[-1]
    raw = local(location).read_bytes()
    packed = raw[:2] == b"\x1f\x8b"
    lint.check("metadata-name", re.fullmatch(r"(v\d+|\d+-[0-9a-f-]+)(\.gz)?\.metadata\.json", name)
               and packed == (".gz." in name), name, "the name does not tell what the file is")
    return json.loads(gzip.decompress(raw) if packed else raw)


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def check_top(lint, metadata):
    """Returns whether the rest can be looked at."""
    version = metadata.get("format-version")
    if not lint.check("metadata-fields", version in (1, 2, 3), "metadata",
                      f"format-version {version}"):
        return False
    wanted = dict(FIELDS) | (FIELDS_V2 if version > 1 else {}) | (FIELDS_V3 if version > 2 else {})
    fine = [lint.check("metadata-fields", isinstance(metadata.get(name), kind) and
                       not isinstance(metadata.get(name), bool), "metadata",
                       f"{name} is {metadata.get(name)!r}") for name, kind in wanted.items()]
    lint.check("metadata-fields", UUID.fullmatch(str(metadata.get("table-uuid"))), "metadata",
               "table-uuid is no UUID")
    lint.check("metadata-fields", not str(metadata.get("location")).endswith("/"), "metadata",
               "location ends with a slash")
    properties = metadata.get("properties", {})
    lint.check("metadata-fields", all(isinstance(v, str) for v in properties.values()),
               "metadata", "a property that is no text")
    lint.check("metadata-fields", version > 2 or "next-row-id" not in metadata, "metadata",
               "next-row-id before version 3")
    return all(fine)


def by_id(lint, rule, items, key, default, what):
    """{id: item}; ids come once and the default is one of them."""
    ids = [item.get(key) for item in items]
    lint.check(rule, all(map(is_int, ids)) and len(ids) == len(set(ids)), "metadata",
               f"ids of {what} are {ids}")
    lint.check(rule, default in ids, "metadata", f"there is no {what} {default}")
    return dict(zip(ids, items))


# --- schemas -------------------------------------------------------------------------------------

def check_schema(lint, metadata, schema):
    where = f"schema {schema.get('schema-id')}"
    version = metadata["format-version"]
    nodes = list(walk(schema["fields"]))
    ids = [field["id"] for field, _, _ in nodes]
    lint.check("schema-ids", len(ids) == len(set(ids)), where, "a field id comes twice")
    lint.check("schema-ids", max(ids, default=0) <= metadata["last-column-id"], where,
               "a field id is above last-column-id")
    paths = [path for _, path, _ in nodes]
    lint.check("schema-ids", len(paths) == len(set(paths)), where, "a name comes twice")
    for field, path, _ in nodes:
        name = ".".join(path)
        if isinstance(field["type"], str):
            lint.check("schema-types", known_type(field["type"], version), where,
                       f"{name} has type {field['type']}")
        lint.check("schema-types", isinstance(field.get("required"), bool), where,
                   f"{name} does not say whether it is required")
        check_default(lint, where, version, field, name)
    by_number = {field["id"]: (field, deep) for field, _, deep in nodes}
    for number in schema.get("identifier-field-ids", []):
        field, deep = by_number.get(number, ({"type": {}, "required": False}, True))
        lint.check("identifier-fields", isinstance(field["type"], str) and field["required"] and
                   not deep and field["type"] not in ("float", "double"), where,
                   f"field {number} cannot identify rows")


def check_default(lint, where, version, field, name):
    for key in ("initial-default", "write-default"):
        value = field.get(key)
        if value is None:
            continue
        kind = field["type"]
        lint.check("schema-defaults", version >= 3, where, f"{name} has a {key} before version 3")
        if isinstance(kind, dict):
            fine = kind["type"] == "struct" and value == {}
        else:
            fine = {"boolean": bool, "int": int, "long": int, "float": (int, float),
                    "double": (int, float)}.get(kind, str)
            fine = isinstance(value, fine) and kind not in ("variant", "unknown") and \
                not kind.startswith("geo")
        lint.check("schema-defaults", fine, where, f"{name} has the {key} {value!r}")


def check_evolution(lint, metadata):
    """A field keeps its id, its place below a parent, its initial default, and widens at most."""
    seen = {}
    for schema in sorted(metadata["schemas"], key=lambda s: s["schema-id"]):
        parents = {}
        for field, path, _ in walk(schema["fields"]):
            parents[path] = field["id"]
            now = (field["type"], parents.get(path[:-1]), field.get("initial-default"))
            old = seen.setdefault(field["id"], now)
            where = f"schema {schema['schema-id']}"
            both = isinstance(old[0], str) and isinstance(now[0], str)
            lint.check("schema-evolution", (both and (promotes(old[0], now[0]) or
                                                      promotes(now[0], old[0]))) or
                       (not both and isinstance(old[0], dict) and isinstance(now[0], dict) and
                        old[0]["type"] == now[0]["type"]), where,
                       f"field {field['id']} was {old[0]} and is {now[0]}")
            lint.check("schema-evolution", old[1] == now[1], where,
                       f"field {field['id']} moved to another parent")
            lint.check("schema-defaults", old[2] == now[2], where,
                       f"the initial default of field {field['id']} changed")
            seen[field["id"]] = now


# --- layout --------------------------------------------------------------------------------------

def check_specs(lint, metadata):
    known = {}
    for spec in metadata["partition-specs"]:
        where = f"partition spec {spec['spec-id']}"
        ids = [f.get("field-id") for f in spec["fields"]]
        names = [f["name"] for f in spec["fields"]]
        lint.check("spec-ids", len(set(ids)) == len(ids) and len(set(names)) == len(names), where,
                   "an id or a name comes twice")
        lint.check("spec-ids", all(1000 <= n <= metadata["last-partition-id"] for n in ids), where,
                   f"field ids {ids}, last-partition-id {metadata['last-partition-id']}")
        for field in spec["fields"]:
            sources = field.get("source-ids", [field.get("source-id")])
            same = known.setdefault(field["field-id"], (sources, field["transform"]))
            lint.check("spec-ids", metadata["format-version"] == 1 or
                       same == (sources, field["transform"]), where,
                       f"field {field['field-id']} is something else in another spec")
            lint.check("transforms", field["transform"] == "void" or
                       source_kind(metadata, sources[0], field["transform"]), where,
                       f"{field['transform']} of field {sources[0]}")
    current = next(s for s in metadata["schemas"]
                   if s["schema-id"] == metadata["current-schema-id"])
    columns = {field["name"]: field["id"] for field in current["fields"]}
    for spec in metadata["partition-specs"]:
        if spec["spec-id"] == metadata["default-spec-id"]:
            for field in spec["fields"]:
                lint.check("spec-ids", field["name"] not in columns or
                           (field["transform"] in ("identity", "void") and
                            columns[field["name"]] == field.get("source-id")), "metadata",
                           f"partition field {field['name']} has the name of another column")


def source_kind(metadata, number, transform):
    """The result type of a transform of the newest type of a column, or None."""
    for schema in sorted(metadata["schemas"], key=lambda s: -s["schema-id"]):
        found = leaves(schema["fields"]).get(number)
        if found is not None and not found[2]:
            try:
                return result_kind(transform, found[1])
            except (ValueError, TypeError):
                return None
    return None


def check_orders(lint, metadata):
    for order in metadata["sort-orders"]:
        where = f"sort order {order['order-id']}"
        lint.check("sort-orders", (order["order-id"] == 0) == (not order["fields"]), where,
                   "order 0 is the empty one")
        for field in order["fields"]:
            lint.check("sort-orders", field.get("direction") in ("asc", "desc") and
                       field.get("null-order") in ("nulls-first", "nulls-last") and
                       source_kind(metadata, field.get("source-id"), field["transform"]), where,
                       f"{field}")


# --- history -------------------------------------------------------------------------------------

def check_snapshots(lint, metadata):
    version = metadata["format-version"]
    snapshots = metadata.get("snapshots", [])
    ids = [snapshot["snapshot-id"] for snapshot in snapshots]
    lint.check("snapshot-fields", len(ids) == len(set(ids)), "metadata",
               "a snapshot id comes twice")
    schemas = {s["schema-id"] for s in metadata["schemas"]}
    known = dict(zip(ids, snapshots))
    for snapshot in snapshots:
        where = f"snapshot {snapshot['snapshot-id']}"
        wanted = {"timestamp-ms": int}
        if version > 1:
            wanted |= {"manifest-list": str, "summary": dict}
        for name, kind in wanted.items():
            lint.check("snapshot-fields", isinstance(snapshot.get(name), kind), where,
                       f"{name} is {snapshot.get(name)!r}")
        lint.check("snapshot-fields", snapshot.get("schema-id", min(schemas)) in schemas, where,
                   f"there is no schema {snapshot.get('schema-id')}")
        lint.check("snapshot-fields", snapshot.get("summary", {"operation": "append"})
                   .get("operation") in OPERATIONS, where, "operation")
        parent = known.get(snapshot.get("parent-snapshot-id"))
        if parent is not None:
            lint.check("snapshot-sequence", version == 1 or parent.get("sequence-number", 0) <
                       snapshot.get("sequence-number", 0), where, "not younger than its parent")
            lint.check("snapshot-times", snapshot["timestamp-ms"] >= parent["timestamp-ms"] -
                       SKEW_MS, where, "earlier than its parent")
        lint.check("snapshot-times", snapshot["timestamp-ms"] <= metadata["last-updated-ms"] +
                   SKEW_MS, where, "later than the metadata")
    numbers = [s.get("sequence-number", 0) for s in snapshots]
    if version > 1:
        born = [n for n in numbers if n > 0]  # those of version 1 have none
        lint.check("snapshot-sequence", len(born) == len(set(born)), "metadata",
                   "a sequence number comes twice")
        lint.check("snapshot-sequence", metadata["last-sequence-number"] >= max(numbers, default=0),
                   "metadata", "last-sequence-number is below a snapshot's")
    if version > 2:
        check_row_ranges(lint, metadata)


def check_row_ranges(lint, metadata):
    """The row ids that snapshots took: in order, apart, and below next-row-id."""
    taken = 0
    snapshots = [s for s in metadata.get("snapshots", []) if s.get("first-row-id") is not None]
    for snapshot in sorted(snapshots, key=lambda s: s["sequence-number"]):
        where = f"snapshot {snapshot['snapshot-id']}"
        if not lint.check("snapshot-row-ids", is_int(snapshot.get("added-rows")) and
                          is_int(snapshot["first-row-id"]), where, "no added-rows"):
            continue
        lint.check("snapshot-row-ids", snapshot["first-row-id"] >= taken, where,
                   f"first-row-id {snapshot['first-row-id']}, ids to {taken} were taken before")
        taken = max(taken, snapshot["first-row-id"] + snapshot["added-rows"])
    lint.check("next-row-id", metadata["next-row-id"] >= taken, "metadata",
               f"next-row-id is {metadata['next-row-id']}, ids to {taken} are taken")
    newest = max(metadata.get("snapshots", []), key=lambda s: s["sequence-number"], default=None)
    marked = [s["sequence-number"] for s in snapshots]
    lint.check("snapshot-row-ids", newest is None or not marked or
               newest.get("first-row-id") is not None, "metadata",
               "the newest snapshot has no first-row-id, older ones have")


def check_refs(lint, metadata):
    known = {s["snapshot-id"] for s in metadata.get("snapshots", [])}
    current = metadata.get("current-snapshot-id")
    refs = metadata.get("refs", {})
    if current not in (None, -1):
        lint.check("refs", current in known, "metadata", "there is no current snapshot")
        if metadata["format-version"] > 1 or "main" in refs:
            lint.check("refs", refs.get("main", {}).get("snapshot-id") == current, "metadata",
                       "main is not the current snapshot")
    else:
        lint.check("refs", "main" not in refs, "metadata", "main without a current snapshot")
    for name, ref in refs.items():
        lint.check("refs", ref.get("snapshot-id") in known, f"ref {name}", "its snapshot is gone")
        lint.check("refs", ref.get("type") in ("branch", "tag") and
                   (name != "main" or ref["type"] == "branch"), f"ref {name}", "its type")
        for key in ("min-snapshots-to-keep", "max-snapshot-age-ms", "max-ref-age-ms"):
            value = ref.get(key)
            lint.check("refs", value is None or (is_int(value) and value > 0 and (
                key == "max-ref-age-ms" or ref["type"] == "branch")), f"ref {name}",
                f"{key} {value}")


def check_logs(lint, metadata, location):
    known = {s["snapshot-id"] for s in metadata.get("snapshots", [])}
    log = metadata.get("snapshot-log", [])
    times = [entry["timestamp-ms"] for entry in log]
    lint.check("snapshot-log", all(b >= a - SKEW_MS for a, b in zip(times, times[1:])),
               "snapshot-log", "times go back")
    lint.check("snapshot-log", all(entry["snapshot-id"] in known for entry in log),
               "snapshot-log", "names a snapshot that is gone")
    current = metadata.get("current-snapshot-id")
    if current not in (None, -1) and log:
        lint.check("snapshot-log", log[-1]["snapshot-id"] == current, "snapshot-log",
                   "does not end with the current snapshot")
    log = metadata.get("metadata-log", [])
    times = [entry["timestamp-ms"] for entry in log] + [metadata["last-updated-ms"]]
    lint.check("metadata-log", all(b >= a - SKEW_MS for a, b in zip(times, times[1:])),
               "metadata-log", "times go back")
    names = [str(local(entry["metadata-file"])) for entry in log]
    lint.check("metadata-log", len(names) == len(set(names)) and str(local(location)) not in names,
               "metadata-log", "names a file twice, or this one")
    kept = int(metadata.get("properties", {}).get("write.metadata.previous-versions-max", 100))
    lint.check("metadata-log", len(log) <= max(kept, 1), "metadata-log", f"{len(log)} entries")
    for name in names:
        lint.check("metadata-log", local(name).is_file(), "metadata-log", f"{name} is not there")


def check_name_mapping(lint, metadata):
    text = metadata.get("properties", {}).get("schema.name-mapping.default")
    if text is None:
        return
    known = {f["id"] for s in metadata["schemas"] for f, _, _ in walk(s["fields"])}

    def look(fields):
        for field in fields:
            lint.check("name-mapping", isinstance(field.get("names"), list) and
                       field.get("field-id") in known | {None}, "name mapping", f"{field}")
            look(field.get("fields", []))
    look(json.loads(text))


def check_metadata(lint, metadata, location):
    if not check_top(lint, metadata):
        return False
    by_id(lint, "schema-ids", metadata["schemas"], "schema-id", metadata["current-schema-id"],
          "schema")
    by_id(lint, "spec-ids", metadata["partition-specs"], "spec-id", metadata["default-spec-id"],
          "partition spec")
    by_id(lint, "sort-orders", metadata["sort-orders"], "order-id",
          metadata["default-sort-order-id"], "sort order")
    for schema in metadata["schemas"]:
        check_schema(lint, metadata, schema)
    check_evolution(lint, metadata)
    check_specs(lint, metadata)
    check_orders(lint, metadata)
    check_snapshots(lint, metadata)
    check_refs(lint, metadata)
    check_logs(lint, metadata, location)
    check_name_mapping(lint, metadata)
    return True
