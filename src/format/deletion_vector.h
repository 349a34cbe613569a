/* Deletion vectors: which rows of one data file are gone, as stored in Iceberg and Delta tables.
 *
 * Source: Puffin specification, "deletion-vector-v1 blob type": the length of magic and vector (4
 * bytes, big-endian), the magic D1 D3 39 64, the positions as a roaring bitmap in the portable
 * 64-bit form, the CRC-32 of magic and vector (4 bytes, big-endian). Delta's deletion vector files
 * hold the same bytes behind their one byte of version (PROTOCOL.md, "Deletion Vector Format");
 * its sizeInBytes leaves out length and checksum, that is, the last 4 and first 4 bytes given
 * here.
 */
#ifndef TARN_FORMAT_DELETION_VECTOR_H
#define TARN_FORMAT_DELETION_VECTOR_H

#include "format/roaring.h"

/* The greatest position that is written: Iceberg's Java library has no place for others. */
#define TARN_DELETION_VECTOR_POSITION_MAX ((int64_t)0x7FFFFFFE80000000)

/* Appends the blob. A position beyond the greatest is TARN_E_LIMIT_EXCEEDED, as is a blob whose
 * size 31 bits do not hold. */
bool tarn_format_deletion_vector_write(const TarnRoaring *positions, TarnBuffer *out,
                                       TarnError *error) TARN_CHECKED;
/* The whole of `blob` is one deletion vector; length, magic, checksum, order and, if not
 * negative, the count of positions (`cardinality`, from the blob's metadata) are checked.
 * Positions are below 2^63. `name` is the file, for messages. On failure *positions is NULL;
 * TARN_E_FORMAT_CORRUPT says what is wrong. Memory: see roaring.h. */
bool tarn_format_deletion_vector_read(TarnText blob, int64_t cardinality, const char *name,
                                      size_t memory, TarnRoaring **positions, TarnError *error)
    TARN_CHECKED;

#endif
