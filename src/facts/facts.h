/*
 * Facts: what is inside an image, read from its bytes. Collected once from an image, then judged
 * by rules, compared with other facts, kept in the run directory, exported as an SBOM.
 *
 * Nothing here judges. Every fact says which layer and build step brought it.
 */
#ifndef FACTS_FACTS_H
#define FACTS_FACTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "image/image.h"
#include "pydist/dist.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where something came from. */
struct origin {
	unsigned layer;	      /* from 1; 0 unknown */
	unsigned step_number; /* of the image's history, from 1; 0 unknown */
	const char *step;     /* "RUN pip install …", NULL unknown */
};

struct os_facts {
	const char *id;	     /* "debian", NULL: no os-release */
	const char *version; /* "12" */
	const char *pretty;
	const char *glibc;   /* "2.36": highest GLIBC_ version that libc.so.6 defines */
	const char *glibcxx; /* "3.4.30" of the libstdc++.so.6 that the loader finds first */
	const char *cxxabi;  /* "1.3.13" */
	const char *machine; /* of the image's configuration: "amd64" */
	const char *unread;  /* path of an rpm database: its packages are not told; NULL none */
};

struct package { /* of the system's package manager */
	const char *name;
	const char *version;
	const char *arch;
	const char *source;  /* "dpkg", "apk", "rpm" */
	uint64_t size_bytes; /* installed, 0 unknown */
	struct origin origin;
};

/* How a distribution's files compare with its RECORD. */
struct dist_files {
	bool known;	/* it has a RECORD */
	size_t listed;	/* lines with a path inside the image */
	size_t missing; /* not there */
	size_t resized; /* there with another size */
	size_t orphans; /* in its package folders, in no RECORD; byte code does not count */
	struct strings missing_paths; /* the first FACTS_SAMPLE of each */
	struct strings resized_paths;
	struct strings orphan_paths;
	struct strings overwritten_paths; /* of those resized, the first that are as RECORD of */
	size_t overwriter;		  /* this other distribution says, if any are */
	uint64_t size_bytes;
};
#define FACTS_SAMPLE 20

struct dist {
	const char *name;	/* as in METADATA */
	const char *normalised; /* PEP 503 */
	const char *version;	/* of METADATA */
	const char *path;	/* of the metadata folder */
	const char *site;	/* folder it is installed in, "/usr/lib/python3/dist-packages" */
	const char *local;	/* local part of version, "cu124"; NULL none */
	const char *direct_url;
	const char *installer; /* "pip", … */
	const char *license;
	struct strings packages; /* top-level folders and modules it installed */
	struct strings requires; /* as written */
	struct dist_files files;
	struct origin origin; /* of its METADATA */
	bool requested;	      /* has REQUESTED */
	bool shadowed;	      /* another metadata folder of the same name in the same site is what
				 the files on disk belong to (see duplicate_of) */
	size_t duplicate_of;  /* index of that one; SIZE_MAX none */
};

/* A requirement of a distribution that does not hold, markers and extras considered. */
struct broken_requirement {
	size_t dist;		 /* index */
	const char *requirement; /* as written */
	const char *found;	 /* installed version, NULL: not installed */
};

struct torch_facts {
	bool present;
	const char *path;		   /* of the package folder */
	const char *version;		   /* of version.py, what import reports; NULL unknown */
	const char *cuda;		   /* "12.6"; NULL: a CPU build */
	const char *metadata_version;	   /* what importlib.metadata would say (first folder) */
	struct strings metadata_versions;  /* of every metadata folder */
	const char *arch_list;		   /* libtorch_python.so's literal */
	const char *cudart_dist;	   /* version of the installed nvidia*cuda-runtime dist */
	const char *cudart_needed;	   /* "libcudart.so.12" that libtorch_cuda.so needs */
	const struct binary *cuda_library; /* libtorch_cuda.so, NULL none */
	const char *cuda_library_path;
	const char *index;	/* "pypi" (no local part though version.py has one),
				   "download.pytorch.org"      (local part), "unknown" */
	struct origin origin;	/* of version.py */
	struct origin replaced; /* of the version.py that it took the place of; layer 0: none */
	const char *replaced_version; /* of that one */
};

struct bnb_library {
	const char *path;
	const char *variant; /* "cuda126", "cpu", "rocm62" */
	const struct binary *binary;
};

struct bnb_facts {
	bool present;
	const char *path;
	const char *version; /* of METADATA */
	struct bnb_library *libraries;
	size_t library_count;
	const char *override_value; /* BNB_CUDA_VERSION of the image's environment, NULL: not set */
	const char *wanted; /* file name the release's rule asks for, NULL: torch is CPU only */
	const char *chosen; /* path of the file that it will load, NULL: none */
	const char *rule;   /* "exact", "override", "nearest-lower", "cpu-fallback", "missing",
			       "bad-override" */
};

/* One library or program with what the dynamic loader would do about it. */
struct resolved {
	const char *soname;
	const char *path; /* NULL: not found in the image */
	const char *how;  /* "rpath", "ld-library-path", "runpath", "cache", "default", "driver"
			     (injected  by the container runtime: libcuda, libnvidia-*), "preloaded"
			     (by its  package's own code, e.g. torch/__init__.py: same soname
			     elsewhere in the  image) */
};

struct library {
	const char *path;
	const struct image_file *file; /* NULL in facts that were loaded */
	const struct binary *binary;   /* then without symbols */
	size_t dist;	     /* index of the distribution whose RECORD lists it; SIZE_MAX none */
	const char *package; /* of the OS that owns it, NULL unknown */
	struct resolved *needed;
	size_t needed_count;
	struct origin origin;
};

/* A version that a library needs and that what it resolves to does not define. */
struct missing_version {
	size_t library;
	const char *file;     /* "libc.so.6" */
	const char *version;  /* "GLIBC_2.38" */
	const char *provider; /* path of the file found, NULL: none */
	const char *best;     /* highest version of the same family that it defines */
};

/* Strong undefined symbols of a library that nothing it can reach defines. */
struct missing_symbols {
	size_t library;
	size_t count;
	struct strings first; /* the first FACTS_SAMPLE */
};

struct python_facts {
	const char *version;  /* "3.11", NULL: no interpreter found */
	const char *path;     /* of the interpreter that `python3` (or `python`) is on PATH */
	struct strings sites; /* site-packages folders in the order of sys.path */
};

struct triton_facts {
	bool present;
	const char *version;
	struct strings ptxas;	/* paths */
	struct strings targets; /* of the ptxas that will be used (TRITON_PTXAS_PATH counts) */
};

struct layer_size {
	struct origin origin;
	uint64_t size_bytes;
	uint64_t hidden_bytes; /* of it, replaced or removed by higher layers */
};

struct facts {
	struct arena *arena;
	struct image *source; /* they were read from, NULL in facts that were loaded */
	const char *image;    /* as asked for */
	const char *image_id; /* NULL unknown */
	const struct image_config *config;
	const struct image_history *history;
	size_t history_count;
	uint64_t size_bytes;
	size_t file_count;
	struct os_facts os;
	struct python_facts python;
	struct package *packages;
	size_t package_count;
	struct dist *dists; /* sorted by normalised name, then path */
	size_t dist_count;
	struct broken_requirement *broken;
	size_t broken_count;
	struct torch_facts torch;
	struct bnb_facts bnb;
	struct triton_facts triton;
	struct library *libraries; /* every ELF file, sorted by path */
	size_t library_count;
	struct missing_version *missing_versions;
	size_t missing_version_count;
	struct missing_symbols *missing_symbols;
	size_t missing_symbols_count;
	struct layer_size *layers;
	size_t layer_count;
};

/* Read everything. IMAGE is borrowed and must outlive OUT. */
int facts_collect(struct image *image, struct facts **out, struct err *err);
void facts_free(struct facts *facts);
void facts_freep(struct facts **facts);

const struct dist *facts_dist(const struct facts *facts, const char *name); /* by normalised name;
	of several, the one that is not shadowed; NULL none */
/* The version that a distribution really has: torch's is that of its version.py. */
const char *facts_version(const struct facts *facts, const struct dist *dist);
/* What markers of requirements are judged by. */
struct py_environment facts_environment(const struct facts *facts);
const struct library *facts_library(const struct facts *facts, const char *path);
struct origin facts_origin(const struct facts *facts, const struct image_file *file);
/* "step 9, RUN pip install …" in one line of at most 160 bytes; "" when unknown. */
const char *facts_where(const struct origin *origin, struct arena *arena);
/* Value of a variable of the image's environment, NULL: not set. */
const char *facts_env(const struct facts *facts, const char *name);

#define FACTS_VERSION 1
/* facts.json, versioned ("assay_facts": 1), and back. Values of secret variables are "***". What
 * comes back has no image_file and no symbols; everything that facts_diff needs is there. */
struct json *facts_json(const struct facts *facts);
int facts_load(const struct json *json, struct facts **out, struct err *err);

/* One difference of two images. */
struct difference {
	const char *topic;  /* "package", "python", "env", "config", "library", "arch", "size",
			       "file",  "os" */
	const char *name;   /* of the thing */
	const char *before; /* NULL: added */
	const char *after;  /* NULL: removed */
	const char *where;  /* step that brought the later one, "" unknown */
};
/* By topic, then name; the most telling first within a topic. Files only when FILES and both have
 * an image. */
void facts_diff(const struct facts *before, const struct facts *after, bool files,
		struct arena *arena, struct difference **out, size_t *count);

/* SBOMs of operating system packages and Python distributions. SERIAL is a UUID for the document,
 * TIME RFC 3339. CycloneDX 1.5 and SPDX 2.3. */
struct json *facts_cyclonedx(const struct facts *facts, const char *serial, const char *time);
struct json *facts_spdx(const struct facts *facts, const char *serial, const char *time);

#endif
