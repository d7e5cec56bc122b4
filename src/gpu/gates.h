/*
 * The gates a kernel's output must pass, on host arrays. Pure.
 *
 * Every bound is derived from the rounding model, not tuned: one rounding to nearest has a relative
 * error of rms 0.415 u, u the unit roundoff of the output type. R independent roundings per term
 * and a sum of zero-mean terms give ||err|| / ||ref|| = 0.415 u sqrt(R).
 *
 *   G1 written      no poison left, nothing outside the output touched
 *   G2 exact        lattice data, where every partial sum is exact: equal bit for bit
 *   G3 codes        dequantised weights, or one-hot rows: equal bit for bit
 *   G4 norm         relF <= 1.25 x 0.415 u sqrt(R)
 *   G5 element      |err| <= u |ref| + c u ||a.w||_2, c = 6, or 3 sqrt(R) where that is larger;
 *                   9 sqrt(R) for long fp32 sums, whose errors grow with how far the sum strays
 *   G6 worst case   |err| <= u |ref| + (4 u + K 2^-24) sum |a.w|
 *   G7 repeatable   two runs equal bit for bit
 *   G8 order        the kernel waits for what is before it on its stream
 *
 * G4 and G5 hold for zero-mean data only: codebook rounding is systematic on all-positive data.
 */
#ifndef GPU_GATES_H
#define GPU_GATES_H

#include "gpu/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_POISON 0xff /* every byte: a NaN in all three types */
#define GATE_GUARD 0xa5	 /* bytes before and after an output */
#define GATE_GUARD_BYTES 4096

enum gate {
	GATE_NONE, /* all passed */
	GATE_UNTOUCHED,
	GATE_WRITTEN,
	GATE_GUARDED,
	GATE_EXACT,
	GATE_CODES,
	GATE_NORM,
	GATE_ELEMENT,
	GATE_WORST,
	GATE_REPEATABLE,
	GATE_ORDER,
	GATE_COUNT,
};

const char *gate_name(enum gate gate);	/* "G4 norm" */
const char *gate_label(enum gate gate); /* "kernel/norm-error" */

/* What an output is judged against. Arrays of COUNT; l2 and l1 are sqrt(sum (a w)^2) and
 * sum |a w| of each element. */
struct reference {
	size_t count;
	const double *value;
	const double *l2;
	const double *l1;
	uint64_t k;	  /* terms per element */
	double roundings; /* R; see gate_roundings_fp32 for fp32 outputs */
};

struct finding {
	enum gate gate;	  /* the first that failed */
	size_t index;	  /* first element in question */
	size_t bad;	  /* elements in question */
	double got, want; /* of that element; for G4 relF and its limit */
	double relf;	  /* measured, also when all passed */
	double relf_limit;
	double element_max; /* largest (|err| - u |ref|) / (u l2) */
	double worst_max;   /* largest share of the G6 bound used */
};

/* G1. OUT has COUNT elements; BEFORE and AFTER have GATE_GUARD_BYTES each, NULL: not checked. */
bool gate_written(enum number type, const void *out, size_t count, const uint8_t *before,
		  const uint8_t *after, struct finding *finding);

/* G2 and G3: OUT equals WANT rounded once to TYPE; GATE is what a difference is called. +0 and -0
 * are equal. */
bool gate_exact(enum gate gate, enum number type, const void *out, const double *want, size_t count,
		struct finding *finding);

/* G4 to G6 in this order of severity: G6, G4, G5. The figures are filled in any case. */
bool gate_close(enum number type, const void *out, const struct reference *reference,
		struct finding *finding);

/* G7 or G8: GATE is what a difference is called. */
bool gate_same(enum gate gate, enum number type, const void *first, const void *second,
	       size_t count, struct finding *finding);

/* R for fp32 outputs: ROUNDINGS of the path plus those of a sequential fp32 sum of K zero-mean
 * terms, whose partial sums grow with the square root: K/2. */
double gate_roundings_fp32(double roundings, uint64_t k);

/* "G4 norm: relF 1.80e-02, limit 4.05e-03" into OUT of SIZE bytes; returns OUT. */
const char *gate_text(const struct finding *finding, char *out, size_t size);

#endif
