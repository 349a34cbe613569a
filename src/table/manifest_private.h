/* What the files of manifest*.c share, and the scan and the snapshot producer with them. */
#ifndef TARN_TABLE_MANIFEST_PRIVATE_H
#define TARN_TABLE_MANIFEST_PRIVATE_H

#include "format/avro.h"
#include "table/manifest.h"

/* The type of each partition field: from the first of `schema` (may be NULL) and the table's
 * schemas (`table` may be NULL; the current one first) that has the source column. Kind UNKNOWN
 * where none has it or the transform is not known. */
void tarn_table__partition_types(const TarnPartitionSpec *spec, const TarnTableMetadata *table,
                                 const TarnSchema *schema, TarnPrimitive *types);

/* For specs whose source column no schema has any more: what the values of partition field `field`
 * say. False for decimals, whose scale is not in the value. */
bool tarn_table__partition_type_of(const TarnManifestEntry *entries, size_t count, size_t field,
                                   TarnPrimitive *type);

/* Entries one by one. */
typedef struct TarnManifestReader TarnManifestReader;

/* The reader and `head` (entries NULL) live in `arena`; views in `bytes` or in `arena`. */
bool tarn_table__manifest_reader_open(TarnText bytes, const char *path,
                                      const TarnTableMetadata *table,
                                      const TarnManifestReadOptions *options, TarnArena *arena,
                                      TarnManifestReader **reader, TarnManifest **head,
                                      TarnError *error) TARN_CHECKED;
/* *entry NULL = the end; else valid until the next call, as are its partition values. Other memory
 * is in `scratch`; with `reuse`, scratch is reset before each block (then it is all valid until
 * the next call only). */
bool tarn_table__manifest_reader_next(TarnManifestReader *reader, TarnArena *scratch, bool reuse,
                                      TarnManifestEntry **entry, TarnError *error) TARN_CHECKED;
void tarn_table__manifest_reader_close(TarnManifestReader *reader); /* NULL is fine */

/* The Avro schema of a manifest's entries for these partition types, as JSON. */
void tarn_table__manifest_schema_write(const TarnPartitionSpec *spec, const TarnPrimitive *types,
                                       int32_t format_version, TarnBuffer *out);
/* That of manifest lists; a constant. */
TarnText tarn_table__manifest_list_schema(int32_t format_version);
/* Bytes of the fixed type that holds a decimal. */
size_t tarn_table__decimal_bytes(int32_t precision);

/* As tarn_table_manifest_write, with the partition types given. */
bool tarn_table__manifest_write(const TarnManifestEntry *entries, size_t count,
                                const TarnSchema *schema, const TarnPartitionSpec *spec,
                                const TarnPrimitive *types, const TarnManifestWriteOptions *options,
                                TarnBuffer *out, TarnArena *arena, TarnManifestFile *file,
                                TarnError *error) TARN_CHECKED;

#endif
