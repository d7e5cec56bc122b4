#!/usr/bin/env bash
# Bisection with real builds: the incident stretched to 64 commits, most of which share their image
# inputs; a flaky check; commits that do not build; a cause that lies outside of the repository.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
r=$scratch/repo
repo "$r"
for step in "$top"/fixtures/incident/story/{[1-6]*,7a*}/; do
	cp -R "$step/tree/." "$r"
	commit "$r" "$(basename "$step")"
	git -C "$r" tag "$(basename "$step")"
	for i in 1 2 3 4 5 6 7 8; do
		mkdir -p "$r/docs"
		echo "$step $i" >"$r/docs/more.md"
		commit "$r" "docs $i after $(basename "$step")"
	done
done
commit "$r" 'the last one'
holds '64 commits' [ "$(git -C "$r" rev-list --count HEAD)" = 64 ]
git -C "$r" show 6-widened:assay.jsonc >"$scratch/suite.jsonc"
before=$(git -C "$r" status --porcelain; sha256sum <"$r/.git/index")
hunt() { "$ASSAY" bisect --repo "$r" --good 1-works --suite "$scratch/suite.jsonc" "$@"; }
field() { python3 -c "import json,sys; print(json.load(open(sys.argv[1]))$2)" "$1"; }
hash_of() { git -C "$r" rev-parse "$1"; }

# What it would cost, without building anything.
expect 0 '63 commits, 5 different to build' hunt --only torch-metadata-agrees --dry-run --quiet

# The swap: it breaks the build, and what was built later breaks the check.
expect 0 "$(git -C "$r" rev-parse --short=12 4-swap) 4-swap" \
	hunt --only torch-metadata-agrees --build-failure=bad -o "json=$scratch/swap.json" -o "log=$scratch/log"
grep -q 'changed: python torch: 2.6.0+cu124 -> 2.7.1+cu126 (step' "$scratch/swap.json"
holds 'the reason, though the culprit has no image' [ $? = 0 ]
four_builds() { [ "$(field "$scratch/swap.json" "['cost']['builds']")" -le 4 ]; }
holds 'at most 4 builds' four_builds
named() { [ "$(field "$1" "['commits']")" = "['$(hash_of "$2")']" ]; }
holds 'the swap alone is named' named "$scratch/swap.json" 4-swap
replays() {
	git clone -q "$r" "$scratch/clone" && cd "$scratch/clone" && git bisect replay "$scratch/log" |
		grep -q "$(hash_of 4-swap) is the first bad commit"
}
holds 'git replays the log to the same commit' replays

# Asked again, nothing is built or tested.
runs() { sqlite3 "$scratch/state/history.db" 'SELECT count(*) FROM runs'; }
kept=$(runs)
expect 0 '4-swap' hunt --only torch-metadata-agrees --build-failure=bad --quiet
same_runs() { [ "$(runs)" = "$kept" ]; }
holds 'the answer needs no new run' same_runs

# Commits that do not build hide it: three are named together, and what changed across them.
expect 0 'one of these is the first bad commit' hunt --only torch-metadata-agrees -o "json=$scratch/hidden.json"
hidden() { [ "$(field "$scratch/hidden.json" "['commits']")" = "['$(hash_of 4-swap)', '$(hash_of 5-unrelated)', '$(hash_of 6-widened)']" ]; }
holds 'the three that cannot be told apart' hidden
expect 0 'python torch: 2.6.0\+cu124 -> 2.7.1\+cu126 +\(step [0-9]+, RUN pip install --ignore-installed' \
	hunt --only torch-metadata-agrees

# A check that also fails one time in five where it should pass; killed half way, it goes on.
cat >"$scratch/flaky.jsonc" <<'EOF'
{"assay": 1, "name": "flaky", "image": {"dockerfile": "Dockerfile", "context": ".", "network": "none"},
 "checks": [{"name": "torch", "kind": "command", "command": ["python3", "-c",
  "import random, sys, torch; sys.exit(random.random() < .2 or not torch.__version__.endswith('cu124'))"]}]}
EOF
flaky=("$ASSAY" bisect --repo "$r" --good 1-works --suite "$scratch/flaky.jsonc" --build-failure=bad
	--workers 2 -o "json=$scratch/flaky.json")
"${flaky[@]}" --quiet >/dev/null 2>&1 &
pid=$!
for _ in $(seq 200); do
	[ "$(cat "$scratch"/state/bisect/*/journal.jsonl | grep -c '"suite":"flaky"')" = 1 ] &&
		[ "$(wc -l <"$(grep -l '"suite":"flaky"' "$scratch"/state/bisect/*/journal.jsonl)")" -gt 3 ] && break
	read -rt 0.05 <> <(:) || true
done
kill -9 $pid && wait $pid 2>/dev/null
expect 0 'observations? of earlier calls' "${flaky[@]}"
holds 'the swap is named in spite of flakes' named "$scratch/flaky.json" 4-swap

# Outside cause: the base image moves between the run that passed and the bisection.
docker() { /usr/bin/docker "$@"; }
base() { printf 'FROM assay-fixture/base:1\nRUN echo %s > /srv/version\n' "$1" | docker build -q -t assay-bisect/base:1 - >/dev/null; }
trap 'docker rmi -f assay-bisect/base:1 >/dev/null 2>&1; rm -rf "$scratch"' EXIT
moved=$scratch/moved
repo "$moved"
cat >"$moved/assay.jsonc" <<'EOF'
{"assay": 1, "name": "moved", "image": {"dockerfile": "Dockerfile", "context": ".", "network": "none"},
 "checks": [{"name": "version", "kind": "command", "command": ["cat", "/srv/version"], "stdout": {"equals": "1\n"}}]}
EOF
for i in 1 2 3 4 5 6; do
	printf 'FROM assay-bisect/base:1\nENV STEP=%s\n' "$i" >"$moved/Dockerfile"
	commit "$moved" "step $i"
done
base 1
expect 0 '^pass ' "$ASSAY" run --repo "$moved" --commit HEAD~5
base 2
expect 1 '^fail ' "$ASSAY" run --repo "$moved"
expect 5 'external cause: .*the base image assay-bisect/base:1: .* moved' \
	"$ASSAY" bisect --repo "$moved" --good HEAD~5

# The same where no input moved that anybody can see: what a step fetched is newer than it was.
fetched=$scratch/fetched
repo "$fetched"
printf 'FROM assay-fixture/base:1\nRUN date +%%s >/fetched\n' >"$fetched/Dockerfile"
printf 'docs\n' >"$fetched/.dockerignore"
commit "$fetched" one
printf '{"assay": 1, "name": "any", "image": {"dockerfile": "Dockerfile", "context": "."}, "checks": []}' >"$scratch/any.jsonc"
"$ASSAY" run --repo "$fetched" --suite "$scratch/any.jsonc" --quiet >/dev/null 2>&1
limit=$(($(date +%s) + 1))
# shellcheck disable=SC2016 # the container's shell expands it
printf '{"assay": 1, "name": "limit", "image": {"dockerfile": "Dockerfile", "context": "."}, "checks": [{"name": "old", "kind": "command", "command": ["sh", "-c", "test $(cat /fetched) -lt %s"]}]}' \
	"$limit" >"$scratch/limit.jsonc"
expect 0 '^pass ' "$ASSAY" run --repo "$fetched" --suite "$scratch/limit.jsonc"
until [ "$(date +%s)" -gt "$limit" ]; do read -rt 0.1 <> <(:) || true; done
mkdir "$fetched/docs"
touch "$fetched/docs/more"
commit "$fetched" docs
expect 1 '^fail ' "$ASSAY" run --repo "$fetched" --suite "$scratch/limit.jsonc" --no-cache
expect 5 'external cause: .*a dependency that the commit does not pin moved' \
	"$ASSAY" bisect --repo "$fetched" --good HEAD~1 --suite "$scratch/limit.jsonc"

# The package folder changes between the runs, the commits do not: the same code passes in the image
# of then and fails in one built anew, and the package that moved is named with its step.
packages=$scratch/packages
mkdir "$packages"
folder() {
	rm -rf "$packages/torch"
	mkdir "$packages/torch"
	cp "$top/fixtures/incident/wheels/pypi/torch-$1-"*.whl "$packages/torch"
	find "$packages/torch" -name '*.whl' -printf '<a href="%f">%f</a>\n' >"$packages/torch/index.html"
}
python3 -u -m http.server --bind 127.0.0.1 --directory "$packages" 0 >"$scratch/port" 2>/dev/null &
server=$!
trap 'kill $server; docker rmi -f assay-bisect/base:1 >/dev/null 2>&1; rm -rf "$scratch"' EXIT
until port=$(grep -oE 'port [0-9]+' "$scratch/port"); do read -rt 0.05 <> <(:) || true; done
# unpinned DIR COMMAND: five commits that install what torch there is; the first and the third were
# built when it was 2.6.0, and the last one fails with what there is now.
unpinned() {
	local i
	folder 2.6.0
	repo "$1"
	printf 'FROM assay-fixture/base:1\nENV REPO=%s\nRUN pip install --no-deps torch --index-url http://127.0.0.1:%s\nCOPY n /srv/\n' \
		"${1##*/}" "${port#port }" >"$1/Dockerfile"
	printf '{"assay": 1, "name": "unpinned", "image": {"dockerfile": "Dockerfile", "context": ".", "network": "host"},
 "checks": [{"name": "torch", "kind": "command", "command": ["sh", "-c", "%s"]}]}' "$2" >"$1/assay.jsonc"
	for i in 0 1 2 3 4; do
		echo "$i" >"$1/n"
		commit "$1" "step $i"
	done
	expect 0 '^pass ' "$ASSAY" run --repo "$1" --commit HEAD~4 --rebuild --no-cache
	expect 0 '^pass ' "$ASSAY" run --repo "$1" --commit HEAD~2
	folder 2.7.1
	expect 1 '^fail ' "$ASSAY" run --repo "$1" --rebuild --no-cache
}
unpinned=$scratch/unpinned
unpinned "$unpinned" "pip list | grep -q 'torch .*2.6'"
expect 5 'external cause: .*passes in its image .* and fails in one built anew.* built on the packages of that image, passes too' \
	"$ASSAY" bisect --repo "$unpinned" --good HEAD~4
expect 5 'python torch: 2.6.0[+]cu124 -> 2.7.1[+]cu126 +\(step 3, RUN pip install' "$ASSAY" bisect --repo "$unpinned" --good HEAD~4
# shellcheck disable=SC2016 # the container's shell expands it
unpinned "$scratch/both" "pip list | grep -q 'torch .*2.6' && test \$(cat /srv/n) -lt 3"
expect 5 'built on the packages of that image, fails as well: it has its part' \
	"$ASSAY" bisect --repo "$scratch/both" --good HEAD~4
expect 2 'the engine has no such image' "$ASSAY" run --repo "$unpinned" --cache-from assay-none:1

after=$(git -C "$r" status --porcelain; sha256sum <"$r/.git/index")
holds 'work tree and index are as they were' [ "$before" = "$after" ]
finish
