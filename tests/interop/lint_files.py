"""The linter's rules for data files: the Parquet schema, and metrics against the rows."""

import math
import re

from lint_avro import local
from lint_values import (NO_BOUNDS, comparable, decode, is_nan, leaves, parquet_fits,
                         partition_output, shape, transformed, walk, written_kind)
from pyarrow import parquet

ROW_ID, LAST_UPDATED = 2147483540, 2147483539
RESERVED = {ROW_ID: "_row_id", LAST_UPDATED: "_last_updated_sequence_number"}
NODE = re.compile(r"\s*(required|optional|repeated) (\S+)(?:\([^)]*\))? field_id=(-?\d+) (.+?)"
                  r"(?: \((.+)\))?(;| \{)$")


def pairs(field):
    return {item["key"]: item["value"] for item in field or []}


class Node:
    def __init__(self, found):
        self.repetition, self.kind, number, self.name, self.logical = found.groups()[:5]
        self.id, self.children = int(number), []


def parquet_tree(schema):
    """The nodes of a Parquet schema, from pyarrow's text of it (it gives groups' ids nowhere)."""
    stack = [[]]
    for line in str(schema).splitlines()[1:]:
        found = NODE.match(line)
        if found:
            node = Node(found)
            stack[-1].append(node)
            if found[6] == " {":
                stack.append(node.children)
        elif line.strip() == "}":
            stack.pop()
    return stack[0][0].children


def unfold(lint, where, nodes):
    """Ids and names as `shape` has them; lists and maps must have their three levels."""
    out = []
    for node in nodes:
        logical = node.logical or ""
        inner = []
        if logical.startswith(("List", "Map")):
            middle = node.children[0] if node.children else None
            want = ("list", ["element"]) if logical.startswith("List") else \
                ("key_value", ["key", "value"])
            fine = middle is not None and len(node.children) == 1 and \
                middle.repetition == "repeated" and middle.name == want[0] and \
                [child.name for child in middle.children] == want[1]
            if not lint.check("parquet-lists", fine, where, f"{node.name} has not three levels"):
                continue
            lint.check("parquet-lists", middle.id == -1, where,
                       f"the repeated group of {node.name} has a field id")
            inner = unfold(lint, where, middle.children)
        elif node.children and not logical.startswith("Variant") and \
                {c.name for c in node.children} - {"metadata", "value", "typed_value"}:
            inner = unfold(lint, where, node.children)
        lint.check("parquet-lists", node.repetition != "repeated", where,
                   f"{node.name} is repeated outside of a list")
        out.append((node.id, node.name, inner))
    return out


def types_fit(fields, columns):
    """Whether each column of a file has its type of a schema, or one that promotes to it."""
    return all(kind == "unknown" or (number in columns and parquet_fits(
        written_kind(kind, columns[number]), columns[number]))
        for number, (_, kind, _) in leaves(fields).items())


def fit_schema(lint, where, metadata, schemas, tree, columns):
    """The schema's fields a file was written with; None when there is none."""
    rest = [node for node in tree if node[0] not in RESERVED]
    for node in tree:
        if node[0] in RESERVED:
            lint.check("parquet-ids", metadata["format-version"] > 2, where,
                       f"column {node[1]} before version 3")
    known = [fields for fields in schemas if shape(fields) == rest]
    if known:
        return next((fields for fields in known if types_fit(fields, columns)), known[-1])
    numbers = sorted(schema["schema-id"] for schema in metadata["schemas"])
    if numbers != list(range(len(numbers))):  # the schema may have been removed since
        every = {}
        for fields in schemas:
            for field, path, _ in walk(fields):
                every[field["id"]] = len(path)

        def fits(nodes, depth):
            return all(every.get(number, depth) == depth and fits(inner, depth + 1)
                       for number, _, inner in nodes)
        if fits(rest, 1) and all(number > 0 for number, _, _ in rest):
            newest = max(metadata["schemas"], key=lambda s: s["schema-id"])["fields"]
            have = {number for number, _, _ in rest}
            return [field for field in newest if field["id"] in have]
    lint.say("parquet-ids", where, f"its fields {rest} are those of no schema of the table")
    return None


class DataFile:
    """A Parquet file of a table, opened: footer, leaves by field id, rows when they are few."""

    def __init__(self, lint, where, path, few):
        self.opened = parquet.ParquetFile(local(path))
        self.rows = self.opened.metadata.num_rows
        self.tree = unfold(lint, where, parquet_tree(self.opened.schema))
        self.few = self.rows <= few
        self.columns = {}
        self.table = self.opened.read() if self.few else None

    def by_leaf(self):
        """{field id: leaf of the Parquet schema}, in the order of the file."""
        schema = self.opened.schema
        ids = []

        def look(nodes):
            for number, _, inner in nodes:
                if inner:
                    look(inner)
                else:
                    ids.append(number)
        look(self.tree)
        return dict(zip(ids, (schema.column(i) for i in range(len(schema.names)))))

    def values(self, path):
        """A column's values, as Python has them; nanoseconds as numbers."""
        import pyarrow

        if path[0] not in self.columns:
            column = self.table.column(path[0])
            if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
                column = column.cast(pyarrow.int64())
            self.columns[path[0]] = column.to_pylist()
        for value in self.columns[path[0]]:
            for name in path[1:]:
                value = value[name] if value is not None else None
            yield value


def check_footer(lint, where, file, entry):
    lint.check("file-rows", file.rows == entry["record_count"], where,
               f"record_count is {entry['record_count']}, the file has {file.rows} rows")
    groups = [file.opened.metadata.row_group(i) for i in range(file.opened.num_row_groups)]
    first = [g.column(0) for g in groups]
    starts = [min(c.dictionary_page_offset or c.data_page_offset, c.data_page_offset)
              for c in first]
    offsets = entry.get("split_offsets")
    if offsets is not None:
        lint.check("split-offsets", list(offsets) == starts, where,
                   f"split_offsets are {offsets}, row groups start at {starts}")
    sizes = pairs(entry.get("column_sizes"))
    lint.check("metrics-fields", all(v >= 0 for v in sizes.values()) and
               sum(sizes.values()) <= entry["file_size_in_bytes"], where,
               "column_sizes are more than the file")


def check_data_file(lint, metadata, schemas, spec, entry, few):
    """Returns the opened file, or None."""
    where = entry["file_path"].rsplit("/", 1)[-1]
    file = DataFile(lint, where, entry["file_path"], few)
    check_footer(lint, where, file, entry)
    columns = file.by_leaf()
    fields = fit_schema(lint, where, metadata, schemas, file.tree, columns)
    if fields is None:
        return None
    known = leaves(fields)
    written = {}
    # a variant is several leaves, and what stands behind it is then taken for one of them
    shifted = any(kind == "variant" for _, kind, _ in known.values())
    for number, (path, kind, _) in known.items():
        if kind == "unknown" or number not in columns or shifted:
            continue
        written[number] = written_kind(kind, columns[number])
        lint.check("parquet-types", parquet_fits(written[number], columns[number]), where,
                   f"{'.'.join(path)} of type {kind} is {columns[number].physical_type} "
                   f"{columns[number].logical_type}")
    metrics = {name: pairs(entry.get(name)) for name in (
        "value_counts", "null_value_counts", "nan_value_counts", "lower_bounds", "upper_bounds")}
    for number in {n for found in metrics.values() for n in found}:
        lint.check("metrics-fields", number in known or number in RESERVED, where,
                   f"metrics of field {number}, which is no column of it")
    for number, (path, kind, deep) in known.items():
        here = [metrics[name].get(number) for name in metrics]
        if deep or kind in NO_BOUNDS or kind.startswith("geo"):
            lint.check("metrics-fields", kind.startswith(("geo", "variant")) or
                       (here[3] is None and here[4] is None), where,
                       f"bounds of {'.'.join(path)}, which has none")
        elif file.few and number in written:
            check_column(lint, f"{where} {'.'.join(path)}", written[number],
                         list(file.values(names_in_file(file.tree, number))), *here)
    if file.few:
        check_partition(lint, where, metadata, spec, file, known, entry)
    return file


def names_in_file(nodes, number):
    """The path of a column in the file itself: it may have been renamed since."""
    for found, name, inner in nodes:
        if found == number:
            return (name,)
        below = names_in_file(inner, number)
        if below:
            return (name, *below)
    return ()


def check_column(lint, where, kind, values, count, null, nan, lower, upper):
    lint.values += 1
    present = [v for v in values if v is not None]
    ordered = [v for v in present if not is_nan(v)]
    lint.check("value-counts", count in (None, len(values)), where,
               f"value count {count}, not {len(values)}")
    lint.check("null-counts", null in (None, len(values) - len(present)), where,
               f"null count {null}, not {len(values) - len(present)}")
    if lint.own:
        lint.check("metrics-present", None not in (count, null), where, "no counts")
    lint.check("nan-counts", nan is None or (kind in ("float", "double") and
                                             nan == len(present) - len(ordered)), where,
               f"NaN count {nan}")
    lint.check("bounds-hold", bool(ordered) or (lower is None and upper is None), where,
               "bounds of no values")
    for raw, low in ((lower, True), (upper, False)):
        if raw is not None:
            check_bound(lint, where, kind, raw, ordered, low)


def check_bound(lint, where, kind, raw, values, lower):
    bound, wrong = decode(kind, raw)
    side = "lower" if lower else "upper"
    if not lint.check("bounds-bytes", wrong is None, where, f"{side} bound: {wrong}"):
        return
    mark = comparable(kind, bound)
    for value in values:
        here = comparable(kind, value)
        if not (mark <= here if lower else mark >= here):
            lint.say("bounds-hold", where, f"{side} bound {bound!r} does not hold {value!r}")
            return
    if isinstance(bound, float) and bound == 0:
        lint.check("bounds-zero", math.copysign(1, bound) == (-1 if lower else 1), where,
                   f"{side} bound of zero has the wrong sign")
    if lint.own and kind in ("string", "binary"):
        lint.check("bounds-short", len(bound) <= 16, where, f"{side} bound of length {len(bound)}")


def check_partition(lint, where, metadata, spec, file, known, entry):
    """Every row's transformed values are the file's partition; dropped sources cannot be asked."""
    for field in spec:
        source = field.get("source-id", field.get("source-ids", [None])[0])
        if field["transform"] == "void":
            lint.check("partition-values", entry["partition"][field["key"]] is None, where,
                       "a void partition that is not null")
            continue
        if source not in known or known[source][2] or field["kind"] is None:
            continue
        path = names_in_file(file.tree, source)
        if not path:
            continue
        wanted = transformed(field["transform"], known[source][1], file.values(path))
        value = partition_output(entry["partition"][field["key"]])
        same = wanted == {value} or (is_nan(value) and all(map(is_nan, wanted)))
        lint.check("partition-values", same or not file.rows, where,
                   f"partition {field['name']} is {value!r}, its rows give {wanted!r}")
