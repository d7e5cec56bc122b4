/*
 * yard_plan: sorts the (token, slot) pairs of a layer by expert, in the order of the tokens.
 *
 * Idea: one block of 1024. Each warp counts its own run of pairs, the counts of the warps before it
 * say where its pairs begin, and within 32 pairs a lane counts the equal ones before it.
 * Counted: 32 tokens' logits read, 6 words a token written. Floor: a launch, 2 us.
 * Limit: the chain of loads of a warp's run, 4 of 32 pairs at 2048 tokens.
 */
#include "plan.cuh"

/* At most 32 experts. EXPERT: scratch, by pair. */
extern "C" __global__ void __launch_bounds__(1024)
	yard_plan(const float *logits, unsigned *words, unsigned *expert, unsigned experts,
		  unsigned tokens)
{
	__shared__ unsigned count[WARP][EXPERTS_MAX]; /* by warp; then where its pairs begin */
	struct plan plan = plan_of(words, tokens);
	const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
	const unsigned run = ((tokens * 2 + WARP - 1) / WARP + WARP - 1) / WARP * WARP;
	const unsigned from = min(warp * run, tokens * 2), to = min(from + run, tokens * 2);

	launch_wait();
	launch_next();
	count[warp][lane] = 0;
	for (unsigned t = threadIdx.x; t < tokens; t += blockDim.x) {
		struct routing routing = route(logits + (size_t)t * experts, experts);

		for (unsigned slot = 0; slot < 2; slot++) {
			expert[t * 2 + slot] = routing.expert[slot];
			((float *)plan.weight)[t * 2 + slot] = routing.weight[slot];
		}
	}
	__syncthreads();
	for (unsigned at = from; at < to; at += WARP) {
		unsigned mine = at + lane < to ? expert[at + lane] : EXPERTS_MAX;
		unsigned equal = __match_any_sync(~0u, mine);

		if (mine < EXPERTS_MAX && equal >> lane == 1)
			count[warp][mine] += __popc(equal);
		__syncwarp();
	}
	__syncthreads();
	if (warp == 0) {
		unsigned sum = 0, before = 0;

		for (unsigned w = 0; w < WARP; w++) {
			unsigned own = count[w][lane];

			count[w][lane] = sum;
			sum += own;
		}
		for (unsigned e = 0; e < EXPERTS_MAX; e++) {
			unsigned of = __shfl_sync(~0u, sum, e);

			before += e < lane ? of : 0;
		}
		for (unsigned w = 0; w < WARP; w++)
			count[w][lane] += before;
		if (lane < experts)
			words[lane] = before;
		if (lane == experts - 1)
			words[experts] = before + sum;
	}
	__syncthreads();
	for (unsigned at = from; at < to; at += WARP) {
		unsigned mine = at + lane < to ? expert[at + lane] : EXPERTS_MAX;
		unsigned equal = __match_any_sync(~0u, mine);

		if (mine < EXPERTS_MAX) {
			unsigned place = count[warp][mine] + __popc(equal & ((1u << lane) - 1));

			((unsigned *)plan.pair)[place] = at + lane;
			((unsigned *)plan.place)[at + lane] = place;
		}
		__syncwarp();
		if (mine < EXPERTS_MAX && equal >> lane == 1)
			count[warp][mine] += __popc(equal);
		__syncwarp();
	}
}
