"""Writes golden.h beside it: theta sketches as Apache DataSketches' own library makes them.

    pip install datasketches==5.2.0 numpy; python3 generate.py

Values are the longs 0 .. count - 1 (the library hashes their 8 bytes, little-endian, as Iceberg's
single-value serialization has them) or the strings "value-0" ... . lg_k is 12, the seed 9001.
"""
import hashlib
from pathlib import Path

from datasketches import theta_union, update_theta_sketch

LG_K = 12
WHOLE = 40


def sketch_of(kind, first, count):
    sketch = update_theta_sketch(LG_K)
    for i in range(first, first + count):
        sketch.update(i if kind == "longs" else "value-%d" % i)
    return sketch


def main():
    lines = ["/* Written by theta_sketch/generate.py: do not edit. */",
             "#ifndef TARN_TESTS_THETA_SKETCH_GOLDEN_H",
             "#define TARN_TESTS_THETA_SKETCH_GOLDEN_H", "",
             "static const struct {", "    bool is_strings;", "    int64_t count;",
             "    double estimate;", "    size_t size;", "    const char *hex; /* or NULL */",
             "    const char *sha256;", "} goldens[] = {"]
    for kind in ("longs", "strings"):
        for count in (0, 1, 2, 5, 100, 4096, 4097, 7680, 7681, 11266, 50000, 1000000):
            sketch = sketch_of(kind, 0, count).compact(True)
            data = sketch.serialize()
            hexed = '"%s"' % data.hex() if len(data) <= WHOLE else "NULL"
            lines.append('    {%s, %d, %r, %d,\n     %s,\n     "%s"},' % (
                "true" if kind == "strings" else "false", count, sketch.get_estimate(), len(data),
                hexed, hashlib.sha256(data).hexdigest()))
    union = theta_union(LG_K)
    union.update(sketch_of("longs", 0, 60000))
    union.update(sketch_of("longs", 40000, 60000))
    lines += ["};", "",
              "/* The union of the longs 0 to 59,999 and 40,000 to 99,999. */",
              "#define GOLDEN_UNION_ESTIMATE %r" % union.get_result().get_estimate(),
              "", "#endif", ""]
    Path(__file__).with_name("golden.h").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
