/*
 * Judging one way to multiply activations by 4-bit weights: the library's paths, our kernels and
 * mutants all stand before the same gates.
 */
#ifndef GPU_PRODUCT_H
#define GPU_PRODUCT_H

#include "gpu/case.h"
#include "gpu/device.h"
#include "gpu/gates.h"

/* How a weight is formed before it meets its activation. */
enum forming {
	FORMED_ONCE,   /* code * absmax in fp32, rounded once to T or not at all */
	FORMED_PARTS,  /* code and absmax rounded to T first, then their product */
	FORMED_CODE,   /* the code rounded to T, absmax and product in fp32 */
	FORMED_EITHER, /* the library picks one of both by release, card and shape */
};

struct product {
	const char *name; /* as shown: "cgemm_4bit_bf16" */
	enum number type;
	double roundings; /* R of the norm gate, for 16-bit types */
	enum forming forming;
	bool ordered; /* takes a stream: its order is checked */
	int bug;      /* of mutants */
	/* out[m, n] = a[m, k] w^T on STREAM. */
	int (*call)(struct case_env *env, const struct product *product, const struct matrix *w,
		    uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err);
};

/* Before and after a function under test: names it for those who do not return, asks the runtime,
 * waits for the stream. WHAT is its symbol. */
void product_calling(struct case_env *env, const char *what);
int product_called(struct case_env *env, struct err *err);

/* fp64 value, l2 and l1 of every output, on the host; checked against the host's own sums on
 * sampled elements. Freed by reference_done. */
int reference_make(struct case_env *env, const struct matrix *w, enum number type, uint64_t a,
		   unsigned m, struct reference *out, struct err *err);
void reference_done(struct reference *reference);

/* All gates for M rows with weights W (normal) and LATTICE (not nested; NULL: not asked). SEED
 * makes the activations, SCALE their size. True: passed, FINDING has the figures. -1: could not be
 * judged; 0: judged, FINDING->gate says how. */
int product_judge(struct case_env *env, const struct product *product, const struct matrix *w,
		  const struct matrix *lattice, unsigned m, uint64_t seed, float scale,
		  struct finding *finding, struct err *err);

/* Stream order: the activations arrive on the stream after a delay; a kernel that does not wait for
 * them computes with poison. FINDING as above. */
int product_judge_order(struct case_env *env, const struct product *product, const struct matrix *w,
			uint64_t seed, struct finding *finding, struct err *err);

#endif
