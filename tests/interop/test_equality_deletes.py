"""Equality deletes, which tarn reads and never writes: by another writer (foreign.py) in random
order with everything else, and by Iceberg's own Java writer. The expected rows are computed here
from the rules alone; Spark reads the tables too, where it is at hand, and judges the model."""

import random

import pytest
from conftest import ordered, plain
from foreign import Foreign
from linter import lint
from test_spark_writes import read


class Model:
    """The rows of a table as the rules of deletes have them (specification, "Scan Planning")."""

    def __init__(self):
        self.rows = []  # [values by field id, sequence number, spec id, partition, file, position]
        self.dead = set()

    def add(self, table, file, sequence, values):
        for position, row in enumerate(values):
            self.rows.append((row, sequence, table.spec["spec-id"], file["partition"],
                              file["file_path"], position))

    def positions(self, file, positions):
        self.dead |= {(file["file_path"], p) for p in positions}

    def equal(self, table, file, sequence, keys):
        """Rows of data that is strictly older, of the same partition or under a spec without."""
        everywhere = not table.spec["fields"]
        for row in self.rows:
            values, born, spec, partition, path, position = row
            same = everywhere or (spec == table.spec["spec-id"] and
                                  partition == file["partition"])
            if born < sequence and same and any(
                    all(values.get(n) == key[n] for n in key) for key in keys):
                self.dead.add((path, position))

    def live(self, fields):
        return ordered([{f["name"]: plain(row[0].get(f["id"])) for f in fields}
                        for row in self.rows if (row[4], row[5]) not in self.dead])


COLUMNS = [("id", "long"), ("k", "long"), ("name", "string"), ("small", "int"), ("d", "date")]


class Play:
    """One table made of random commits, with its model."""

    def __init__(self, folder, seed, version, by):
        self.pick = random.Random(seed)
        self.table = Foreign(folder, COLUMNS, by, version)
        self.model = Model()
        self.live = []      # [(data file, values by field id of its rows)]
        self.vectors = {}   # path: positions
        self.specs_changed = False

    def row(self):
        import datetime

        pick = self.pick
        values = {"id": pick.randrange(12), "k": pick.randrange(3),
                  "name": pick.choice(["a", "b", "ä", "a long text of many letters"]),
                  "small": pick.randrange(-3, 3),
                  "d": datetime.date(1969, 12, 30) + datetime.timedelta(pick.randrange(4))}
        row = {}
        for field in self.table.fields:
            first = COLUMNS[field["id"] - 1][0] if field["id"] <= len(COLUMNS) else "k"
            row[field["name"]] = None if pick.random() < 0.15 else values[first]
        return row

    def by_id(self, row):
        return {f["id"]: row.get(f["name"]) for f in self.table.all_fields()
                if f["name"] in row}

    def new_data(self):
        groups = {}
        for _ in range(self.pick.randrange(1, 12)):
            row = self.row()
            groups.setdefault(repr(self.table.partition_of(row)), []).append(row)
        return [(self.table.data(rows), rows) for rows in groups.values()]

    def new_deletes(self):
        """Equality deletes by a random set of columns, one file for a partition they touch."""
        fields = self.pick.sample(self.table.fields, self.pick.randrange(1, 3))
        names = [f["name"] for f in fields]
        rows = [self.row() for _ in range(self.pick.randrange(1, 5))]
        place = self.row()
        file = self.table.equality(rows, names, place)
        return file, [{f["id"]: row[f["name"]] for f in fields} for row in rows]

    def new_positions(self):
        if not self.live:
            return []
        file, rows = self.pick.choice(self.live)
        chosen = set(self.pick.sample(range(len(rows)), min(len(rows), 2)))
        if file["spec"] != self.table.spec["spec-id"]:
            return []
        if self.table.version == 2:
            return [(file, chosen, self.table.positions([(file, sorted(chosen))]), None)]
        old = self.vectors.get(file["file_path"])
        chosen |= old or set()
        self.vectors[file["file_path"]] = chosen
        [vector] = self.table.vectors([(file, sorted(chosen))])
        return [(file, chosen, vector, ("dv", file["file_path"]) if old else None)]

    def commit(self):
        pick = self.pick
        data = self.new_data() if pick.random() < 0.7 else []
        deletes = [self.new_deletes() for _ in range(pick.randrange(1, 3))] \
            if pick.random() < 0.7 else []
        positions = self.new_positions() if pick.random() < 0.4 else []
        added = [f for f, _ in data] + [f for f, _ in deletes] + [p[2] for p in positions]
        if not added:
            return
        sequence = self.table.commit(added, [p[3] for p in positions if p[3]])
        for file, rows in data:
            self.model.add(self.table, file, sequence, [self.by_id(row) for row in rows])
            self.live.append((dict(file, spec=self.table.spec["spec-id"]), rows))
        for file, keys in deletes:
            self.model.equal(self.table, file, sequence, keys)
        for file, chosen, _, _ in positions:
            self.model.positions(file, chosen)

    def evolve(self):
        """Renames, a wider key column, a dropped key column, another one with its name."""
        step = self.pick.randrange(4)
        names = [f["name"] for f in self.table.fields]

        def change(fields):
            if step == 0:
                fields[0]["name"] = f"id_{len(self.table.metadata['schemas'])}"
            elif step == 1:
                for field in fields:
                    field["type"] = "long" if field["type"] == "int" else field["type"]
            elif step == 2 and "name" in names and len(fields) > 3:
                return [f for f in fields if f["name"] != "name"]
            elif "more" not in names:
                fields.append({"id": self.table.metadata["last-column-id"] + 1, "name": "more",
                               "type": "long", "required": False})
        self.table.set_fields(change)


LAYOUTS = {"": [], "identity": [("k", "identity")], "bucket": [("k", "bucket[2]")],
           "two": [("k", "identity"), ("d", "month")]}


@pytest.fixture
def judge(lake, request):
    """Spark's answer for a table of the lake, or nothing where Spark is not."""
    import spark_peer

    found, _ = spark_peer.environment()
    if found is None:
        return lambda name: None
    session = request.getfixturevalue("spark")

    def ask(name):
        try:
            return session.table(f"tarn.{name}")
        except Exception as error:
            # Iceberg 1.11 does not look for the columns of a delete in older schemas
            assert "Cannot find required field for ID" in str(error)
            return None
    return ask


def compare(lake, judge, play, name):
    assert lint(play.table.location, own=False).problems == []
    wanted = play.model.live(play.table.fields)
    lake.own = False
    lake.cli("table", "register", name, play.table.location)
    seen = judge(name)
    assert seen is None or seen == wanted, "the model is not what the reference reads"
    return wanted


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_deletes(lake, judge, tmp_path, layout, version):
    waiting = []
    for seed in range(2):
        play = Play(tmp_path / f"t{seed}", f"{layout}{version}{seed}", version, LAYOUTS[layout])
        for _ in range(7):
            play.commit()
            if play.pick.random() < 0.3:
                play.evolve()
        name = f"sandbox.t{seed}"
        waiting.append((name, compare(lake, judge, play, name)))
    for name, wanted in waiting:
        assert read(lake, f"select * from {name}") == wanted


@pytest.mark.parametrize("version", [2, 3])
def test_deletes_under_several_specs(lake, judge, tmp_path, version):
    """A delete is of the spec it was written under; one under a spec without fields is global."""
    play = Play(tmp_path / "t", f"specs{version}", version, LAYOUTS["identity"])
    for by in ([], [("k", "bucket[2]")], [("k", "identity"), ("d", "month")], []):
        for _ in range(4):
            play.commit()
        play.table.set_spec(by)
    for _ in range(4):
        play.commit()
    wanted = compare(lake, judge, play, "sandbox.t")
    assert read(lake, "select * from sandbox.t") == wanted
    for where in ("k = 1", "id < 5", "k is null", "name = 'a'"):
        assert read(lake, f"select count(*) as n from sandbox.t where {where}") == \
            read(lake, f"select count(*) as n from (select * from sandbox.t limit 10000) "
                 f"where {where}")


def test_order_of_commits(lake, judge, tmp_path):
    """A delete does not touch rows of its own commit, nor later ones; nulls are equal."""
    table = Foreign(tmp_path / "t", COLUMNS)
    rows = [{"id": 1, "k": 1}, {"id": None, "k": 2}, {"id": 3, "k": None}]
    table.commit([table.data(rows)], operation="append")
    table.commit([table.data([{"id": 1, "k": 10}]), table.equality([{"id": 1}], ["id"])])
    table.commit([table.data([{"id": 1, "k": 11}, {"id": None, "k": 12}])], operation="append")
    table.commit([table.equality([{"id": None}], ["id"]), table.equality([{"k": None}], ["k"])])
    table.commit([table.data([{"id": None, "k": 13}])], operation="append")
    lake.own = False
    lake.cli("table", "register", "sandbox.t", table.location)
    wanted = [{"id": 1, "k": 10}, {"id": 1, "k": 11}, {"id": None, "k": 13}]
    seen = judge("sandbox.t")
    assert seen is None or [(r["id"], r["k"]) for r in seen] == \
        [(r["id"], r["k"]) for r in ordered(wanted)]
    assert read(lake, "select id, k from sandbox.t") == ordered(wanted)


def java_equality_deletes(spark, name, columns, rows):
    """An equality delete file by Iceberg's own writer, committed as a row delta."""
    jvm = spark.jvm
    table = spark.java(name)
    schema = table.schema().select(columns)
    ids = spark.spark.sparkContext._gateway.new_array(jvm.int, len(columns))
    for place, column in enumerate(columns):
        ids[place] = table.schema().findField(column).fieldId()
    factory = jvm.org.apache.iceberg.data.GenericAppenderFactory(
        table.schema(), table.spec(), ids, schema, None)
    place = f"{table.location()}/data/{jvm.java.util.UUID.randomUUID()}-eq.parquet"
    out = jvm.org.apache.iceberg.encryption.EncryptedFiles.plainAsEncryptedOutput(
        table.io().newOutputFile(place))
    writer = factory.newEqDeleteWriter(
        out, jvm.org.apache.iceberg.FileFormat.PARQUET, None)
    for row in rows:
        record = jvm.org.apache.iceberg.data.GenericRecord.create(schema)
        for column, value in zip(columns, row):
            record.setField(column, value)
        writer.write(record)
    writer.close()
    table.newRowDelta().addDeletes(writer.toDeleteFile()).commit()


@pytest.mark.parametrize("version", [2, 3])
def test_deletes_of_the_java_writer(lake, spark, version):
    spark.do("create table tarn.sandbox.t (id int, name string, k int) using iceberg "
             f"tblproperties ('format-version'='{version}', 'write.delete.mode'='merge-on-read')",
             "insert into tarn.sandbox.t "
             "select int(id), 'n' || id % 3, int(id % 4) from range(0, 20)",
             "insert into tarn.sandbox.t values (100, null, null), (101, 'n1', null)")
    spark.do("delete from tarn.sandbox.t where id = 4")
    java_equality_deletes(spark, "tarn.sandbox.t", ["id"], [[7], [100]])
    java_equality_deletes(spark, "tarn.sandbox.t", ["name", "k"], [["n1", 1], ["n1", None]])
    spark.do("insert into tarn.sandbox.t values (7, 'again', 1), (101, 'n1', null)",
             "alter table tarn.sandbox.t alter column k type bigint",
             "alter table tarn.sandbox.t rename column name to who")
    wanted = spark.table("tarn.sandbox.t")
    assert {"id": 7, "who": "again", "k": 1} in wanted
    assert not [row for row in wanted if row["id"] in (1, 13, 100)]
    assert lint(spark.location("tarn.sandbox.t"), own=False).problems == []
    assert read(lake, "select * from sandbox.t") == wanted
