#!/usr/bin/env bash
# Load on a real service in a container: what is kept passes, what is broken fails, what the sample
# cannot decide is neither, a stall is seen, a service that dies is the finding.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/service/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state API_TOKEN=tok-5e2c1d9a7f3b4c6d
repo "$scratch/r"
cp -r "$top/fixtures/service/Dockerfile" "$top/fixtures/service/app" "$scratch/r/"
commit "$scratch/r" one
question='What is the capital of France?' env=

# suite FAULTS CHECK: a suite of one load check, the faults on for every request of it.
suite() {
	cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "load",
 "service": {"network": "host", "port": 0, "env": {$env}, "secrets": ["API_TOKEN"],
	"ready": {"prompt": "$question", "timeout": "20s", "request": {"auth": {"env": "API_TOKEN"}}}},
 "checks": [{"name": "load", "kind": "load",
	"request": {"template": "openai-chat", "stream": ${stream:-false}, "auth": {"env": "API_TOKEN"},
		"headers": {"X-Faults": "$1"}},
	"expect": {"contains": "Paris"}, "prompts": [{"prompt": "$question"}], "send_lag_max": "100ms", $2}]}
END
}
run() { "$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc" -o json="$scratch/out.json" "$@"; }
# says EXPRESSION: it holds of the case in out.json; "metric" gives a metric's first sample.
says() {
	python3 - "$scratch/out.json" "$1" <<'END'
import json, sys
case, = [c for c in json.load(open(sys.argv[1]))["cases"] if c["name"] == "load"]
metric = {m["name"]: m["samples"][0] for m in case["metrics"]}
sys.exit(0 if eval(sys.argv[2]) else f"not {sys.argv[2]}: {case}")
END
}

suite '' '"arrival": "poisson", "rate": 100, "duration": "5s", "limits": [{"max": "2s"}]'
expect 0 '^pass' run
expect 0 '' says 'case["outcome"] == "pass" and metric["latency_p99"] < 2 and metric["throughput"] > 50'
expect 0 '' says '0 < metric["client_cpu"] < 1 and metric["failures"] == 0'

# What was measured lies in the case's folder, one by one and as counts that add up.
lines() { cat "$scratch"/state/runs/*/cases/load/"$1" | wc -l; }
holds 'each request is kept' [ "$(lines requests.csv)" -gt 400 ]
holds 'the histograms are kept' grep -q ^latency, "$scratch"/state/runs/*/cases/load/histograms.csv

suite '' '"rate": 50, "duration": "2s", "limits": [{"share": 0.9, "max": "0.01ms"}]'
expect 1 'load/too-slow' run

# 100 requests say nothing of the 99th percentile: 459 would.
suite '' '"rate": 50, "duration": "2s", "limits": [{"max": "2s"}]'
expect 5 'that 99 % of latency are within it needs 459' run
expect 0 '' says '"latency_p90" in metric and "latency_p99" not in metric'

stream=true suite '' '"rate": 50, "duration": "2s", "limits": [{"of": "first_token", "share": 0.9, "max": "2s"}, {"of": "inter_token", "share": 0.99, "max": "1s"}]'
expect 0 '^pass' run
expect 0 '' says 'metric["tokens"] > 100 and metric["first_token_p90"] > 0'

# The service does nothing for 1 s. By the schedule that is seen; a client that waits for its answers
# before it asks again hides it.
suite 'freeze=1' '"rate": 100, "duration": "5s", "limits": [{"max": "500ms"}]'
expect 1 'load/too-slow' run
expect 0 '' says '0.8 < metric["latency_p99"] < 2 and case["label"] == "load/too-slow"'
suite 'freeze=1' '"arrival": "closed", "concurrency": 1, "duration": "60s", "requests": 1500, "limits": [{"max": "500ms"}]'
expect 0 '^pass' run
expect 0 '' says 'metric["closed_latency_p99"] < 0.5'

# Under load equal words are no assertion, but a rate with a baseline of its own.
suite '' '"rate": 100, "duration": "2s"'
expect 0 '^pass' run
expect 0 '' says 'metric["divergence"] == 0'
suite 'random' '"rate": 100, "duration": "2s"'
expect 0 '^pass' run
expect 0 '' says 'metric["divergence"] > 0.9'

suite 'errors=0.2' '"rate": 100, "duration": "3s"'
expect 1 'load/errors' run
suite 'errors=0.2' '"rate": 100, "duration": "3s", "error_budget": 0.4'
expect 0 '^pass' run
expect 0 '' says '0.1 < metric["failures"] < 0.3'
stream=true suite 'truncated-stream' '"rate": 50, "duration": "1s"'
expect 1 '50 of 50: 50 truncated .*load/errors' run

suite 'die=20' '"rate": 50, "duration": "2s"'
expect 1 'exit code 7.*service/exited' run

finish
