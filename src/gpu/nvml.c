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

static int64_t known(int rc, unsigned long long value)
{
	return rc == SUCCESS ? (int64_t)value : NVML_UNKNOWN;
}

/* GETTER(device, …, &value), or unknown where the driver has no such function. */
#define ASK(getter, ...)                                                                           \
	(nvml->getter ? known(nvml->getter(nvml->device, __VA_ARGS__ & word), word) : NVML_UNKNOWN)
#define ASK_WIDE(getter, ...)                                                                      \
	(nvml->getter ? known(nvml->getter(nvml->device, __VA_ARGS__ & wide), wide) : NVML_UNKNOWN)

void nvml_read(const struct nvml *nvml, struct nvml_state *out)
{
	unsigned long long wide = 0;
	unsigned word = 0;

	out->sm_mhz = ASK(nvmlDeviceGetClockInfo, CLOCK_SM, );
	out->sm_max_mhz = ASK(nvmlDeviceGetMaxClockInfo, CLOCK_SM, );
	out->memory_mhz = ASK(nvmlDeviceGetClockInfo, CLOCK_MEMORY, );
	out->memory_max_mhz = ASK(nvmlDeviceGetMaxClockInfo, CLOCK_MEMORY, );
	out->celsius = ASK(nvmlDeviceGetTemperature, 0, );
	out->watt = ASK(nvmlDeviceGetPowerUsage, );
	out->watt_limit = ASK(nvmlDeviceGetEnforcedPowerLimit, );
	out->throttle = ASK_WIDE(nvmlDeviceGetCurrentClocksThrottleReasons, );
	out->ecc_uncorrected =
		ASK_WIDE(nvmlDeviceGetTotalEccErrors, UNCORRECTED, VOLATILE_COUNTER, );
	out->ecc_corrected = ASK_WIDE(nvmlDeviceGetTotalEccErrors, CORRECTED, VOLATILE_COUNTER, );
	out->pcie_gen = ASK(nvmlDeviceGetCurrPcieLinkGeneration, );
	out->pcie_gen_max = ASK(nvmlDeviceGetMaxPcieLinkGeneration, );
	out->pcie_width = ASK(nvmlDeviceGetCurrPcieLinkWidth, );
	out->pcie_width_max = ASK(nvmlDeviceGetMaxPcieLinkWidth, );
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
