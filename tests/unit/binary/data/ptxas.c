const char *ptxas_words(int i);

const char *ptxas_words(int i)
{
	static const char *const words[] = {"sm_90", "sm_120a",	    "not on sm_89", "compute_130",
					    "sm_1",  "sm_121 only", "asm_110",	    "sm_90"};

	return words[i];
}
