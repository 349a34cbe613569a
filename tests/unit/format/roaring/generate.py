"""Writes golden.h beside it: deletion vectors as another implementation makes them.

    pip install pyroaring==1.2.0; python3 generate.py

The members are those of pyroaring's 64-bit bitmaps (CRoaring), the frame is made here after the
Puffin specification. The first four cases have the members of Iceberg's own test files (its
core/src/test/resources, org/apache/iceberg/deletes), and their bytes. Small blobs are kept whole,
large ones as a SHA-256. Where runs and array are of one size CRoaring takes runs and Java the
array, so no case has such a container.
"""
import hashlib
import struct
import zlib
from pathlib import Path

import pyroaring

MAGIC = bytes([0xD1, 0xD3, 0x39, 0x64])
WHOLE = 200

# name: [(first, count, step)]
CASES = {
    "empty": [],
    "small_alternating": [(1, 5, 2)],
    "small_and_large": [(100, 2, 1), (2147483747, 2, 1)],
    "all_container_types": [
        (5, 2, 2), (65537, 999, 1), (131073, 65534, 1), (4294967306, 2, 10),
        (4295032842, 490, 1), (4295098369, 65534, 1)],
    "one": [(0, 1, 1)],
    "last_of_a_container": [(65535, 1, 1), (131072, 1, 1)],
    "full_container": [(65536, 65536, 1)],
    "array_full": [(0, 4096, 3)],
    "bitmap_least": [(0, 4097, 3)],
    "bitmap_of_runs_too_many": [(0, 16384, 4), (1, 16384, 4)],
    "runs_2047": [(10, 2047, 32), (11, 2047, 32), (12, 2047, 32), (13, 2047, 32)],
    "three_runs_no_offsets": [(10, 50, 1), (65546, 50, 1), (131082, 50, 1)],
    "four_runs_offsets": [(10, 50, 1), (65546, 50, 1), (131082, 50, 1), (196618, 50, 1)],
    "nine_containers": [(100, 9, 65536), (327700, 20, 1)],
    "bitmaps_and_arrays": [(0, 20000, 9), (250000, 100, 1000)],
    "mixed_2_million": [(0, 200000, 10), (500000, 100000, 1), (1000003, 2857, 350)],
    "high_keys": [(7, 3, 4294967296), (9223372019674906624 - 5, 5, 1)],
}


def main():
    lines = ["/* Written by roaring/generate.py with pyroaring %s: do not edit. */"
             % pyroaring.__version__,
             "#ifndef TARN_TESTS_ROARING_GOLDEN_H", "#define TARN_TESTS_ROARING_GOLDEN_H", "",
             "typedef struct GoldenRange {", "    uint64_t first;", "    uint64_t count;",
             "    uint64_t step;", "} GoldenRange;", "",
             "typedef struct Golden {", "    const char *name;", "    GoldenRange ranges[8];",
             "    uint64_t cardinality;", "    size_t size;   /* of the blob */",
             "    const char *hex; /* of the blob, or NULL */",
             "    const char *sha256;", "} Golden;", "", "static const Golden goldens[] = {"]
    for name, ranges in CASES.items():
        bitmap = pyroaring.BitMap64()
        for first, count, step in ranges:
            bitmap.update(range(first, first + count * step, step))
        bitmap.run_optimize()
        body = MAGIC + bitmap.serialize()
        blob = struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body))
        lines.append('    {"%s",' % name)
        items = ["{%dU, %d, %dU}" % item for item in ranges] or ["{0, 0, 0}"]
        rows = [items[i:i + 2] for i in range(0, len(items), 2)]
        lines.append("     {" + ",\n      ".join(", ".join(row) for row in rows) + "},")
        lines.append("     %d, %d," % (len(bitmap), len(blob)))
        if len(blob) <= WHOLE:
            digits = blob.hex()
            parts = ['"%s"' % digits[i:i + 80] for i in range(0, len(digits), 80)]
            lines.append("     " + "\n     ".join(parts) + ",")
        else:
            lines.append("     NULL,")
        lines.append('     "%s"},' % hashlib.sha256(blob).hexdigest())
    lines += ["};", "", "#endif", ""]
    Path(__file__).with_name("golden.h").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
