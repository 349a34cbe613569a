/* query/bound_plan: what statements read, which filters hold, where columns come from. */
#include "base/limits.h"
#include "engine/engine.h"
#include "query/bound_plan.h"
#include "support/tap.h"

static TarnArena arena;
static TarnError error;
static TarnEngine *engine;
static TarnEngineSession *session;
static TarnSchema schema_f;
static TarnSchema schema_p;

static TarnField fields_f[] = {
    {.id = 1, .name = "id", .type.primitive.kind = TARN_TYPE_LONG},
    {.id = 2, .name = "d", .type.primitive.kind = TARN_TYPE_DATE},
    {.id = 3, .name = "ts", .type.primitive.kind = TARN_TYPE_TIMESTAMP},
    {.id = 4, .name = "carrier", .type.primitive.kind = TARN_TYPE_STRING},
    {.id = 5, .name = "delay", .type.primitive.kind = TARN_TYPE_DOUBLE},
    {.id = 6, .name = "ok", .type.primitive.kind = TARN_TYPE_BOOLEAN},
    {.id = 7, .name = "price", .type.primitive = {TARN_TYPE_DECIMAL, 9, 2, 0}},
};
static TarnField fields_p[] = {
    {.id = 1, .name = "tail", .type.primitive.kind = TARN_TYPE_STRING},
    {.id = 2, .name = "carrier", .type.primitive.kind = TARN_TYPE_STRING},
    {.id = 3, .name = "year", .type.primitive.kind = TARN_TYPE_INT},
};

static const TarnSchema *resolve(void *state, const char *catalog, const char *schema,
                                 const char *name) {
    (void)state;
    if (strcmp(catalog, "raw") != 0 || strcmp(schema, "main") != 0) return NULL;
    if (strcmp(name, "f") == 0) return &schema_f;
    return strcmp(name, "p") == 0 ? &schema_p : NULL;
}

static bool start(void) {
    schema_f = (TarnSchema){.fields = fields_f, .field_count = 7};
    schema_p = (TarnSchema){.fields = fields_p, .field_count = 3};
    return tarn_engine_open(NULL, &engine, &error) &&
           tarn_engine_session_open(engine, &session, &error) &&
           tarn_engine_run(session,
                           TARN_TEXT("ATTACH ':memory:' AS raw;"
                                     "CREATE TABLE raw.main.f(id BIGINT, d DATE, ts TIMESTAMP,"
                                     " carrier VARCHAR, delay DOUBLE, ok BOOLEAN,"
                                     " price DECIMAL(9,2));"
                                     "CREATE TABLE raw.main.p(tail VARCHAR, carrier VARCHAR,"
                                     " year INTEGER)"),
                           NULL, &error);
}

static bool read_plan(const char *sql, TarnBoundPlan **bound) {
    TarnJson *plan = NULL;
    return tarn_engine_plan(session, tarn_base_text(sql), &arena, &plan, &error) &&
           tarn_query_bound_plan_read(plan, resolve, NULL, NULL, 0, &arena, bound, &error);
}

/* "f[id,delay: delay > 3] p[..]" */
static const char *describe_tables(const TarnBoundPlan *bound) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    for (size_t i = 0; i < bound->table_count; i++) {
        const TarnPlanTable *table = &bound->tables[i];
        tarn_base_buffer_printf(&out, "%s%s[", i > 0 ? " " : "", table->name);
        bool first = true;
        for (size_t c = 0; c < table->column_count; c++) {
            if (!table->used[c]) continue;
            tarn_base_buffer_printf(&out, "%s%s", first ? "" : ",", table->columns->fields[c].name);
            first = false;
        }
        if (table->filter->kind != TARN_PREDICATE_TRUE) {
            const TarnPredicate *filter = NULL;
            tarn_base_buffer_string(&out, ": ");
            if (tarn_table_predicate_bind(table->filter, table->columns, &arena, &filter,
                                          &error)) {
                tarn_table_predicate_to_text(filter, table->columns, &out);
            }
        }
        tarn_base_buffer_byte(&out, ']');
    }
    const char *text = tarn_base_text_string(&arena, tarn_base_buffer_view(&out));
    tarn_base_buffer_dispose(&out);
    return text;
}

/* "x<-f.delay|f.id" direct, then indirect after the bar */
static const char *describe_outputs(const TarnBoundPlan *bound) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    for (size_t i = 0; i < bound->output_count; i++) {
        const TarnPlanOutput *output = &bound->outputs[i];
        TarnLineageKind kind = TARN_LINEAGE_DIRECT;
        tarn_base_buffer_printf(&out, "%s%s<-", i > 0 ? " " : "", output->name);
        for (size_t s = 0; s < output->source_count; s++) {
            const TarnLineageSource *source = &output->sources[s];
            bool turn = source->kind != kind;
            kind = source->kind;
            tarn_base_buffer_printf(
                &out, "%s%s.%s", turn ? "|" : s > 0 ? "," : "",
                bound->tables[source->table].name,
                bound->tables[source->table].columns->fields[source->column].name);
        }
    }
    const char *text = tarn_base_text_string(&arena, tarn_base_buffer_view(&out));
    tarn_base_buffer_dispose(&out);
    return text;
}

static void expect(int line, const char *sql, const char *tables, const char *outputs) {
    TarnBoundPlan *bound = NULL;
    if (!read_plan(sql, &bound)) {
        printf("# line %d: %s\n#   %s: %s\n", line, sql, tarn_base_error_name(error.code),
               error.message);
        tap_current_failures++;
        return;
    }
    tap_string(__FILE__, line, sql, describe_tables(bound), tables);
    if (outputs != NULL) tap_string(__FILE__, line, sql, describe_outputs(bound), outputs);
}
#define EXPECT(sql, tables, outputs) expect(__LINE__, sql, tables, outputs)

static void filters_on_one_table(void) {
    EXPECT("select carrier, delay + 1 as x from raw.f where d >= date '2013-01-01' and delay > 3",
           "f[d,carrier,delay: (d >= 2013-01-01 AND delay > 3.0)]",
           "carrier<-f.carrier|f.d,f.delay x<-f.delay|f.d");
    EXPECT("select id from raw.f where delay between -1.5 and 5",
           "f[id,delay: (delay >= -1.5 AND delay <= 5.0)]", NULL);
    EXPECT("select id from raw.f where carrier in ('AA', 'B') and not (id = 3)",
           "f[id,carrier: (carrier IN ('AA', 'B') AND id <> 3)]", NULL);
    EXPECT("select id from raw.f where carrier like 'ab%' or d is null",
           "f[id,d,carrier: (carrier STARTS WITH 'ab' OR d IS NULL)]", NULL);
    EXPECT("select id from raw.f where carrier not like 'a%b'", "f[id,carrier]", NULL);
    EXPECT("select id from raw.f where ok and price < 10.50",
           "f[id,ok,price: (ok = true AND price < 10.50)]", NULL);
    EXPECT("select id from raw.f where 5 < id", "f[id: id > 5]", NULL);
    EXPECT("select id from raw.f where id % 8 = 2", "f[id]", NULL);
}

static void functions_of_times_become_ranges(void) {
    EXPECT("select id from raw.f where ts::date = '2013-01-05'",
           "f[id,ts: (ts >= 2013-01-05T00:00:00 AND ts < 2013-01-06T00:00:00)]", NULL);
    EXPECT("select id from raw.f where date_trunc('month', ts) = timestamp '2013-12-01'",
           "f[id,ts: (ts >= 2013-12-01T00:00:00 AND ts < 2014-01-01T00:00:00)]", NULL);
    EXPECT("select id from raw.f where year(d) = 2013",
           "f[id,d: (d >= 2013-01-01 AND d < 2014-01-01)]", NULL);
    EXPECT("select id from raw.f where d < timestamp '2013-01-05 12:00:00'",
           "f[id,d: d <= 2013-01-05]", NULL);
    EXPECT("select id from raw.f where month(d) = 1", "f[id,d]", NULL);
}

static void filters_go_through_what_keeps_rows_apart(void) {
    EXPECT("select x from (select id + 0 as y, id as x from raw.f) where x > 3 and y > 1",
           "f[id: id > 3]", NULL);
    EXPECT("select f.id from raw.f join raw.p using (carrier) where p.year = 3 and f.delay < 1",
           "f[id,carrier,delay: delay < 1.0] p[carrier,year: year = 3]", NULL);
    EXPECT("select f.id from raw.f join raw.p on f.carrier = p.carrier where p.carrier = 'AA'",
           "f[id,carrier: carrier = 'AA'] p[carrier: carrier = 'AA']", NULL);
    EXPECT("select f.id from raw.f left join raw.p using (carrier) where p.year = 3",
           "f[id,carrier] p[carrier,year: year = 3]", NULL);
    EXPECT("select f.id from raw.f left join raw.p using (carrier) where p.year is null",
           "f[id,carrier] p[carrier,year]", NULL);
    EXPECT("select f.id from raw.f left join raw.p on f.carrier = p.carrier and p.year > 5",
           "f[id,carrier] p[carrier,year: year > 5]", NULL);
    EXPECT("select carrier, count(*) from raw.f where id > 1 group by carrier having carrier > 'B'"
           " and count(*) > 2",
           "f[id,carrier: (id > 1 AND carrier > 'B')]", NULL);
    EXPECT("select id, rn from (select id, carrier, row_number() over (partition by carrier order"
           " by d) rn from raw.f) where carrier = 'AA' and id = 3",
           "f[id,d,carrier: carrier = 'AA']", NULL);
    EXPECT("select * from (select id from raw.f union all select id + 1 from raw.f) where id = 3",
           "f[id: id = 3] f[id]", NULL);
    EXPECT("with a as (select id, d from raw.f) select id from a where id = 3", "f[id,d: id = 3]",
           NULL);
    EXPECT("with a as (select id from raw.f) select x.id from a x, a y where x.id = 3", "f[id]",
           NULL);
    EXPECT("select id from raw.f where exists (select 1 from raw.p where p.carrier = f.carrier and"
           " p.year > 2000) and delay > 1",
           "f[id,carrier,delay: delay > 1.0] p[carrier,year: year > 2000]", NULL);
}

static void filters_stop_where_rows_depend_on_each_other(void) {
    EXPECT("select id from (select id from raw.f limit 5) where id = 3", "f[id]", NULL);
    EXPECT("select id from (select id, row_number() over (order by d) rn from raw.f) where id = 3"
           " and rn > 0",
           "f[id,d]", NULL);
    EXPECT("select id from (select id from raw.f using sample 5 rows) where id = 3", "f[id]", NULL);
    EXPECT("select s from (select sum(id) s from raw.f) where s = 3", "f[id]", NULL);
    EXPECT("select c from (select carrier c, count(*) from raw.f group by grouping sets ((carrier),"
           " ())) where c = 'a'",
           "f[carrier]", NULL);
    EXPECT("select id from (select distinct on (carrier) id, carrier from raw.f order by carrier,"
           " d) where id = 1 and carrier = 'a'",
           "f[id,d,carrier: carrier = 'a']", NULL);
}

static void lineage_follows_columns(void) {
    EXPECT("with a as (select carrier c, sum(delay) s from raw.f where ok group by carrier)"
           " select p.tail, a.s * 2 as twice from a join raw.p on p.carrier = a.c",
           "f[carrier,delay,ok: ok = true] p[tail,carrier]",
           "tail<-p.tail|f.carrier,f.ok,p.carrier twice<-f.delay|f.carrier,f.ok,p.carrier");
    EXPECT("select case when id > 1 then carrier else 'x' end c, count(*) over (partition by d) n"
           " from raw.f",
           "f[id,d,carrier]", "c<-f.carrier|f.id n<-|f.d");
    EXPECT("select id from raw.f union all select year from raw.p", "f[id] p[year]",
           "id<-f.id,p.year");
    EXPECT("select count(*) from raw.f", "f[]", "count_star()<-");
    EXPECT("select (select max(year) from raw.p where p.carrier = f.carrier) m from raw.f",
           "f[carrier] p[carrier,year]", "m<-p.year|f.carrier,p.carrier");
    EXPECT("with recursive r as (select id, 1 as n from raw.f where ok union all select p.year,"
           " n + 1 from r join raw.p on p.year = r.id) select id from r",
           "f[id,ok: ok = true] p[year]", "id<-f.id,p.year|f.ok");
}

static void table_functions_have_no_account(void) {
    TarnBoundPlan *bound = NULL;
    REQUIRE_OK(read_plan("select x, id from range(5) t(x) join raw.f on id = x", &bound), &error);
    CHECK_INT(bound->table_count, 1);
}

static void damaged_plans_are_refused(void) {
    static const char *const plans[] = {
        "{}", "{\"plans\":[]}", "{\"plans\":[{}]}",
        "{\"plans\":[{\"type\":\"LOGICAL_SECRET\",\"children\":[]}]}",
        "{\"plans\":[{\"type\":\"LOGICAL_FILTER\",\"children\":[]}]}",
        "{\"plans\":[{\"type\":\"LOGICAL_PROJECTION\",\"children\":[{\"type\":"
        "\"LOGICAL_DUMMY_SCAN\"}],\"expressions\":[{\"expression_class\":\"BOUND_REF\","
        "\"index\":9}]}]}",
        "{\"plans\":[{\"type\":\"LOGICAL_CTE_REF\",\"cte_index\":3}]}",
    };
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        TarnJson *plan = NULL;
        TarnBoundPlan *bound = NULL;
        REQUIRE_OK(tarn_base_json_parse(tarn_base_text(plans[i]), NULL, &arena, &plan, &error),
                   &error);
        CHECK(!tarn_query_bound_plan_read(plan, resolve, NULL, NULL, 0, &arena, &bound, &error));
        CHECK_INT(error.code, TARN_E_STATEMENT_REFUSED);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, TARN_GIB);
    if (!start()) {
        printf("Bail out! %s\n", error.message);
        return 1;
    }
    TAP_TEST(filters_on_one_table);
    TAP_TEST(functions_of_times_become_ranges);
    TAP_TEST(filters_go_through_what_keeps_rows_apart);
    TAP_TEST(filters_stop_where_rows_depend_on_each_other);
    TAP_TEST(lineage_follows_columns);
    TAP_TEST(table_functions_have_no_account);
    TAP_TEST(damaged_plans_are_refused);
    tarn_engine_session_close(session);
    tarn_engine_close(engine);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
