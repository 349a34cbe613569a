"""Types and single values of Iceberg for the linter: what a bound's bytes mean (Appendix D), what a
Parquet column of a type looks like (Appendix A), which changes of a type are promotions."""

import math
import re
import struct
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

EPOCH = date(1970, 1, 1)
PRIMITIVES = {"boolean", "int", "long", "float", "double", "date", "time", "timestamp",
              "timestamptz", "string", "uuid", "binary"}
PRIMITIVES_V3 = {"timestamp_ns", "timestamptz_ns", "variant", "unknown"}
NO_BOUNDS = ("variant", "unknown", "geometry", "geography")


def known_type(text, version):
    """Whether a primitive type exists in a format version."""
    if text in PRIMITIVES:
        return True
    found = re.fullmatch(r"decimal\((\d+), ?(\d+)\)|fixed\[(\d+)\]", text)
    if found:
        return found[1] is None or (1 <= int(found[1]) <= 38 and int(found[2]) <= int(found[1]))
    return version >= 3 and (text in PRIMITIVES_V3 or text.startswith(("geometry", "geography")))


def decimal_parts(kind):
    precision, scale = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", kind).groups()
    return int(precision), int(scale)


def promotes(old, new):
    """Whether a column of one type may later have the other."""
    if old == new or (old, new) in (("int", "long"), ("float", "double"), ("date", "timestamp"),
                                    ("date", "timestamp_ns")) or old == "unknown":
        return True
    if old.startswith("decimal") and new.startswith("decimal"):
        (p, s), (q, t) = decimal_parts(old), decimal_parts(new)
        return s == t and p <= q
    return False


# --- bounds --------------------------------------------------------------------------------------

def moment(us, zone):
    base = datetime(1970, 1, 1, tzinfo=timezone.utc if zone else None)
    return base + timedelta(microseconds=us)


SIZES = {"int": (4,), "date": (4,), "long": (4, 8), "float": (4,), "double": (4, 8),
         "timestamp": (4, 8), "timestamp_ns": (4, 8), "uuid": (16,)}


def decode(kind, raw):
    """(value as pyarrow gives it, None or what is wrong with the bytes)."""
    if kind in ("long", "int", "date", "time", "float", "double", "uuid") or \
            kind.startswith("timestamp"):
        if len(raw) not in SIZES.get(kind, (8,)):
            return None, f"{len(raw)} bytes"
    number = int.from_bytes(raw, "little", signed=True)
    if kind == "date" or (kind.startswith("timestamp") and len(raw) == 4):
        return EPOCH + timedelta(days=number), None
    if kind == "time":
        return (datetime.min + timedelta(microseconds=number)).time(), None
    if kind.endswith("_ns") or kind in ("int", "long"):
        return number, None
    if kind.startswith("timestamp"):
        return moment(number, kind.endswith("z")), None
    if kind == "boolean":
        return raw == b"\1", None if raw in (b"\0", b"\1") else f"bytes {raw.hex()}"
    if kind in ("float", "double"):
        value = struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0]
        return value, "NaN" if math.isnan(value) else None
    if kind == "string":
        try:
            return raw.decode("utf-8"), None
        except UnicodeDecodeError:
            return None, "bytes that are no UTF-8"
    if kind.startswith("decimal"):
        return decode_decimal(kind, raw)
    return raw, None  # binary, fixed, uuid


def decode_decimal(kind, raw):
    number = int.from_bytes(raw, "big", signed=True)
    least = max(1, ((number if number >= 0 else ~number).bit_length() + 8) // 8)
    digits = tuple(map(int, str(abs(number))))  # Decimal.scaleb would round to 28 of them
    value = Decimal((int(number < 0), digits, -decimal_parts(kind)[1]))
    return value, None if len(raw) == least else "bytes not minimal"


def comparable(kind, value):
    if kind == "uuid":
        return value.bytes if isinstance(value, UUID) else bytes(value)
    if kind == "string":
        return value.encode("utf-8") if isinstance(value, str) else value
    if kind.startswith("timestamp") and isinstance(value, date) and \
            not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def is_nan(value):
    return isinstance(value, float) and math.isnan(value)


# --- schemas -------------------------------------------------------------------------------------

def inner_fields(kind):
    """The fields below a nested type, in the form of a struct's fields."""
    if kind["type"] == "struct":
        return kind["fields"]
    if kind["type"] == "list":
        return [{"id": kind["element-id"], "name": "element", "type": kind["element"],
                 "required": kind["element-required"]}]
    return [{"id": kind["key-id"], "name": "key", "type": kind["key"], "required": True},
            {"id": kind["value-id"], "name": "value", "type": kind["value"],
             "required": kind["value-required"]}]


def walk(fields, path=(), deep=False):
    """(field, path of names, whether below a list or map) of every node, parents first."""
    for field in fields:
        here = (*path, field["name"])
        yield field, here, deep
        if isinstance(field["type"], dict):
            yield from walk(inner_fields(field["type"]), here,
                            deep or field["type"]["type"] != "struct")


def leaves(fields):
    """{field id: (path of names, type, below a list or map)} of the primitive columns."""
    return {field["id"]: (path, field["type"], deep) for field, path, deep in walk(fields)
            if isinstance(field["type"], str)}


def shape(fields):
    """Ids and names of every node as nested lists; columns of unknown type are in no file."""
    return [(field["id"], field["name"],
             shape(inner_fields(field["type"])) if isinstance(field["type"], dict) else [])
            for field in fields if field["type"] != "unknown"]


# --- Parquet -------------------------------------------------------------------------------------

PARQUET = {
    "boolean": ("BOOLEAN", None), "int": ("INT32", "(Int\\(bitWidth=32, isSigned=true\\))?"),
    "long": ("INT64", "(Int\\(bitWidth=64, isSigned=true\\))?"), "float": ("FLOAT", None),
    "double": ("DOUBLE", None), "date": ("INT32", "Date"),
    "time": ("INT64", "Time\\(isAdjustedToUTC=false, timeUnit=microseconds.*"),
    "timestamp": ("INT64", "Timestamp\\(isAdjustedToUTC=false, timeUnit=microseconds.*"),
    "timestamptz": ("INT64", "Timestamp\\(isAdjustedToUTC=true, timeUnit=microseconds.*"),
    "timestamp_ns": ("INT64", "Timestamp\\(isAdjustedToUTC=false, timeUnit=nanoseconds.*"),
    "timestamptz_ns": ("INT64", "Timestamp\\(isAdjustedToUTC=true, timeUnit=nanoseconds.*"),
    "string": ("BYTE_ARRAY", "String"), "uuid": ("FIXED_LEN_BYTE_ARRAY", "UUID"),
    "binary": ("BYTE_ARRAY", None),
}


def parquet_fits(kind, column):
    """Whether a leaf of a Parquet schema is a column of the type."""
    logical = str(column.logical_type)
    logical = "" if logical == "None" else logical
    if kind.startswith("decimal"):
        precision, scale = decimal_parts(kind)
        allowed = {"FIXED_LEN_BYTE_ARRAY"} | ({"INT32"} if precision <= 9 else set()) | \
            ({"INT64"} if precision <= 18 else set())
        return column.physical_type in allowed and \
            logical == f"Decimal(precision={precision}, scale={scale})"
    if kind.startswith("fixed"):
        return column.physical_type == "FIXED_LEN_BYTE_ARRAY" and \
            column.length == int(kind[6:-1])
    if kind not in PARQUET:
        return True  # variant, geometry, geography: pyarrow knows too little of them
    physical, pattern = PARQUET[kind]
    return column.physical_type == physical and re.fullmatch(pattern or "", logical) is not None


def written_kind(kind, column):
    """The type a column had when the file was written, of those that promote to its type."""
    for old in {"long": ["int"], "double": ["float"], "timestamp": ["date"],
                "timestamp_ns": ["date"]}.get(kind, []):
        if parquet_fits(old, column):
            return old
    if kind.startswith("decimal"):
        found = re.match(r"Decimal\(precision=(\d+), scale=(\d+)\)", str(column.logical_type))
        if found and promotes(f"decimal({found[1]}, {found[2]})", kind):
            return f"decimal({found[1]}, {found[2]})"
    return kind


# --- transforms ----------------------------------------------------------------------------------

def transform_of(text):
    from pyiceberg import transforms

    return transforms.parse_transform(text)


def source_type(kind):
    from pyiceberg import types

    return types.NestedField.model_validate({"id": 1, "name": "x", "type": kind,
                                             "required": False}).field_type


def result_kind(text, kind):
    """The type of a transform's result, as Iceberg's text, or None when it takes no such type."""
    transform = transform_of(text)
    if text == "void":
        return kind
    if not transform.can_transform(source_type(kind)):
        return None
    return str(transform.result_type(source_type(kind)))


def transformed(text, kind, values):
    """The distinct results of a transform over values of pyarrow, in partition_output's form."""
    function = transform_of(text).transform(source_type(kind))
    results = {function(partition_input(kind, value)) for value in values}
    return {partition_output(v) if isinstance(v, bytes) else v for v in results}


def partition_input(kind, value):
    """What pyiceberg's transforms take: its internal values."""
    if value is None or isinstance(value, int):
        return value
    if kind == "date":
        return (value - EPOCH).days
    if kind == "time":
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
    if kind.startswith("timestamp"):
        base = datetime(1970, 1, 1, tzinfo=timezone.utc if value.tzinfo else None)
        return (value - base) // timedelta(microseconds=1)
    if kind == "uuid":
        return UUID(bytes=value) if isinstance(value, bytes) else value
    return value


def partition_output(value):
    if isinstance(value, (datetime, date, time)):
        return partition_input("timestamp" if isinstance(value, datetime) else
                               "date" if isinstance(value, date) else "time", value)
    if isinstance(value, bytes) and len(value) == 16:
        return UUID(bytes=value)
    return value
