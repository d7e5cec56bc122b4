#include "gpu/nvml.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_SM = 1, CLOCK_MEMORY = 2, CORRECTED = 0, UNCORRECTED = 1, VOLATILE_COUNTER = 0 };
#define EVENT_XID 0x8ull
#define SUCCESS 0

struct nvml {
#define FUNCTION(result, name, arguments) result(*name) arguments;
#include "gpu/nvml.def"
#undef FUNCTION
	void *device;
	void *events;
	char driver[96];
};

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define FUNCTION(result, name, arguments) {#name, offsetof(struct nvml, name)},
#include "gpu/nvml.def"
#undef FUNCTION
};

int nvml_open(struct nvml **out, struct err *err)
{
	void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
	struct nvml *nvml;
	int rc;

	if (!library)
		return err_set(err, ERR_NOTFOUND, "no NVML here: %s", dlerror());
	nvml = xcalloc(1, sizeof(*nvml));
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *function = dlsym(library, functions[i].name);

		memcpy((char *)nvml + functions[i].offset, &function, sizeof(function));
	}
	rc = !nvml->nvmlInit_v2 || !nvml->nvmlShutdown || !nvml->nvmlDeviceGetHandleByIndex_v2
		     ? -1
		     : nvml->nvmlInit_v2();
	if (rc == SUCCESS)
		rc = nvml->nvmlDeviceGetHandleByIndex_v2(0, &nvml->device);
	if (rc != SUCCESS) {
		free(nvml);
		return err_set(err, ERR_NOTFOUND, "NVML does not start (%d)", rc);
	}
	if (nvml->nvmlSystemGetDriverVersion)
		(void)nvml->nvmlSystemGetDriverVersion(nvml->driver, sizeof(nvml->driver));
	if (nvml->nvmlEventSetCreate && nvml->nvmlDeviceRegisterEvents &&
	    (nvml->nvmlEventSetCreate(&nvml->events) != SUCCESS ||
	     nvml->nvmlDeviceRegisterEvents(nvml->device, EVENT_XID, nvml->events) != SUCCESS))
		nvml->events = NULL;
	*out = nvml;
	return 0;
}

void nvml_close(struct nvml *nvml)
{
	if (nvml)
		(void)nvml->nvmlShutdown();
	free(nvml);
}

const char *nvml_driver(const struct nvml *nvml)
{
	return nvml->driver;
}

typedef int ask_word(void *device, unsigned *value);
typedef int ask_word_of(void *device, int which, unsigned *value);

static int64_t ask(const struct nvml *nvml, ask_word *function)
{
	unsigned value = 0;

	return function && function(nvml->device, &value) == SUCCESS ? (int64_t)value
								     : NVML_UNKNOWN;
}

static int64_t ask_of(const struct nvml *nvml, ask_word_of *function, int which)
{
	unsigned value = 0;

	return function && function(nvml->device, which, &value) == SUCCESS ? (int64_t)value
									    : NVML_UNKNOWN;
}

static int64_t ask_ecc(const struct nvml *nvml, int type)
{
	unsigned long long value = 0;

	return nvml->nvmlDeviceGetTotalEccErrors &&
			       nvml->nvmlDeviceGetTotalEccErrors(
				       nvml->device, type, VOLATILE_COUNTER, &value) == SUCCESS
		       ? (int64_t)value
		       : NVML_UNKNOWN;
}

static int64_t ask_throttle(const struct nvml *nvml)
{
	unsigned long long value = 0;

	return nvml->nvmlDeviceGetCurrentClocksThrottleReasons &&
			       nvml->nvmlDeviceGetCurrentClocksThrottleReasons(nvml->device,
									       &value) == SUCCESS
		       ? (int64_t)value
		       : NVML_UNKNOWN;
}

void nvml_read(const struct nvml *nvml, struct nvml_state *out)
{
	out->sm_mhz = ask_of(nvml, nvml->nvmlDeviceGetClockInfo, CLOCK_SM);
	out->sm_max_mhz = ask_of(nvml, nvml->nvmlDeviceGetMaxClockInfo, CLOCK_SM);
	out->memory_mhz = ask_of(nvml, nvml->nvmlDeviceGetClockInfo, CLOCK_MEMORY);
	out->memory_max_mhz = ask_of(nvml, nvml->nvmlDeviceGetMaxClockInfo, CLOCK_MEMORY);
	out->celsius = ask_of(nvml, nvml->nvmlDeviceGetTemperature, 0);
	out->watt = ask(nvml, nvml->nvmlDeviceGetPowerUsage);
	out->watt_limit = ask(nvml, nvml->nvmlDeviceGetEnforcedPowerLimit);
	out->throttle = ask_throttle(nvml);
	out->ecc_uncorrected = ask_ecc(nvml, UNCORRECTED);
	out->ecc_corrected = ask_ecc(nvml, CORRECTED);
	out->pcie_gen = ask(nvml, nvml->nvmlDeviceGetCurrPcieLinkGeneration);
	out->pcie_gen_max = ask(nvml, nvml->nvmlDeviceGetMaxPcieLinkGeneration);
	out->pcie_width = ask(nvml, nvml->nvmlDeviceGetCurrPcieLinkWidth);
	out->pcie_width_max = ask(nvml, nvml->nvmlDeviceGetMaxPcieLinkWidth);
	if (out->watt > 0)
		out->watt /= 1000;
	if (out->watt_limit > 0)
		out->watt_limit /= 1000;
}

uint64_t nvml_xid(const struct nvml *nvml)
{
	struct nvml_event event = {.type = 0};

	if (!nvml->events || !nvml->nvmlEventSetWait_v2 ||
	    nvml->nvmlEventSetWait_v2(nvml->events, &event, 0) != SUCCESS)
		return 0;
	return event.type == EVENT_XID ? event.data : 0;
}

const char *nvml_throttle_text(int64_t bits, char *out, size_t size)
{
	static const struct {
		unsigned bit;
		const char *name;
	} reasons[] = {{NVML_POWER_CAP, "power cap"},
		       {NVML_SLOWDOWN, "hardware slowdown"},
		       {NVML_THERMAL_SOFT, "temperature (software)"},
		       {NVML_THERMAL_HARD, "temperature (hardware)"},
		       {NVML_POWER_BRAKE, "power brake"}};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; bits > 0 && i < sizeof(reasons) / sizeof(*reasons); i++)
		if ((uint64_t)bits & reasons[i].bit && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
						 reasons[i].name);
	return out;
}
