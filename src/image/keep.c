/* The table of kept texts: what later rooms read of nearly every image. */
#include "image/keep.h"

#include "image/image.h"

#include <string.h>

enum where {
	AT_PATH,    /* the whole path matches */
	IN_META,    /* the file's name, inside a *.dist-info or *.egg-info folder or being one */
	IN_PACKAGE, /* the file's name, directly in a package's folder of a site folder */
	IN_SITE,    /* the file's name, directly in a site folder */
	IN_USER,    /* the file's name, outside what distributions and Python itself install */
};

struct rule {
	enum where where;
	const char *pattern; /* with at most one "*", which matches slashes too */
	size_t max;
};

#define SMALL ((size_t)64 * 1024)
#define MEDIUM ((size_t)256 * 1024)

static const struct rule rules[] = {
	{AT_PATH, "/etc/os-release", SMALL},
	{AT_PATH, "/usr/lib/os-release", SMALL},
	{AT_PATH, "/etc/debian_version", SMALL},
	{AT_PATH, "/etc/passwd", MEDIUM},
	{AT_PATH, "/etc/group", MEDIUM},
	{AT_PATH, "/etc/ld.so.conf", SMALL},
	{AT_PATH, "/etc/ld.so.conf.d/*", SMALL},
	{AT_PATH, "/var/lib/dpkg/status", IMAGE_TEXT_MAX},
	{AT_PATH, "/var/lib/dpkg/status.d/*", IMAGE_TEXT_MAX},
	{AT_PATH, "/var/lib/dpkg/info/*.list", IMAGE_TEXT_MAX},
	{AT_PATH, "/lib/apk/db/installed", IMAGE_TEXT_MAX},
	{AT_PATH, "/usr/lib/apk/db/installed", IMAGE_TEXT_MAX},
	{IN_META, "METADATA", IMAGE_TEXT_MAX},
	{IN_META, "PKG-INFO", IMAGE_TEXT_MAX},
	{IN_META, "RECORD", IMAGE_TEXT_MAX},
	{IN_META, "WHEEL", SMALL},
	{IN_META, "INSTALLER", SMALL},
	{IN_META, "REQUESTED", SMALL},
	{IN_META, "direct_url.json", SMALL},
	{IN_META, "top_level.txt", MEDIUM},
	{IN_META, "requires.txt", MEDIUM},
	{IN_META, "entry_points.txt", MEDIUM},
	{IN_META, "*.egg-info", IMAGE_TEXT_MAX}, /* of distutils: a file, not a folder */
	{IN_PACKAGE, "version.py", SMALL},
	{IN_PACKAGE, "_version.py", SMALL},
	{IN_PACKAGE, "__init__.py", SMALL},
	{AT_PATH, "*/torch/version.py", SMALL},
	{IN_SITE, "*.pth", SMALL},
	{IN_SITE, "*.egg-link", SMALL},
	{IN_USER, "*.py", MEDIUM},
	{IN_USER, "*.sh", MEDIUM},
	{IN_USER, "*.json", MEDIUM},
	{IN_USER, "*.toml", MEDIUM},
	{IN_USER, "*.yaml", MEDIUM},
	{IN_USER, "*.yml", MEDIUM},
	{IN_USER, "*.txt", MEDIUM},
	{IN_USER, "*.cfg", MEDIUM},
	{IN_USER, "*.ini", MEDIUM},
	{IN_USER, "*.env", MEDIUM},
	{IN_USER, ".netrc", MEDIUM},
	{IN_USER, ".npmrc", MEDIUM},
	{IN_USER, "pip.conf", MEDIUM},
	{IN_USER, "*.pem", MEDIUM},
	{IN_USER, "*.key", MEDIUM},
	{IN_USER, "id_*", MEDIUM},
	{IN_USER, ".git-credentials", MEDIUM},
	{AT_PATH, "*/.aws/credentials", SMALL},
	{IN_USER, ".pypirc", MEDIUM},
	{AT_PATH, "*/huggingface/token", SMALL},
};

/* Trees that distributions and Python fill: nobody's own files. */
static const char *const installed[] = {
	"/proc/", "/sys/", "/usr/lib/python", "/usr/share/", "/var/lib/dpkg/",
};

static bool ends(const char *text, size_t len, const char *tail)
{
	size_t n = strlen(tail);

	return len >= n && !memcmp(text + len - n, tail, n);
}

static bool is_site(const char *path, size_t len)
{
	return ends(path, len, "/site-packages") || ends(path, len, "/dist-packages");
}

/* The folder of the first LEN bytes of PATH. */
static size_t parent(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

static bool is_user(const char *path)
{
	if (strstr(path, "/site-packages/") || strstr(path, "/dist-packages/"))
		return false;
	for (size_t i = 0; i < sizeof(installed) / sizeof(installed[0]); i++)
		if (!strncmp(path, installed[i], strlen(installed[i])))
			return false;
	return !strstr(path, "/lib/python3.");
}

static bool is_here(enum where where, const char *path)
{
	size_t folder = parent(path, strlen(path));

	switch (where) {
	case IN_META:
		return ends(path, folder, ".dist-info") || ends(path, folder, ".egg-info") ||
		       ends(path, folder, "/EGG-INFO") || is_site(path, folder);
	case IN_PACKAGE:
		return is_site(path, parent(path, folder));
	case IN_SITE:
		return is_site(path, folder);
	case IN_USER:
		return is_user(path);
	case AT_PATH:
		break;
	}
	return true;
}

static bool fits(const char *pattern, const char *text)
{
	size_t head = strcspn(pattern, "*"), len = strlen(text);

	if (!pattern[head])
		return !strcmp(pattern, text);
	return !strncmp(pattern, text, head) && len >= head &&
	       ends(text + head, len - head, pattern + head + 1);
}

static bool matches(const struct rule *rule, const char *path, const char *name)
{
	return fits(rule->pattern, rule->where == AT_PATH ? path : name) &&
	       is_here(rule->where, path);
}

static size_t text_of(const char *path, const char *name, uint64_t size)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (size <= rules[i].max && matches(&rules[i], path, name))
			return rules[i].max;
	return 0;
}

static bool may_be_elf(const char *name, uint32_t mode)
{
	size_t len = strlen(name);

	if (ends(name, len, ".a"))
		return false;
	return mode & 0111 || strstr(name, ".so") || ends(name, len, ".cubin") ||
	       ends(name, len, ".o") || !strncmp(name, "ptxas", 5);
}

struct keep keep_of(const char *path, uint32_t mode, uint64_t size)
{
	const char *name = strrchr(path, '/') + 1;
	struct keep keep = {0};

	keep.source = ends(name, strlen(name), ".py") && size <= PY_SOURCE_MAX;
	keep.elf = size >= 4 && may_be_elf(name, mode);
	keep.text = text_of(path, name, size);
	return keep;
}
