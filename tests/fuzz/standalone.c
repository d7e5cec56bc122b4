/* Replays every file of the folders named, so that any compiler's test run sees the corpora. */
#include "fuzzer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX ((size_t)4 * 1024 * 1024)

static int replay_file(const char *path)
{
	FILE *in = fopen(path, "re");
	uint8_t *data, *exact;
	size_t len;

	if (!in) {
		perror(path);
		return -1;
	}
	data = malloc(INPUT_BYTES_MAX);
	if (!data)
		abort();
	len = fread(data, 1, INPUT_BYTES_MAX, in);
	(void)fclose(in);
	exact = realloc(data, len ? len : 1); /* so that reads past the end are caught */
	if (!exact)
		abort();
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

/* Returns how many files were replayed, -1 when one could not be read. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!dir) {
		perror(folder);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count = replay_file(path) < 0 ? -1 : count + 1;
	}
	(void)closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count < 0)
			return 1;
		total += count;
	}
	printf("%d inputs replayed\n", total);
	return total ? 0 : 1;
}
