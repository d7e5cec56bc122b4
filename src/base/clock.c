#include "base/clock.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int64_t clock_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *clock_rfc3339(int64_t ms, char *out, size_t size)
{
	time_t when = (time_t)(ms / 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&when, &tm);
	used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + used, size - used, ".%03dZ", (int)(ms % 1000));
	return out;
}

/* COUNT digits at TEXT, -1 when one is none. */
static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* Milliseconds of ".123456", and how many bytes it has; -1: no fraction. */
static int fraction(const char *text, size_t *len)
{
	size_t n = 1;
	int ms = 0;

	for (; text[n] >= '0' && text[n] <= '9'; n++)
		ms = n <= 3 ? ms * 10 + (text[n] - '0') : ms;
	if (n == 1 || n > 10)
		return -1;
	for (size_t i = n; i <= 3; i++)
		ms *= 10;
	*len = n;
	return ms;
}

int clock_parse_rfc3339(const char *text, int64_t *ms_out)
{
	struct tm tm = {0}, back;
	size_t len = 0;
	int ms = 0;
	time_t when;

	if (strnlen(text, 20) < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
	    text[13] != ':' || text[16] != ':')
		return -1;
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	tm.tm_hour = digits(text + 11, 2);
	tm.tm_min = digits(text + 14, 2);
	tm.tm_sec = digits(text + 17, 2);
	if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_hour < 0 || tm.tm_min < 0 ||
	    tm.tm_sec < 0)
		return -1;
	if (text[19] == '.' && (ms = fraction(text + 19, &len)) < 0)
		return -1;
	if (text[19 + len] != 'Z' || text[20 + len])
		return -1;
	back = tm;
	when = timegm(&back); /* a day that does not exist comes back as another */
	if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon || back.tm_hour != tm.tm_hour ||
	    back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return -1;
	*ms_out = (int64_t)when * 1000 + ms;
	return 0;
}

int clock_parse_until(const char *text, int64_t *ms_out)
{
	char whole[CLOCK_TEXT];

	if (strnlen(text, 11) != 10)
		return clock_parse_rfc3339(text, ms_out);
	(void)snprintf(whole, sizeof(whole), "%sT23:59:59.999Z", text);
	return clock_parse_rfc3339(whole, ms_out);
}
