#include "gpu/device.h"

#include "base/mem.h"
#include "gpu/gates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL_BLOCKS 1024
#define FILL_THREADS 256
#define ATTRIBUTE_EARLY 6  /* of a launch: programmatic stream serialisation */
#define ATTRIBUTE_SHARED 8 /* of a function: most dynamic shared memory */

static const struct grid fill = {FILL_BLOCKS, 1, FILL_THREADS, 1};

int device_alloc(struct gpu_context *gpu, size_t bytes, uint64_t *out, struct err *err)
{
	return cuda_check(gpu, gpu->driver.cuMemAlloc_v2(out, bytes ? bytes : 1),
			  "allocating memory of the card", err);
}

void device_free(struct gpu_context *gpu, uint64_t address)
{
	if (address)
		(void)gpu->driver.cuMemFree_v2(address);
}

int device_upload(struct gpu_context *gpu, const void *from, size_t bytes, uint64_t *out,
		  struct err *err)
{
	if (device_alloc(gpu, bytes, out, err) < 0)
		return -1;
	return cuda_check(gpu, gpu->driver.cuMemcpyHtoD_v2(*out, from, bytes),
			  "copying to the card", err);
}

int device_sync(struct gpu_context *gpu, struct err *err)
{
	return cuda_check(gpu, gpu->driver.cuStreamSynchronize(gpu->stream), "waiting for kernels",
			  err);
}

int device_download(struct gpu_context *gpu, void *to, uint64_t from, size_t bytes, struct err *err)
{
	if (device_sync(gpu, err) < 0)
		return -1;
	return cuda_check(gpu, gpu->driver.cuMemcpyDtoH_v2(to, from, bytes),
			  "copying from the card", err);
}

int output_make(struct gpu_context *gpu, size_t bytes, struct output *out, struct err *err)
{
	struct output made = {.bytes = bytes, .room = bytes + (size_t)2 * GATE_GUARD_BYTES};

	if (device_alloc(gpu, made.room, &made.address, err) < 0)
		return -1;
	made.address += GATE_GUARD_BYTES;
	*out = made;
	return 0;
}

int output_reset(struct gpu_context *gpu, const struct output *o, struct err *err)
{
	const struct driver *d = &gpu->driver;
	uint64_t base = o->address - GATE_GUARD_BYTES;

	if (cuda_check(gpu, d->cuMemsetD8Async(base, GATE_GUARD, o->room, gpu->stream), "guards",
		       err) < 0)
		return -1;
	return cuda_check(gpu, d->cuMemsetD8Async(o->address, GATE_POISON, o->bytes, gpu->stream),
			  "poison", err);
}

int output_read(struct gpu_context *gpu, const struct output *o, void *to, struct err *err)
{
	return device_download(gpu, to, o->address - GATE_GUARD_BYTES, o->room, err);
}

int device_launch(struct gpu_context *gpu, void *module, void *stream, const char *kernel,
		  struct grid grid, void **arguments, struct err *err)
{
	void *function;

	if (cuda_check(gpu, gpu->driver.cuModuleGetFunction(&function, module, kernel), kernel,
		       err) < 0)
		return -1;
	return cuda_check(gpu,
			  gpu->driver.cuLaunchKernel(function, grid.x, grid.y, 1, grid.block_x,
						     grid.block_y, 1, 0, stream, arguments, NULL),
			  kernel, err);
}

int device_launch_typed(struct gpu_context *gpu, void *stream, const char *kernel, enum number type,
			struct grid grid, void **arguments, struct err *err)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s_%s", kernel, number_name(type));
	return device_launch(gpu, gpu->kernels, stream, name, grid, arguments, err);
}

int device_launch_overlapped(struct gpu_context *gpu, void *stream, const char *kernel,
			     enum number type, struct grid grid, unsigned shared, void **arguments,
			     struct err *err)
{
	struct launch_attribute early = {.id = ATTRIBUTE_EARLY, .value.value = 1};
	struct launch_config config = {
		grid.x, grid.y, 1,	grid.block_x, grid.block_y,
		1,	shared, stream, &early,	      gpu->info.card.major >= 9};
	char name[64];
	void *function;

	(void)snprintf(name, sizeof(name), "%s_%s", kernel, number_name(type));
	if (cuda_check(gpu, gpu->driver.cuModuleGetFunction(&function, gpu->kernels, name), name,
		       err) < 0 ||
	    cuda_check(gpu, gpu->driver.cuFuncSetAttribute(function, ATTRIBUTE_SHARED, (int)shared),
		       name, err) < 0)
		return -1;
	return cuda_check(gpu, gpu->driver.cuLaunchKernelEx(&config, function, arguments, NULL),
			  name, err);
}

int device_fill_normal(struct gpu_context *gpu, uint64_t address, enum number type, size_t count,
		       uint64_t seed, float scale, struct err *err)
{
	return device_launch_typed(gpu, gpu->stream, "fill_normal", type, fill,
				   (void *[]){&address, &count, &seed, &scale}, err);
}

/* --- weights --------------------------------------------------------------------------------- */

static int make_normal(struct gpu_context *gpu, struct matrix *m, size_t count, uint64_t seed,
		       struct err *err)
{
	uint64_t values;
	int rc;

	if (device_alloc(gpu, count * 2, &values, err) < 0)
		return -1;
	rc = device_fill_normal(gpu, values, NUMBER_BF16, count, seed, 1, err);
	if (rc == 0)
		rc = device_launch_typed(gpu, gpu->stream, "quantise", NUMBER_BF16, fill,
					 (void *[]){&values, &count, &m->blocksize,
						    &m->plain.packed, &m->plain.absmax},
					 err);
	if (rc == 0)
		rc = device_sync(gpu, err);
	device_free(gpu, values);
	return rc;
}

static int make_lattice(struct gpu_context *gpu, struct matrix *m, size_t count, uint64_t seed,
			struct err *err)
{
	size_t bytes = count / 2, blocks = count / m->blocksize;
	uint64_t other = seed + 1;

	if (device_launch(gpu, gpu->kernels, gpu->stream, "fill_lattice_codes", fill,
			  (void *[]){&m->plain.packed, &bytes, &seed}, err) < 0)
		return -1;
	return device_launch(gpu, gpu->kernels, gpu->stream, "fill_lattice_absmax", fill,
			     (void *[]){&m->plain.absmax, &blocks, &other}, err);
}

/* A second level over the absmax; the plain ones become what decoding gives. */
static int nest(struct gpu_context *gpu, struct matrix *m, size_t blocks, struct err *err)
{
	const size_t groups = (blocks + NESTED_BLOCK - 1) / NESTED_BLOCK;
	uint8_t *codes = xcalloc(blocks, 1);
	float *scales = xcalloc(groups, sizeof(*scales)), map[NESTED_CODES], offset;
	int rc = -1;

	nested_map(map);
	offset = nested_quantise(m->host_absmax, blocks, map, codes, scales);
	nested_decode(codes, scales, map, offset, blocks, m->host_absmax);
	m->weights.packed = m->plain.packed;
	if (device_upload(gpu, codes, blocks, &m->weights.codes8, err) == 0 &&
	    device_upload(gpu, scales, groups * sizeof(*scales), &m->weights.absmax, err) == 0 &&
	    device_upload(gpu, map, sizeof(map), &m->weights.map, err) == 0 &&
	    device_upload(gpu, &offset, sizeof(offset), &m->weights.offset, err) == 0 &&
	    cuda_check(gpu,
		       gpu->driver.cuMemcpyHtoD_v2(m->plain.absmax, m->host_absmax,
						   blocks * sizeof(float)),
		       "copying absmax", err) == 0)
		rc = 0;
	free(codes);
	free(scales);
	return rc;
}

int matrix_make(struct gpu_context *gpu, unsigned n, unsigned k, enum content content, bool nested,
		uint64_t seed, struct matrix *out, struct err *err)
{
	const size_t count = (size_t)n * k, blocks = count / NF4_BLOCK;
	struct matrix m = {.n = n, .k = k, .blocksize = NF4_BLOCK};

	if (device_alloc(gpu, count / 2, &m.plain.packed, err) < 0 ||
	    device_alloc(gpu, blocks * sizeof(float), &m.plain.absmax, err) < 0 ||
	    device_upload(gpu, nf4_codes, sizeof(nf4_codes), &m.code, err) < 0 ||
	    (content == CONTENT_LATTICE ? make_lattice(gpu, &m, count, seed, err)
					: make_normal(gpu, &m, count, seed, err)) < 0)
		return -1;
	m.host_absmax = xcalloc(blocks, sizeof(float));
	m.host_packed = xcalloc(count / 2, 1);
	m.weights = m.plain;
	if (device_download(gpu, m.host_absmax, m.plain.absmax, blocks * sizeof(float), err) < 0 ||
	    device_download(gpu, m.host_packed, m.plain.packed, count / 2, err) < 0 ||
	    (nested && nest(gpu, &m, blocks, err) < 0)) {
		matrix_done(gpu, &m);
		return -1;
	}
	*out = m;
	return 0;
}

int matrix_load(struct gpu_context *gpu, unsigned n, unsigned k, unsigned blocksize,
		const uint8_t *packed, const float *absmax, const uint8_t *codes,
		const float *scales, const float *map, float offset, struct matrix *out,
		struct err *err)
{
	const size_t count = (size_t)n * k, blocks = (count + blocksize - 1) / blocksize;
	const size_t groups = (blocks + NESTED_BLOCK - 1) / NESTED_BLOCK;
	struct matrix m = {.n = n, .k = k, .blocksize = blocksize};

	if (device_upload(gpu, packed, count / 2, &m.plain.packed, err) < 0 ||
	    device_upload(gpu, absmax, blocks * sizeof(float), &m.plain.absmax, err) < 0 ||
	    device_upload(gpu, nf4_codes, sizeof(nf4_codes), &m.code, err) < 0)
		return -1;
	m.weights = m.plain;
	if (codes &&
	    (device_upload(gpu, codes, blocks, &m.weights.codes8, err) < 0 ||
	     device_upload(gpu, scales, groups * sizeof(float), &m.weights.absmax, err) < 0 ||
	     device_upload(gpu, map, NESTED_CODES * sizeof(float), &m.weights.map, err) < 0 ||
	     device_upload(gpu, &offset, sizeof(offset), &m.weights.offset, err) < 0))
		return -1;
	m.host_absmax = xcalloc(blocks, sizeof(float));
	m.host_packed = xcalloc(count / 2, 1);
	memcpy(m.host_absmax, absmax, blocks * sizeof(float));
	memcpy(m.host_packed, packed, count / 2);
	*out = m;
	return 0;
}

void matrix_done(struct gpu_context *gpu, struct matrix *m)
{
	if (m->weights.codes8) {
		device_free(gpu, m->weights.codes8);
		device_free(gpu, m->weights.absmax);
		device_free(gpu, m->weights.map);
		device_free(gpu, m->weights.offset);
	}
	device_free(gpu, m->plain.packed);
	device_free(gpu, m->plain.absmax);
	device_free(gpu, m->code);
	free(m->host_absmax);
	free(m->host_packed);
	*m = (struct matrix){.n = 0};
}
