#include "fuzzer.h"

#include "parse/shell.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct shell_script script;
	char *text = arena_strndup(arena, (const char *)data, size);

	shell_split((const char *)data, size, arena, &script);
	if (script.count > SHELL_COMMANDS_MAX)
		abort();
	for (size_t i = 0; i < script.count; i++) {
		const struct shell_command *command = &script.commands[i];
		size_t first;

		if (!shell_program(command, &first) || first > command->word_count ||
		    !command->line || command->depth > SHELL_NEST_MAX)
			abort();
		for (size_t k = 0; k < command->word_count; k++)
			if (!command->words[k].text)
				abort();
	}
	shell_instruction(text, arena, &script);
	arena_free(arena);
	return 0;
}
