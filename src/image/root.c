/* An image that somebody has unpacked. */
#include "base/file.h"
#include "image/image_private.h"

static int read_config(struct image *image, const char *path, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, IMAGE_JSON_MAX);
	rc = file_read(path, &text, err);
	if (rc == 0 &&
	    layout_config(buf_str(&text), text.len, image->arena, &image->facts, err) < 0)
		rc = err_wrap(err, "%s", path);
	if (rc < 0 && err && err->code == ERR_NOTFOUND)
		err->code = ERR_USAGE;
	buf_done(&text);
	image->has_config = rc == 0;
	return rc;
}

int image_open_root(const char *path, const struct image_options *options, struct image **out,
		    struct err *err)
{
	struct image *image = image__new(path, "root", options);

	if (image->options->config && read_config(image, image->options->config, err) < 0)
		goto fail;
	/* one layer, whatever the configuration lists */
	image->facts.diff_ids.count = 0;
	if (image__layers(image, 1, err) < 0)
		goto fail;
	image->places[0] = (struct place){
		.kind = PLACE_FOLDER, .fd = -1, .path = arena_strdup(image->arena, path)};
	if (image__read_layer(image, 0, NULL, err) < 0 || image__finish(image, err) < 0)
		goto fail;
	*out = image;
	return 0;
fail:
	image_close(image);
	return -1;
}
