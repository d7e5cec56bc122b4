#include "gpu/gates.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROUNDING_RMS                                                                               \
	0.415 /* of one rounding to nearest, in u: measured over random significands               \
	       */
#define NORM_MARGIN 1.25
#define FEW_ROUNDINGS 8			/* more come from long sums, not from terms */
#define FP32_UNIT 5.9604644775390625e-8 /* 2^-24 */

static const struct {
	const char *name;
	const char *label;
} gates[GATE_COUNT] = {
	[GATE_NONE] = {"none", NULL},
	[GATE_UNTOUCHED] = {"G1 untouched", "kernel/output-untouched"},
	[GATE_WRITTEN] = {"G1 written", "kernel/output-incomplete"},
	[GATE_GUARDED] = {"G1 guards", "kernel/out-of-bounds"},
	[GATE_EXACT] = {"G2 exact", "kernel/lattice-mismatch"},
	[GATE_CODES] = {"G3 codes", "kernel/codes-mismatch"},
	[GATE_NORM] = {"G4 norm", "kernel/norm-error"},
	[GATE_ELEMENT] = {"G5 element", "kernel/element-error"},
	[GATE_WORST] = {"G6 worst case", "kernel/worst-case-error"},
	[GATE_REPEATABLE] = {"G7 repeatable", "kernel/not-repeatable"},
	[GATE_ORDER] = {"G8 order", "kernel/wrong-stream"},
};

const char *gate_name(enum gate gate)
{
	return gates[gate].name;
}

const char *gate_label(enum gate gate)
{
	return gates[gate].label;
}

static bool failed(struct finding *finding, enum gate gate, size_t index, size_t bad, double got,
		   double want)
{
	finding->gate = gate;
	finding->index = index;
	finding->bad = bad;
	finding->got = got;
	finding->want = want;
	return false;
}

static size_t guard_damage(const uint8_t *guard)
{
	size_t bad = 0;

	for (size_t i = 0; guard && i < GATE_GUARD_BYTES; i++)
		bad += guard[i] != GATE_GUARD;
	return bad;
}

bool gate_written(enum number type, const void *out, size_t count, const uint8_t *before,
		  const uint8_t *after, struct finding *finding)
{
	const uint32_t poison = type == NUMBER_FP32 ? 0xffffffffu : 0xffffu;
	size_t left = 0, first = 0, damage;

	for (size_t i = count; i-- > 0;)
		if (number_bits(type, out, i) == poison || isnan(number_load(type, out, i))) {
			left++;
			first = i;
		}
	if (left == count && count)
		return failed(finding, GATE_UNTOUCHED, 0, left, (double)NAN, 0);
	if (left)
		return failed(finding, GATE_WRITTEN, first, left, (double)NAN, 0);
	damage = guard_damage(before) + guard_damage(after);
	if (damage)
		return failed(finding, GATE_GUARDED, 0, damage, 0, 0);
	return true;
}

bool gate_exact(enum gate gate, enum number type, const void *out, const double *want, size_t count,
		struct finding *finding)
{
	size_t bad = 0, first = 0;

	for (size_t i = count; i-- > 0;)
		if (number_load(type, out, i) != number_round(type, want[i])) {
			bad++;
			first = i;
		}
	if (bad)
		return failed(finding, gate, first, bad, number_load(type, out, first),
			      number_round(type, want[first]));
	return true;
}

/* How one element stands: its share of the G5 statistic and of the G6 bound. */
struct standing {
	double error, element, worst;
};

static struct standing stand(double u, double got, const struct reference *ref, size_t i)
{
	double error = fabs(got - ref->value[i]), beyond = error - u * fabs(ref->value[i]);
	double bound = u * fabs(ref->value[i]) + (4 * u + (double)ref->k * FP32_UNIT) * ref->l1[i];
	struct standing out = {.error = error};

	if (isnan(got) || isinf(got))
		return (struct standing){(double)INFINITY, (double)INFINITY, (double)INFINITY};
	if (beyond > 0)
		out.element = ref->l2[i] > 0 ? beyond / (u * ref->l2[i]) : (double)INFINITY;
	if (error > 0)
		out.worst = bound > 0 ? error / bound : (double)INFINITY;
	return out;
}

bool gate_close(enum number type, const void *out, const struct reference *ref,
		struct finding *finding)
{
	const double u = number_unit(type);
	const double c = fmax(6, (ref->roundings > FEW_ROUNDINGS ? 9 : 3) * sqrt(ref->roundings));
	double errors = 0, norm = 0;
	size_t element_bad = 0, worst_bad = 0, element_at = 0, worst_at = 0;

	finding->element_max = 0;
	finding->worst_max = 0;
	for (size_t i = 0; i < ref->count; i++) {
		struct standing s = stand(u, number_load(type, out, i), ref, i);

		errors += s.error * s.error;
		norm += ref->value[i] * ref->value[i];
		if (s.element > c && element_bad++ == 0)
			element_at = i;
		if (s.worst > 1 && worst_bad++ == 0)
			worst_at = i;
		finding->element_max = fmax(finding->element_max, s.element);
		finding->worst_max = fmax(finding->worst_max, s.worst);
	}
	finding->relf = norm > 0 ? sqrt(errors / norm) : errors > 0 ? (double)INFINITY : 0;
	finding->relf_limit = NORM_MARGIN * ROUNDING_RMS * u * sqrt(ref->roundings);
	if (worst_bad)
		return failed(finding, GATE_WORST, worst_at, worst_bad,
			      number_load(type, out, worst_at), ref->value[worst_at]);
	if (!(finding->relf <= finding->relf_limit))
		return failed(finding, GATE_NORM, 0, 0, finding->relf, finding->relf_limit);
	if (element_bad)
		return failed(finding, GATE_ELEMENT, element_at, element_bad,
			      number_load(type, out, element_at), ref->value[element_at]);
	return true;
}

bool gate_same(enum gate gate, enum number type, const void *first, const void *second,
	       size_t count, struct finding *finding)
{
	size_t bad = 0, at = 0;

	for (size_t i = count; i-- > 0;)
		if (number_bits(type, first, i) != number_bits(type, second, i)) {
			bad++;
			at = i;
		}
	if (bad)
		return failed(finding, gate, at, bad, number_load(type, second, at),
			      number_load(type, first, at));
	return true;
}

double gate_roundings_fp32(double roundings, uint64_t k)
{
	return roundings + (double)k / 2;
}

const char *gate_text(const struct finding *f, char *out, size_t size)
{
	const char *name = gate_name(f->gate);

	switch (f->gate) {
	case GATE_NONE:
		(void)snprintf(out, size, "relF %.2e (limit %.2e), element %.1f, worst case %.2f",
			       f->relf, f->relf_limit, f->element_max, f->worst_max);
		break;
	case GATE_NORM:
		(void)snprintf(out, size, "%s: relF %.2e, limit %.2e", name, f->got, f->want);
		break;
	case GATE_UNTOUCHED:
	case GATE_WRITTEN:
		(void)snprintf(out, size, "%s: %zu elements not written, first %zu", name, f->bad,
			       f->index);
		break;
	case GATE_GUARDED:
		(void)snprintf(out, size, "%s: %zu bytes outside the output changed", name, f->bad);
		break;
	default:
		(void)snprintf(out, size, "%s: %zu elements differ, first %zu: %.9g, not %.9g",
			       name, f->bad, f->index, f->got, f->want);
		break;
	}
	return out;
}
