/* The literal among others that look alike. */
const char *torch_words(int i);

const char *torch_words(int i)
{
	static const char *const words[] = {"sm_75", "sm_75 sm_80 sm_90a compute_120",
					    "needs sm_75 sm_80 sm_86 sm_90 sm_100 or later",
					    "sm_75 sm_80 sm_86 sm_90 sm_100 or"};

	return words[i];
}
