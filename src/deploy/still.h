/* A model target over the bytes of an image, wherever they lie: nothing is run, no engine is
 * needed. */
#ifndef DEPLOY_STILL_H
#define DEPLOY_STILL_H

#include "model/target.h"
#include "rules/rules.h"
#include "suite/suite.h"

/*
 * INPUT holds image and facts of it and is borrowed. Commands are refused with ERR_USAGE; files,
 * configuration and facts answer as those of a container do. SERVICE (may be NULL) answers where it
 * is a URL: nothing is started.
 */
struct still;
struct still *still_new(const struct rule_input *input, const struct suite_service *service);
void still_free(struct still *still); /* NULL is allowed */
const struct target *still_view(const struct still *still);

#endif
