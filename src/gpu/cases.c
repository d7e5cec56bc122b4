/* What the groups of cases share. */
#include "gpu/cases.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"

#include <stdlib.h>

uint64_t cases_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("ASSAY_GPU_SEED");
	int64_t given;

	if (seed)
		return seed;
	if (text && units_parse_int(text, 1, INT64_MAX, &given) == 0)
		seed = (uint64_t)given;
	else
		seed = ((uint64_t)clock_unix_ms() << 20) | 1;
	return seed;
}

void cases_judged(struct case_outcome *out, const struct finding *finding, const char *what)
{
	char text[CASE_TEXT_MAX / 2];

	(void)gate_text(finding, text, sizeof(text));
	if (finding->gate == GATE_NONE)
		case_pass(out, "%s: %s", what, text);
	else
		case_fail(out, gate_label(finding->gate), gate_name(finding->gate), "%s: %s", what,
			  text);
}

int cases_dequantised(struct case_env *env, const struct matrix *w, enum number type, size_t count,
		      const struct output *output, const char *what, struct err *err)
{
	struct finding finding = {.gate = GATE_NONE};
	uint8_t *got = xcalloc(output->room, 1);
	double *want = xcalloc(count, sizeof(*want));
	int rc = output_read(&env->gpu, output, got, err);

	for (size_t i = 0; i < count; i++)
		want[i] = (double)nf4_value_at(w->host_packed, w->host_absmax, w->blocksize, i);
	if (rc == 0 && gate_written(type, got + GATE_GUARD_BYTES, count, got,
				    got + output->room - GATE_GUARD_BYTES, &finding))
		(void)gate_exact(GATE_CODES, type, got + GATE_GUARD_BYTES, want, count, &finding);
	if (rc == 0)
		cases_judged(env->out, &finding, what);
	free(got);
	free(want);
	return rc;
}
