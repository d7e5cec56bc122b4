#include "base/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Digits with at most one decimal point, then one of UNITS; integers only in the arithmetic. */
static int parse_scaled(const char *text, const struct unit *units, uint64_t *out)
{
	uint64_t whole = 0, fraction = 0, scale = 1;
	const char *p = text;
	bool digits = false;

	for (; *p >= '0' && *p <= '9'; p++, digits = true) {
		if (whole > UINT64_MAX / 100)
			return -1;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, digits = true) {
			if (scale >= 1000000)
				return -1;
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
	}
	while (digits && *p == ' ')
		p++;
	for (; digits && units->suffix; units++) {
		if (strcmp(p, units->suffix) != 0)
			continue;
		if (units->factor > 1 && whole > UINT64_MAX / 2 / units->factor)
			return -1;
		if (fraction && units->factor == 1)
			return -1;
		*out = whole * units->factor + fraction * units->factor / scale;
		return 0;
	}
	return -1;
}

int units_parse_duration(const char *text, uint64_t *ns_out)
{
	static const struct unit units[] = {{"ms", NS_PER_MS},	    {"s", NS_PER_S},
					    {"m", 60 * NS_PER_S},   {"min", 60 * NS_PER_S},
					    {"h", 3600 * NS_PER_S}, {NULL, 0}};

	return parse_scaled(text, units, ns_out);
}

int units_parse_size(const char *text, uint64_t *bytes_out)
{
	static const struct unit units[] = {{"", 1},
					    {"B", 1},
					    {"KB", 1000},
					    {"MB", 1000000},
					    {"GB", 1000000000},
					    {"KiB", 1024},
					    {"MiB", 1024 * 1024},
					    {"GiB", 1024 * 1024 * 1024},
					    {NULL, 0}};

	return parse_scaled(text, units, bytes_out);
}

int units_parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = *text == '-';
	const char *p = text + (negative ? 1 : 0);
	int64_t value = 0;

	if (!*p)
		return -1;
	for (; *p; p++) {
		if (*p < '0' || *p > '9' || value > (INT64_MAX - 9) / 10)
			return -1;
		value = value * 10 + (*p - '0');
	}
	value = negative ? -value : value;
	if (value < min || value > max)
		return -1;
	*out = value;
	return 0;
}

const char *units_duration(uint64_t ns, char *out, size_t size)
{
	uint64_t s = ns / NS_PER_S;

	if (ns && ns < 1000)
		(void)snprintf(out, size, "%llu ns", (unsigned long long)ns);
	else if (ns && ns < NS_PER_MS)
		(void)snprintf(out, size, "%llu us", (unsigned long long)(ns / 1000));
	else if (ns < 10 * NS_PER_MS)
		(void)snprintf(out, size, "%.2g ms", (double)ns / NS_PER_MS);
	else if (ns < NS_PER_S)
		(void)snprintf(out, size, "%llu ms", (unsigned long long)(ns / NS_PER_MS));
	else if (s < 60)
		(void)snprintf(out, size, "%.1f s", (double)ns / 1e9);
	else
		(void)snprintf(out, size, "%llu min %02llu s", (unsigned long long)(s / 60),
			       (unsigned long long)(s % 60));
	return out;
}

const char *units_size(uint64_t bytes, char *out, size_t size)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(out, size, "%llu B", (unsigned long long)bytes);
		return out;
	}
	for (; value >= 1024 && i < 3; i++)
		value /= 1024;
	(void)snprintf(out, size, "%.1f %s", value, names[i]);
	return out;
}
