/* Groups of cases; each adds its own to the list. */
#ifndef GPU_CASES_H
#define GPU_CASES_H

#include "gpu/case.h"
#include "gpu/product.h"

#define SEED_DEFAULT 20260923u

void cases_health(struct case_list *list);    /* health/… */
void cases_load(struct case_list *list);      /* load/…: does it run here at all, and natively */
void cases_library(struct case_list *list);   /* quantise dequantise nested gemv gemm */
void cases_reference(struct case_list *list); /* ref/…: our own kernels under the same gates */
void cases_yardstick(struct case_list *list); /* yardstick/…: our fast kernels, likewise */
void cases_yardstick_bench(struct case_list *list);	    /* bench/yardstick/… */
void cases_bench(struct case_list *list);		    /* bench/…: alone on the card */
void cases_selftest(struct case_list *list, unsigned runs); /* self-test/… */
/* checkpoint/NAME for every 4-bit weight of the safetensors FILE. */
int cases_checkpoint(struct case_list *list, const char *file, struct err *err);

/* The seed of this run's data: fresh each time, or ASSAY_GPU_SEED. */
uint64_t cases_seed(void);

/* OUT passes where FINDING is of no gate, and fails by its label otherwise; WHAT was judged. */
void cases_judged(struct case_outcome *out, const struct finding *finding, const char *what);

/* Judge OUTPUT, which the kernel WHAT filled with the first COUNT weights of W as TYPE: all
 * written, nothing beyond, each equal to the host's own decoding. 0, or -1 where it cannot be read.
 */
int cases_dequantised(struct case_env *env, const struct matrix *w, enum number type, size_t count,
		      const struct output *output, const char *what, struct err *err);

#endif
