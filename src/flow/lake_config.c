/* Reading tarn.yaml into TarnLakeConfig: tables of keys, then the meaning of each value.
 *
 * Paths in the file are relative to the lake's folder. What this version cannot do yet is either
 * refused where it would change what happens to data (catalog on PostgreSQL) or
 * listed as unused (sections of later features).
 */
#include "flow/lake_config.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/yaml.h"
#include "catalog/dropped.h"
#include "flow/config_reader_private.h"
#include "flow/secrets.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Top {
    int64_t version;
    const char *name;
    const char *warehouse;
    const char *catalog;
    int sync;
    const TarnJson *zones;
    const TarnJson *sources;
    const TarnJson *quality;
    const TarnJson *storage;
    const TarnJson *drop;
    const TarnJson *later; /* sections that have no effect yet share this slot */
} Top;

static const char *const sync_words[] = {"full", "catalog", NULL};
static const char *const on_error_words[] = {"fail", "quarantine", "skip", NULL};
static const char *const drift_words[] = {"evolve", "freeze", "discard_row", "discard_value", NULL};
static const char *const from_words[] = {"file",  "rest",    "postgres", "mysql", "mongodb",
                                         "kafka", "kinesis", "mqtt",     "http",  "log",
                                         NULL};
static const char *const format_words[] = {"auto", "csv", "json", "ndjson", "avro", "parquet",
                                           NULL};

static const char *const later_sections[] = {"schedules", "workgroups", "lifecycle", "auth",
                                             "alerts",    "engines",    "serve"};

static const TarnConfigKey top_keys[] = {
    {"version", TARN_CONFIG_INT, offsetof(Top, version), true, NULL},
    {"name", TARN_CONFIG_TEXT, offsetof(Top, name), false, NULL},
    {"warehouse", TARN_CONFIG_TEXT, offsetof(Top, warehouse), false, NULL},
    {"catalog", TARN_CONFIG_TEXT, offsetof(Top, catalog), false, NULL},
    {"sync", TARN_CONFIG_ENUM, offsetof(Top, sync), false, sync_words},
    {"zones", TARN_CONFIG_TREE, offsetof(Top, zones), false, NULL},
    {"sources", TARN_CONFIG_TREE, offsetof(Top, sources), false, NULL},
    {"quality", TARN_CONFIG_TREE, offsetof(Top, quality), false, NULL},
    {"storage", TARN_CONFIG_TREE, offsetof(Top, storage), false, NULL},
    {"drop", TARN_CONFIG_TREE, offsetof(Top, drop), false, NULL},
    {"schedules", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
    {"workgroups", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
    {"lifecycle", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
    {"auth", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
    {"alerts", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
    {"engines", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
    {"serve", TARN_CONFIG_TREE, offsetof(Top, later), false, NULL},
};

typedef struct ZoneEntry {
    int64_t retention_ms;
    bool keep_originals;
    bool append_only;
    TarnConfigTexts requires;
    uint64_t file_size;
} ZoneEntry;

static const TarnConfigKey zone_keys[] = {
    {"retention", TARN_CONFIG_DURATION, offsetof(ZoneEntry, retention_ms), false, NULL},
    {"keep_originals", TARN_CONFIG_BOOL, offsetof(ZoneEntry, keep_originals), false, NULL},
    {"append_only", TARN_CONFIG_BOOL, offsetof(ZoneEntry, append_only), false, NULL},
    {"requires", TARN_CONFIG_TEXTS, offsetof(ZoneEntry, requires), false, NULL},
    {"file_size", TARN_CONFIG_BYTES, offsetof(ZoneEntry, file_size), false, NULL},
};

typedef struct SourceEntry {
    const char *name;
    int from;
    const char *path;
    const char *schema;
    const char *into;
    TarnConfigTexts partition_by;
    int on_error;
    double max_error_rate;
    int drift;
    int format;
    const TarnJson *csv;
    TarnConfigTexts tags;
} SourceEntry;

static const TarnConfigKey source_keys[] = {
    {"name", TARN_CONFIG_TEXT, offsetof(SourceEntry, name), true, NULL},
    {"from", TARN_CONFIG_ENUM, offsetof(SourceEntry, from), true, from_words},
    {"path", TARN_CONFIG_TEXT, offsetof(SourceEntry, path), true, NULL},
    {"schema", TARN_CONFIG_TEXT, offsetof(SourceEntry, schema), false, NULL},
    {"into", TARN_CONFIG_TEXT, offsetof(SourceEntry, into), true, NULL},
    {"partition_by", TARN_CONFIG_TEXTS, offsetof(SourceEntry, partition_by), false, NULL},
    {"on_error", TARN_CONFIG_ENUM, offsetof(SourceEntry, on_error), false, on_error_words},
    {"max_error_rate", TARN_CONFIG_RATE, offsetof(SourceEntry, max_error_rate), false, NULL},
    {"drift", TARN_CONFIG_ENUM, offsetof(SourceEntry, drift), false, drift_words},
    {"format", TARN_CONFIG_ENUM, offsetof(SourceEntry, format), false, format_words},
    {"csv", TARN_CONFIG_TREE, offsetof(SourceEntry, csv), false, NULL},
    {"tags", TARN_CONFIG_TEXTS, offsetof(SourceEntry, tags), false, NULL},
};

/* DuckDB's names for CSV options. */
typedef struct CsvEntry {
    char delim;
    char quote;
    char escape;
    bool header;
    int64_t skip;
    TarnConfigTexts nullstr;
    const char *dateformat;
    const char *timestampformat;
} CsvEntry;

static const TarnConfigKey csv_keys[] = {
    {"delim", TARN_CONFIG_CHAR, offsetof(CsvEntry, delim), false, NULL},
    {"quote", TARN_CONFIG_CHAR, offsetof(CsvEntry, quote), false, NULL},
    {"escape", TARN_CONFIG_CHAR, offsetof(CsvEntry, escape), false, NULL},
    {"header", TARN_CONFIG_BOOL, offsetof(CsvEntry, header), false, NULL},
    {"skip", TARN_CONFIG_INT, offsetof(CsvEntry, skip), false, NULL},
    {"nullstr", TARN_CONFIG_TEXTS, offsetof(CsvEntry, nullstr), false, NULL},
    {"dateformat", TARN_CONFIG_TEXT, offsetof(CsvEntry, dateformat), false, NULL},
    {"timestampformat", TARN_CONFIG_TEXT, offsetof(CsvEntry, timestampformat), false, NULL},
};

typedef struct QualityEntry {
    int default_action;
} QualityEntry;

static const TarnConfigKey quality_keys[] = {
    {"default_action", TARN_CONFIG_ENUM, offsetof(QualityEntry, default_action), false,
     on_error_words},
};

typedef struct DropEntry {
    int64_t retention_ms;
} DropEntry;

static const TarnConfigKey drop_keys[] = {
    {"retention", TARN_CONFIG_DURATION, offsetof(DropEntry, retention_ms), false, NULL},
};

typedef struct StorageEntry {
    const char *endpoint;
    const char *region;
    bool path_style;
    const char *access_key;
    const char *secret_key;
    const char *session_token;
    const char *profile;
} StorageEntry;

static const TarnConfigKey storage_keys[] = {
    {"endpoint", TARN_CONFIG_TEXT, offsetof(StorageEntry, endpoint), false, NULL},
    {"region", TARN_CONFIG_TEXT, offsetof(StorageEntry, region), false, NULL},
    {"path_style", TARN_CONFIG_BOOL, offsetof(StorageEntry, path_style), false, NULL},
    {"access_key", TARN_CONFIG_SECRET, offsetof(StorageEntry, access_key), false, NULL},
    {"secret_key", TARN_CONFIG_SECRET, offsetof(StorageEntry, secret_key), false, NULL},
    {"session_token", TARN_CONFIG_SECRET, offsetof(StorageEntry, session_token), false, NULL},
    {"profile", TARN_CONFIG_TEXT, offsetof(StorageEntry, profile), false, NULL},
};

typedef struct Build {
    const TarnOs *os;
    TarnConfigReader reader;
    TarnLakeConfig *config;
    TarnArena *arena;
    TarnError *error;
} Build;

static const char *absolute(Build *build, const char *path) {
    if (path[0] == '/') return tarn_base_arena_string(build->arena, path);
    return tarn_base_arena_printf(build->arena, "%s/%s", build->config->folder, path);
}

static bool read_requires(Build *build, const TarnJson *at, const ZoneEntry *entry,
                          TarnZone *zone) {
    for (size_t i = 0; i < entry->requires.count; i++) {
        const char *word = entry->requires.items[i];
        if (strcmp(word, "schema") == 0) {
            zone->requires_schema = true;
        } else if (strcmp(word, "checks") == 0) {
            zone->requires_checks = true;
        } else {
            tarn_flow__config_refuse(&build->reader, at, "zone \"%s\" cannot require \"%.60s\"",
                                     zone->name, word);
            return tarn_base_error_hint(build->error, "use: schema, checks");
        }
    }
    return true;
}

static bool read_zone(Build *build, const TarnJson *member, TarnZone *zone) {
    const TarnZone *standard = NULL;
    for (size_t i = 0; i < tarn_catalog_default_zone_count; i++) {
        if (tarn_base_text_is(member->key, tarn_catalog_default_zones[i].name)) {
            standard = &tarn_catalog_default_zones[i];
        }
    }
    zone->name = tarn_base_text_string(build->arena, member->key);
    if (zone->name == NULL) return tarn_base_arena_check(build->arena, build->error);
    if (strchr(zone->name, '.') != NULL || strchr(zone->name, '/') != NULL ||
        zone->name[0] == '\0') {
        return tarn_flow__config_refuse(&build->reader, member,
                                        "\"%.80s\" cannot be the name of a zone", zone->name);
    }
    /* A zone named as a standard one keeps that one's habits unless a key says otherwise. */
    ZoneEntry entry = {.keep_originals = standard != NULL && standard->keep_originals,
                       .append_only = standard != NULL && standard->append_only};
    if (member->kind != TARN_JSON_NULL &&
        !tarn_flow__config_read(&build->reader, member, "zone", zone_keys, COUNT(zone_keys),
                                &entry)) {
        return false;
    }
    zone->retention_ms = entry.retention_ms;
    zone->keep_originals = entry.keep_originals;
    zone->append_only = entry.append_only;
    zone->file_size = entry.file_size;
    return read_requires(build, member, &entry, zone);
}

static bool read_zones(Build *build, const TarnJson *zones) {
    if (zones == NULL) {
        build->config->zones = tarn_catalog_default_zones;
        build->config->zone_count = tarn_catalog_default_zone_count;
        return true;
    }
    if (zones->kind != TARN_JSON_OBJECT) {
        return tarn_flow__config_refuse(&build->reader, zones,
                                        "\"zones\" must be a mapping of names to policies");
    }
    TarnZone *list = TARN_NEW_ARRAY(build->arena, zones->count + 1, TarnZone);
    if (list == NULL) return tarn_base_arena_check(build->arena, build->error);
    size_t count = 0;
    bool sandbox = false;
    TARN_JSON_EACH(member, zones) {
        if (!read_zone(build, member, &list[count])) return false;
        sandbox = sandbox || strcmp(list[count].name, "sandbox") == 0;
        count++;
    }
    if (!sandbox) list[count++] = (TarnZone){.name = "sandbox"};
    build->config->zones = list;
    build->config->zone_count = count;
    return true;
}

static bool read_csv(Build *build, const TarnJson *csv, TarnSourceConfig *source) {
    CsvEntry entry = {.delim = ',', .quote = '"', .header = true};
    if (csv != NULL && !tarn_flow__config_read(&build->reader, csv, "csv", csv_keys,
                                               COUNT(csv_keys), &entry)) {
        return false;
    }
    if (entry.skip < 0 || entry.skip > UINT32_MAX) {
        return tarn_flow__config_refuse(&build->reader, csv, "\"skip\" must not be negative");
    }
    source->csv_given = csv != NULL && tarn_base_json_member(csv, "delim") != NULL;
    source->csv = (TarnCsvDialect){.delimiter = entry.delim,
                                   .quote = entry.quote,
                                   .escape = entry.escape,
                                   .header = entry.header,
                                   .skip_lines = (uint32_t)entry.skip,
                                   .null_texts = entry.nullstr.items,
                                   .null_text_count = entry.nullstr.count,
                                   .date_format = entry.dateformat,
                                   .timestamp_format = entry.timestampformat};
    return true;
}

static bool read_source(Build *build, const TarnJson *item, TarnSourceConfig *source) {
    SourceEntry entry = {.on_error = (int)build->config->quality_default, .max_error_rate = 1.0};
    if (!tarn_flow__config_read(&build->reader, item, "source", source_keys, COUNT(source_keys),
                                &entry)) {
        return false;
    }
    source->name = entry.name;
    source->from = from_words[entry.from];
    source->path = absolute(build, entry.path);
    source->schema = entry.schema != NULL ? absolute(build, entry.schema) : NULL;
    source->into = entry.into;
    source->partition_by = entry.partition_by.items;
    source->partition_count = entry.partition_by.count;
    source->on_error = (TarnOnError)entry.on_error;
    source->max_error_rate = entry.max_error_rate;
    source->drift = (TarnDrift)entry.drift;
    source->format = (TarnFileFormat)entry.format;
    source->tags = entry.tags.items;
    source->tag_count = entry.tags.count;
    source->line = item->line;
    return read_csv(build, entry.csv, source);
}

/* Sources of other kinds have keys of their own; they are known by name and not read yet. */
static bool is_file_source(const TarnJson *item) {
    TarnText from;
    return !tarn_base_json_text(tarn_base_json_member(item, "from"), &from) ||
           tarn_base_text_is(from, "file");
}

static void note_unused(Build *build, const char *key, uint32_t line) {
    size_t count = build->config->unused_count;
    TarnUnusedSetting *grown = TARN_NEW_ARRAY(build->arena, count + 1, TarnUnusedSetting);
    if (grown == NULL) return;
    if (count > 0) memcpy(grown, build->config->unused, count * sizeof(*grown));
    grown[count] = (TarnUnusedSetting){.key = key, .line = line};
    build->config->unused = grown;
    build->config->unused_count = count + 1;
}

static bool read_sources(Build *build, const TarnJson *sources) {
    if (sources == NULL) return true;
    if (sources->kind != TARN_JSON_ARRAY) {
        return tarn_flow__config_refuse(&build->reader, sources,
                                        "\"sources\" must be a list of sources");
    }
    TarnSourceConfig *list = TARN_NEW_ARRAY(build->arena, sources->count, TarnSourceConfig);
    if (list == NULL) return tarn_base_arena_check(build->arena, build->error);
    size_t count = 0;
    TARN_JSON_EACH(item, sources) {
        if (!is_file_source(item)) {
            note_unused(build, "sources: a kind other than file", item->line);
            continue;
        }
        if (!read_source(build, item, &list[count])) return false;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(list[i].name, list[count].name) == 0) {
                return tarn_flow__config_refuse(&build->reader, item,
                                                "two sources are named \"%.80s\"", list[i].name);
            }
        }
        count++;
    }
    build->config->sources = list;
    build->config->source_count = count;
    return true;
}

static bool read_storage(Build *build, const TarnJson *storage) {
    StorageEntry entry = {0};
    TarnStoreS3Options *options = &build->config->storage;
    if (storage == NULL) return true;
    if (!tarn_flow__config_read(&build->reader, storage, "storage", storage_keys,
                                COUNT(storage_keys), &entry)) {
        return false;
    }
    if ((entry.access_key == NULL) != (entry.secret_key == NULL)) {
        bool first = entry.access_key != NULL;
        return tarn_flow__config_refuse(&build->reader, storage, "storage has %s without %s",
                                        first ? "an access_key" : "a secret_key",
                                        first ? "a secret_key" : "an access_key");
    }
    const TarnJson *style = tarn_base_json_member(storage, "path_style");
    bool given = style != NULL && style->kind != TARN_JSON_NULL;
    *options = (TarnStoreS3Options){.endpoint = entry.endpoint, .region = entry.region,
                                    .access_key = entry.access_key,
                                    .secret_key = entry.secret_key,
                                    .session_token = entry.session_token,
                                    .profile = entry.profile};
    options->style = !given             ? TARN_STORE_S3_STYLE_AUTO
                     : entry.path_style ? TARN_STORE_S3_STYLE_PATH
                                        : TARN_STORE_S3_STYLE_VIRTUAL;
    return true;
}

static bool read_warehouse(Build *build, const TarnJson *root, const char *warehouse) {
    const TarnJson *at = tarn_base_json_member(root, "warehouse");
    TarnText text = tarn_base_text(warehouse);
    TarnText path;
    TarnError reason;
    if (strstr(warehouse, "://") == NULL) {
        build->config->warehouse = absolute(build, warehouse);
        return tarn_base_arena_check(build->arena, build->error);
    }
    tarn_base_error_clear(&reason);
    if (!tarn_store_is_s3(text) || !tarn_store_resolve(text, &path, &reason)) {
        tarn_flow__config_refuse(&build->reader, at, "the warehouse \"%.120s\" is neither a folder "
                                                     "nor on S3", warehouse);
        return tarn_base_error_hint(build->error, "a warehouse is a folder or s3://bucket/prefix");
    }
    while (tarn_base_text_ends(text, "/")) text.size--;
    build->config->warehouse = tarn_base_text_string(build->arena, text);
    return tarn_base_arena_check(build->arena, build->error);
}

static bool read_places(Build *build, const TarnJson *root, const Top *top) {
    const char *warehouse = top->warehouse != NULL ? top->warehouse : ".tarn/warehouse";
    if (!read_warehouse(build, root, warehouse)) return false;
    const char *catalog = top->catalog != NULL ? top->catalog : "sqlite:.tarn/catalog.db";
    if (strncmp(catalog, "sqlite:", 7) != 0) {
        tarn_flow__config_refuse(&build->reader, tarn_base_json_member(root, "catalog"),
                                 "the catalog must be \"sqlite:<path>\"");
        return tarn_base_error_hint(build->error, "PostgreSQL comes with a later version");
    }
    const char *path = absolute(build, catalog + 7);
    build->config->catalog = tarn_base_arena_printf(build->arena, "sqlite:%s", path);
    return tarn_base_arena_check(build->arena, build->error);
}

static bool read_top(Build *build, const TarnJson *root) {
    Top top = {0};
    if (!tarn_flow__config_read(&build->reader, root, "tarn.yaml", top_keys, COUNT(top_keys),
                                &top)) {
        return false;
    }
    if (top.version != 1) {
        return tarn_flow__config_refuse(&build->reader, tarn_base_json_member(root, "version"),
                                        "this program reads version 1 of tarn.yaml, not %lld",
                                        (long long)top.version);
    }
    const char *slash = strrchr(build->config->folder, '/');
    build->config->name = top.name != NULL ? top.name
                          : slash != NULL  ? slash + 1
                                           : build->config->folder;
    build->config->sync_full = top.sync == 0;
    for (size_t i = 0; i < COUNT(later_sections); i++) {
        const TarnJson *member = tarn_base_json_member(root, later_sections[i]);
        if (member != NULL) note_unused(build, later_sections[i], member->key_line);
    }
    QualityEntry quality = {.default_action = -1};
    if (top.quality != NULL &&
        !tarn_flow__config_read(&build->reader, top.quality, "quality", quality_keys,
                                COUNT(quality_keys), &quality)) {
        return false;
    }
    build->config->quality_given = quality.default_action >= 0;
    build->config->quality_default = build->config->quality_given
                                         ? (TarnOnError)quality.default_action
                                         : TARN_ON_ERROR_QUARANTINE;
    DropEntry drop = {.retention_ms = TARN_CATALOG_DROP_RETENTION_MS};
    if (top.drop != NULL && !tarn_flow__config_read(&build->reader, top.drop, "drop", drop_keys,
                                                    COUNT(drop_keys), &drop)) {
        return false;
    }
    build->config->drop_retention_ms = drop.retention_ms;
    return read_storage(build, top.storage) && read_places(build, root, &top) &&
           read_zones(build, top.zones) &&
           read_sources(build, top.sources);
}

static const char *find_variable(void *state, const char *name) {
    const TarnOs *os = state;
    return os->environment(os, name);
}

static bool find_secret(void *state, const char *name, const char **value, TarnError *error) {
    Build *build = state;
    return tarn_flow_secret_check_name(name, error) &&
           tarn_flow_secret_find(build->os, build->config->folder, name, build->arena, value,
                                 error);
}

/* Lines on which keys may stand in plain text are not quoted in errors. */
static bool is_quotable(const TarnJson *root, uint32_t line) {
    const TarnJson *storage = tarn_base_json_member(root, "storage");
    uint32_t last = storage != NULL ? storage->key_line : 0;
    if (storage == NULL) return true;
    TARN_JSON_EACH(member, storage) {
        if (member->line > last) last = member->line;
        if (member->key_line > last) last = member->key_line;
    }
    return line < storage->key_line || line > last;
}

bool tarn_flow_lake_config_read(const TarnOs *os, const char *folder, TarnArena *arena,
                                TarnLakeConfig **config, TarnError *error) {
    TarnText text;
    TarnJson *root = NULL;
    tarn_base_error_clear(error);
    *config = TARN_NEW(arena, TarnLakeConfig);
    if (*config == NULL) return tarn_base_arena_check(arena, error);
    (*config)->folder = tarn_base_arena_string(arena, folder);
    (*config)->path = tarn_base_arena_printf(arena, "%s/tarn.yaml", folder);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (!tarn_os_file_read_all(os, (*config)->path, TARN_LIMIT_CONFIG_BYTES, arena, &text,
                               error)) {
        if (error->code != TARN_E_OBJECT_NOT_FOUND) return false;
        tarn_base_error_set(error, TARN_E_NOT_A_LAKE, "\"%s\" is not a lake: it has no tarn.yaml",
                            folder);
        return tarn_base_error_hint(error, "make one with: tarn init %s", folder);
    }
    if (!tarn_base_yaml_parse(text, "tarn.yaml", arena, &root, error)) return false;
    Build build = {.os = os,
                   .config = *config,
                   .arena = arena,
                   .error = error,
                   .reader = {.arena = arena,
                              .file = "tarn.yaml",
                              .error = error,
                              .variable = find_variable,
                              .variable_state = (void *)(uintptr_t)os}};
    build.reader.secret = find_secret;
    build.reader.secret_state = &build;
    if (read_top(&build, root)) return tarn_base_arena_check(arena, error);
    if (error->line > 0 && is_quotable(root, error->line)) {
        tarn_base_error_excerpt(error, text.data, text.size);
    }
    return false;
}

const char *tarn_flow_lake_config_template(const char *name, const char *warehouse,
                                           TarnArena *arena) {
    return tarn_base_arena_printf(
        arena,
        "version: 1\n"
        "name: %s\n"
        "warehouse: %s\n"
        "catalog: sqlite:.tarn/catalog.db\n"
        "sync: full                 # full: every commit survives a power cut; catalog: faster\n"
        "zones:\n"
        "  raw:         { keep_originals: true, append_only: true }\n"
        "  cleansed:    { requires: [schema] }\n"
        "  curated:     { requires: [schema, checks] }\n"
        "  consumption: { requires: [checks] }\n"
        "sources: []\n"
        "# sources:\n"
        "#   - name: events\n"
        "#     from: file\n"
        "#     path: data/events*.csv\n"
        "#     into: raw.events\n",
        name, warehouse);
}
