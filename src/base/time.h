/* Time: microseconds since 1970-01-01T00:00:00Z in the proleptic Gregorian calendar, no leap
 * seconds; ISO 8601 text in UTC. Pure: the clock itself is in os/. */
#ifndef TARN_BASE_TIME_H
#define TARN_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define TARN_TIME_TEXT_BYTES 40

int64_t tarn_base_time_days_from_civil(int64_t year, unsigned month, unsigned day);
void tarn_base_time_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);
/* "2026-11-21T07:15:00.123456Z"; trailing zero fractions are cut to milliseconds or seconds */
char *tarn_base_time_format_us(int64_t us, char out[TARN_TIME_TEXT_BYTES]);
char *tarn_base_time_format_ms(int64_t ms, char out[TARN_TIME_TEXT_BYTES]);
char *tarn_base_time_format_date(int64_t days, char out[TARN_TIME_TEXT_BYTES]);
/* "2026-11-21", "2026-11-21 07:15:00.5", with T or space, with Z or +hh:mm; no zone means UTC */
bool tarn_base_time_parse_us(TarnText text, int64_t *us);

#endif
