#!/usr/bin/env bash
# The image under test behind a port that the engine publishes, through a bridge: an engine of our own
# has one, in a network namespace in which nothing else listens.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
if [ -z "${PUBLISHED_INSIDE:-}" ]; then
	needs_engine
	[ "$(id -u)" = 0 ] || { echo 'skip: only root can start an engine' && exit 77; }
	[ "${ASSAY_ENGINE_KIND:-}" != podman ] || unset ASSAY_ENGINE_KIND
	# made here, kept for the engine inside, from where no mirror can be reached
	"$top/fixtures/service/make-base" >/dev/null || exit 1
	trap '"$top/ci/engine" stop --purge --dir "$scratch/engine" >/dev/null 2>&1; rm -rf "$scratch"' EXIT
	PUBLISHED_INSIDE=1 "$top/ci/engine" run --bridge --dir "$scratch/engine" "$0"
	exit
fi
"$top/fixtures/service/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state API_TOKEN=tok-5e2c1d9a7f3b4c6d
repo "$scratch/r"
cp -r "$top/fixtures/service/Dockerfile" "$top/fixtures/service/app" "$scratch/r/"
commit "$scratch/r" one
key='"auth": {"env": "API_TOKEN"}' paris='"expect": {"contains": "Paris"}'
question='"prompt": "What is the capital of France?"'
cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "published",
 "service": {"network": "published", "port": 8000, "secrets": ["API_TOKEN"],
	"ready": {$question, "timeout": "20s", "request": {$key}}},
 "checks": [{"kind": "prompt", "name": "answers", "request": {$key}, $paris, "cases": [{"name": "capital", $question}]},
	{"kind": "load", "name": "streams", "request": {"template": "openai-chat", "stream": true, $key}, $paris,
	 "prompts": [{$question}], "rate": 50, "requests": 20, "send_lag_max": "10s"}]}
END
run=("$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc")
open_ports() { ss -Hltn | awk '{ print $4 }'; }
before=$(date +%s) seen=

# Stopped at a start of the engine's that opened a port, the run cannot be over before we have looked.
"${run[@]}" >"$scratch/text" 2>&1 &
pid=$!
while [ -z "$seen" ] && read -r _; do
	kill -STOP "$pid"
	seen=$(open_ports)
	kill -CONT "$pid"
done < <(timeout 60 docker events --since "$before" --filter event=start)
holds "only a port of the loopback is published, not $seen" grep -qxE '127\.0\.0\.1:[0-9]+' <<<"$seen"
holds 'it is none of the container'"'"'s' [ "${seen##*:}" != 8000 ]
code=0
wait "$pid" || code=$?
expect 0 'PASS +answers.*' cat "$scratch/text"
expect 0 'PASS +streams.*' cat "$scratch/text"
holds "the run passes, not $code" [ "$code" = 0 ]
holds 'nothing listens when it is over' [ -z "$(open_ports)" ]

# Where the container listens on another port than the suite says, nobody answers.
sed -i 's/"port": 8000/"port": 8001/; s/"timeout": "20s"/"timeout": "2s"/' "$scratch/s.jsonc"
expect 1 'service/not-ready' "${run[@]}"
finish
