/* What the dynamic loader will find. */
#include "rule_support.h"

static struct library *chosen_bnb(void)
{
	w.facts.bnb.present = true;
	w.facts.bnb.path = "/site-packages/bitsandbytes";
	w.facts.bnb.chosen = "/site-packages/bitsandbytes/libbitsandbytes_cuda126.so";
	return library(w.facts.bnb.chosen, dist("bitsandbytes", "0.45.3"));
}

static void version(size_t of, const char *file, const char *wants, const char *best)
{
	struct missing_version *m = arena_push(w.arena, &w.facts.missing_versions,
					       &w.facts.missing_version_count, sizeof(*m));

	*m = (struct missing_version){of, file, wants, "/lib/provider", best};
}

static void symbols(size_t of, const char *first)
{
	struct missing_symbols *m = arena_push(w.arena, &w.facts.missing_symbols,
					       &w.facts.missing_symbols_count, sizeof(*m));

	m->library = of;
	m->count = 1;
	push(&m->first, first);
}

static void reports_a_glibc_that_is_too_old(void **state)
{
	const struct finding *f;

	(void)state;
	chosen_bnb();
	version(0, "libc.so.6", "GLIBC_2.9", "GLIBC_2.8");
	version(0, "libc.so.6", "GLIBC_2.34", "GLIBC_2.31");
	f = expect("loader/glibc");
	assert_non_null(strstr(f->expected, "GLIBC_2.34"));
	assert_non_null(strstr(f->actual, "GLIBC_2.31"));
	assert_int_equal(w.found.count, 1);
}

static void a_file_that_is_not_loaded_may_want_what_it_likes(void **state)
{
	(void)state;
	chosen_bnb();
	library("/site-packages/bitsandbytes/libbitsandbytes_cuda128.so", 0);
	version(1, "libc.so.6", "GLIBC_2.34", "GLIBC_2.31");
	expect_clean();
	assert_int_equal(w.found.count, 0);
}

static void reports_a_libstdcxx_that_is_too_old(void **state)
{
	(void)state;
	library("/site-packages/ext.cpython-311-x86_64-linux-gnu.so", dist("ext", "1"));
	version(0, "libstdc++.so.6", "GLIBCXX_3.4.32", "GLIBCXX_3.4.30");
	expect("loader/libstdcxx");
}

static void libraries_for_other_machines_do_not_count(void **state)
{
	(void)state;
	w.config.arch = "amd64";
	((struct binary *)library("/site-packages/x.so", dist("x", "1"))->binary)->machine =
		"aarch64";
	version(0, "libc.so.6", "GLIBC_2.34", "GLIBC_2.31");
	needs(&w.facts.libraries[0], "libcudart.so.12", NULL, NULL);
	expect_clean();
}

static void reports_symbols_of_another_torch(void **state)
{
	(void)state;
	library("/site-packages/flash_attn_2_cuda.cpython-311.so", dist("flash-attn", "2.7"));
	library("/site-packages/torch/lib/libc10.so", dist("torch", "2.6.0"));
	needs(&w.facts.libraries[0], "libc10.so", "/site-packages/torch/lib/libc10.so",
	      "preloaded");
	symbols(0, "_ZN3c104cuda9SetDeviceEi");
	expect("loader/missing-symbols");
}

static void symbols_that_a_companion_brings_are_clean(void **state)
{
	size_t of = dist("onnxruntime-gpu", "1.20");
	uint64_t *hash = arena_alloc(w.arena, sizeof(*hash));
	struct binary *shared;

	(void)state;
	library("/s/nvidia/cublas/lib/libcublas.so.12", dist("nvidia-cublas-cu12", "12"));
	library("/s/onnxruntime/capi/libonnxruntime_providers_cuda.so", of);
	shared = (struct binary *)library("/s/onnxruntime/capi/libonnxruntime_providers_shared.so",
					  of)
			 ->binary;
	needs(&w.facts.libraries[1], "libcublas.so.12", "/s/nvidia/cublas/lib/libcublas.so.12",
	      "rpath");
	symbols(1, "Provider_GetHost");
	*hash = binary_symbol_hash("Provider_GetHost");
	shared->defined = hash;
	shared->defined_count = 1;
	expect_clean();
}

static void symbols_of_the_interpreter_and_plugins_are_clean(void **state)
{
	(void)state;
	library("/site-packages/ext.abi3.so", dist("ext", "1"));
	library("/usr/lib/x86_64-linux-gnu/perl/x.so", SIZE_MAX);
	symbols(0, "PyObject_Call");
	symbols(1, "Perl_sv_setsv");
	expect_clean();
	assert_int_equal(w.found.count, 0);
}

static void reports_a_library_that_the_deployment_needs(void **state)
{
	struct library *l;

	(void)state;
	l = torch("2.8.0+cu128", "12.8", "90");
	needs(l, "libcudart.so.12", NULL, NULL);
	needs(library("/site-packages/torch/lib/libtorch_python.so", 0), "libcudart.so.12", NULL,
	      NULL);
	assert_non_null(strstr(expect("loader/library-missing")->expected, "1 more"));
	assert_int_equal(w.found.count, 1);
}

static void what_the_host_brings_and_plugins_lack_is_clean(void **state)
{
	struct library *l;

	(void)state;
	l = torch("2.8.0+cu128", "12.8", "90");
	needs(l, "libcuda.so.1", NULL, "driver");
	l = library("/site-packages/numba/np/ufunc/tbbpool.cpython-311.so", dist("numba", "0.60"));
	needs(l, "libtbb.so.12", NULL, NULL);
	expect_clean();
	assert_non_null(found("loader/optional-missing"));
}

static void what_a_plugin_lacks_is_one_note(void **state)
{
	struct library *l;

	(void)state;
	l = library("/s/torio/lib/_torio_ffmpeg4.so", dist("torchaudio", "2.8"));
	needs(l, "libavcodec.so.58", NULL, NULL);
	needs(l, "libavutil.so.56", NULL, NULL);
	expect_clean();
	assert_int_equal(w.found.count, 1);
	assert_string_equal(found("loader/optional-missing")->subject, "_torio_ffmpeg4.so");
	assert_string_equal(found("loader/optional-missing")->actual,
			    "not in the image: libavcodec.so.58, libavutil.so.56");
}

static void what_torch_loads_first_is_found_by_extensions(void **state)
{
	struct library *l;

	(void)state;
	l = torch("2.8.0+cu128", "12.8", "90");
	needs(l, "libcublas.so.12", "/s/nvidia/cublas/lib/libcublas.so.12", "rpath");
	library("/s/nvidia/cublas/lib/libcublas.so.12", dist("nvidia-cublas-cu12", "12"));
	l = library("/s/cupy/cublas.cpython-311-x86_64-linux-gnu.so", dist("cupy-cuda12x", "13"));
	needs(l, "libcublas.so.12", NULL, NULL);
	expect_clean();
	assert_non_null(found("loader/optional-missing"));
	needs(l, "libcufft.so.11", NULL, NULL);
	assert_string_equal(expect("loader/library-missing")->subject, "libcufft.so.11");
}

static void reports_what_lies_where_nobody_looks(void **state)
{
	(void)state;
	library("/s/nvidia/cublas/lib/libcublas.so.12", dist("nvidia-cublas-cu12", "12"));
	needs(library("/s/ctranslate2/libctranslate2.so.4", dist("ctranslate2", "4")),
	      "libcublas.so.12", NULL, NULL);
	expect("loader/not-findable");
}

static void reports_a_library_in_front_of_the_packages_own(void **state)
{
	struct library *l;

	(void)state;
	library("/s/nvidia/cusparse/lib/libcusparse.so.12", dist("nvidia-cusparse-cu12", "12.4"));
	library("/s/nvidia/nvjitlink/lib/libnvJitLink.so.12",
		dist("nvidia-nvjitlink-cu12", "12.4"));
	library("/usr/local/cuda/lib64/libnvJitLink.so.12", SIZE_MAX);
	((struct image_file *)w.facts.libraries[2].file)->size_bytes = 900;
	l = &w.facts.libraries[0];
	needs(l, "libnvJitLink.so.12", "/usr/local/cuda/lib64/libnvJitLink.so.12",
	      "ld-library-path");
	expect("loader/shadowed");
	l->needed[0].path = "/s/nvidia/nvjitlink/lib/libnvJitLink.so.12";
	l->needed[0].how = "rpath";
	expect_no("loader/shadowed");
}

static void reports_cuda_libraries_that_are_there_twice(void **state)
{
	(void)state;
	library("/s/nvidia/cublas/lib/libcublas.so.12", dist("nvidia-cublas-cu12", "12"));
	library("/usr/local/cuda/lib64/stubs/libcublas.so.12", SIZE_MAX);
	library("/s/triton/backends/nvidia/lib/libcublas.so.12", dist("triton", "3.3.1"));
	expect_clean();
	library("/usr/local/cuda/lib64/libcublas.so.12", SIZE_MAX);
	expect_clean(); /* small copies cost nothing worth a word */
	((struct image_file *)w.facts.libraries[0].file)->size_bytes = 100 << 20;
	((struct image_file *)w.facts.libraries[3].file)->size_bytes = 100 << 20;
	expect("loader/duplicate-cuda");
}

static void reports_parts_of_two_cudnns(void **state)
{
	size_t of = dist("nvidia-cudnn-cu12", "9.1.0.70");

	(void)state;
	library("/s/nvidia/cudnn/lib/libcudnn.so.9", of);
	library("/s/nvidia/cudnn/lib/libcudnn_ops.so.9", of);
	expect_clean();
	((struct binary *)library("/usr/local/cudnn/lib/libcudnn_ops.so.9.5.1", SIZE_MAX)->binary)
		->soname = "libcudnn_ops.so.9";
	expect_no("loader/mixed-cudnn");
	env("LD_LIBRARY_PATH=/usr/local/cudnn/lib");
	expect("loader/mixed-cudnn");
}

static void reports_a_bundled_cudnn_without_its_parts(void **state)
{
	(void)state;
	library("/s/ctranslate2.libs/libcudnn-74a4c495.so.9.1.0", dist("ctranslate2", "4.5"));
	expect("loader/cudnn-parts");
	library("/usr/lib/x86_64-linux-gnu/libcudnn_ops.so.9", SIZE_MAX);
	expect_no("loader/cudnn-parts");
}

static void reports_versions_of_other_libraries(void **state)
{
	(void)state;
	library("/site-packages/a.abi3.so", dist("a", "1"));
	version(0, "libssl.so.3", "OPENSSL_3.2.0", "OPENSSL_3.0.0");
	expect("loader/version-missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_a_glibc_that_is_too_old),
		rule_test(a_file_that_is_not_loaded_may_want_what_it_likes),
		rule_test(reports_a_libstdcxx_that_is_too_old),
		rule_test(libraries_for_other_machines_do_not_count),
		rule_test(reports_symbols_of_another_torch),
		rule_test(symbols_that_a_companion_brings_are_clean),
		rule_test(symbols_of_the_interpreter_and_plugins_are_clean),
		rule_test(reports_a_library_that_the_deployment_needs),
		rule_test(what_the_host_brings_and_plugins_lack_is_clean),
		rule_test(what_a_plugin_lacks_is_one_note),
		rule_test(what_torch_loads_first_is_found_by_extensions),
		rule_test(reports_what_lies_where_nobody_looks),
		rule_test(reports_a_library_in_front_of_the_packages_own),
		rule_test(reports_cuda_libraries_that_are_there_twice),
		rule_test(reports_parts_of_two_cudnns),
		rule_test(reports_a_bundled_cudnn_without_its_parts),
		rule_test(reports_versions_of_other_libraries),
	};

	return cmocka_run_group_tests_name("rules/loader", tests, NULL, NULL);
}
