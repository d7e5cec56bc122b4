/*
 * The card's own account of itself, through NVML found by dlopen: clocks, temperature, power,
 * reasons for throttling, memory errors, Xid, PCIe link. What a driver does not answer is unknown.
 */
#ifndef GPU_NVML_H
#define GPU_NVML_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NVML_UNKNOWN (-1)

/* nvmlClocksThrottleReason… of nvml.h */
#define NVML_IDLE 0x1u
#define NVML_POWER_CAP 0x4u
#define NVML_SLOWDOWN 0x8u
#define NVML_THERMAL_SOFT 0x20u
#define NVML_THERMAL_HARD 0x40u
#define NVML_POWER_BRAKE 0x80u

struct nvml_event {
	void *device;
	unsigned long long type;
	unsigned long long data; /* the Xid */
	unsigned gpu_instance, compute_instance;
};

/* Everything an int64: NVML_UNKNOWN where the driver does not say. */
struct nvml_state {
	int64_t sm_mhz, sm_max_mhz, memory_mhz, memory_max_mhz;
	int64_t celsius, watt, watt_limit;
	int64_t throttle;			/* bits above */
	int64_t ecc_uncorrected, ecc_corrected; /* since the driver was loaded */
	int64_t pcie_gen, pcie_gen_max, pcie_width, pcie_width_max;
};

struct nvml;

/* ERR_NOTFOUND: no NVML here. */
int nvml_open(struct nvml **out, struct err *err);
void nvml_close(struct nvml *nvml);
void nvml_read(const struct nvml *nvml, struct nvml_state *out);
/* "580.159.04", "" unknown. */
const char *nvml_driver(const struct nvml *nvml);
/* The Xid reported since nvml_open, 0: none or unknown. */
uint64_t nvml_xid(const struct nvml *nvml);
/* "power cap, thermal" of throttle bits that matter, "" none. */
const char *nvml_throttle_text(int64_t bits, char *out, size_t size);

#endif
