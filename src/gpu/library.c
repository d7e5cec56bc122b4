#include "gpu/library.h"

#include "base/units.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the order of their needs. cuSPARSE and nvJitLink: bitsandbytes up to 0.49. */
static const char *const preloads[] = {"libcudart.so.%u", "libnvJitLink.so.%u", "libcublasLt.so.%u",
				       "libcublas.so.%u", "libcusparse.so.12"};

unsigned library_cuda_major(const char *path)
{
	static const char prefix[] = "libbitsandbytes_cuda";
	const char *name = strrchr(path, '/');
	char digits[3] = "";
	int64_t major;

	name = name ? name + 1 : path;
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	memcpy(digits, name + sizeof(prefix) - 1,
	       strnlen(name + sizeof(prefix) - 1, sizeof(digits) - 1));
	return units_parse_int(digits, 10, 99, &major) == 0 ? (unsigned)major : 0;
}

/* The image's own copies come first, so that library and harness share one of each. What is not
 * found here is left to the loader's own search. */
static void preload(const struct library_paths *paths)
{
	for (size_t i = 0; i < sizeof(preloads) / sizeof(*preloads) && paths->cuda_major; i++) {
		char name[64], path[PATH_MAX + 80];
		bool done = false;

/* Format strings of the table above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(name, sizeof(name), preloads[i], paths->cuda_major);
#pragma GCC diagnostic pop
		for (size_t f = 0; f < paths->folder_count && !done; f++) {
			(void)snprintf(path, sizeof(path), "%s/%s", paths->folders[f], name);
			done = access(path, R_OK) == 0 && dlopen(path, RTLD_NOW | RTLD_GLOBAL);
		}
	}
}

static void *find(struct library *lib, const char *name, const char *suffix, enum number type,
		  bool wanted)
{
	char symbol[96];
	void *function;
	size_t used = strlen(lib->missing);

	(void)snprintf(symbol, sizeof(symbol), "%s%s%s", name, number_name(type), suffix);
	function = dlsym(lib->handle, symbol);
	if (!function && wanted)
		(void)snprintf(lib->missing + used, sizeof(lib->missing) - used, "%s%s",
			       used ? " " : "", symbol);
	return function;
}

/* 0.50 brought cgemm_4bit_bf16, 0.49 dropped cgemm_4bit_inference. */
static unsigned release_by_symbols(void *handle)
{
	if (dlsym(handle, "cgemm_4bit_bf16"))
		return 50;
	return dlsym(handle, "cgemm_4bit_inference") ? 48 : 49;
}

static void find_all(struct library *lib)
{
	for (enum number type = 0; type < NUMBER_COUNT; type++) {
		void *function;

#define FUNCTION(member, kind, name, suffix, since, until)                                         \
	function =                                                                                 \
		find(lib, name, suffix, type, lib->release >= (since) && lib->release <= (until)); \
	memcpy(&lib->member[type], &function, sizeof(function));
#include "gpu/library.def"
#undef FUNCTION
	}
}

int library_open(struct gpu_context *gpu, const struct library_paths *paths, struct library *out,
		 struct err *err)
{
	struct library lib = {.path = paths->library, .release = paths->release};

	if (access(paths->library, R_OK) != 0)
		return err_sys(err, ERR_NOTFOUND, "%s", paths->library);
	preload(paths);
	lib.handle = dlopen(paths->library, RTLD_NOW | RTLD_GLOBAL);
	if (!lib.handle)
		return err_set(err, ERR_USAGE, "%s", dlerror());
	if (!lib.release)
		lib.release = release_by_symbols(lib.handle);
	find_all(&lib);
	/* Symbols of its needs are found through its handle; a static runtime hides its own. */
	lib.static_runtime = cuda_bind_runtime(gpu, lib.handle, NULL) < 0;
	if (lib.static_runtime)
		gpu->runtime = (struct runtime){.cudaGetLastError = NULL};
	*out = lib;
	return 0;
}
