/* 4-bit weights of a real checkpoint: the library must decode and multiply them as the file says.
 */
#include "gpu/cases.h"

#include "gpu/mapping.h"
#include "gpu/paths.h"
#include "gpu/safetensors.h"

#include <stdio.h>

#define TIMEOUT_S 120
#define WEIGHTS_MAX 1024

static int read_weight(const struct case_params *p, struct arena *arena, struct weight4 *out,
		       struct err *err)
{
	struct safetensors file;
	const void *data;
	size_t len;

	if (mapping_open(p->file, &data, &len, err) < 0 ||
	    safetensors_read(data, len, arena, &file, err) < 0)
		return -1;
	return safetensors_weight4(&file, p->name, arena, out, err);
}

static int run(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct arena *arena = arena_new();
	struct weight4 weight;
	struct matrix w;
	struct product product;
	struct finding finding;
	char text[CASE_TEXT_MAX / 2];
	enum path path;
	int rc;

	case_stage(env->out, "reading the checkpoint");
	if (read_weight(p, arena, &weight, err) < 0)
		return -1;
	path = dispatch_path(env->library.release, &env->gpu.info.card, weight.type, 1, weight.n,
			     weight.k, weight.blocksize);
	if (path_missing(&env->library, path, weight.type))
		return err_set(err, ERR_NOTFOUND, "the library has no %s",
			       path_missing(&env->library, path, weight.type));
	if (matrix_load(&env->gpu, (unsigned)weight.n, (unsigned)weight.k, weight.blocksize,
			weight.data, weight.absmax, weight.codes, weight.scales, weight.map,
			weight.offset, &w, err) < 0)
		return -1;
	product = path_product(path, weight.type, weight.nested);
	rc = product_judge(env, &product, &w, NULL, 1, cases_seed(), 1, &finding, err);
	if (rc < 0)
		return -1;
	(void)gate_text(&finding, text, sizeof(text));
	if (rc > 0)
		case_pass(env->out, "%llu x %llu %s%s: %s", (unsigned long long)weight.n,
			  (unsigned long long)weight.k, number_name(weight.type),
			  weight.nested ? ", nested" : "", text);
	else
		case_fail(env->out, gate_label(finding.gate), gate_name(finding.gate), "%s", text);
	arena_free(arena);
	return 0;
}

int cases_checkpoint(struct case_list *list, const char *path, struct err *err)
{
	struct safetensors file;
	const void *data;
	const char *name;
	size_t len, count = 0;

	if (mapping_open(path, &data, &len, err) < 0)
		return -1;
	if (safetensors_read(data, len, list->arena, &file, err) < 0)
		return err_wrap(err, "%s", path);
	while (count < WEIGHTS_MAX &&
	       (name = safetensors_weight4_name(&file, count, list->arena)) != NULL) {
		struct gpu_case *item = case_add(list, TIMEOUT_S, run, "checkpoint/%.80s", name);

		item->needs_library = true;
		item->params.file = path;
		item->params.name = name;
		count++;
	}
	if (!count)
		return err_set(err, ERR_USAGE, "%s: no NF4 weight in it", path);
	return 0;
}
