#include "gpu/cuda.h"

#include <dlfcn.h>
#include <string.h>

/* CUdevice_attribute and CUstream_flags of cuda.h; they never change. */
enum {
	ATTRIBUTE_SMS = 16,
	ATTRIBUTE_L2 = 38,
	ATTRIBUTE_MAJOR = 75,
	ATTRIBUTE_MINOR = 76,
	STREAM_NON_BLOCKING = 1,
	NO_DEVICE = 100,
};

struct symbol {
	const char *name;
	size_t offset; /* of the pointer in its table */
};

#define FUNCTION(result, name, arguments) {#name, offsetof(struct driver, name)},
static const struct symbol driver_symbols[] = {
#include "gpu/cuda_driver.def"
	{NULL, 0},
};
#undef FUNCTION
#define FUNCTION(result, name, arguments) {#name, offsetof(struct runtime, name)},
static const struct symbol runtime_symbols[] = {
#include "gpu/cuda_runtime.def"
	{NULL, 0},
};
#undef FUNCTION
#define FUNCTION(result, name, arguments) {#name, offsetof(struct blas, name)},
static const struct symbol blas_symbols[] = {
#include "gpu/cuda_blas.def"
	{NULL, 0},
};
#undef FUNCTION

/* The fatbin, embedded by blob.S. */
extern const unsigned char gpu_kernels_fatbin[];

static int bind(void *library, const struct symbol *symbols, void *table, struct err *err)
{
	for (; symbols->name; symbols++) {
		void *function = dlsym(library, symbols->name);

		if (!function)
			return err_set(err, ERR_NOTFOUND, "no %s", symbols->name);
		memcpy((char *)table + symbols->offset, &function, sizeof(function));
	}
	return 0;
}

const char *cuda_error_name(const struct gpu_context *gpu, int error)
{
	const char *name = NULL;

	if (!gpu->driver.cuGetErrorName || gpu->driver.cuGetErrorName(error, &name) != 0 || !name)
		return "unknown error";
	return name;
}

int cuda_check(const struct gpu_context *gpu, int result, const char *what, struct err *err)
{
	if (result == 0)
		return 0;
	(void)err_set(err, ERR_INFRA, "%s: %s (%d)", what, cuda_error_name(gpu, result), result);
	if (err)
		err->sys = result;
	return -1;
}

static int read_card(struct gpu_context *gpu, int device, struct err *err)
{
	const struct driver *d = &gpu->driver;
	int major = 0, minor = 0, sms = 0, l2 = 0;
	size_t memory = 0;

	if (cuda_check(gpu, d->cuDeviceGetName(gpu->info.name, CARD_NAME_MAX, device),
		       "cuDeviceGetName", err) < 0 ||
	    cuda_check(gpu, d->cuDeviceGetAttribute(&major, ATTRIBUTE_MAJOR, device),
		       "compute capability", err) < 0 ||
	    cuda_check(gpu, d->cuDeviceGetAttribute(&minor, ATTRIBUTE_MINOR, device),
		       "compute capability", err) < 0 ||
	    cuda_check(gpu, d->cuDeviceGetAttribute(&sms, ATTRIBUTE_SMS, device), "multiprocessors",
		       err) < 0 ||
	    cuda_check(gpu, d->cuDeviceGetAttribute(&l2, ATTRIBUTE_L2, device), "L2 size", err) <
		    0 ||
	    cuda_check(gpu, d->cuDeviceTotalMem_v2(&memory, device), "memory size", err) < 0 ||
	    cuda_check(gpu, d->cuDriverGetVersion(&gpu->info.driver_cuda), "driver version", err) <
		    0)
		return -1;
	gpu->info.card = (struct card){(unsigned)major, (unsigned)minor, (unsigned)sms};
	gpu->info.memory_bytes = memory;
	gpu->info.l2_bytes = (uint64_t)l2;
	return 0;
}

int cuda_open(struct gpu_context *gpu, struct err *err)
{
	const struct driver *d = &gpu->driver;
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL), *context;
	int device, count = 0, result;

	*gpu = (struct gpu_context){.kernels = NULL};
	if (!library)
		return err_set(err, ERR_NOTFOUND, "no NVIDIA driver here: %s", dlerror());
	if (bind(library, driver_symbols, &gpu->driver, err) < 0)
		return err_wrap(err, "the NVIDIA driver is too old");
	result = d->cuInit(0);
	if (result == NO_DEVICE || (result == 0 && d->cuDeviceGetCount(&count) == 0 && count == 0))
		return err_set(err, ERR_NOTFOUND, "no NVIDIA GPU here, but a driver");
	if (cuda_check(gpu, result, "cuInit", err) < 0 ||
	    cuda_check(gpu, d->cuDeviceGet(&device, 0), "cuDeviceGet", err) < 0 ||
	    read_card(gpu, device, err) < 0 ||
	    cuda_check(gpu, d->cuDevicePrimaryCtxRetain(&context, device), "making a context",
		       err) < 0 ||
	    cuda_check(gpu, d->cuCtxSetCurrent(context), "cuCtxSetCurrent", err) < 0 ||
	    cuda_check(gpu, d->cuStreamCreate(&gpu->stream, STREAM_NON_BLOCKING), "cuStreamCreate",
		       err) < 0)
		return -1;
	return cuda_check(gpu, d->cuModuleLoadData(&gpu->kernels, gpu_kernels_fatbin),
			  "loading our own kernels", err);
}

int cuda_bind_runtime(struct gpu_context *gpu, void *library, struct err *err)
{
	return bind(library, runtime_symbols, &gpu->runtime, err);
}

int cuda_bind_blas(struct gpu_context *gpu, void *library, struct err *err)
{
	if (bind(library, blas_symbols, &gpu->blas, err) < 0)
		return -1;
	if (gpu->blas.cublasCreate_v2(&gpu->blas_handle) != 0 ||
	    gpu->blas.cublasSetStream_v2(gpu->blas_handle, gpu->stream) != 0)
		return err_set(err, ERR_INFRA, "cublasCreate failed");
	return 0;
}
