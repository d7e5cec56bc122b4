/* The files of the report that are the same in every one, as bytes; each ends with a NUL. */
#define ASSET(symbol, path, file) \
	.global site_##symbol; .global site_##symbol##_end; \
	site_##symbol: .incbin file; site_##symbol##_end: .byte 0;
	.section .rodata
#include "site/assets.def"
ASSET(page_html, "", "web/page.html")
	.section .note.GNU-stack,"",%progbits
