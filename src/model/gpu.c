#include "model/gpu.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define GPU_WORD_MAX 64 /* letters and digits of a name that are compared */

const struct gpu gpu_table[] = {
#define GPU(name, title, cc, memory, driver, datacenter, source)                                   \
	{name, title, cc, memory, driver, datacenter, source},
#include "model/gpu.def"
#undef GPU
	{NULL, NULL, 0, 0, 0, 0, NULL},
};

/* Cards without a row, named by compute capability: what holds for all of them. */
static const struct gpu by_capability[] = {
#define CC(cc, driver)                                                                             \
	{"sm_" #cc, "compute capability sm_" #cc,	 cc, 0, driver,                            \
	 0,	    "CUDA release notes; memory unknown"},
	CC(50, 331) CC(52, 340) CC(60, 367) CC(61, 367) CC(70, 384) CC(75, 410) CC(80, 450)
		CC(86, 455) CC(87, 455) CC(89, 520) CC(90, 520) CC(100, 570) CC(101, 570)
			CC(103, 575) CC(110, 580) CC(120, 570) CC(121, 575)
#undef CC
};

/* "a100sxm480gb": the way a card is plugged in makes no other class of it. */
static void drop_socket(char *word)
{
	static const char *const sockets[] = {"sxm2", "sxm4", "sxm5", "pcie"};

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		char *at = strstr(word, sockets[i]);

		if (at && at != word)
			memmove(at, at + 4, strlen(at + 4) + 1);
	}
}

/* Letters and digits of NAME in lower case, without makers' words in front. */
static void bare(const char *name, char out[GPU_WORD_MAX])
{
	static const char *const makers[] = {"nvidia", "geforce", "tesla", "quadro"};
	size_t len = 0;

	for (; *name && len < GPU_WORD_MAX - 1; name++)
		if (isalnum((unsigned char)*name))
			out[len++] = (char)tolower((unsigned char)*name);
	out[len] = '\0';
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		size_t skip = strlen(makers[i]);

		if (strncmp(out, makers[i], skip) == 0 && out[skip])
			memmove(out, out + skip, strlen(out + skip) + 1);
	}
	drop_socket(out);
}

/* Is WORD a row's name, perhaps without "rtx" in front or with words behind its title? */
static bool is_named(const struct gpu *gpu, const char *word)
{
	char name[GPU_WORD_MAX], title[GPU_WORD_MAX];

	bare(gpu->name, name);
	bare(gpu->title, title);
	if (strcmp(word, name) == 0 || strcmp(word, title) == 0)
		return true;
	return strncmp(name, "rtx", 3) == 0 && strcmp(word, name + 3) == 0;
}

/* "sm_120", "sm120", "12.0", "compute_120": 120; 0 is none. */
static unsigned capability(const char *text)
{
	const char *at = text;
	unsigned value = 0, digits = 0;
	bool dot = false;

	if (strncmp(at, "sm", 2) == 0)
		at += 2;
	else if (strncmp(at, "compute", 7) == 0)
		at += 7;
	else if (!strchr(at, '.'))
		return 0;
	at += *at == '_';
	for (; *at && digits < 4; at++) {
		if (*at == '.' && !dot && digits) {
			dot = true;
			continue;
		}
		if (!isdigit((unsigned char)*at))
			return 0;
		value = value * 10 + (unsigned)(*at - '0');
		digits++;
	}
	return *at ? 0 : value;
}

const struct gpu *gpu_find(const char *name)
{
	char word[GPU_WORD_MAX];
	unsigned cc;

	if (!name)
		return NULL;
	cc = capability(name);
	for (size_t i = 0; cc && i < sizeof(by_capability) / sizeof(by_capability[0]); i++)
		if (by_capability[i].cc == cc)
			return &by_capability[i];
	bare(name, word);
	for (const struct gpu *gpu = gpu_table; gpu->name; gpu++)
		if (is_named(gpu, word))
			return gpu;
	return NULL;
}

bool gpu_cell_read(const char *cell, struct arena *arena, struct gpu_cell *out)
{
	static const char word[] = ", driver ";
	const char *at = cell ? strstr(cell, word) : NULL;
	size_t len;

	if (!at)
		return false;
	at += sizeof(word) - 1;
	len = strspn(at, "0123456789.");
	if (!len || (at[len] && at[len] != ' ' && at[len] != ','))
		return false;
	*out = (struct gpu_cell){arena_strndup(arena, cell, strcspn(cell, ",")),
				 arena_strndup(arena, at, len)};
	return true;
}
