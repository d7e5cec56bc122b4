#!/usr/bin/env bash
# Keys, decisions, attestations and what others make of them. No engine, no network.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1
runs() { "$top/tests/cli/gate_runs.py" "$@" >runs.jsonl && "$ASSAY" history import runs.jsonl --history h.db >/dev/null; }
image() { printf 'sha256:'; printf "$1%.0s" {1..64}; }
gate() { "$ASSAY" gate --policy gate.jsonc --history h.db "$@"; }
holds 'runs are made' runs a,60,build=pass,arch=pass b,60,build=pass,arch=fail d,60,build=pass,arch=skip

# Keys.
expect 0 'BEGIN PUBLIC KEY' "$ASSAY" key new ci.key
expect 2 'is there already' "$ASSAY" key new ci.key
holds 'a private key is for its owner alone' [ "$(stat -c %a ci.key)" = 600 ]
expect 0 "^$(openssl pkey -in ci.key -pubout -outform DER | sha256sum | cut -c1-64)$" "$ASSAY" key show ci.key.pub
expect 0 '"id"' "$ASSAY" key show ci.key --json
expect 2 'no key in PEM' "$ASSAY" key show runs.jsonl
expect 0 . "$ASSAY" key new ada.key
expect 0 . "$ASSAY" key new stranger.key

policy() { # FILE MORE
	cat >"$1" <<END
{
	// what may be deployed
	"policy": 1, "name": "deploy", "suites": ["s"],
	"require": [{"check": "arch"}],
	"signers": [
		{"name": "ci", "key": $("$ASSAY" key show ci.key --json | python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)["key"]))'), "may": ["attest"]},
		{"name": "ada", "key": $("$ASSAY" key show ada.key --json | python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)["key"]))'), "may": ["waive"]}
	]$2
}
END
}
policy gate.jsonc ''

# Decisions.
expect 0 '^open: ' gate --image "$(image a)"
expect 1 'failed: arch: fail: expected sm_120, found sm_90' gate --image "$(image b)"
expect 1 'to open: repair it .*assay key waive' gate --image "$(image b)"
expect 5 'skipped: arch: skip: no GPU' gate --image "$(image d)"
expect 5 'to open: assay run --commit d+ --suite assay.jsonc --only arch .rerun 1 of 2' gate --image "$(image d)"
expect 6 'no-record: no completed run of suite s' gate --image "$(image e)"
expect 4 'unreachable: the history cannot be read' gate --image "$(image a)" --history nosuch.db
holds 'asking does not make a history' [ ! -e nosuch.db ]
echo 'not a history, and longer than a header of SQLite would be, so that it is read' >text.db
expect 4 'unreachable: .*not an Assay history' gate --image "$(image a)" --history text.db
expect 2 'names no bytes' gate --image latest
expect 2 'either --commit or --image' gate
expect 2 'gate.jsonc: ' gate --image "$(image a)" --policy nosuch/gate.jsonc
expect 2 'formats are json' gate --image "$(image a)" -o yaml=x
policy advisory.jsonc ', "advisory": true'
expect 0 '^would be closed: ' gate --image "$(image b)" --policy advisory.jsonc
expect 0 '"open":[[:space:]]*false' gate --image "$(image b)" --policy advisory.jsonc --json

# A run that has not ended, newer than what is recorded.
repo r && commit r one
mkdir -p "r/.assay/runs/29991231T000000000Z-00000000"
sed -n 's/.*"run":\(.*\)}$/\1/p' runs.jsonl | head -1 | sed 's/"verdict":"pass"/"verdict":"open"/; s/"id":"[^"]*"/"id":"29991231T000000000Z-00000000"/' \
	>r/.assay/runs/29991231T000000000Z-00000000/run.json
sed -i "s/\"started_at\":\"[^\"]*\"/\"started_at\":\"$(date -u +%FT%T.000Z)\"/" r/.assay/runs/29991231T000000000Z-00000000/run.json
expect 5 'in-progress: run 29991231T000000000Z-00000000' gate --repo r --image "$(image a)"
# What another suite has recorded since makes no difference.
"$top/tests/cli/gate_runs.py" a,60,arch=pass >s.jsonl
"$top/tests/cli/gate_runs.py" a,1,kernel=pass | python3 -c '
import hashlib, json, sys
run = json.load(sys.stdin)["run"]
run["suite"]["name"] = "t"
text = json.dumps(run, separators=(",", ":"))
print(json.dumps({"assay_history": 1, "sha256": hashlib.sha256(text.encode()).hexdigest()})[:-1] + ",\"run\":" + text + "}")' >t.jsonl
"$ASSAY" history import s.jsonl --history two.db >/dev/null && "$ASSAY" history import t.jsonl --history two.db >/dev/null
policy two.jsonc '' && sed -i 's/"suites": \["s"\]/"suites": ["s", "t"]/' two.jsonc
two() { "$ASSAY" gate --repo r --policy two.jsonc --history two.db --image "$(image a)"; }
id=$(date -u -d '-30 seconds' +%Y%m%dT%H%M%S000Z)-00000001
rm -r r/.assay/runs/* && mkdir "r/.assay/runs/$id"
expect 0 '^open: ' two
sed -n 's/.*"run":\(.*\)}$/\1/p' s.jsonl | sed 's/"verdict":"pass"/"verdict":"open"/; s/"image_id":"[^"]*",//; s/"id":"[^"]*"/"id":"'"$id"'"/' >"r/.assay/runs/$id/run.json"
sed -i "s/\"started_at\":\"[^\"]*\"/\"started_at\":\"$(date -u -d '-30 seconds' +%FT%T.000Z)\"/" "r/.assay/runs/$id/run.json"
expect 5 "in-progress: run $id" two
# What was left by a newer version, or is cut short, may be anything.
for text in '{"assay_run": 99}' '{' ''; do
	printf '%s' "$text" >"r/.assay/runs/$id/run.json"
	expect 1 "unreadable: record $id cannot be relied on: .*run.json" two
done

# Reports.
expect 1 '^::error title=assay gate failed::arch: fail' gate --image "$(image b)" -o github
expect 1 '\| failed \| arch: fail' gate --image "$(image b)" -o markdown
expect 1 '"state":[[:space:]]*"failure"' gate --image "$(image b)" -o status
expect 0 '"state":[[:space:]]*"success"' gate --image "$(image a)" -o status
summary() { GITHUB_STEP_SUMMARY=$scratch/summary.md gate --image "$(image b)" -o github; grep -q '### Gate closed' summary.md; }
holds 'the step summary has the table' summary

# Waivers.
waive() { "$ASSAY" key waive --check arch --image "$(image b)" --reason 'ticket 7' --for 1h "$@"; }
holds 'a waiver is signed' waive --key ada.key
waive --key ada.key >good.waiver
expect 0 'waived: arch: ticket 7 .until .*by ada' gate --image "$(image b)" --waiver good.waiver
expect 5 skipped gate --image "$(image d)" --waiver good.waiver
waive --key ci.key >wrong.waiver
expect 2 'the key of ci may not waive' gate --image "$(image b)" --waiver wrong.waiver
sed 's/"sig":"A*\(.\)/"sig":"\1A/' good.waiver >changed.waiver
expect 2 'waiver changed.waiver: ' gate --image "$(image b)" --waiver changed.waiver
expect 2 'write --check, --image, --reason' "$ASSAY" key waive --key ada.key
expect 2 'at most 2160h' "$ASSAY" key waive --key ada.key --check a --image "$(image b)" --reason r --for 9999h

# Attestations.
expect 2 'no key to sign with' gate --image "$(image a)" --attest a.jsonl
expect 0 '^open: ' gate --image "$(image a)" --attest a.jsonl --key ci.key
from_environment() { ASSAY_SIGNING_KEY=$(cat ci.key) gate --image "$(image a)" --attest env.jsonl; }
holds 'a key comes from the environment' from_environment
verify() { "$ASSAY" gate --policy gate.jsonc --verify "$@"; }
expect 0 'signed by ci at ' verify a.jsonl --image "$(image a)"
expect 1 'other-image: attested for another image' verify a.jsonl --image "$(image b)"
expect 1 'other-policy' verify a.jsonl --image "$(image a)" --policy advisory2.jsonc --policy <(sed 's/deploy/Deploy/' gate.jsonc)
expect 1 'unsigned: no attestation' verify nosuch.jsonl --image "$(image a)"
gate --image "$(image a)" --attest stranger.jsonl --key stranger.key >/dev/null
expect 1 'untrusted: signed with a key that the policy does not trust' verify stranger.jsonl --image "$(image a)"
gate --image "$(image b)" --attest closed.jsonl --key ci.key >/dev/null
expect 1 'closed: the gate was closed' verify closed.jsonl --image "$(image b)"
policy short.jsonc ', "attested_for": "1ms"'
gate --image "$(image a)" --policy short.jsonc --attest short.jsonl --key ci.key >/dev/null
expect 1 'expired: decided at' verify short.jsonl --image "$(image a)" --policy short.jsonc

# The history it rests on: a later run is no harm unless it is of this image and fails; one that is
# gone is.
expect 0 '^open: ' verify a.jsonl --image "$(image a)" --history h.db
runs e,0,arch=fail a,0,arch=pass
expect 0 '^open: ' verify a.jsonl --image "$(image a)" --history h.db
cp h.db later.db
"$top/tests/cli/gate_runs.py" a,0,arch=fail >later.jsonl
"$ASSAY" history import later.jsonl --history later.db >/dev/null
expect 1 'history: run .* of this image, recorded since the decision: fail' verify a.jsonl --image "$(image a)" --history later.db
cp h.db less.db
sqlite3 less.db "PRAGMA foreign_keys = ON; DELETE FROM runs WHERE verdict = 'fail'"
expect 1 'history: the first 3 records of suite s are not those of the decision' verify a.jsonl --image "$(image a)" --history less.db
cp h.db bent.db
sqlite3 bent.db "UPDATE runs SET verdict = 'pass' WHERE verdict = 'fail'"
expect 1 'history: ' verify a.jsonl --image "$(image a)" --history bent.db
expect 1 'unreadable: .*its row says something else' gate --image "$(image b)" --history bent.db

# By OpenSSL, by hand.
by_openssl() {
	python3 - a.jsonl <<'END'
import base64, json, sys
for number, line in enumerate(open(sys.argv[1])):
    envelope = json.loads(line)
    kind, body = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    open("pae.%d" % number, "wb").write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body))
    open("sig.%d" % number, "wb").write(base64.b64decode(envelope["signatures"][0]["sig"]))
END
	for n in 0 1; do
		openssl pkeyutl -verify -pubin -inkey ci.key.pub -rawin -in "pae.$n" -sigfile "sig.$n" || return 1
		openssl pkeyutl -verify -pubin -inkey ada.key.pub -rawin -in "pae.$n" -sigfile "sig.$n" && return 1
	done
	return 0
}
holds 'OpenSSL verifies every envelope, with our key only' by_openssl

# By securesystemslib, which in-toto is built on.
python=${ASSAY_TEST_PYTHON:-python3}
if "$python" -c 'import securesystemslib.dsse, cryptography' 2>/dev/null; then
	holds 'securesystemslib verifies every envelope' "$python" "$top/tests/cli/gate_dsse.py" a.jsonl ci.key.pub
	refuses() { ! "$python" "$top/tests/cli/gate_dsse.py" a.jsonl ada.key.pub; }
	holds 'securesystemslib refuses another key' refuses
else
	cannot 'securesystemslib is missing (see ci/test-python)'
fi
# The statements are in-toto's, by its own protocol buffers.
if "$python" -c 'import in_toto_attestation' 2>/dev/null; then
	holds 'in-toto-attestation accepts statements and predicates' "$python" "$top/tests/cli/gate_dsse.py" --statements a.jsonl closed.jsonl
else
	cannot 'in-toto-attestation is missing (see ci/test-python)'
fi

# The schema of policies.
current() { "$ASSAY" gate --schema | cmp - "$top/suites/schema/gate-1.schema.json"; }
holds "the published schema is the code's (assay gate --schema > suites/schema/gate-1.schema.json)" current
if python3 -c 'import jsonschema' 2>/dev/null; then
	valid() { sed 's,^[[:space:]]*//.*,,' "$1" | python3 -c 'import json,sys,jsonschema; jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))' "$top/suites/schema/gate-1.schema.json"; }
	holds 'the schema accepts the policy' valid gate.jsonc
	sed 's/"require"/"requires"/' gate.jsonc >bad.jsonc
	invalid() { ! valid bad.jsonc; }
	holds 'the schema rejects an unknown key' invalid
else
	cannot 'the schema: python3-jsonschema is missing'
fi
finish
