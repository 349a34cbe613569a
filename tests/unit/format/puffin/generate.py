"""Writes golden.h beside it: Puffin files made with other libraries, after the specification.

    pip install lz4==4.4.5 zstandard==0.25.0; python3 generate.py

The plain ones have the contents, and the bytes, of the test files of Iceberg's Java library
(core/src/test/resources/org/apache/iceberg/puffin/v1).
"""
import json
import struct
from pathlib import Path

import lz4.frame
import zstandard

FIRST = b"abcdefghi"
SECOND = ("some blob \0 binary data \U0001F92F that is not very very very very very very long, "
          "is it?").encode()


def file(blobs, footer_lz4=False, properties=True):
    out = b"PFA1"
    described = []
    for number, (codec, data) in enumerate(blobs):
        described.append({"type": ["some-blob", "some-other-blob"][number], "fields": [number + 1],
                          "snapshot-id": 2, "sequence-number": 1, "offset": len(out),
                          "length": len(data)})
        if codec:
            described[-1]["compression-codec"] = codec
        out += data
    footer = {"blobs": described}
    if properties:
        footer["properties"] = {"created-by": "Test 1234"}
    payload = json.dumps(footer, separators=(",", ":")).encode()
    if footer_lz4:
        payload = lz4.frame.compress(payload, store_size=True, content_checksum=True)
    return out + b"PFA1" + payload + struct.pack("<iI", len(payload), int(footer_lz4)) + b"PFA1"


def zstd(data):
    return zstandard.ZstdCompressor(level=3, write_content_size=True).compress(data)


def lz4_frame(data):
    return lz4.frame.compress(data, store_size=True)


CASES = {
    "empty": file([], properties=False),
    "plain": file([(None, FIRST), (None, SECOND)]),
    "zstd": file([("zstd", zstd(FIRST)), ("zstd", zstd(SECOND))]),
    "lz4": file([("lz4", lz4_frame(FIRST)), ("lz4", lz4_frame(SECOND))], footer_lz4=True),
}


def main():
    lines = ["/* Written by puffin/generate.py: do not edit. */",
             "#ifndef TARN_TESTS_PUFFIN_GOLDEN_H", "#define TARN_TESTS_PUFFIN_GOLDEN_H", "",
             "static const struct {", "    const char *name;", "    const char *hex;",
             "} goldens[] = {"]
    for name, data in CASES.items():
        digits = data.hex()
        parts = ['"%s"' % digits[i:i + 80] for i in range(0, len(digits), 80)]
        lines += ['    {"%s",' % name, "     " + "\n     ".join(parts) + "},"]
    lines += ["};", "", "#endif", ""]
    Path(__file__).with_name("golden.h").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
