#!/usr/bin/env bash
# `assay bisect --command`: histories that need no engine. Merges, fixes, flakes, broken builds,
# what is said when there is nothing to find, resuming, the user's work tree.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
r=$scratch/r
repo "$r"
for i in $(seq 0 40); do
	echo "$i" >"$r/n"
	[ "$i" -ge 23 ] && echo x >"$r/bug"
	if [ "$i" -ge 10 ] && [ "$i" -lt 14 ]; then echo x >"$r/nobuild"; else rm -f "$r/nobuild"; fi
	[ "$i" = 30 ] && ln -s n "$r/link" && printf '#!/bin/sh\ntest ! -e bug\n' >"$r/check" && chmod +x "$r/check"
	commit "$r" "c $i"
	git -C "$r" tag "c$i"
done
echo changed >"$r/n"
echo untracked >"$r/mine"
before=$(git -C "$r" status --porcelain; cat "$r/n"; git -C "$r" rev-parse HEAD; sha256sum <"$r/.git/index")
hunt() { (cd "$r" && "$ASSAY" bisect --quiet "$@"); }
hash_of() { git -C "$r" rev-parse "$1"; }

expect 0 '^[0-9a-f]{12} c 23$' hunt --good c0 --command 'test ! -e bug'
expect 0 'is the first bad commit' hunt --good c0 --bad c40 --command 'test ! -e bug' --build 'test ! -e nobuild' --workers 4
# shellcheck disable=SC2016
expect 0 'one of these is the first bad commit' hunt --good c0 --command 'test ! -e nobuild || exit 125; test "$(cat n)" -lt 12'
expect 0 '^[0-9a-f]{12} c 10$' hunt --good c0 --bad c12 --command true --build 'test ! -e nobuild' --build-failure bad
expect 0 '^[0-9a-f]{12} c 14$' hunt --fix --good c11 --bad c20 --command 'test ! -e nobuild'
expect 0 'is the first fast commit' hunt --fix --terms slow,fast --good c11 --bad c20 --command 'test ! -e nobuild'
# shellcheck disable=SC2016
expect 0 '^[0-9a-f]{12} c 23$' hunt --good c0 --command 'test ! -e bug && test $(($(od -An -N1 -tu1 /dev/urandom) % 5)) != 0' --flake-rate .2
# shellcheck disable=SC2016 # the command's own shell expands it
expect 0 '^[0-9a-f]{12} c 23$' hunt --good c0 --command 'git -C '"$r"' merge-base --is-ancestor c23 "$ASSAY_COMMIT" && exit 1; exit 0'
# shellcheck disable=SC2016
expect 0 '^[0-9a-f]{12} c 35$' hunt --good c31 --command 'test -x check && test -L link && test "$(cat link)" -lt 35'

# Nothing to find.
expect 5 'no culprit in this range.*fails already' hunt --good c25 --command 'test ! -e bug'
expect 5 'no culprit, .*passes there now' hunt --good c0 --bad c20 --command 'test ! -e bug'
expect 2 'cannot be judged: the build ends' hunt --good c0 --bad c11 --command true --build 'test ! -e nobuild'
expect 2 'stops' hunt --good c0 --command 'exit 200'
expect 2 'exchange the ends' hunt --good c20 --bad c10 --command true
expect 2 'both ends' hunt --good c20 --bad c20 --command true
expect 2 'name a commit that passes' hunt --command true
expect 2 'contradict' hunt --good c0 --command true --suite x.jsonc
expect 2 'a number from 0 to 1' hunt --good c0 --command true --flake-rate 20
expect 2 'json=FILE or log=FILE' hunt --good c0 --command true -o html=x

# One bit per test when tests never lie.
expect 0 '0 builds, [56] tests' hunt --good c0 --bad c40 --command 'test ! -e bug' --deterministic --again
expect 0 '40 commits, 40 different to build' hunt --good c0 --bad c40 --command 'test ! -e bug' --dry-run

# A dry run leaves nothing behind and runs nothing.
kept=$(find "$r/.assay" | sort)
expect 0 'expected: [1-9].* first|expected: [1-9]' hunt --good c0 --bad c38 --command "touch $scratch/ran" --dry-run
holds 'nothing ran' [ ! -e "$scratch/ran" ]
holds 'nothing is kept' [ "$kept" = "$(find "$r/.assay" | sort)" ]

# The log is one that git takes, the JSON has the evidence.
expect 0 'c 23' hunt --good c0 --bad c40 --command 'test ! -e  bug' -o "log=$scratch/log" -o "json=$scratch/json"
replays() { git clone -q "$r" "$scratch/clone" && cd "$scratch/clone" && git bisect replay "$scratch/log" | grep -q "$(hash_of c23) is the first bad commit"; }
holds 'git bisect replay takes the log' replays
expect 0 'first fast commit' hunt --fix --terms slow,fast --good c11 --bad c20 --command 'test ! -e nobuild' -o "log=$scratch/terms"
replays_terms() { cd "$scratch/clone" && git bisect reset && git bisect replay "$scratch/terms" | grep -q "$(hash_of c14) is the first fast commit"; }
holds 'and one of other terms' replays_terms
holds 'evidence and posterior' python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
assert d['ending'] == 'culprit' and d['commits'] == [sys.argv[2]] and d['confirmed']
assert abs(sum(p['probability'] for p in d['posterior']) + d['no_culprit'] + d['older'] - 1) < 1e-6
assert len(d['evidence']) == d['cost']['tests']" "$scratch/json" "$(hash_of c23)"

# Interrupted or killed it goes on where it was, and no commit is built twice.
# shellcheck disable=SC2016 # the command's own shell expands it
slow=(--good c0 --bad c39 --build 'echo $ASSAY_COMMIT >>"$BUILT"; timeout 0.1 tail -f /dev/null; true' --command 'test ! -e bug')
export BUILT=$scratch/built
: >"$BUILT"
for signal in KILL INT KILL TERM KILL; do
	(cd "$r" && exec "$ASSAY" bisect --quiet "${slow[@]}" >/dev/null 2>&1) &
	pid=$!
	lines=$(wc -l <"$BUILT")
	for _ in $(seq 100); do
		[ "$(wc -l <"$BUILT")" -gt $((lines + 1)) ] && break
		read -rt 0.02 <> <(:) || true
	done
	kill -$signal $pid 2>/dev/null
	wait $pid 2>/dev/null
done
expect 0 '^[0-9a-f]{12} c 23$' hunt "${slow[@]}"
few_twice() { [ "$(sort "$BUILT" | uniq -d | wc -l)" -le 5 ] && [ "$(wc -l <"$BUILT")" -le 14 ]; }
holds 'only builds that were cut short are made again' few_twice
# Once two commits were built, the first was observed.
interrupted() {
	local lines pid
	lines=$(wc -l <"$BUILT")
	(cd "$r" && exec "$ASSAY" bisect --quiet "${slow[@]}" --again) &
	pid=$!
	while [ "$(wc -l <"$BUILT")" -lt $((lines + 2)) ] && kill -0 "$pid"; do read -rt 0.02 <> <(:) || true; done
	kill -INT "$pid"
	wait "$pid"
}
expect 130 '[0-9]+ observations are kept: the same command goes on' interrupted

# Two parents: the culprit is on the branch; --first-parent blames the merge.
m=$scratch/m
repo "$m"
for i in 1 2 3 4; do echo "$i" >"$m/main"; commit "$m" "main $i"; done
git -C "$m" checkout -q -b side HEAD~2
for i in 1 2 3 4; do echo "$i" >"$m/side"; [ "$i" = 3 ] && touch "$m/bug"; commit "$m" "side $i"; done
git -C "$m" checkout -q main
git -C "$m" merge -q --no-ff -m 'merge side' side
for i in 5 6; do echo "$i" >"$m/main"; commit "$m" "main $i"; done
branch() { (cd "$m" && "$ASSAY" bisect --quiet --good HEAD~5 --command 'test ! -e bug' "$@"); }
expect 0 '^[0-9a-f]{12} side 3$' branch
expect 0 '^[0-9a-f]{12} side 3$' branch --likely side --again
expect 0 '^[0-9a-f]{12} merge side$' branch --first-parent

rm -rf "$r/.assay"
after=$(git -C "$r" status --porcelain; cat "$r/n"; git -C "$r" rev-parse HEAD; sha256sum <"$r/.git/index")
holds 'work tree and index are as they were' [ "$before" = "$after" ]
finish
