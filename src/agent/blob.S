/* The finished program as bytes; AGENT_FILE is set by the build. */
	.section .rodata
	.balign 16
	.global agent_binary
	.global agent_binary_end
agent_binary:
	.incbin AGENT_FILE
agent_binary_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
