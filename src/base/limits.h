/* Every limit of the program, with its reason. A limit is a refusal with a clear error, never a
 * silent cut. */
#ifndef TARN_BASE_LIMITS_H
#define TARN_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define TARN_KIB ((size_t)1024)
#define TARN_MIB (1024 * TARN_KIB)
#define TARN_GIB (1024 * TARN_MIB)

/* PostgreSQL cuts at 63 and Hive at 128; 255 is what a file name can hold. */
#define TARN_LIMIT_IDENTIFIER_BYTES 255
/* Namespaces deeper than this are mistakes; the REST catalog joins them into one path. */
#define TARN_LIMIT_NAMESPACE_LEVELS 8
/* JSON, YAML, Avro schemas and types nest; recursion must end long before the stack does. */
#define TARN_LIMIT_NESTING 128
/* DuckDB's trees of a SELECT: two or three levels for each operator of a chain. */
#define TARN_LIMIT_SYNTAX_NESTING 1024
/* A tarn.yaml, checks or schema file beyond this is not one. */
#define TARN_LIMIT_CONFIG_BYTES (4 * TARN_MIB)
/* metadata.json of a table with 100,000 snapshots is about 80 MB. */
#define TARN_LIMIT_METADATA_BYTES (256 * TARN_MIB)
/* A manifest is meant to be 8 MB; foreign writers have been seen with 400 MB. */
#define TARN_LIMIT_MANIFEST_BYTES (512 * TARN_MIB)
/* One Avro block once inflated: writers flush at 16 KB to 2 MB; 64 MB stops a zip bomb. */
#define TARN_LIMIT_AVRO_BLOCK_BYTES (64 * TARN_MIB)
/* An Avro file's header holds schemas: 10,000 columns are about 2 MB. */
#define TARN_LIMIT_AVRO_HEADER_BYTES (64 * TARN_MIB)
/* Avro values of no bytes (arrays of null) in one object, or objects of no bytes in one file: a
 * count of ten bytes must not cost hours. */
#define TARN_LIMIT_AVRO_EMPTY_VALUES 1000000
/* Parquet's thrift footer: 10,000 row groups of 1,000 columns are about 500 MB; refuse beyond. */
#define TARN_LIMIT_PARQUET_FOOTER_BYTES (512 * TARN_MIB)
/* Row positions of one data file: 256 MB hold any positions of two billion rows. */
#define TARN_LIMIT_ROARING_BYTES (256 * TARN_MIB)
/* A Puffin footer: a deletion vector takes 300 bytes of it, so about 200,000 of one file. */
#define TARN_LIMIT_PUFFIN_FOOTER_BYTES (64 * TARN_MIB)
/* A blob once inflated: sketches are kilobytes; the largest bitmap of positions is as large. */
#define TARN_LIMIT_PUFFIN_BLOB_BYTES (256 * TARN_MIB)
/* One statement's own structures (not DuckDB's data). */
#define TARN_LIMIT_STATEMENT_ARENA_BYTES (1 * TARN_GIB)
/* One field of a text row; a 10 MB field is legal, a missing quote must not eat the machine. */
#define TARN_LIMIT_FIELD_BYTES (64 * TARN_MIB)
/* SQL text of one statement. */
#define TARN_LIMIT_SQL_BYTES (16 * TARN_MIB)
/* Columns of one table; Iceberg itself has none. */
#define TARN_LIMIT_COLUMNS 10000
/* Names of one folder while it is listed: about three million files. */
#define TARN_LIMIT_FOLDER_NAMES_BYTES (512 * TARN_MIB)
/* A set of paths as hashes: about 32 million. A larger table needs more memory than a maintenance
 * run should take from its neighbours. */
#define TARN_LIMIT_PATH_SET_BYTES (1 * TARN_GIB)
/* Locations of one commit's files: about a million. */
#define TARN_LIMIT_STORE_BATCH_BYTES (256 * TARN_MIB)
/* A server of the same continent answers within 100 ms; SYN is repeated after 1, 3 and 7 s. */
#define TARN_LIMIT_NET_CONNECT_MS 8000
/* S3's own clients wait 50 s for a byte; below 1 KB/s a line is broken rather than slow. */
#define TARN_LIMIT_NET_SILENCE_MS 30000
#define TARN_LIMIT_NET_BYTES_PER_SECOND 1000
/* One request: a part of 64 MB over a line of 2 Mbit/s. */
#define TARN_LIMIT_NET_REQUEST_MS 300000
/* Headers of one response: S3 sends about 15, with user metadata at most 2 KB more. */
#define TARN_LIMIT_NET_HEADERS 200
/* Headers of one request under a signature; the widest has nine. */
#define TARN_LIMIT_NET_SIGNED_HEADERS 32
/* What a server says about an error is read by people: the beginning is enough. */
#define TARN_LIMIT_NET_ERROR_BODY_BYTES (64 * TARN_KIB)
/* Names of secrets stand in tarn.yaml; values are keys, tokens, certificates. */
#define TARN_LIMIT_SECRET_NAME_BYTES 64
#define TARN_LIMIT_SECRET_BYTES (64 * TARN_KIB)
/* How long one call of an object store goes on trying: longer than a store's own failover. */
#define TARN_LIMIT_STORE_RETRY_MS 60000
/* Waits between tries are random, at first up to this, doubled each time up to the most. */
#define TARN_LIMIT_STORE_RETRY_FIRST_MS 100
#define TARN_LIMIT_STORE_RETRY_MOST_MS 5000
/* Tries of cleaning up after Ctrl-C, without waits between them. */
#define TARN_LIMIT_STORE_RETRY_INTERRUPTED 3
/* Requests at once that ask for the sizes of a scan's files: as many as Amazon's clients make. */
#define TARN_LIMIT_SCAN_STAT_THREADS 10
/* Files above this go up in parts of this size: a lost connection costs at most one. */
#define TARN_LIMIT_STORE_PART_BYTES (16 * TARN_MIB)
/* What S3 allows. */
#define TARN_LIMIT_STORE_PARTS 10000
#define TARN_LIMIT_STORE_KEY_BYTES 1024
#define TARN_LIMIT_STORE_DELETE_BATCH 1000
/* From here on it is worth a request to learn first that a name is taken. */
#define TARN_LIMIT_STORE_LOOK_BYTES (1 * TARN_MIB)
/* A page of 1000 names of 1024 bytes, each byte written as %XX, with their tags. */
#define TARN_LIMIT_STORE_LIST_BYTES (8 * TARN_MIB)
/* Answers of S3 nest four elements deep. */
#define TARN_LIMIT_STORE_XML_DEPTH 32
/* ~/.aws/config of people with hundreds of accounts is some 100 KB. */
#define TARN_LIMIT_STORE_PROFILE_BYTES (4 * TARN_MIB)
/* Keys are fetched anew this long before they expire; Amazon's own clients take 5 to 15 min. */
#define TARN_LIMIT_STORE_KEYS_EARLY_MS 300000
/* A metadata service is on the same host; on machines without one nothing answers. */
#define TARN_LIMIT_STORE_METADATA_CONNECT_MS 1000
#define TARN_LIMIT_STORE_METADATA_MS 5000
/* DuckDB's own memory during a load: the whole process stays under 512 MB whatever the file. */
#define TARN_LIMIT_LOAD_SORT_BYTES (208 * TARN_MIB) /* the same where rows are sorted */
#define TARN_LIMIT_LOAD_ENGINE_BYTES (320 * TARN_MIB)
/* And during a rewrite of files: what is sorted at a time, 2 GB of files, spills to disk. */
#define TARN_LIMIT_REWRITE_ENGINE_BYTES (768 * TARN_MIB)
/* Files that are planned at a time, of about 500 bytes each: a table may have millions. */
#define TARN_LIMIT_REWRITE_PLAN_FILES 100000

#endif
