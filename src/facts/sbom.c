/* Software bills of materials: CycloneDX 1.5 and SPDX 2.3, with package URLs
 * (github.com/package-url). */
#include "facts/facts_private.h"

#include <string.h>

struct component {
	const char *name, *version, *license, *purl, *where;
};

/* --- package URLs ---------------------------------------------------------------------------- */

/* Percent-encoded but for what the package URL specification leaves as it is. */
static const char *encode(const char *text, struct arena *arena)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_~:";
	struct buf out;
	const char *copy;

	buf_init(&out, strlen(text) * 3 + 1);
	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_add(&out, text, 1);
		else
			buf_printf(&out, "%%%02X", (unsigned char)*text);
	}
	copy = arena_strdup(arena, buf_str(&out));
	buf_done(&out);
	return copy;
}

/* An epoch stands before the version; of rpm's it is a qualifier (package-url/purl-spec, rpm). */
static const char *system_purl(const struct facts *facts, const struct package *package,
			       struct arena *arena)
{
	const char *type = strcmp(package->source, "dpkg") == 0 ? "deb" : package->source;
	const char *space = facts->os.id ? facts->os.id : "debian", *qualifiers = "";
	const char *version = package->version ? package->version : "";
	size_t epoch = strcmp(type, "rpm") == 0 ? strspn(version, "0123456789") : 0;

	if (package->arch)
		qualifiers = arena_printf(arena, "?arch=%s", package->arch);
	if (epoch && version[epoch] == ':') {
		qualifiers = arena_printf(arena, "%s%sepoch=%.*s", qualifiers,
					  package->arch ? "&" : "?", (int)epoch, version);
		version += epoch + 1;
	}
	return arena_printf(arena, "pkg:%s/%s/%s@%s%s", type, space, encode(package->name, arena),
			    encode(version, arena), qualifiers);
}

static size_t list_components(const struct facts *facts, struct arena *arena,
			      struct component **out)
{
	size_t count = 0;

	*out = arena_alloc(arena, (facts->package_count + facts->dist_count + 1) * sizeof(**out));
	for (size_t i = 0; i < facts->package_count; i++) {
		const struct package *package = &facts->packages[i];

		(*out)[count++] = (struct component){package->name, package->version, NULL,
						     system_purl(facts, package, arena),
						     facts_where(&package->origin, arena)};
	}
	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];

		if (dist->shadowed)
			continue;
		(*out)[count++] = (struct component){
			dist->name, dist->version, dist->license,
			arena_printf(arena, "pkg:pypi/%s@%s", encode(dist->normalised, arena),
				     encode(dist->version ? dist->version : "", arena)),
			facts_where(&dist->origin, arena)};
	}
	return count;
}

/* --- CycloneDX ------------------------------------------------------------------------------- */

static void put_tool(struct json *metadata)
{
	struct json *tools = json_add_object(metadata, "tools");
	struct json *tool = json_add_object(json_add_array(tools, "components"), NULL);

	json_add_str(tool, "type", "application");
	json_add_str(tool, "name", "assay");
	json_add_str(tool, "version", ASSAY_VERSION);
}

static void put_component(struct json *list, const struct component *from, size_t number,
			  struct arena *arena)
{
	struct json *item = json_add_object(list, NULL), *part;

	json_add_str(item, "type", "library");
	json_add_str(item, "bom-ref", arena_printf(arena, "component-%zu", number));
	json_add_str(item, "name", from->name);
	json_add_str(item, "version", from->version ? from->version : "");
	json_add_str(item, "purl", from->purl);
	if (from->license) {
		part = json_add_object(json_add_array(item, "licenses"), NULL);
		json_add_str(json_add_object(part, "license"), "name", from->license);
	}
	if (*from->where) {
		part = json_add_object(json_add_array(item, "properties"), NULL);
		json_add_str(part, "name", "assay:origin");
		json_add_str(part, "value", from->where);
	}
}

struct json *facts_cyclonedx(const struct facts *facts, const char *serial, const char *time)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct json *root = json_new_object(), *metadata, *subject, *list;
	struct component *components;
	size_t count = list_components(facts, arena, &components);

	json_add_str(root, "bomFormat", "CycloneDX");
	json_add_str(root, "specVersion", "1.5");
	json_add_str(root, "serialNumber", arena_printf(arena, "urn:uuid:%s", serial));
	json_add_int(root, "version", 1);
	metadata = json_add_object(root, "metadata");
	json_add_str(metadata, "timestamp", time);
	put_tool(metadata);
	subject = json_add_object(metadata, "component");
	json_add_str(subject, "type", "container");
	json_add_str(subject, "name", facts->image);
	json_add_str(subject, "version", facts->image_id);
	list = json_add_array(root, "components");
	for (size_t i = 0; i < count; i++)
		put_component(list, &components[i], i + 1, arena);
	return root;
}

/* --- SPDX ------------------------------------------------------------------------------------ */

static void put_relation(struct json *list, const char *from, const char *type, const char *to)
{
	struct json *item = json_add_object(list, NULL);

	json_add_str(item, "spdxElementId", from);
	json_add_str(item, "relationshipType", type);
	json_add_str(item, "relatedSpdxElement", to);
}

static void put_spdx(struct json *packages, const struct component *from, const char *id)
{
	struct json *item = json_add_object(packages, NULL), *reference;

	json_add_str(item, "SPDXID", id);
	json_add_str(item, "name", from->name);
	json_add_str(item, "versionInfo", from->version);
	json_add_str(item, "downloadLocation", "NOASSERTION");
	json_add_bool(item, "filesAnalyzed", false);
	json_add_str(item, "licenseConcluded", "NOASSERTION");
	json_add_str(item, "licenseDeclared", "NOASSERTION"); /* names found are no SPDX ids */
	json_add_str(item, "copyrightText", "NOASSERTION");
	if (*from->where)
		json_add_str(item, "comment", from->where);
	if (!from->purl)
		return;
	reference = json_add_object(json_add_array(item, "externalRefs"), NULL);
	json_add_str(reference, "referenceCategory", "PACKAGE-MANAGER");
	json_add_str(reference, "referenceType", "purl");
	json_add_str(reference, "referenceLocator", from->purl);
}

struct json *facts_spdx(const struct facts *facts, const char *serial, const char *time)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct component *components, image = {.name = facts->image, .where = ""};
	struct json *root = json_new_object(), *creation, *packages, *relations;
	size_t count = list_components(facts, arena, &components);

	image.version = facts->image_id;
	json_add_str(root, "spdxVersion", "SPDX-2.3");
	json_add_str(root, "dataLicense", "CC0-1.0");
	json_add_str(root, "SPDXID", "SPDXRef-DOCUMENT");
	json_add_str(root, "name", facts->image);
	json_add_str(root, "documentNamespace",
		     arena_printf(arena, "https://spdx.org/spdxdocs/assay-%s", serial));
	creation = json_add_object(root, "creationInfo");
	json_add_str(creation, "created", arena_printf(arena, "%.19sZ", time));
	json_add_str(json_add_array(creation, "creators"), NULL, "Tool: assay-" ASSAY_VERSION);
	packages = json_add_array(root, "packages");
	relations = json_add_array(root, "relationships");
	put_spdx(packages, &image, "SPDXRef-image");
	put_relation(relations, "SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image");
	for (size_t i = 0; i < count; i++) {
		const char *id = arena_printf(arena, "SPDXRef-package-%zu", i + 1);

		put_spdx(packages, &components[i], id);
		put_relation(relations, "SPDXRef-image", "CONTAINS", id);
	}
	return root;
}
