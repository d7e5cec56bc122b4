/* Friends of the room only: bytes handed to another thread, so that unpacking a layer and looking
 * at it go on side by side. Neither thread sees more of the other than the bytes and the error. */
#ifndef IMAGE_RELAY_H
#define IMAGE_RELAY_H

#include "image/unpack.h"

struct relay;
/* SINK is called by the other thread only, between relay_feed and the end of relay_end. */
struct relay *relay_new(sink_fn sink, void *payload);
/* Copies. What SINK said to earlier bytes is returned here. */
int relay_feed(struct relay *relay, const void *data, size_t len, struct err *err);
/* Wait until SINK has seen everything; the other thread is gone then. */
int relay_end(struct relay *relay, struct err *err);
/* Without relay_end: what SINK has not seen yet is dropped. */
void relay_free(struct relay *relay);

#endif
