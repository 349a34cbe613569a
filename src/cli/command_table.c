/* The command table: every command with its operands, flags, examples and handler.
 *
 * Order within a group is the order of help. What this version only knows by name stands at the
 * end, without a handler, so that it answers "comes with a later version" instead of "unknown".
 */
#include "cli/command_private.h"
#include "cli/handlers_private.h"

#define GROUP_BEGIN "start"
#define GROUP_BRING "bring data in"
#define GROUP_LOOK "look around"
#define GROUP_REFINE "refine and check"
#define GROUP_KEEP "keep tables in shape"
#define GROUP_GOVERN "govern"
#define GROUP_RUN "run and connect"

const char *const tarn_cli__groups[] = {GROUP_BEGIN,  GROUP_BRING,  GROUP_LOOK, GROUP_REFINE,
                                        GROUP_KEEP,   GROUP_GOVERN, GROUP_RUN,  NULL};

static const char *const output_words[] = {"table", "json", "ndjson", "csv", "md", "arrow", NULL};
static const char *const lineage_words[] = {"table", "json", "ndjson",      "csv",
                                            "md",    "dot",  "openlineage", NULL};
static const char *const mode_words[] = {"append", "overwrite", "merge", NULL};
static const char *const on_error_words[] = {"fail", "quarantine", "skip", NULL};
static const char *const drift_words[] = {"evolve", "freeze", "discard-row", "discard-value", NULL};
static const char *const format_words[] = {"auto", "csv", "json", "ndjson", "avro", "parquet",
                                           NULL};
static const char *const shell_words[] = {"bash", "zsh", "fish", NULL};
static const char *const tool_words[] = {"duckdb", "python", NULL};

const TarnCliFlag tarn_cli__global_flags[] = {
    {.name = "directory", .letter = 'C', .kind = TARN_CLI_FLAG_FOLDER, .value = "DIR",
     .help = "the lake's folder; otherwise the nearest one upwards that has a tarn.yaml"},
    {.name = "output", .letter = 'o', .kind = TARN_CLI_FLAG_WORD, .words = output_words,
     .otherwise = "table", .help = "the form of the data on standard output"},
    {.name = "json", .help = "the same as -o json: one object with ok, data and error"},
    {.name = "quiet", .letter = 'q', .help = "no remarks, no progress; errors and data only"},
    {.name = "verbose", .letter = 'v', .help = "say more on standard error"},
    {.name = "no-color", .help = "no colour; also by NO_COLOR in the environment"},
    {.name = "no-input", .help = "never ask; a question is answered with no"},
    {.name = "yes", .help = "answer questions with yes"},
    {.name = "timeout", .kind = TARN_CLI_FLAG_DURATION, .value = "TIME",
     .help = "end a statement that takes longer, as 30s or 5m"},
    {.name = "profile", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",
     .help = "settings of another environment (comes with a later version)"},
    {.name = "server", .kind = TARN_CLI_FLAG_TEXT, .value = "URL",
     .help = "a server instead of this folder (comes with a later version)"},
    {.name = "version", .help = "print the version"},
    {.name = "help", .letter = 'h', .help = "help, examples first"},
    {0},
};

#define BRANCH_FLAG                                                                                \
    {.name = "branch", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",                                \
     .help = "read tables on this branch where they have it, and write them on it"}

static const TarnCliFlag init_flags[] = {
    {.name = "warehouse", .kind = TARN_CLI_FLAG_TEXT, .value = "LOCATION",
     .help = "where the tables' files are: a folder, or s3://bucket/prefix"},
    {.name = "example", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",
     .help = "begin with a copy of an example lake"},
    {0},
};

static const TarnCliFlag load_flags[] = {
    {.name = "mode", .kind = TARN_CLI_FLAG_WORD, .words = mode_words, .otherwise = "append",
     .help = "add rows, or replace the table's rows; merge comes with a later version"},
    {.name = "format", .kind = TARN_CLI_FLAG_WORD, .words = format_words, .otherwise = "auto",
     .help = "of the files; auto looks at name and content"},
    {.name = "schema", .kind = TARN_CLI_FLAG_FILE, .value = "FILE",
     .help = "an .avsc or JSON Schema file that every row must fit; otherwise inferred"},
    {.name = "partition-by", .kind = TARN_CLI_FLAG_LIST, .value = "EXPR,..",
     .help = "of a table that is made: column, year, month, day or hour(column), "
             "bucket(n, column), truncate(n, column)"},
    {.name = "key", .kind = TARN_CLI_FLAG_LIST, .value = "C,..",
     .help = "key columns of merge (comes with a later version)"},
    {.name = "on-error", .kind = TARN_CLI_FLAG_WORD, .words = on_error_words,
     .otherwise = "quarantine",
     .help = "a row that does not fit: end the load, put it into TABLE$quarantine, or skip it"},
    {.name = "max-error-rate", .kind = TARN_CLI_FLAG_RATE, .value = "R",
     .help = "refuse the whole load beyond this part of bad rows, as 1% or 0.01"},
    {.name = "drift", .kind = TARN_CLI_FLAG_WORD, .words = drift_words, .otherwise = "evolve",
     .help = "a field the table does not have: add the column, refuse the load, or drop the row "
             "or the value"},
    {.name = "source", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",
     .help = "name of the source in the ingest columns; otherwise the table's"},
    {.name = "branch", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",
     .help = "load onto this branch of the table, which is made if missing"},
    {0},
};

static const TarnCliFlag sql_flags[] = {
    {.name = "command", .letter = 'c', .kind = TARN_CLI_FLAG_TEXT, .value = "SQL",
     .help = "run this text, one or more statements"},
    {.name = "file", .letter = 'f', .kind = TARN_CLI_FLAG_FILE, .value = "FILE",
     .help = "run a script; - is standard input"},
    {.name = "as-of", .kind = TARN_CLI_FLAG_TEXT, .value = "TIME|SNAPSHOT|REF",
     .help = "read every table as it was"},
    BRANCH_FLAG,
    {0},
};

static const TarnCliFlag head_flags[] = {
    {.name = "rows", .letter = 'n', .kind = TARN_CLI_FLAG_COUNT, .value = "N", .otherwise = "10",
     .help = "how many rows"},
    {.name = "as-of", .kind = TARN_CLI_FLAG_TEXT, .value = "TIME|SNAPSHOT|REF",
     .help = "read the table as it was"},
    {0},
};

static const TarnCliFlag ls_flags[] = {
    {.name = "dropped", .help = "the dropped tables that UNDROP TABLE can bring back"},
    {0},
};

static const TarnCliFlag history_flags[] = {
    {.name = "rows", .letter = 'n', .kind = TARN_CLI_FLAG_COUNT, .value = "N",
     .help = "the newest N only"},
    {0},
};

static const TarnCliFlag diff_flags[] = {
    {.name = "rows", .help = "the rows themselves, commit by commit: inserted, deleted, updated"},
    {.name = "limit", .kind = TARN_CLI_FLAG_COUNT, .value = "N", .help = "with --rows: so many"},
    {0},
};

static const TarnCliFlag build_flags[] = {
    {.name = "full-refresh", .help = "make incremental tables again from the start"},
    {.name = "from-failure", .help = "only what the last run did not finish"},
    {.name = "exclude", .kind = TARN_CLI_FLAG_LIST, .value = "SELECTOR,..",
     .help = "leave these pipelines out"},
    {.name = "backfill", .kind = TARN_CLI_FLAG_TEXT, .value = "A..B",
     .help = "the variables start and end of incremental pipelines"},
    {.name = "dry-run", .help = "say what would run, in which order; run nothing"},
    {.name = "explain", .help = "with --dry-run: also the SQL of each pipeline"},
    {.name = "var", .kind = TARN_CLI_FLAG_LIST, .value = "NAME=VALUE,..",
     .help = "values for var() in the pipelines"},
    {.name = "branch", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",
     .help = "read inputs on this branch where they have it, and publish on it"},
    {0},
};

static const TarnCliFlag check_flags[] = {
    {.name = "branch", .kind = TARN_CLI_FLAG_TEXT, .value = "NAME",
     .help = "look at this branch of the tables that have it"},
    {0},
};

static const TarnCliFlag lineage_flags[] = {
    {.name = "up", .kind = TARN_CLI_FLAG_COUNT, .value = "N", .help = "steps towards the sources"},
    {.name = "down", .kind = TARN_CLI_FLAG_COUNT, .value = "N",
     .help = "steps towards the consumers"},
    {.name = "output", .letter = 'o', .kind = TARN_CLI_FLAG_WORD, .words = lineage_words,
     .otherwise = "table", .help = "the form of the data on standard output"},
    {0},
};

#define DRY_RUN_FLAG {.name = "dry-run", .help = "say what would change; change nothing"}

static const TarnCliFlag branch_flags[] = {
    {.name = "at", .kind = TARN_CLI_FLAG_TEXT, .value = "SNAPSHOT|TIME|REF",
     .help = "what the branch begins with; otherwise main as it is"},
    {.name = "replace", .help = "a branch of that name is set there"},
    {.name = "keep", .kind = TARN_CLI_FLAG_DURATION, .value = "TIME",
     .help = "expire may drop the branch when its newest snapshot is older, as 30d"},
    {.name = "keep-snapshots", .kind = TARN_CLI_FLAG_COUNT, .value = "N",
     .help = "expire leaves the branch at least its newest N snapshots"},
    {.name = "keep-age", .kind = TARN_CLI_FLAG_DURATION, .value = "TIME",
     .help = "expire leaves the branch its snapshots that are younger, as 7d"},
    {.name = "drop", .help = "forget the branch; its snapshots stay until they expire"},
    DRY_RUN_FLAG,
    {0},
};

static const TarnCliFlag tag_flags[] = {
    {.name = "at", .kind = TARN_CLI_FLAG_TEXT, .value = "SNAPSHOT|TIME|REF",
     .help = "what the tag names; otherwise main as it is"},
    {.name = "replace", .help = "a tag of that name is set there"},
    {.name = "keep", .kind = TARN_CLI_FLAG_DURATION, .value = "TIME",
     .help = "expire may drop the tag when its snapshot is older, as 365d"},
    {.name = "drop", .help = "forget the tag; its snapshot stays until it expires"},
    DRY_RUN_FLAG,
    {0},
};

static const char *const version_words[] = {"2", "3", NULL};
static const TarnCliFlag upgrade_flags[] = {
    {.name = "format-version", .kind = TARN_CLI_FLAG_WORD, .words = version_words,
     .otherwise = "3", .help = "the version"},
    {0},
};

static const TarnCliFlag rollback_flags[] = {
    {.name = "any", .help = "also to a snapshot that main never had, as another branch's"},
    DRY_RUN_FLAG,
    {0},
};

static const TarnCliFlag fast_forward_flags[] = {
    {.name = "to", .kind = TARN_CLI_FLAG_TEXT, .value = "BRANCH", .otherwise = "main",
     .help = "the branch that moves"},
    {.name = "branch", .kind = TARN_CLI_FLAG_TEXT, .value = "BRANCH",
     .help = "publish this branch of all TABLEs, in one commit"},
    {.name = "all", .help = "with --branch: of every table that has the branch"},
    DRY_RUN_FLAG,
    {0},
};

static const TarnCliFlag cherry_pick_flags[] = {
    {.name = "to", .kind = TARN_CLI_FLAG_TEXT, .value = "BRANCH", .otherwise = "main",
     .help = "the branch that gets the change"},
    {0},
};

static const char *const strategy_words[] = {"binpack", "sort", "zorder", "hilbert", NULL};
static const TarnCliFlag optimize_flags[] = {
    {.name = "where", .kind = TARN_CLI_FLAG_TEXT, .value = "SQL",
     .help = "only files that may hold such rows, as \"day >= '2026-11-01'\""},
    {.name = "strategy", .kind = TARN_CLI_FLAG_WORD, .words = strategy_words,
     .otherwise = "binpack",
     .help = "join small files and cut large ones; or order the rows of all files: one column "
             "after the other, or along a curve through several"},
    {.name = "sort-by", .kind = TARN_CLI_FLAG_LIST, .value = "COLUMN,..",
     .help = "what to order by, as a,b or \"a desc\"; sort alone: the table's sort order"},
    {.name = "target-size", .kind = TARN_CLI_FLAG_TEXT, .value = "SIZE",
     .help = "of a file; otherwise write.target-file-size-bytes (512MB)"},
    {.name = "min-input-files", .kind = TARN_CLI_FLAG_COUNT, .value = "N", .otherwise = "5",
     .help = "join fewer files only if they fill one"},
    {.name = "max-group-size", .kind = TARN_CLI_FLAG_TEXT, .value = "SIZE",
     .help = "rewrite so much between two commits; 2GB unless given"},
    {.name = "manifests",
     .help = "rewrite manifests, not data files: by partition, of the size that "
             "commit.manifest.target-size-bytes says"},
    {.name = "deletes", .help = "also rewrite every file that has deleted rows"},
    {.name = "dry-run", .help = "say what would be rewritten, files and bytes; change nothing"},
    {0},
};

static const TarnCliFlag expire_flags[] = {
    {.name = "older-than", .kind = TARN_CLI_FLAG_TEXT, .value = "TIME",
     .help = "an age, as 5d, or a time; otherwise history.expire.max-snapshot-age-ms (5 days)"},
    {.name = "retain-last", .kind = TARN_CLI_FLAG_COUNT, .value = "N",
     .help = "of each branch, keep so many; otherwise history.expire.min-snapshots-to-keep (1)"},
    {.name = "snapshot", .kind = TARN_CLI_FLAG_LIST, .value = "ID,..",
     .help = "exactly these, whatever their age"},
    {.name = "dropped",
     .help = "instead of snapshots: the files of tables that were dropped longer ago than "
             "drop.retention in tarn.yaml (7d), or than --older-than if that is longer; UNDROP "
             "TABLE cannot bring these back"},
    {.name = "clean-schemas",
     .help = "also remove schemas and partition specs that no snapshot refers to"},
    {.name = "max-ratio", .kind = TARN_CLI_FLAG_RATE, .value = "R",
     .help = "refuse to delete more than this part of the files; 95% unless given"},
    {.name = "force", .help = "do what would be refused as suspicious"},
    {.name = "dry-run", .help = "say what would go, files and bytes; change nothing"},
    {0},
};

static const TarnCliFlag sweep_flags[] = {
    {.name = "older-than", .kind = TARN_CLI_FLAG_DURATION, .value = "AGE", .otherwise = "3d",
     .help = "leave younger files; less than 1d only with --force"},
    {.name = "max-ratio", .kind = TARN_CLI_FLAG_RATE, .value = "R",
     .help = "refuse to delete more than this part of the files; 50% unless given"},
    {.name = "force", .help = "do what would be refused as suspicious"},
    {.name = "dry-run", .help = "say what would go, files and bytes; change nothing"},
    {0},
};

/* ---- later versions ---- */
#define LATER(command, in_group, text) {.name = (command), .group = (in_group), .summary = (text)}

const TarnCliCommand tarn_cli__commands[] = {
    {.name = "init", .group = GROUP_BEGIN, .handler = tarn_cli__init,
     .summary = "make a lake in a folder",
     .description = "Writes tarn.yaml and makes the catalog, the warehouse and the zones raw, "
                    "cleansed, curated, consumption and sandbox. The folder is made if it is "
                    "missing; files that are there stay as they are, also a tarn.yaml that was "
                    "written before. A warehouse on S3 is tried out: of several writers of one "
                    "new object exactly one must win. Keys for it come from the environment, the "
                    "profile files, or storage in tarn.yaml.",
     .operands = {{.name = "DIR", .kind = TARN_CLI_OPERAND_FOLDER, .optional = true}},
     .flags = init_flags,
     .examples = {{"tarn init flights", "a new lake in the folder flights"},
                  {"tarn init", "a lake in this folder"},
                  {"tarn init demo --example flights", "begin with an example"},
                  {"tarn init lake --warehouse s3://bucket/lake", "tables on S3"}}},
    {.name = "help", .group = GROUP_BEGIN, .handler = tarn_cli__help,
     .summary = "how a command is used, examples first",
     .operands = {{.name = "COMMAND", .kind = TARN_CLI_OPERAND_COMMAND, .optional = true,
                   .repeated = true}},
     .examples = {{"tarn help", "all commands"}, {"tarn help load", "one of them"}}},
    {.name = "doctor", .group = GROUP_BEGIN, .handler = tarn_cli__doctor,
     .summary = "look for what is wrong with this lake and this machine",
     .description = "Checks tarn.yaml, the catalog's integrity and version, the warehouse, free "
                    "space, the DuckDB library, unfinished work of processes that died, settings "
                    "without effect, and the clock. Ends with exit code 1 if something is broken.",
     .examples = {{"tarn doctor", "all checks"}, {"tarn doctor --json", "for a monitor"}}},

    {.name = "load", .group = GROUP_BRING, .handler = tarn_cli__load,
     .summary = "files into a table",
     .description = "SRC are files, folders or globs (* ? [] and ** for folders): CSV, JSON, "
                    "NDJSON, Avro, plain or compressed with gzip or zstd. The schema is inferred, "
                    "taken from the table, or enforced with --schema. Each file is loaded once: "
                    "the same content is skipped the next time. Every row ends in the table, in "
                    "its quarantine or in a count, and all of it appears in one commit.",
     .operands = {{.name = "SRC", .kind = TARN_CLI_OPERAND_FILE, .repeated = true},
                  {.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE}},
     .flags = load_flags,
     .examples = {{"tarn load data/flights.csv raw.flights", "one file, schema inferred"},
                  {"tarn load 'data/**/*.csv.gz' raw.flights --partition-by 'month(flight_date)'",
                   "many files into a partitioned table"},
                  {"tarn load orders.ndjson raw.orders --schema orders.avsc --on-error fail",
                   "every row must fit the schema"},
                  {"tarn load day.csv raw.prices --mode overwrite", "replace the rows"}}},
    {.name = "ingest", .group = GROUP_BRING, .handler = tarn_cli__ingest,
     .summary = "run the sources of tarn.yaml",
     .description = "Loads what is new at each source that is configured, or at those named. "
                    "File sources run once in this version; other kinds and --follow come later.",
     .operands = {{.name = "SOURCE", .kind = TARN_CLI_OPERAND_TEXT, .optional = true,
                   .repeated = true}},
     .examples = {{"tarn ingest", "all sources"}, {"tarn ingest flights", "one source"}}},

    {.name = "sql", .group = GROUP_LOOK, .handler = tarn_cli__sql,
     .summary = "run SQL: one statement, a script, or a shell",
     .description = "Tables are named ZONE.TABLE. Without -c and -f, on a terminal, it is a shell "
                    "with history and completion (\\? lists its commands); otherwise standard "
                    "input is read as a script. A script stops at its first error.",
     .flags = sql_flags,
     .examples = {{"tarn sql -c 'select count(*) from raw.flights'", "one statement"},
                  {"tarn sql -c 'from raw.flights limit 5' -o csv", "as CSV"},
                  {"tarn sql -f report.sql --as-of 2026-11-01", "a script, as of a day"},
                  {"tarn sql -f fix.sql --branch audit", "write aside; fast-forward publishes it"},
                  {"tarn sql", "the shell"}}},
    {.name = "ls", .group = GROUP_LOOK, .handler = tarn_cli__ls,
     .summary = "the tables and views, with rows and bytes",
     .operands = {{.name = "NAME", .kind = TARN_CLI_OPERAND_TABLE, .optional = true}},
     .flags = ls_flags,
     .examples = {{"tarn ls", "everything"},
                  {"tarn ls raw", "one zone"},
                  {"tarn ls -o json", "for a program"}}},
    {.name = "show", .group = GROUP_LOOK, .handler = tarn_cli__show,
     .summary = "a table's columns, partitions, properties and place",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE}},
     .examples = {{"tarn show raw.flights", "for people"},
                  {"tarn show raw.flights --json", "with the Iceberg schema as JSON"}}},
    {.name = "head", .group = GROUP_LOOK, .handler = tarn_cli__head,
     .summary = "the first rows of a table",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE}},
     .flags = head_flags,
     .examples = {{"tarn head raw.flights", "ten rows"},
                  {"tarn head raw.flights -n 3 -o ndjson", "three, one JSON object a line"}}},
    {.name = "history", .group = GROUP_LOOK, .handler = tarn_cli__history,
     .summary = "a table's snapshots, newest first",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE}},
     .flags = history_flags,
     .examples = {{"tarn history raw.flights", "what happened to the table"},
                  {"tarn history raw.flights -n 5", "the last five commits"}}},
    {.name = "diff", .group = GROUP_LOOK, .handler = tarn_cli__diff,
     .summary = "what changed in a table between two snapshots",
     .description = "A and B are snapshot ids, times, branches or tags. Columns, files, rows and "
                    "bytes that were added and removed, from the metadata alone; there a row that "
                    "copy-on-write copied counts as deleted and added. With --rows, what changed "
                    "in the rows, for a B that was made from A.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE},
                  {.name = "A", .kind = TARN_CLI_OPERAND_TEXT},
                  {.name = "B", .kind = TARN_CLI_OPERAND_TEXT}},
     .flags = diff_flags,
     .examples = {{"tarn diff raw.flights 2026-11-01 main", "since a day"},
                  {"tarn diff raw.flights 2026-11-01 main --rows --limit 20",
                   "the first rows that changed"}}},
    {.name = "status", .group = GROUP_LOOK, .handler = tarn_cli__status,
     .summary = "the lake in one page",
     .examples = {{"tarn status", "version, catalog, warehouse, number of tables"}}},

    {.name = "build", .group = GROUP_REFINE, .handler = tarn_cli__build,
     .summary = "run the pipelines and their checks in order",
     .description = "SELECTOR names pipelines in dbt's grammar: name, +name with all before it, "
                    "name+ with all after it, tag:x, path. Without one, all run. A pipeline whose "
                    "checks fail is not published, and what depends on it is skipped.",
     .operands = {{.name = "SELECTOR", .kind = TARN_CLI_OPERAND_TEXT, .optional = true,
                   .repeated = true}},
     .flags = build_flags,
     .examples = {{"tarn build", "everything"},
                  {"tarn build +curated.delays", "one pipeline and all it needs"},
                  {"tarn build --dry-run", "the order, without running"},
                  {"tarn build --branch audit", "aside, to be looked at and published later"}}},
    {.name = "check", .group = GROUP_REFINE, .handler = tarn_cli__check,
     .summary = "run the quality checks of tables",
     .description = "Without TABLE, all tables that have checks. Ends with exit code 1 if a check "
                    "of severity error failed.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE, .optional = true,
                   .repeated = true}},
     .flags = check_flags,
     .examples = {{"tarn check", "all tables"},
                  {"tarn check curated.delays", "one table"},
                  {"tarn check --branch audit", "before a branch is published"}}},
    {.name = "lineage", .group = GROUP_REFINE, .handler = tarn_cli__lineage,
     .summary = "where a table or column comes from and goes to",
     .operands = {{.name = "TABLE[.COLUMN]", .kind = TARN_CLI_OPERAND_TABLE}},
     .flags = lineage_flags,
     .examples = {{"tarn lineage curated.delays", "both ways"},
                  {"tarn lineage curated.delays.avg_delay --up 1", "of one column"},
                  {"tarn lineage curated.delays -o dot | dot -Tsvg > delays.svg", "a picture"}}},

    {.name = "secret set", .group = GROUP_BRING, .handler = tarn_cli__secret_set,
     .summary = "keep a secret for tarn.yaml",
     .description = "The value comes from standard input, or is asked for without being shown. It "
                    "is kept in .tarn/secrets, which only the owner can read; tarn.yaml names it "
                    "${secret:NAME}.",
     .operands = {{.name = "NAME", .kind = TARN_CLI_OPERAND_TEXT}},
     .examples = {{"tarn secret set s3_secret", "asks for the value"},
                  {"pass show s3 | tarn secret set s3_secret", "from another program"}}},
    {.name = "secret ls", .group = GROUP_BRING, .handler = tarn_cli__secret_ls,
     .summary = "the names of the secrets, never their values",
     .examples = {{"tarn secret ls", "the names"}}},
    {.name = "secret rm", .group = GROUP_BRING, .handler = tarn_cli__secret_rm,
     .summary = "forget a secret",
     .operands = {{.name = "NAME", .kind = TARN_CLI_OPERAND_TEXT}},
     .examples = {{"tarn secret rm s3_secret", "it is gone"}}},

    {.name = "table branch", .group = GROUP_KEEP, .handler = tarn_cli__table_branch,
     .summary = "branches of a table: list, make, replace, drop",
     .description = "A branch is a line of snapshots beside main: rows are written to it (tarn sql "
                    "--branch) and nobody sees them on main until it is published (tarn table "
                    "fast-forward). A table's columns are those of all its branches: a change of "
                    "the schema is seen on each at once.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE},
                  {.name = "NAME", .kind = TARN_CLI_OPERAND_TEXT, .optional = true}},
     .flags = branch_flags,
     .examples = {{"tarn table branch raw.flights", "the branches there are"},
                  {"tarn table branch raw.flights audit", "a branch at main's head"},
                  {"tarn table branch raw.flights old --at 2026-11-01 --keep 30d",
                   "a branch at the state of a day"},
                  {"tarn table branch raw.flights audit --drop", "forget it"}}},
    {.name = "table tag", .group = GROUP_KEEP, .handler = tarn_cli__table_tag,
     .summary = "tags of a table: list, make, replace, drop",
     .description = "A tag is a name for one snapshot, which stays as long as the tag does.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE},
                  {.name = "NAME", .kind = TARN_CLI_OPERAND_TEXT, .optional = true}},
     .flags = tag_flags,
     .examples = {{"tarn table tag raw.flights release-7", "name the state of now"},
                  {"tarn sql -c 'from raw.flights' --as-of release-7", "read it later"}}},
    {.name = "table fast-forward", .group = GROUP_KEEP, .handler = tarn_cli__table_fast_forward,
     .summary = "publish a branch: move main forward to it",
     .description = "BRANCH must have all that the branch that moves has: then nothing is lost and "
                    "nothing is copied. If main got other commits meanwhile, it is refused and "
                    "says which. With --branch, many tables are published in one commit: all or "
                    "none.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE, .optional = true,
                   .repeated = true},
                  {.name = "BRANCH", .kind = TARN_CLI_OPERAND_TEXT, .optional = true}},
     .flags = fast_forward_flags,
     .examples = {{"tarn table fast-forward raw.flights audit", "main gets what audit has"},
                  {"tarn table fast-forward raw.flights main --to audit", "the other way round"},
                  {"tarn table fast-forward --branch audit raw.flights raw.planes",
                   "two tables in one commit"},
                  {"tarn table fast-forward --branch audit --all",
                   "all tables that have the branch"}}},
    {.name = "table cherry-pick", .group = GROUP_KEEP, .handler = tarn_cli__table_cherry_pick,
     .summary = "bring one snapshot's change onto a branch",
     .description = "Appends can be brought onto any branch, overwrites of whole partitions if "
                    "these have no new files; any snapshot onto a branch whose head is its "
                    "parent. A snapshot is picked once.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE},
                  {.name = "SNAPSHOT", .kind = TARN_CLI_OPERAND_TEXT}},
     .flags = cherry_pick_flags,
     .examples = {{"tarn table cherry-pick raw.flights 5512", "onto main"},
                  {"tarn table cherry-pick raw.flights audit --to test", "audit's newest"}}},
    {.name = "table rollback", .group = GROUP_KEEP, .handler = tarn_cli__table_rollback,
     .summary = "make an earlier snapshot current again",
     .description = "The snapshots in between stay in the table's history and can be rolled "
                    "forward to. Nothing is deleted. SNAPSHOT is an id, a time, a branch or a tag.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE},
                  {.name = "SNAPSHOT", .kind = TARN_CLI_OPERAND_TEXT}},
     .flags = rollback_flags,
     .examples = {{"tarn table rollback raw.flights 2026-11-01", "to the state of a day"},
                  {"tarn table rollback raw.flights 5512 --dry-run", "what would change"}}},
    {.name = "table optimize", .group = GROUP_KEEP, .handler = tarn_cli__table_optimize,
     .summary = "rewrite files that are too small, too large or not in order",
     .description = "Files below three quarters of the target size are joined, those far above it "
                    "are cut, deleted rows go. Rows stay what they are: a snapshot of its own for "
                    "each few groups of files, beside which others read and write. Delete files "
                    "that apply to no data file any more go, and many small ones become few, "
                    "unless --where is given. The files replaced go when the snapshots before "
                    "expire (tarn table expire).",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE, .repeated = true}},
     .flags = optimize_flags,
     .examples = {{"tarn table optimize raw.flights --dry-run", "what would be rewritten"},
                  {"tarn table optimize raw.flights", "join small files"},
                  {"tarn table optimize raw.flights --manifests", "metadata only"},
                  {"tarn table optimize raw.flights --where \"time_hour >= '2026-11-01'\"",
                   "of one month"},
                  {"tarn table optimize raw.flights --strategy hilbert --sort-by origin,time_hour",
                   "near rows into the same file"}}},
    {.name = "table expire", .group = GROUP_KEEP, .handler = tarn_cli__table_expire,
     .summary = "remove snapshots beyond their retention, and the files only they need",
     .description = "Kept are the heads of branches and tags, young snapshots, and the last so "
                    "many of each branch, as the table's properties, the branch's own retention "
                    "or the flags say. A file goes only if no snapshot of any branch or tag that "
                    "stays names it. Every file that goes is in a log below .tarn/logs; "
                    "of dropped tables only their number is told.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE, .optional = true,
                   .repeated = true}},
     .flags = expire_flags,
     .examples = {{"tarn table expire raw.flights --dry-run", "what would go"},
                  {"tarn table expire raw.flights --older-than 30d --retain-last 10",
                   "keep a month, and ten snapshots at least"},
                  {"tarn table expire raw.flights --snapshot 5512", "this one"},
                  {"tarn table expire --dropped --dry-run",
                   "dropped tables whose time is over"}}},
    {.name = "table sweep", .group = GROUP_KEEP, .handler = tarn_cli__table_sweep,
     .summary = "remove files in a table's folder that nothing names",
     .description = "What no snapshot, statistics or log of the table names and no write on "
                    "record may still add, if it is old enough: leftovers of other programs' "
                    "crashed writes. The table's own metadata is read again before the deletion. "
                    "Every deletion is in a log below .tarn/logs.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE, .repeated = true}},
     .flags = sweep_flags,
     .examples = {{"tarn table sweep raw.flights --dry-run", "what would go"},
                  {"tarn table sweep raw.flights raw.orders --older-than 7d",
                   "two tables, leave the last week alone"}}},
    {.name = "table register", .group = GROUP_KEEP, .handler = tarn_cli__table_register,
     .summary = "an existing Iceberg table becomes a table of this lake",
     .description = "Nothing is copied: METADATA is the table's current metadata.json. Its folder "
                    "becomes one that the lake may read.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE},
                  {.name = "METADATA", .kind = TARN_CLI_OPERAND_FILE}},
     .examples = {{"tarn table register raw.orders /data/orders/metadata/v7.metadata.json",
                   "a table that another engine wrote"}}},
    {.name = "table upgrade", .group = GROUP_KEEP, .handler = tarn_cli__table_upgrade,
     .summary = "bring a table to a newer Iceberg format version",
     .description = "There is no way back, and a reader that does not know the version cannot open "
                    "the table any more. Version 3 brings ids of rows, deletion vectors, default "
                    "values and the types VARIANT and TIMESTAMP_NS.",
     .operands = {{.name = "TABLE", .kind = TARN_CLI_OPERAND_TABLE}},
     .flags = upgrade_flags,
     .examples = {{"tarn table upgrade raw.flights", "to version 3"}}},

    {.name = "connect", .group = GROUP_RUN, .handler = tarn_cli__connect,
     .summary = "the lines that open this lake elsewhere",
     .operands = {{.name = "TOOL", .kind = TARN_CLI_OPERAND_WORD, .words = tool_words}},
     .examples = {{"tarn connect python", "pyiceberg, for this lake"},
                  {"tarn connect duckdb", "SQL for DuckDB's own shell"}}},
    {.name = "completion", .group = GROUP_RUN, .handler = tarn_cli__completion,
     .summary = "completion of the command line for a shell",
     .operands = {{.name = "SHELL", .kind = TARN_CLI_OPERAND_WORD, .words = shell_words}},
     .examples = {{"source <(tarn completion bash)", "for this session of bash"},
                  {"tarn completion zsh > ~/.zfunc/_tarn", "zsh"},
                  {"tarn completion fish > ~/.config/fish/completions/tarn.fish", "fish"}}},
    {.name = "version", .group = GROUP_RUN, .handler = tarn_cli__version,
     .summary = "the versions of tarn and of what it stands on",
     .examples = {{"tarn version", "for a report"}}},

    {.name = "man", .group = GROUP_RUN, .handler = tarn_cli__man, .hidden = true,
     .summary = "the manual page, as troff"},
    {.name = "reference", .group = GROUP_RUN, .handler = tarn_cli__reference, .hidden = true,
     .summary = "the reference of the commands, as markdown"},
    {.name = "__words", .group = GROUP_RUN, .handler = tarn_cli__words, .hidden = true,
     .summary = "what completion offers after the given words",
     .operands = {{.name = "WORD", .kind = TARN_CLI_OPERAND_TEXT, .optional = true,
                   .repeated = true}}},

    LATER("profile", GROUP_LOOK, "column statistics"),
    LATER("crawl", GROUP_BRING, "find tables among existing files"),
    LATER("replay", GROUP_BRING, "send quarantined rows through again"),
    LATER("source add", GROUP_BRING, "configure a connector"),
    LATER("source ls", GROUP_BRING, "the connectors"),
    LATER("source test", GROUP_BRING, "try a connector"),
    LATER("source status", GROUP_BRING, "how far the connectors are"),
    LATER("table export", GROUP_KEEP, "copy a table to elsewhere"),
    LATER("lifecycle plan", GROUP_KEEP, "what retention and tiers would do"),
    LATER("lifecycle apply", GROUP_KEEP, "carry out retention and tiers"),
    LATER("backup", GROUP_KEEP, "copy the lake consistently"),
    LATER("restore", GROUP_KEEP, "bring a backup back"),
    LATER("verify", GROUP_KEEP, "prove that a backup is whole"),
    LATER("drill", GROUP_KEEP, "practise a restore"),
    LATER("user", GROUP_GOVERN, "people and services"),
    LATER("role", GROUP_GOVERN, "roles and groups"),
    LATER("grant", GROUP_GOVERN, "give a right"),
    LATER("revoke", GROUP_GOVERN, "take a right"),
    LATER("policy", GROUP_GOVERN, "row filters and masks"),
    LATER("tag", GROUP_GOVERN, "tags of tables and columns"),
    LATER("token", GROUP_GOVERN, "access tokens"),
    LATER("audit", GROUP_GOVERN, "who did what"),
    LATER("audit verify", GROUP_GOVERN, "prove that the audit is untouched"),
    LATER("pii scan", GROUP_GOVERN, "find personal data"),
    LATER("erase", GROUP_GOVERN, "remove a person's data everywhere"),
    LATER("erase verify", GROUP_GOVERN, "check a certificate of erasure"),
    LATER("schedule ls", GROUP_RUN, "the schedules"),
    LATER("schedule pause", GROUP_RUN, "stop a schedule"),
    LATER("schedule resume", GROUP_RUN, "start a schedule again"),
    LATER("runs", GROUP_RUN, "what ran"),
    LATER("runs ls", GROUP_RUN, "what ran"),
    LATER("runs show", GROUP_RUN, "one run"),
    LATER("runs logs", GROUP_RUN, "what a run wrote"),
    LATER("runs cancel", GROUP_RUN, "end a run"),
    LATER("runs retry", GROUP_RUN, "run again what failed"),
    LATER("serve", GROUP_RUN, "everything a server does"),
    LATER("worker", GROUP_RUN, "a server's worker process"),
    LATER("cost", GROUP_RUN, "what storing and scanning costs"),
    LATER("mcp", GROUP_RUN, "tools for language models"),
};
const size_t tarn_cli__command_count = sizeof(tarn_cli__commands) / sizeof(tarn_cli__commands[0]);
