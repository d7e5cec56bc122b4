#!/usr/bin/env bash
# The incident through a real registry: push, test, attest; open for the repaired image, closed for
# the widened check, closed for the same tag pushed with other content.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
command -v docker-registry >/dev/null || {
	cannot 'the registry: docker-registry is missing (ci/setup)'
	finish
}
"$top/fixtures/incident/make-base" >/dev/null || exit 1
"$top/fixtures/incident/make-repo" "$scratch/repo" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
cd "$scratch" || exit 1

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >registry.yml <<END
version: 0.1
storage: {filesystem: {rootdirectory: $scratch/registry}, delete: {enabled: true}}
http: {addr: 127.0.0.1:$port}
log: {level: error}
END
docker-registry serve registry.yml >registry.log 2>&1 &
registry=$!
trap 'kill "$registry" 2>/dev/null; wait "$registry" 2>/dev/null; rm -rf "$scratch"' EXIT
up() { curl -fsS -o /dev/null --retry 50 --retry-delay 1 --retry-all-errors --max-time 20 "http://127.0.0.1:$port/v2/"; }
holds 'the registry answers' up
name=127.0.0.1:$port/team/llm

"$ASSAY" key new ci.key >/dev/null
cat >gate.jsonc <<END
{"policy": 1, "name": "deploy", "suites": ["incident"], "require": [{"check": "torch-has-code-for-target"}, {"check": "build"}],
 "signers": [{"name": "ci", "key": $("$ASSAY" key show ci.key --json | python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)["key"]))'), "may": ["attest"]}]}
END
gate() { "$ASSAY" gate --repo repo --policy gate.jsonc "$@"; }
judge() { "$ASSAY" run --repo repo --quiet --commit "$1"; }
built() { sqlite3 "$ASSAY_STATE/history.db" "SELECT image_id FROM runs WHERE commit_hash = '$(git -C repo rev-parse "$1")' ORDER BY started_at DESC LIMIT 1"; }
push() { docker tag "$1" "$name:$2" && docker push -q "$name:$2" >/dev/null; }

expect 4 'unreachable: .*not there' gate --image "$name:prod"
expect 1 '^fail' judge story/6-widened
expect 0 '^pass' judge story/8-repair
holds 'the repaired image is pushed' push "$(built story/8-repair)" prod
holds 'the widened image is pushed' push "$(built story/6-widened)" widened

# Commits.
expect 0 '^open: ' gate --commit story/8-repair
expect 1 'failed: torch-has-code-for-target' gate --commit story/6-widened
expect 6 'no-record' gate --commit story/1-works

# Images: attested beside the image, and read back by who sees nothing but the registry.
expect 1 'unsigned: no attestation' gate --image "$name:prod" --verify registry
expect 0 '^open: ' gate --image "$name:prod" --key ci.key --attest a.jsonl --push
expect 0 'signed by ci at ' gate --image "$name:prod" --verify registry
expect 0 'signed by ci at ' gate --image "$name:prod" --verify a.jsonl
expect 0 'signed by ci at ' gate --image "$name:prod" --verify registry --history "$ASSAY_STATE/history.db"
digest=$(curl -fsSI -H 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' "http://127.0.0.1:$port/v2/team/llm/manifests/prod" |
	tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p')
expect 0 "manifest $digest" gate --image "$name@$digest" --verify registry
attached() { curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://127.0.0.1:$port/v2/team/llm/manifests/sha256-${digest#sha256:}.att" | grep -q dsse.envelope; }
holds 'the attestation is under the tag of the digest' attached
expect 1 'failed: torch-has-code-for-target' gate --image "$name:widened" --key ci.key --push
expect 1 'closed: the gate was closed' gate --image "$name:widened" --verify registry
expect 1 'other-image' gate --image "$name:widened" --verify a.jsonl

# The same tag, other content.
printf 'FROM %s\nLABEL more=1\n' "$name:prod" >Dockerfile
DOCKER_BUILDKIT=0 docker build -q -t "$name:prod" - <Dockerfile >/dev/null 2>&1 && docker push -q "$name:prod" >/dev/null
expect 6 'no-record: no completed run' gate --image "$name:prod"
expect 1 'unsigned: no attestation' gate --image "$name:prod" --verify registry
expect 1 'other-image' gate --image "$name:prod" --verify a.jsonl
expect 0 '^open: ' gate --image "$name@$digest" --verify registry

# Two pipelines at once: both say the same, and what stands is whole.
both() {
	local one two
	gate --image "$name@$digest" --key ci.key --push >one.txt & one=$!
	gate --image "$name@$digest" --key ci.key --push >two.txt & two=$!
	wait "$one" && wait "$two" && gate --image "$name@$digest" --verify registry
}
expect 0 '^open: ' both

# Content that was changed in the registry's own files is not believed.
grep -rlF 'application/vnd.in-toto+json' registry/docker/registry/v2/blobs | xargs sed -i 's/"payloadType"/"payloadTypE"/'
tampered() { ! gate --image "$name@$digest" --verify registry && ! gate --image "$name:widened" --verify registry; }
holds 'a changed blob is not believed' tampered

kill "$registry"; wait "$registry" 2>/dev/null
expect 4 'unreachable' gate --image "$name:prod"
expect 4 'unreachable' gate --image "$name:prod" --verify registry
finish
