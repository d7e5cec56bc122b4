/* The finished program as bytes; ASSAY_GPU_FILE is set by the build. */
	.section .rodata
	.balign 16
	.global gpu_binary
	.global gpu_binary_end
gpu_binary:
	.incbin ASSAY_GPU_FILE
gpu_binary_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
