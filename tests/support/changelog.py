"""What a table's changes must add up to: the rows of one snapshot and what changed since are the
rows of another, as multisets. As SQL for tarn, with names and types taken from the metadata file by
field id, so that it holds across schema evolution."""

import json

SIGN = "case when _change_type in ('INSERT', 'UPDATE_AFTER') then 1 else -1 end"


class History:
    """A table's snapshots, as its metadata file has them."""

    def __init__(self, location):
        with open(location, encoding="utf-8") as file:
            self.metadata = json.load(file)
        self.snapshots = {s["snapshot-id"]: s for s in self.metadata["snapshots"]}
        self.refs = {name: ref["snapshot-id"] for name, ref in self.metadata["refs"].items()}
        self.schemas = {s["schema-id"]: s["fields"] for s in self.metadata["schemas"]}

    def chain(self, ref="main"):
        """The ancestors of a branch, oldest first."""
        at, found = self.refs.get(ref), []
        while at in self.snapshots:
            found.insert(0, at)
            at = self.snapshots[at].get("parent-snapshot-id")
        return found

    def fields(self, snapshot):
        return self.schemas[self.snapshots[snapshot]["schema-id"]]

    def replaces(self, snapshot):
        return self.snapshots[snapshot]["summary"]["operation"] == "replace"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def rows_of(history, table, snapshot, names):
    """The rows of a snapshot with the columns of another: [(field id, name)]."""
    own = {f["id"]: quoted(f["name"]) for f in history.fields(snapshot)}
    columns = ", ".join(f"{own.get(number, 'null')} as {quoted(name)}" for number, name in names)
    return f"select {columns}, 1 as n from {table} for version as of {snapshot}"


def difference(history, table, start, end):
    """SQL of one number: rows by which `start` (None: no rows) with its changes is not `end`."""
    names = [(f["id"], f["name"]) for f in history.fields(end)]
    columns = ", ".join(quoted(name) for _, name in names)
    schema, name = table.rsplit(".", 1)
    changes = f"{schema}.\"{name}$changes\""
    span = f"for version as of {end}" if start is None else f"for version from {start} to {end}"
    parts = [f"select {columns}, {SIGN} as n from {changes} {span}",
             rows_of(history, table, end, names).replace(", 1 as n", ", -1 as n")]
    if start is not None:
        parts.insert(0, rows_of(history, table, start, names))
    return f"select count(*) from (select {columns}, sum(n) as s from (" + \
        " union all ".join(parts) + f") group by {columns} having sum(n) <> 0)"


def between(table, start, end):
    schema, name = table.rsplit(".", 1)
    return f"{schema}.\"{name}$changes\" for version from {start} to {end}"


def unsettled(history, table, start, end):
    """SQL of one number: changes that are none, for a row equal in all columns came and went with
    the same snapshot (of rows without ids; others may be of two ids); updates of which a half is
    missing."""
    names = ", ".join(quoted(f["name"]) for f in history.fields(end))
    changes = between(table, start, end)
    kinds = "'INSERT', 'DELETE'" if history.metadata["format-version"] < 3 else \
        "'UPDATE_BEFORE', 'UPDATE_AFTER'"
    return f"select (select count(*) from (select {names}, _change_ordinal from {changes} where " \
        f"_change_type in ({kinds}) group by all having count(distinct _change_type) > 1)) + " \
        "(select abs(count(*) filter (_change_type = 'UPDATE_BEFORE') - count(*) filter " \
        f"(_change_type = 'UPDATE_AFTER')) from {changes})"


def pruned(table, start, end, where):
    """SQL of one number: 0 if a filter finds what it finds behind a LIMIT that no filter passes."""
    changes = between(table, start, end)
    told = "select list(x order by x) from (select _change_type || count(*) || ' ' || " \
        "coalesce(sum(id), -1) || ' ' || max(_commit_snapshot_id) as x from {} where {} " \
        "group by _change_type)"
    return f"select case when ({told.format(changes, where)}) is not distinct from " \
        f"({told.format(f'(select * from {changes} limit 1000000)', where)}) then 0 else 1 end"
