/* The kernels as they were built; both paths are set by the build. */
	.section .rodata
	.balign 64
	.global gpu_kernels_fatbin
	.global gpu_kernels_fatbin_end
gpu_kernels_fatbin:
	.incbin ASSAY_FATBIN
gpu_kernels_fatbin_end:
	.balign 64
	.global gpu_mutants_fatbin
	.global gpu_mutants_fatbin_end
gpu_mutants_fatbin:
	.incbin MUTANTS_FATBIN
gpu_mutants_fatbin_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
