#!/usr/bin/env bash
# The cases of the zoo that show only when the image runs: a stand-in for the library does what the
# real one did, the command that a user would write tells them apart, and the twin passes.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
mkdir "$scratch/r/site"
cat >"$scratch/r/site/torch.py" <<'END'
_default = "float32"
def get_default_dtype(): return "torch." + _default
def set_default_dtype(name):
    global _default
    _default = name
END
printf 'FROM assay-fixture/base:1\nCOPY site /site\nENV PYTHONPATH=/site\n' >"$scratch/r/Dockerfile"

# judge CHECK: one command check in the image of the newest commit.
judge() {
	printf '{"assay": 1, "name": "zoo", "checks": [{"name": "c", "kind": "command", %s}]}' "$1" >"$scratch/s.jsonc"
	"$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc"
}

# P45: a library that leaves torch's default type changed after loading a model.
dtype='"command": ["python3", "-c", "import json, torch, transformers; transformers.load(); print(json.dumps({\"dtype\": torch.get_default_dtype()}))"],
	"json": [{"path": "$.dtype", "equals": "torch.float32"}]'
cat >"$scratch/r/site/transformers.py" <<'END'
import torch
def load():
    torch.set_default_dtype("bfloat16")
    return object()
END
commit "$scratch/r" 'transformers 4.56.1'
expect 1 'torch.float32.*found.*torch.bfloat16' judge "$dtype"
cat >"$scratch/r/site/transformers.py" <<'END'
import torch
def load():
    before = torch.get_default_dtype().removeprefix("torch.")
    torch.set_default_dtype("bfloat16")
    try:
        return object()
    finally:
        torch.set_default_dtype(before)
END
commit "$scratch/r" 'transformers 4.56.0'
expect 0 '^pass' judge "$dtype"

# P46: another pattern splits the prompt into other tokens; nothing fails, the answers get worse.
tokens='"command": ["python3", "-c", "import json, tokenizer; print(json.dumps({\"ids\": tokenizer.ids(\"It'"'"'s 2026: 1234 tokens\")}))"],
	"json": [{"path": "$.ids", "equals": [2, 2, 5, 1, 5, 7]}]'
cat >"$scratch/r/site/tokenizer.py" <<'END'
import re
PATTERN = r"'s|\w+| \w+|[^\w\s]"
def ids(text): return [len(token) for token in re.findall(PATTERN, text)]
END
commit "$scratch/r" 'the right pattern'
expect 0 '^pass' judge "$tokens"
sed -i 's/| \\w+|/|\\s|/' "$scratch/r/site/tokenizer.py"
commit "$scratch/r" 'transformers 4.57.2'
expect 1 'ids.*found' judge "$tokens"
finish
