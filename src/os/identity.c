/* Identifiers: UUIDs, random ids, and who is writing.
 *
 * A version 7 UUID carries milliseconds and, in the twelve bits behind, the fraction of the
 * millisecond, so that names made one after the other by one process sort in that order as far as
 * the clock tells them apart. An owner is the word for one process of one boot; only a process in
 * the same space can say that it is dead, all others must go by age.
 */
#include <stdio.h>
#include <string.h>

#include "os/os.h"

int64_t tarn_os_clock_ms(const TarnOs *os) { return os->clock_us(os) / 1000; }

static void format_uuid(const uint8_t bytes[16], char out[TARN_OS_UUID_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
        out[at++] = digits[bytes[i] >> 4];
        out[at++] = digits[bytes[i] & 15];
    }
    out[at] = '\0';
}

static void mark_uuid(uint8_t bytes[16], uint8_t version) {
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | (version << 4));
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
}

bool tarn_os_uuid4(const TarnOs *os, char out[TARN_OS_UUID_BYTES], TarnError *error) {
    uint8_t bytes[16];
    out[0] = '\0';
    if (!os->random(os, bytes, sizeof(bytes), error)) return false;
    mark_uuid(bytes, 4);
    format_uuid(bytes, out);
    return true;
}

bool tarn_os_uuid7(const TarnOs *os, char out[TARN_OS_UUID_BYTES], TarnError *error) {
    uint8_t bytes[16];
    out[0] = '\0';
    if (!os->random(os, bytes, sizeof(bytes), error)) return false;
    int64_t now_us = os->clock_us(os);
    uint64_t us = now_us > 0 ? (uint64_t)now_us : 0;
    uint64_t ms = us / 1000;
    uint64_t fraction = us % 1000 * 4096 / 1000;
    for (unsigned i = 0; i < 6; i++) bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    bytes[6] = (uint8_t)(fraction >> 8);
    bytes[7] = (uint8_t)fraction;
    mark_uuid(bytes, 7);
    format_uuid(bytes, out);
    return true;
}

bool tarn_os_random_id(const TarnOs *os, int64_t *id, TarnError *error) {
    uint64_t bits = 0;
    *id = 0;
    while (bits == 0) {
        if (!os->random(os, &bits, sizeof(bits), error)) return false;
        bits &= INT64_MAX;
    }
    *id = (int64_t)bits;
    return true;
}

bool tarn_os_owner(const TarnOs *os, TarnArena *arena, const char **owner, TarnError *error) {
    const char *space;
    *owner = NULL;
    if (!os->process_space(os, arena, &space, error)) return false;
    int64_t process_id = os->process_id(os);
    *owner = tarn_base_arena_printf(arena, "%s.%lld.%lld", space, (long long)process_id,
                                    (long long)os->process_started(os, process_id));
    return tarn_base_arena_check(arena, error);
}

static bool judge_owner(const TarnOs *os, TarnText space, TarnText process, TarnText started,
                        TarnArena *arena, TarnOsOwner *state, TarnError *error) {
    const char *here;
    if (!os->process_space(os, arena, &here, error)) return false;
    int64_t process_id;
    int64_t started_at;
    if (tarn_base_text_is(space, "unknown") || !tarn_base_text_is(space, here) ||
        !tarn_base_text_to_int64(process, &process_id) ||
        !tarn_base_text_to_int64(started, &started_at) || started_at == 0) {
        return true;
    }
    int64_t now = os->process_started(os, process_id);
    /* One of the two not known: the id is in use, so say alive and delete nothing. */
    bool alive = now == started_at || (now != 0 && (now < 0 || started_at < 0));
    *state = alive ? TARN_OS_OWNER_ALIVE : TARN_OS_OWNER_DEAD;
    return true;
}

bool tarn_os_owner_state(const TarnOs *os, const char *owner, TarnOsOwner *state,
                         TarnError *error) {
    *state = TARN_OS_OWNER_ELSEWHERE;
    TarnText process;
    TarnText started;
    TarnText space = tarn_base_text_split(tarn_base_text(owner), '.', &process);
    process = tarn_base_text_split(process, '.', &started);
    if (space.size == 0 || process.data == NULL || started.data == NULL) return true;
    TarnArena arena;
    tarn_base_arena_init(&arena, (size_t)16 * 1024);
    bool ok = judge_owner(os, space, process, started, &arena, state, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}
