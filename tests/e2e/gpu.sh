#!/usr/bin/env bash
# assay-gpu in a container of the image under test, without a GPU: the engine's refusal is the
# reason of a skip, a skip does not pass, and a stand-in device that comes in by the Container
# Device Interface is reached: a CDI specification brings a stand-in for NVML, as NVIDIA's does.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
printf 'FROM assay-fixture/base:1\n' >"$scratch/r/Dockerfile"
commit "$scratch/r" one
run() { "$ASSAY" run --repo "$scratch/r" --suite "$@"; }
# suite CHECK: a suite of one check, in $scratch/s.jsonc.
suite() { printf '{"assay": 1, "name": "gpu", "checks": [{"name": "g", %s}]}' "$1" >"$scratch/s.jsonc"; }

# podman 4.3 takes a request for devices and forgets it: then the program finds nothing.
no_gpu='this engine offers no such GPU|no NVIDIA driver here|no NVML here'
[ ! -e /dev/nvidiactl ] || cannot 'a machine without a GPU: this one has one'
expect 5 "inconclusive +card was skipped: ($no_gpu)" run "$top/suites/gpu-health.jsonc"
# The image holds no torch for its targets, so something else fails here; what counts is the skips.
"$ASSAY" run --repo "$scratch/r" --suite "$top/suites/mixtral-nf4.jsonc" --json >"$scratch/out.json" 2>/dev/null
code=$?
skips() {
	python3 - "$scratch/out.json" "$no_gpu" <<'END'
import json, re, sys
cases = [c for c in json.load(open(sys.argv[1]))["cases"] if c["kind"] in ("kernel", "gpu-health")]
assert len(cases) == 11, len(cases)
for case in cases:
    assert case["outcome"] == "skip" and re.search(sys.argv[2], case["reason"]), case
END
}
holds 'kernels of every target are skipped, with the reason' skips
holds 'a run without a GPU does not pass' [ "$code" != 0 ]
suite '"kind": "gpu-health", "host": true'
expect 5 'g was skipped: no NVML here: libnvidia-ml' run "$scratch/s.jsonc"

# --- a stand-in device ---------------------------------------------------------------------------
if curl -fsS --unix-socket "${DOCKER_HOST#unix://}" http://localhost/version | grep -q Podman; then
	echo 'not tested: a device by CDI: podman 4.3 does not hand it on from its Docker interface'
	finish
fi
suite '"kind": "gpu-health", "device": "assay.test/gpu=none"'
expect 5 'g was skipped: this engine offers no such GPU: .*(cdi|CDI)' run "$scratch/s.jsonc"
engine=$(dirname "${DOCKER_HOST#unix://}") # of ci/engine: /run of the engine lies there
if [ ! -d "$engine/run" ]; then
	echo 'not tested: a device by CDI: this engine is not of ci/engine --kind, or too old for it'
	finish
fi
trap 'rm -rf "$scratch" "$engine/run/cdi"' EXIT
mkdir -p "$engine/run/cdi"
expect 0 'GPUs in containers +devices by CDI' "$ASSAY" doctor --repo "$scratch/r"
# nvml REASONS: a driver library that tells of a card whose clocks are held down for REASONS.
nvml() {
	cat >"$scratch/nvml.c" <<END
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = device; return index != 0; }
int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz) { (void)device; *mhz = clock == 1 ? 1980 : 2619; return 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) { (void)device; *reasons = $1; return 0; }
END
	cc -shared -fPIC -Wl,-soname,libnvidia-ml.so.1 -o "$engine/run/cdi/libnvidia-ml.so.1" "$scratch/nvml.c"
}
# Paths of the engine's host: it sees its folder under the same name.
cat >"$engine/run/cdi/assay.json" <<END
{"cdiVersion": "0.5.0", "kind": "assay.test/gpu", "devices": [{"name": "0", "containerEdits": {
	"deviceNodes": [{"path": "/dev/assay-gpu0", "hostPath": "/dev/zero"}],
	"mounts": [{"hostPath": "$engine/run/cdi/libnvidia-ml.so.1", "options": ["ro", "bind"],
		"containerPath": "/usr/lib/$(uname -m)-linux-gnu/libnvidia-ml.so.1"}]}}]}
END
suite '"kind": "gpu-health", "device": "assay.test/gpu=0"'
nvml 0
expect 5 'g was skipped: no NVIDIA driver here: libcuda' run "$scratch/s.jsonc"
state() {
	"$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc" --json >"$scratch/out.json" 2>/dev/null
	grep -F "$1" "$scratch/out.json"
}
holds 'the stand-in card was asked for its clocks' state '"health/nvml/sm-clock"'
nvml 0x40
expect 4 'infra +g: GPU sick or throttled: health/nvml: clocks are held down' run "$scratch/s.jsonc"
holds 'a sick card has its label' state '"gpu-health/throttled"'
finish
