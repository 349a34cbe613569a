"""The linter's rules for delete files: positions, deletion vectors in Puffin, equality."""

import json
import struct
import zlib

import pyroaring
from lint_avro import local
from lint_files import DataFile, pairs
from lint_values import leaves

PATH_ID, POS_ID = 2147483546, 2147483545
DV_MAGIC = b"\xd1\xd3\x39\x64"


# --- Puffin --------------------------------------------------------------------------------------

def read_puffin(lint, where, raw):
    """The footer's tree, or None when the file is none."""
    fine = len(raw) >= 16 and raw[:4] == raw[-4:] == b"PFA1"
    if not lint.check("puffin", fine, where, "the magic bytes are not there"):
        return None
    size, flags = struct.unpack("<i4s", raw[-12:-4])
    start = len(raw) - 12 - size
    if not lint.check("puffin", 8 <= start <= len(raw) and raw[start - 4:start] == b"PFA1" and
                      flags == b"\0\0\0\0", where, "the footer's frame is wrong"):
        return None
    footer = json.loads(raw[start:start + size])
    for blob in footer["blobs"]:
        missing = {"type", "fields", "snapshot-id", "sequence-number", "offset", "length"} - \
            set(blob)
        lint.check("puffin", not missing and blob["offset"] >= 4 and
                   blob["offset"] + blob["length"] <= start - 4, where, f"blob {blob}")
    return footer


def read_vector(lint, where, raw):
    """The positions in a deletion vector's blob, or None."""
    if not lint.check("dv-blob", len(raw) >= 12 and raw[4:8] == DV_MAGIC, where, "no magic bytes"):
        return None
    size, = struct.unpack(">I", raw[:4])
    if not lint.check("dv-blob", size == len(raw) - 8, where,
                      f"length {size} in a blob of {len(raw)} bytes"):
        return None
    crc, = struct.unpack(">I", raw[-4:])
    lint.check("dv-blob", crc == zlib.crc32(raw[4:-4]), where, "the CRC is wrong")
    try:
        return pyroaring.BitMap64.deserialize(raw[8:-4])
    except ValueError as error:
        lint.say("dv-blob", where, f"its bitmap: {error}")
        return None


def check_vector(lint, file):
    """The positions of a deletion vector; once for each (file, offset)."""
    where = f"{file['file_path'].rsplit('/', 1)[-1]}@{file['content_offset']}"
    raw = local(file["file_path"]).read_bytes()
    offset, size = file["content_offset"], file["content_size_in_bytes"]
    positions = read_vector(lint, where, raw[offset:offset + size])
    footer = read_puffin(lint, where, raw)
    if footer is not None:
        blob = next((b for b in footer["blobs"] if b.get("offset") == offset), None)
        if lint.check("dv-footer", blob is not None and blob["length"] == size and
                      blob["type"] == "deletion-vector-v1" and
                      "compression-codec" not in blob and
                      blob.get("snapshot-id") == blob.get("sequence-number") == -1, where,
                      f"the footer has {blob}"):
            properties = blob.get("properties", {})
            lint.check("dv-footer", properties.get("referenced-data-file") ==
                       file["referenced_data_file"] and
                       properties.get("cardinality") == str(file["record_count"]), where,
                       f"the blob's properties are {properties}")
    if positions is None:
        return set()
    lint.check("dv-cardinality", len(positions) == file["record_count"] > 0, where,
               f"{len(positions)} positions, record_count {file['record_count']}")
    return set(positions)


def check_vector_entry(lint, file, where):
    for name in ("referenced_data_file", "content_offset", "content_size_in_bytes"):
        lint.check("dv-fields", file.get(name) is not None, where, f"no {name}")
    return all(file.get(n) is not None for n in (
        "referenced_data_file", "content_offset", "content_size_in_bytes"))


# --- position and equality deletes ---------------------------------------------------------------

def check_positions(lint, file):
    """{path of a data file: positions} of a position delete file."""
    where = file["file_path"].rsplit("/", 1)[-1]
    opened = DataFile(lint, where, file["file_path"], 10**9)
    nodes = [(number, name) for number, name, _ in opened.tree]
    if not lint.check("pos-delete-columns", nodes[:2] == [(PATH_ID, "file_path"),
                                                          (POS_ID, "pos")] and len(nodes) <= 3,
                      where, f"its columns are {nodes}"):
        return {}
    lint.check("file-rows", opened.rows == file["record_count"], where, "record_count is wrong")
    rows = list(zip(opened.values(("file_path",)), opened.values(("pos",))))
    keys = [(path.encode(), position) for path, position in rows]
    lint.check("pos-delete-order", keys == sorted(keys), where, "rows are not sorted")
    lint.check("pos-delete-order", len(keys) == len(set(keys)), where, "a row comes twice")
    found = {}
    for path, position in rows:
        found.setdefault(path, set()).add(position)
    reference = file.get("referenced_data_file")
    lint.check("pos-delete-reference", reference is None or set(found) == {reference}, where,
               "referenced_data_file is not what its rows name")
    lower = pairs(file.get("lower_bounds")).get(PATH_ID)
    upper = pairs(file.get("upper_bounds")).get(PATH_ID)
    names = sorted(path.encode() for path in found)
    if lower is not None and names:
        lint.check("pos-delete-reference", lower <= names[0], where,
                   "the lower bound of file_path does not hold its rows")
    if upper is not None and names:
        lint.check("pos-delete-reference", upper >= names[-1], where,
                   "the upper bound of file_path does not hold its rows")
    return found


def check_equality(lint, metadata, file):
    where = file["file_path"].rsplit("/", 1)[-1]
    known = {number: kind for schema in metadata["schemas"]
             for number, (_, kind, _) in leaves(schema["fields"]).items()}
    ids = file.get("equality_ids") or []
    lint.check("equality-ids", ids and len(set(ids)) == len(ids) and
               all(known.get(n, "double") not in ("float", "double") for n in ids), where,
               f"equality_ids {ids}")
    opened = DataFile(lint, where, file["file_path"], 10**9)
    lint.check("file-rows", opened.rows == file["record_count"], where, "record_count is wrong")

    def numbers(nodes):
        return {n for number, _, inner in nodes for n in {number} | numbers(inner)}
    lint.check("equality-columns", set(ids) <= numbers(opened.tree), where,
               f"its columns {numbers(opened.tree)} are not those of {ids}")


# --- of a snapshot -------------------------------------------------------------------------------

def same_partition(one, other):
    """Whether two entries have the same spec and values."""
    return one.spec_id == other.spec_id and \
        list(one.file["partition"].values()) == list(other.file["partition"].values())


def check_deletes(lint, where, live, positions_of):
    """The delete files of a snapshot against its data files; {path: deleted positions}."""
    data = {entry.file["file_path"]: entry for entry in live if entry.content == 0}
    gone, vectors = {}, {}
    for entry in live:
        file = entry.file
        if entry.content != 1:
            continue
        name = file["file_path"].rsplit("/", 1)[-1]
        positions = positions_of(entry)
        if file["file_format"].upper() == "PUFFIN":
            target = file["referenced_data_file"]
            lint.check("dv-one", target not in vectors, where,
                       f"two deletion vectors for {target.rsplit('/', 1)[-1]}")
            vectors[target] = entry
            if not lint.check("dv-live", target in data, where,
                              f"{name} is of {target.rsplit('/', 1)[-1]}, which is not live"):
                continue
        for target, numbers in positions.items():
            if target not in data:
                continue  # position deletes may outlive their files
            mine = data[target]
            lint.check("deletes-in-bounds", all(0 <= n < mine.file["record_count"]
                                                for n in numbers), where,
                       f"{name} deletes rows that {target.rsplit('/', 1)[-1]} does not have")
            lint.check("deletes-partition", same_partition(entry, mine), where,
                       f"{name} is of another spec or partition than the file it is for")
            if lint.check("deletes-sequence", mine.sequence <= entry.sequence, where,
                          f"{name} is older than the file it is for"):
                gone.setdefault(target, {}).setdefault(
                    file["file_format"].upper(), set()).update(numbers)
    # a deletion vector replaces the position deletes of its file
    return {path: found.get("PUFFIN", found.get("PARQUET", set()))
            for path, found in gone.items()}
