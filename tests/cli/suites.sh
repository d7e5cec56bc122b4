#!/usr/bin/env bash
# Suites that are wrong: file, line, column, what and what to do; exit code 2.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1

# bad PATTERN TEXT
bad() {
	printf '%b' "$2" >s.jsonc
	expect 2 "$1" "$ASSAY" suite check s.jsonc
}
ok='"assay": 1, "name": "x"'
env_check='"name": "a", "kind": "env", "variable": "V"'

printf '{%s, "checks": [{%s}]}' "$ok" "$env_check" >s.jsonc
expect 0 'suite x, 1 checks, no mistakes' "$ASSAY" suite check s.jsonc
expect 0 '^a +env' "$ASSAY" suite list s.jsonc

bad 's.jsonc:2:1: .*did you mean "checks"' "{$ok,\n\"chekcs\": []}"
bad 's.jsonc:1:.*expected a string, found a number' '{"assay": 1, "name": 3, "checks": []}'
bad 'duplicate name "a", first used by checks\[0\]' "{$ok, \"checks\": [{$env_check},{$env_check}]}"
bad 'duplicate key' "{$ok, \"name\": \"y\", \"checks\": []}"
bad 'unknown kind "evn", did you mean "env"' "{$ok, \"checks\": [{\"name\": \"a\", \"kind\": \"evn\"}]}"
bad 'checks\[0\].varable: unknown key, did you mean "variable"' "{$ok, \"checks\": [{\"name\": \"a\", \"kind\": \"env\", \"varable\": \"V\"}]}"
bad 'key "checks" is missing' "{$ok}"
bad 'empty' '// nothing but a comment\n'
bad 'empty' ''
bad 'UTF-8' '{"assay": 1, "name": "\xff"}'
bad 'newer' '{"assay": 2, "name": "x", "checks": []}'
bad 'not set: give --var' "{$ok, \"checks\": [{\"name\": \"\${ASSAY_UNSET_HERE}\", \"kind\": \"env\", \"variable\": \"V\"}]}"
bad 'is not a duration' "{$ok, \"checks\": [{$env_check, \"timeout\": \"soon\"}]}"
bad 'bad pattern' "{$ok, \"checks\": [{\"name\": \"a\", \"kind\": \"env\", \"variable\": \"V\", \"pattern\": \"(\"}]}"
bad 's.jsonc:1:13: expected' '{"assay": 1,'
head -c 10000000 /dev/zero | tr '\0' '[' >s.jsonc
expect 2 '^assay: s.jsonc: (larger|line 1)' "$ASSAY" suite check s.jsonc
expect 2 'no such file' "$ASSAY" suite check nosuch.jsonc
# shellcheck disable=SC2016 # the suite's variable, not the shell's
printf '{%s, "checks": [{"name": "${N}", "kind": "env", "variable": "V"}]}' "$ok" >s.jsonc
expect 2 'not set: give --var' "$ASSAY" suite check s.jsonc
expect 0 '^given +env' "$ASSAY" suite list s.jsonc --var N=given

expect 0 '"oneOf"' "$ASSAY" suite schema
current() { "$ASSAY" suite schema | cmp - "$top/suites/schema/assay-1.schema.json"; }
holds "the published schema is the code's (assay suite schema > suites/schema/assay-1.schema.json)" current
for suite in "$top"/suites/*.jsonc; do
	expect 0 'no mistakes' "$ASSAY" suite check "$suite"
done
expect 0 'means: ' "$ASSAY" suite explain version/unsatisfied
expect 0 'keys of every check' "$ASSAY" suite explain version
expect 2 'did you mean .version' "$ASSAY" suite explain verson

# The schema accepts and rejects as the loader does.
if python3 -c 'import jsonschema' 2>/dev/null; then
	"$ASSAY" suite schema >schema.json
	validate() { python3 -c 'import json,sys,jsonschema; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open("schema.json")))' "$1"; }
	printf '{%s, "checks": [{%s}]}' "$ok" "$env_check" >good.json
	holds 'schema accepts a good suite' validate good.json
	printf '{%s, "checks": [{"name": "a", "kind": "env", "varable": "V"}]}' "$ok" >bad.json
	rejected() { ! validate bad.json; }
	holds 'schema rejects an unknown key' rejected
else
	cannot 'the schema: python3-jsonschema is missing'
fi
finish
