#!/usr/bin/env bash
# Files for container-structure-test get the verdicts that the tool itself gave (fixtures/structure),
# on an engine and on an archive.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
fixture=$top/fixtures/structure
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
cp "$fixture"/tests/* "$fixture/Dockerfile" "$scratch/r"
"$fixture/make-rootfs" >"$scratch/r/rootfs.tar" || exit 1

# suite FILE TEST…: one check of all these files.
suite() {
	local out=$1 list
	shift
	list=$(printf '"%s", ' "$@")
	printf '{"assay": 1, "name": "structure", "checks": [{"name": "all", "kind": "structure", "timeout": "5m", "files": [%s]}]}' \
		"${list%, }" >"$scratch/r/$out"
}
cd "$scratch/r" || exit 1
mapfile -t all < <(grep -v '^#' "$fixture/verdicts.tsv" | cut -f1 | uniq)
mapfile -t still < <(grep -L ommandTests "${all[@]}")
suite assay.jsonc "${all[@]}"
suite still.jsonc "${still[@]}"
commit . one

# verdicts: the output of a case as lines of verdicts.tsv. What the tool cannot do is left out.
verdicts() {
	awk -F': ' -v OFS='\t' '/^====== Test file: / { sub(/ ======$/, ""); file = $2 }
		/^=== RUN: / { title = substr($0, 10) }
		/^--- (PASS|FAIL)$/ { print file, substr($0, 5), title }'
}
wanted() { grep -v -e '^#' -e 'through a near link$' "$fixture/verdicts.tsv"; }
same() { # NAME FOUND WANTED
	checks=$((checks + 1))
	[ -s "$3" ] && diff "$2" "$3" >"$scratch/diff" && return
	failures=$((failures + 1))
	printf 'FAILED: %s\n%s\n' "$1" "$(cat "$scratch/diff")"
}

expect 1 'structure/' "$ASSAY" run
verdicts <"$(ls -d "$ASSAY_STATE"/runs/*/cases/all)/stdout" | grep -v 'through a near link$' >"$scratch/found"
wanted >"$scratch/wanted"
same 'verdicts on the engine' "$scratch/found" "$scratch/wanted"

image=$("$ASSAY" run --reuse --json 2>/dev/null | sed -n 's/^ *"image_id": "\(.*\)",*$/\1/p' | head -n 1)
curl -fsS --unix-socket "${DOCKER_HOST#unix://}" "http://localhost/images/$image/get" -o "$scratch/image.tar"
expect 1 '^structure on .*image.tar' "$ASSAY" suite apply "$scratch/image.tar" still.jsonc
"$ASSAY" suite apply --json "$scratch/image.tar" still.jsonc |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["cases"][0]["stdout"])' | verdicts |
	grep -v 'through a near link$' >"$scratch/found"
wanted | awk -F'\t' -v list="${still[*]}" 'index(" " list " ", " " $1 " ")' >"$scratch/wanted"
same 'verdicts on an archive' "$scratch/found" "$scratch/wanted"

suite assay.jsonc nosuch.yaml
expect 2 'assay.jsonc:1:.*checks\[0\]: .*nosuch.yaml' "$ASSAY" suite check
printf 'schemaVersion: 2.0.0\ncommandTests:\n- {name: a, comand: ls}\n' >bad.yaml
suite assay.jsonc bad.yaml
expect 2 'bad.yaml:3:13: commandTests\[0\].comand: unknown key, did you mean "command"' "$ASSAY" suite check
commit . two
expect 2 'bad.yaml:3:13' "$ASSAY" run
finish
