/* Decoding manifests into compact objects for the cache.
 *
 * An Avro block holds far more than a scan needs (the metrics of all columns), so nothing keeps a
 * view into it: paths and the wanted bounds are copied, partition values are kept once per
 * distinct tuple, and the block's memory is used again for the next one. A manifest of 10,000
 * files in 100 partitions keeps 100 tuples, and a scan judges 100 of them, not 10,000.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "table/manifest_cache_private.h"
#include "table/manifest_private.h"
#include "table/manifest_stretch_private.h"

typedef struct Loader {
    TarnCacheObject *object;
    size_t capacity;       /* of entries and tuple_of_entry */
    size_t tuple_capacity; /* of tuples */
    uint32_t *slots;       /* hash table over tuples: index + 1 */
    uint64_t *tuple_hashes;
    size_t slot_count;
    TarnText format; /* the last one: nearly always the same text */
} Loader;

static bool out_of_memory(TarnError *error) {
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                               "out of memory while decoding a manifest");
}

/* --- growing --- */

static bool grow_array(void **array, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return false;
    void *grown = realloc(*array, total > 0 ? total : 1);
    if (grown == NULL) return false;
    *array = grown;
    return true;
}

static bool grow_entries(Loader *loader, size_t wanted, TarnError *error) {
    TarnCacheObject *object = loader->object;
    void *entries = object->entries;
    void *tuples = object->tuple_of_entry;
    bool done = wanted <= TARN_LIMIT_STATEMENT_ARENA_BYTES / sizeof(TarnManifestEntry);
    if (!done) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "manifest \"%s\" holds more than %zu entries", object->path,
                                   TARN_LIMIT_STATEMENT_ARENA_BYTES / sizeof(TarnManifestEntry));
    }
    if (grow_array(&entries, wanted, sizeof(TarnManifestEntry))) object->entries = entries;
    else done = false;
    if (grow_array(&tuples, wanted, sizeof(uint32_t))) object->tuple_of_entry = tuples;
    else done = false;
    if (!done) return out_of_memory(error);
    loader->capacity = wanted;
    return true;
}

/* --- partition tuples --- */

static uint64_t hash_literal(const TarnLiteral *literal, uint64_t seed) {
    if (literal->is_null) return seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    switch (literal->kind) {
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return tarn_base_hash64(literal->as.bytes.data, literal->as.bytes.size, seed);
    case TARN_TYPE_DECIMAL:
        return tarn_base_hash64(&literal->as.decimal, sizeof(literal->as.decimal), seed);
    case TARN_TYPE_BOOLEAN: return seed * UINT64_C(0x9E3779B97F4A7C15) + 2 + literal->as.boolean;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: {
        double real = isnan(literal->as.real) ? (double)NAN : literal->as.real;
        return tarn_base_hash64(&real, sizeof(real), seed);
    }
    default: return tarn_base_hash64(&literal->as.integer, sizeof(literal->as.integer), seed);
    }
}

static bool tuple_equal(const TarnLiteral *a, const TarnLiteral *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!tarn_format_literal_equal(&a[i], &b[i])) return false;
    }
    return true;
}

static bool has_bytes(const TarnLiteral *literal) {
    return !literal->is_null &&
           (literal->kind == TARN_TYPE_STRING || literal->kind == TARN_TYPE_UUID ||
            literal->kind == TARN_TYPE_FIXED || literal->kind == TARN_TYPE_BINARY);
}

static TarnText copy_text(TarnArena *arena, TarnText text) {
    if (text.data == NULL) return text;
    return (TarnText){tarn_base_arena_string_n(arena, text.data, text.size), text.size};
}

static TarnLiteral *copy_tuple(TarnArena *arena, const TarnLiteral *values, size_t count) {
    TarnLiteral *copy = tarn_base_arena_copy(arena, values, count * sizeof(*values));
    if (copy == NULL) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (has_bytes(&copy[i])) copy[i].as.bytes = copy_text(arena, copy[i].as.bytes);
    }
    return tarn_base_arena_failed(arena) ? NULL : copy;
}

static bool grow_slots(Loader *loader) {
    size_t slot_count = loader->slot_count == 0 ? 64 : loader->slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(uint32_t));
    if (slots == NULL) return false;
    for (size_t i = 0; i < loader->object->tuple_count; i++) {
        size_t at = loader->tuple_hashes[i] & (slot_count - 1);
        while (slots[at] != 0) at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)(i + 1);
    }
    free(loader->slots);
    loader->slots = slots;
    loader->slot_count = slot_count;
    return true;
}

static bool grow_tuples(Loader *loader) {
    TarnCacheObject *object = loader->object;
    size_t wanted = loader->tuple_capacity == 0 ? 16 : loader->tuple_capacity * 2;
    void *tuples = object->tuples;
    void *hashes = loader->tuple_hashes;
    if (!grow_array(&tuples, wanted, sizeof(TarnLiteral *))) return false;
    object->tuples = tuples;
    if (!grow_array(&hashes, wanted, sizeof(uint64_t))) return false;
    loader->tuple_hashes = hashes;
    loader->tuple_capacity = wanted;
    return true;
}

static bool intern_tuple(Loader *loader, const TarnLiteral *values, size_t count, uint32_t *index,
                         TarnError *error) {
    TarnCacheObject *object = loader->object;
    bool full = loader->slots == NULL || (object->tuple_count + 1) * 2 > loader->slot_count;
    if (full && !grow_slots(loader)) return out_of_memory(error);
    /* By address, which differs each time: colliding tuples cannot be prepared. */
    uint64_t hash = (uint64_t)(uintptr_t)object;
    for (size_t i = 0; i < count; i++) hash = hash_literal(&values[i], hash);
    size_t mask = loader->slot_count - 1;
    size_t at = hash & mask;
    for (; loader->slots[at] != 0; at = (at + 1) & mask) {
        *index = loader->slots[at] - 1;
        if (loader->tuple_hashes[*index] == hash &&
            tuple_equal(object->tuples[*index], values, count)) {
            return true;
        }
    }
    if (object->tuple_count == loader->tuple_capacity && !grow_tuples(loader)) {
        return out_of_memory(error);
    }
    TarnLiteral *copy = copy_tuple(&object->arena, values, count);
    if (copy == NULL) return tarn_base_arena_check(&object->arena, error);
    *index = (uint32_t)object->tuple_count;
    loader->tuple_hashes[object->tuple_count] = hash;
    object->tuples[object->tuple_count++] = copy;
    loader->slots[at] = *index + 1;
    return true;
}

/* --- entries --- */

/* Bounds of all columns in one piece. */
static bool copy_columns(TarnArena *arena, TarnDataFile *file) {
    if (file->column_count == 0) {
        file->columns = NULL;
        return true;
    }
    TarnColumnMetrics *columns = tarn_base_arena_copy(arena, file->columns,
                                                      file->column_count * sizeof(*columns));
    size_t total = 0;
    for (size_t i = 0; i < file->column_count; i++) {
        total += file->columns[i].lower.size + file->columns[i].upper.size;
    }
    char *bytes = tarn_base_arena_alloc(arena, total);
    if (columns == NULL || bytes == NULL) return false;
    for (size_t i = 0; i < file->column_count; i++) {
        TarnText *bounds[2] = {&columns[i].lower, &columns[i].upper};
        for (size_t j = 0; j < 2; j++) {
            if (bounds[j]->data == NULL) continue;
            if (bounds[j]->size > 0) memcpy(bytes, bounds[j]->data, bounds[j]->size);
            bounds[j]->data = bytes;
            bytes += bounds[j]->size;
        }
    }
    file->columns = columns;
    return true;
}

static TarnText copy_format(Loader *loader, TarnText format) {
    if (loader->format.data == NULL || !tarn_base_text_equal(loader->format, format)) {
        loader->format = copy_text(&loader->object->arena, format);
    }
    return loader->format;
}

static bool copy_entry(Loader *loader, const TarnManifestEntry *entry, TarnError *error) {
    TarnCacheObject *object = loader->object;
    TarnArena *arena = &object->arena;
    size_t number = object->manifest.entry_count;
    if (number == loader->capacity && !grow_entries(loader, loader->capacity * 2, error)) {
        return false;
    }
    TarnManifestEntry *copy = &object->entries[number];
    *copy = *entry;
    TarnDataFile *file = &copy->file;
    uint32_t tuple = 0;
    if (!intern_tuple(loader, entry->file.partition, entry->file.partition_count, &tuple, error)) {
        return false;
    }
    object->tuple_of_entry[number] = tuple;
    file->path = copy_text(arena, file->path);
    file->format = copy_format(loader, file->format);
    file->key_metadata = copy_text(arena, file->key_metadata);
    file->referenced_data_file = copy_text(arena, file->referenced_data_file);
    if (file->split_offset_count > 0) {
        file->split_offsets = tarn_base_arena_copy(arena, file->split_offsets,
                                                   file->split_offset_count * sizeof(int64_t));
    }
    if (file->equality_id_count > 0) {
        file->equality_ids = tarn_base_arena_copy(arena, file->equality_ids,
                                                  file->equality_id_count * sizeof(int32_t));
    }
    if (!copy_columns(arena, file)) return tarn_base_arena_check(arena, error);
    object->manifest.entry_count++;
    return tarn_base_arena_check(arena, error);
}

static bool copy_head(TarnCacheObject *object, const TarnManifest *head, TarnError *error) {
    TarnManifest *manifest = &object->manifest;
    *manifest = *head;
    manifest->entries = NULL;
    manifest->entry_count = 0;
    TarnPartitionSpec *spec = &manifest->spec;
    spec->source = (TarnText){0};
    spec->fields = tarn_base_arena_copy(&object->arena, head->spec.fields,
                                        spec->field_count * sizeof(*spec->fields));
    if (spec->fields == NULL) return tarn_base_arena_check(&object->arena, error);
    for (size_t i = 0; i < spec->field_count; i++) {
        TarnPartitionField *field = &spec->fields[i];
        field->name = tarn_base_arena_string(&object->arena, field->name);
        field->transform.text = copy_text(&object->arena, field->transform.text);
    }
    return tarn_base_arena_check(&object->arena, error);
}

static bool copy_entries(Loader *loader, TarnManifestReader *reader, TarnError *error) {
    TarnArena scratch;
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool done = true;
    for (;;) {
        TarnManifestEntry *entry = NULL;
        done = tarn_table__manifest_reader_next(reader, &scratch, true, &entry, error);
        if (!done || entry == NULL) break;
        done = copy_entry(loader, entry, error);
        if (!done) break;
    }
    tarn_base_arena_dispose(&scratch);
    return done;
}

/* Made of the columns that a predicate asks for; who wants all metrics does not prune by them. */
static bool join_stretches(TarnCacheObject *object, const TarnTableMetadata *table,
                           TarnError *error) {
    const TarnManifest *manifest = &object->manifest;
    size_t count = (manifest->entry_count + TARN_MANIFEST_STRETCH - 1) / TARN_MANIFEST_STRETCH;
    if (table == NULL || manifest->is_deletes || object->metrics.count == 0) return true;
    TarnManifestStretch *stretches = TARN_NEW_ARRAY(&object->arena, count, TarnManifestStretch);
    if (stretches == NULL) return tarn_base_arena_check(&object->arena, error);
    for (size_t i = 0; i < count; i++) {
        size_t start = i * TARN_MANIFEST_STRETCH;
        size_t rest = manifest->entry_count - start;
        if (!tarn_table__stretch_join(manifest->entries + start,
                                      rest < TARN_MANIFEST_STRETCH ? rest : TARN_MANIFEST_STRETCH,
                                      object->metrics.ids, object->metrics.count,
                                      tarn_table_metadata_current_schema(table), &object->arena,
                                      &stretches[i], error)) {
            return false;
        }
    }
    object->stretches = stretches;
    return true;
}

/* Partition tuples and texts point into the arena and do not move; entries do while they grow. */
static bool finish_entries(TarnCacheObject *object, const TarnTableMetadata *table,
                           TarnError *error) {
    TarnManifest *manifest = &object->manifest;
    size_t count = manifest->entry_count;
    void *hashes = NULL;
    if (!grow_array(&hashes, count, sizeof(uint64_t))) return out_of_memory(error);
    object->path_hashes = hashes;
    void *entries = object->entries;
    if (grow_array(&entries, count, sizeof(TarnManifestEntry))) object->entries = entries;
    for (size_t i = 0; i < count; i++) {
        TarnDataFile *file = &object->entries[i].file;
        object->path_hashes[i] = tarn_table__path_hash(file->path);
        bool partitioned = file->partition_count > 0;
        file->partition = partitioned ? object->tuples[object->tuple_of_entry[i]] : NULL;
    }
    manifest->entries = object->entries;
    if (!join_stretches(object, table, error)) return false;
    object->bytes = sizeof(*object) + object->arena.used +
                    count * (sizeof(TarnManifestEntry) + sizeof(uint32_t) + sizeof(uint64_t)) +
                    object->tuple_count * sizeof(TarnLiteral *);
    object->manifest_pin = (TarnManifestPin){.manifest = manifest,
                                             .tuples = (const TarnLiteral *const *)object->tuples,
                                             .tuple_count = object->tuple_count,
                                             .tuple_of_entry = object->tuple_of_entry,
                                             .path_hashes = object->path_hashes,
                                             .stretches = object->stretches,
                                             .object = object};
    return true;
}

/* --- objects --- */

static bool init_object(TarnCacheObject *object, const char *path, TarnError *error) {
    tarn_base_arena_init(&object->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    object->path = tarn_base_arena_string(&object->arena, path);
    object->hash = tarn_table__path_hash(tarn_base_text(path));
    return tarn_base_arena_check(&object->arena, error);
}

static bool copy_metrics_set(TarnCacheObject *object, const TarnManifestReadOptions *options,
                             TarnError *error) {
    object->metrics = (TarnMetricsSet){.all = options->field_ids == NULL &&
                                              !options->without_metrics};
    if (options->without_metrics || options->field_ids == NULL) return true;
    object->metrics.count = options->field_id_count;
    object->metrics.ids = tarn_base_arena_copy(&object->arena, options->field_ids,
                                               options->field_id_count * sizeof(int32_t));
    return tarn_base_arena_check(&object->arena, error);
}

/* A hint out of a file: it saves copying while the array grows, and must not take memory on the
 * file's word. */
static size_t expected_entries(const TarnManifestFile *file) {
    const int64_t most = 16384;
    int64_t counts[3] = {file->added_files, file->existing_files, file->deleted_files};
    int64_t total = 0;
    for (size_t i = 0; i < 3; i++) {
        if (counts[i] > 0) total += counts[i] < most ? counts[i] : most;
    }
    if (total < 16) total = 16;
    return (size_t)(total < most ? total : most);
}

static bool decode_manifest(TarnCacheObject *object, TarnText bytes, const TarnManifestFile *file,
                            const TarnTableMetadata *table, const TarnManifestReadOptions *options,
                            TarnArena *work, TarnError *error) {
    TarnManifestReader *reader = NULL;
    TarnManifest *head = NULL;
    TarnManifestReadOptions own = *options;
    own.spec = table != NULL ? tarn_table_metadata_spec(table, file->spec_id) : NULL;
    if (!tarn_table__manifest_reader_open(bytes, object->path, table, &own, work, &reader, &head,
                                          error)) {
        return false;
    }
    Loader loader = {.object = object};
    bool done = copy_head(object, head, error) &&
                grow_entries(&loader, expected_entries(file), error) &&
                copy_entries(&loader, reader, error) && finish_entries(object, table, error);
    tarn_table__manifest_reader_close(reader);
    free(loader.slots);
    free(loader.tuple_hashes);
    if (!done) return false;
    if (object->manifest.is_deletes && !file->is_deletes) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "manifest \"%s\" holds deletes but its manifest list says data",
                                   object->path);
    }
    object->manifest.is_deletes = file->is_deletes;
    return true;
}

/* Why it may be unreadable: the list knows how long it was. */
static bool note_size(const TarnManifestFile *file, size_t size, TarnError *error) {
    if (file->length <= 0 || (uint64_t)file->length == size) return false;
    return tarn_base_error_hint(error, "it has %zu bytes, its manifest list says %lld: it was "
                                       "overwritten or cut after it was written", size,
                                (long long)file->length);
}

bool tarn_table__cache_load_manifest(TarnCacheObject *object, TarnStore *store,
                                     const TarnManifestFile *file, const TarnTableMetadata *table,
                                     const TarnManifestReadOptions *options, TarnError *error) {
    TarnArena work;
    TarnText bytes;
    tarn_base_arena_init(&work, TARN_LIMIT_MANIFEST_BYTES + TARN_LIMIT_METADATA_BYTES);
    const char *path = tarn_base_text_string(&work, file->path);
    bool done = tarn_base_arena_check(&work, error) && init_object(object, path, error) &&
                copy_metrics_set(object, options, error) &&
                tarn_store_get(store, path, TARN_STORE_WHOLE, TARN_LIMIT_MANIFEST_BYTES, &work,
                               &bytes, NULL, error) &&
                (decode_manifest(object, bytes, file, table, options, &work, error) ||
                 note_size(file, bytes.size, error));
    tarn_base_arena_dispose(&work);
    return done;
}

bool tarn_table__cache_load_list(TarnCacheObject *object, TarnStore *store, const char *path,
                                 TarnError *error) {
    TarnText bytes;
    TarnManifestFile *manifests = NULL;
    size_t count = 0;
    object->is_list = true;
    if (!init_object(object, path, error) ||
        !tarn_store_get(store, path, TARN_STORE_WHOLE, TARN_LIMIT_MANIFEST_BYTES, &object->arena,
                        &bytes, NULL, error) ||
        !tarn_table_manifest_list_read(bytes, object->path, &object->arena, &manifests, &count,
                                       error)) {
        return false;
    }
    object->bytes = sizeof(*object) + object->arena.used;
    object->list_pin = (TarnManifestListPin){
        .manifests = manifests, .count = count, .object = object};
    return true;
}

void tarn_table__cache_object_free(TarnCacheObject *object) {
    if (object == NULL) return;
    free(object->entries);
    free(object->tuple_of_entry);
    free(object->path_hashes);
    free(object->tuples);
    tarn_base_arena_dispose(&object->arena);
    free(object);
}
