#include "store/store_private.h"

#include <endian.h>
#include <string.h>

const void *samples_pack(const double *samples, size_t count, struct arena *arena)
{
	unsigned char *bytes = arena_alloc(arena, count * SAMPLE_BYTES + 1);

	for (size_t i = 0; i < count; i++) {
		uint64_t word;

		memcpy(&word, &samples[i], sizeof(word));
		word = htole64(word);
		memcpy(bytes + i * SAMPLE_BYTES, &word, sizeof(word));
	}
	return bytes;
}

double *samples_unpack(const void *data, size_t len, struct arena *arena, size_t *count)
{
	size_t n = len / SAMPLE_BYTES;
	double *samples = arena_alloc(arena, n * sizeof(*samples) + 1);

	for (size_t i = 0; i < n; i++) {
		uint64_t word;

		memcpy(&word, (const unsigned char *)data + i * SAMPLE_BYTES, sizeof(word));
		word = le64toh(word);
		memcpy(&samples[i], &word, sizeof(word));
	}
	*count = n;
	return samples;
}

static int64_t digits(const char *text, size_t len)
{
	int64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* Days since 1970-01-01 in the Gregorian calendar: years that begin in March put the leap day
 * last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

int64_t store_time_ms(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	int64_t year, month, day, hour = 0, minute = 0, second = 0, ms = 0;

	if (len < 10 || text[4] != '-' || text[7] != '-')
		return 0;
	year = digits(text, 4);
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	if (len >= 19 && text[10] == 'T' && text[13] == ':' && text[16] == ':') {
		hour = digits(text + 11, 2);
		minute = digits(text + 14, 2);
		second = digits(text + 17, 2);
		if (len >= 23 && text[19] == '.')
			ms = digits(text + 20, 3);
	}
	if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || minute < 0 ||
	    second < 0 || ms < 0)
		return 0;
	return (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms;
}

void cell_pairs(const char *cell, struct arena *arena, struct pairs *out)
{
	while (*cell) {
		size_t len = strcspn(cell, ",");
		char *word = arena_strndup(arena, cell, len), *equals = strchr(word, '=');
		struct pair *pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));

		if (equals)
			*equals = '\0';
		pair->key = equals ? word : "cell";
		pair->value = equals ? equals + 1 : word;
		cell += len + (cell[len] == ',');
	}
}

enum direction store_direction(const char *name)
{
	for (int i = DIRECTION_NONE; i <= DIRECTION_LOWER; i++)
		if (strcmp(direction_name((enum direction)i), name) == 0)
			return (enum direction)i;
	return DIRECTION_NONE;
}
