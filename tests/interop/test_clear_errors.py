"""What goes wrong below a lake is told clearly and harms nothing.

Each case, in a folder and on S3 where both can be: the exit code; a message that says what, where
and what to do; and when it is repaired the next statement finds all rows and no others. S3 needs a
server (tests/peers/s3.sh); a proxy in front of it gives the answers that a server gives when keys
have expired, clocks differ, a bucket is gone.
"""

import email.utils
import os
import re
import subprocess
import time
import urllib.parse
import uuid
from pathlib import Path

import pytest

import s3_server
from conftest import TARN, Lake
from s3_proxy import Proxy

ROWS = 3000
NOBODY = 65534


class Place:
    """A lake with one table of two snapshots, and its files behind its back."""

    def __init__(self, folder, server=None):
        self.server = server
        self.environment = dict(os.environ) if server is None else dict(server.environment)
        self.endpoint = server.endpoint if server else None
        self.lake = Lake.__new__(Lake)
        self.lake.folder = Path(folder)
        self.lake.run = self.run
        where = [] if server is None else ["--warehouse", f"{server.root}/errors-{uuid.uuid4()}"]
        self.run("init", "-q", str(folder), *where)
        self.lake.do("create table sandbox.t as select range as id, 'name ' || range as name "
                     f"from range({ROWS})",
                     f"insert into sandbox.t select range + {ROWS}, 'more' from range({ROWS})")

    def run(self, *arguments, ok=True, plan=None, **extra):
        environment = dict(self.environment)
        if self.endpoint:
            environment["AWS_ENDPOINT_URL_S3"] = self.endpoint
        if plan:
            environment["TARN_FAULT_PLAN"] = plan
        done = subprocess.run([TARN, *arguments], capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, check=False, env=environment, **extra)
        if ok and done.returncode != 0:
            pytest.fail(f"tarn {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done

    def sql(self, text, ok=True, **extra):
        return self.run("-C", str(self.lake.folder), "sql", "-q", "-c", text, ok=ok, **extra)

    def is_whole(self, more=0):
        """All rows are there, and the table can be written."""
        count = "select count(*) as n, count(distinct id) as d, sum(id) as s from sandbox.t"
        [row] = self.lake.sql(count)
        before = 2 * ROWS + more
        assert row["n"] == row["d"] == before, row
        self.lake.do("insert into sandbox.t values (-1, 'after')")
        assert self.lake.sql(count)[0]["n"] == before + 1
        self.lake.do("delete from sandbox.t where id = -1")
        assert self.lake.sql(count) == [row]

    def says(self, text, code, *parts, hint=True, **extra):
        """The statement fails: its exit code, and all of these in its message; none of the words
        that only a programmer knows."""
        done = self.sql(text, ok=False, **extra)
        assert done.returncode == code, done.stderr
        for part in parts:
            assert part in done.stderr, f"{part!r} is not in:\n{done.stderr}"
        assert not hint or "hint: " in done.stderr, done.stderr
        return done.stderr

    # --- files behind the lake's back; the newest or the oldest of a kind ---

    def files(self, pattern):
        location = self.lake.show("sandbox.t")["location"]
        if self.server:
            prefix = location.split("/", 3)[3] + "/"
            names = [f"s3://{self.server.bucket}/{key}" for key in self.server.list(prefix)]
        else:
            names = [str(path) for path in Path(location).rglob("*") if path.is_file()]
        return sorted(name for name in names if re.search(pattern, name))

    def read(self, name):
        return self.server.get(name.split("/", 3)[3]) if self.server else Path(name).read_bytes()

    def write(self, name, content):
        if self.server:
            self.server.put(name.split("/", 3)[3], content)
        else:
            Path(name).write_bytes(content)

    def remove(self, name):
        if self.server:
            self.server.delete(name.split("/", 3)[3])
        else:
            Path(name).unlink()


def find_server():
    try:
        return s3_server.find()
    except s3_server.Missing as error:
        pytest.skip(str(error))


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path):
    return Place(tmp_path / "lake", find_server() if request.param == "s3" else None)


@pytest.fixture
def far(tmp_path):
    """A lake on S3, behind a proxy."""
    server = find_server()
    address = urllib.parse.urlsplit(server.endpoint)
    made = Place(tmp_path / "lake", server)
    with Proxy((address.hostname, address.port)) as proxy:
        made.proxy = proxy
        made.endpoint = f"http://127.0.0.1:{proxy.port}"
        yield made


READS = ["select sum(id) from sandbox.t", "select max(name) from sandbox.t where id < 100",
         "update sandbox.t set name = 'x' where id = 5"]


# --- data files ---


@pytest.mark.parametrize("how", ["cut", "longer", "empty"])
def test_a_data_file_of_another_size(place, how):
    [name, _] = place.files(r"\.parquet$")
    content = place.read(name)
    place.write(name, {"cut": content[:1000], "longer": content + content, "empty": b""}[how])
    for text in READS:
        place.says(text, 7, name, "sandbox.t", f"added it with {len(content)}",
                   "tarn table rollback")
    place.write(name, content)
    place.is_whole()


def test_a_data_file_that_is_gone(place):
    name = place.files(r"\.parquet$")[0]
    content = place.read(name)
    place.remove(name)
    snapshot = str(min(place.lake.sql("from sandbox.\"t$snapshots\""),
                       key=lambda row: row["sequence_number"])["snapshot_id"])
    for text in READS:
        place.says(text, 3, name, "sandbox.t", "is gone", snapshot, "tarn table rollback")
    place.write(name, content)
    place.is_whole()


def test_a_rollback_leaves_a_lost_file_out(place):
    """What the hint says helps."""
    snapshots = sorted(place.lake.sql("from sandbox.\"t$snapshots\""),
                       key=lambda row: row["sequence_number"])
    [older, newer] = place.files(r"\.parquet$")
    kept = place.read(older)
    place.remove(newer)
    said = place.says(READS[0], 3, newer, str(snapshots[1]["snapshot_id"]))
    assert f"before {snapshots[1]['snapshot_id']}" in said
    place.run("-C", str(place.lake.folder), "table", "rollback", "sandbox.t",
              str(snapshots[0]["snapshot_id"]))
    assert place.lake.sql("select count(*) as n from sandbox.t") == [{"n": ROWS}]
    assert place.read(older) == kept


@pytest.mark.parametrize("where, told", [("rows", True), ("pages", False), ("footer", True)])
def test_a_data_file_with_other_bytes(place, where, told):
    """Of the same size: what the engine cannot read is told as damage, by file and table where the
    engine says so much."""
    name = place.files(r"\.parquet$")[0]
    content = place.read(name)
    size = len(content)
    start, end = {"rows": (size // 2, size * 9 // 10), "pages": (4, size // 2),
                  "footer": (size - 8, size - 4)}[where]
    place.write(name, content[:start] + b"X" * (end - start) + content[end:])
    for text in READS[1:]:
        place.says(text, 7, "is damaged", *([name, "sandbox.t"] if told else []))
    place.write(name, content)
    place.is_whole()


# --- metadata ---


@pytest.mark.parametrize("kind, pattern", [("manifest list", r"/snap-.*\.avro$"),
                                           ("manifest", r"-m0\.avro$")])
def test_a_manifest_that_is_gone_or_cut(place, kind, pattern):
    used = {row["path"] for row in place.lake.sql("from sandbox.\"t$manifests\"")} \
        if kind == "manifest" else {
            max(place.lake.sql("from sandbox.\"t$snapshots\""),
                key=lambda row: row["sequence_number"])["manifest_list"]}
    name = next(n for n in place.files(pattern) if n in used or "file://" + n in used)
    content = place.read(name)
    place.remove(name)
    for text in READS:
        place.says(text, 3, name, "sandbox.t", "at snapshot")
    place.write(name, content[:len(content) - 20])
    for text in READS:
        place.says(text, 7, name, "sandbox.t", "at snapshot")
    place.write(name, content)
    place.is_whole()


def test_a_metadata_file_that_is_gone_or_cut(place):
    name = place.lake.show("sandbox.t")["metadata_location"].removeprefix("file://")
    content = place.read(name)
    place.remove(name)
    for text in READS:
        place.says(text, 3, name, "sandbox.t")
    place.write(name, content[:100])
    for text in READS:
        place.says(text, 7, name, "sandbox.t")
    place.write(name, content)
    place.is_whole()


# --- rights ---


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("what", ["warehouse", "all"])
def test_a_folder_that_may_only_be_read(tmp_path, what):
    """Files of somebody else: each statement that cannot be says which file and what is missing.
    SQLite wants to write beside the catalog, even to read it."""
    made = Place(tmp_path / "lake")
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_uid == 0 and len(path.parts) > 2:
            path.chmod(path.stat().st_mode | 0o055)
    state = made.lake.folder / ".tarn"
    for path in [state, *state.glob("*"), *state.glob("*/")]:
        if what == "warehouse" and path.name != "warehouse":
            os.chown(path, NOBODY, NOBODY)

    def nobody(text):
        return made.sql(text, ok=False, user=NOBODY, group=NOBODY, extra_groups=[])

    done = nobody("select count(*) from sandbox.t")
    assert done.returncode == (0 if what == "warehouse" else 4), done.stderr
    for text in ("insert into sandbox.t values (1, 'x')", "delete from sandbox.t where id = 1",
                 "create table sandbox.u as select 1 as id"):
        done = nobody(text)
        assert done.returncode == 4, done.stderr
        assert str(made.lake.folder) in done.stderr, done.stderr
    made.is_whole()


def writes(method, target):
    return (403, "AccessDenied") if method in ("PUT", "POST", "DELETE") else None


def test_keys_that_may_only_read(far):
    far.proxy.refuse = writes
    assert far.sql(READS[0]).returncode == 0
    for text in ("insert into sandbox.t values (1, 'x')", READS[2],
                 "create table sandbox.u as select 1 as id"):
        said = far.says(text, 4, "denies", "s3://", "rights to list, read, write and delete")
        assert "does not exist" not in said
    far.proxy.refuse = lambda method, target: None
    far.is_whole()
    assert far.sql("select * from sandbox.u", ok=False).returncode in (2, 3)


def test_a_wrong_secret(place):
    if not place.server:
        pytest.skip("a folder has no keys")
    right = place.environment["AWS_SECRET_ACCESS_KEY"]
    place.environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
    for text in READS:
        said = place.says(text, 4, "the secret key does not belong to the access key", "sandbox.t",
                          "AWS_SECRET_ACCESS_KEY")
        assert right not in said
    place.environment["AWS_SECRET_ACCESS_KEY"] = right
    place.environment["AWS_ACCESS_KEY_ID"] += "-nobody"
    place.says(READS[0], 4, "does not know the access key", "AWS_ACCESS_KEY_ID")
    place.environment["AWS_ACCESS_KEY_ID"] = place.server.access_key
    place.is_whole()


def only_data(answer, methods=("GET", "PUT", "POST")):
    return lambda method, target: answer if "/data/" in target and method in methods else None


@pytest.mark.parametrize("answer, part, hint", [
    ((400, "ExpiredToken"), "have expired", "get new ones"),
    ((403, "RequestTimeTooSkewed", "Date: {later}\r\n"), "the clocks differ", "timedatectl"),
    ((404, "NoSuchBucket"), "the bucket \"lake\" does not exist", "storage.endpoint"),
])
@pytest.mark.parametrize("where", ["everything", "data"])
def test_refusals_have_names(far, answer, part, hint, where):
    """Of all requests, and of those that the engine sends for data files alone."""
    later = time.time() + 20 * 60
    answer = tuple(str(a).format(later=email.utils.formatdate(later, usegmt=True))
                   if i == 2 else a for i, a in enumerate(answer))
    code = 3 if answer[1] == "NoSuchBucket" else 4
    far.proxy.refuse = only_data(answer) if where == "data" else lambda method, target: answer
    for text in ("select max(name) from sandbox.t", "insert into sandbox.t values (7, 'x')"):
        said = far.says(text, code, part, hint)
        if answer[1] == "RequestTimeTooSkewed":  # both times, so that one sees how far apart
            times = re.findall(r"\d{4}-\d\d-\d\dT(\d\d):(\d\d):\d\dZ", said)
            minutes = [int(hour) * 60 + int(minute) for hour, minute in times]
            assert 18 <= (minutes[1] - minutes[0]) % 1440 <= 21, said
    far.proxy.refuse = lambda method, target: None
    far.is_whole()


def test_a_bucket_that_vanishes_in_the_middle_of_a_load(far, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n" + "".join(f"{10**6 + i},x\n" for i in range(1000)),
                    encoding="utf-8")
    seen = []

    def refuse(method, target):
        seen.append(method)
        written = [m for m in seen if m in ("PUT", "POST")]
        return (404, "NoSuchBucket") if len(written) > limit else None

    far.proxy.refuse = refuse
    for limit in (0, 1, 2):  # before the data file, before a manifest, before the metadata file
        seen.clear()
        done = far.run("-C", str(far.lake.folder), "load", str(path), "sandbox.t", ok=False)
        assert done.returncode == 3 and "the bucket \"lake\" does not exist" in done.stderr
        assert "hint: " in done.stderr
    far.proxy.refuse = lambda method, target: None
    far.run("-C", str(far.lake.folder), "load", str(path), "sandbox.t")
    far.is_whole(more=1000)
    far.run("-C", str(far.lake.folder), "doctor")
    data = {row["file_path"] for row in far.lake.sql("select file_path from sandbox.\"t$files\"")}
    assert data <= set(far.files(r"\.parquet$"))


# --- others ---


def test_commits_that_conflict(place):
    """The later of two transactions over the same rows: the other's snapshot is named."""
    slow = subprocess.Popen(
        [TARN, "-C", str(place.lake.folder), "sql", "-q", "-c",
         "begin; update sandbox.t set name = 'mine' where id < 10; commit"], text=True,
        env=dict(place.environment, TARN_FAULT_PLAN="catalog.commit.before_swap=sleep:3000@1"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.3)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(place.files(r"metadata\.json$")) < 3:
        time.sleep(0.05)  # until the slow one is about to move the pointer
    place.lake.do("update sandbox.t set name = 'theirs' where id < 10")
    theirs = max(place.lake.sql("from sandbox.\"t$snapshots\""),
                 key=lambda row: row["sequence_number"])["snapshot_id"]
    _, said = slow.communicate(timeout=60)
    assert slow.returncode == 5, said
    assert str(theirs) in said and '"sandbox.t"' in said and "run it again" in said, said
    assert place.lake.sql("select distinct name from sandbox.t where id < 10") == [
        {"name": "theirs"}]
    place.is_whole()
