/* UTF-8 as RFC 3629 has it: no longer forms than needed, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at TEXT, of which LEFT (at least 1) may be read; 0: it is none. */
size_t utf8_length(const char *text, size_t left);

/* The character at TEXT, whose utf8_length LEN is not 0. */
uint32_t utf8_decode(const char *text, size_t len);

/* Append TEXT, each byte of it that is no UTF-8 (captured output) as U+FFFD. */
void utf8_mend(const char *text, struct buf *out);

#endif
