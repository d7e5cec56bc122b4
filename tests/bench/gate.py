#!/usr/bin/env python3
"""The gate: time of a decision on a long history, and what tampering gets past it, by the built program."""
import json
import random
import statistics
import subprocess

from figures import ASSAY, TOP, main, show, timed

RUNS = 10000
REPEATS = 15
FLIPS = 1000
IMAGE = "sha256:" + "a" * 64


def assay(*words, **kw):
    return subprocess.run([ASSAY, *map(str, words)], capture_output=True, text=True, **kw)


def must(answer, code):
    if answer.returncode != code:
        raise RuntimeError(f"{' '.join(answer.args[1:3])} exits {answer.returncode}: {answer.stdout}{answer.stderr}")
    return answer


def prepare(scratch, runs):
    """A history whose newest run is of IMAGE, a policy, a key."""
    made = subprocess.run([TOP / "tests/cli/gate_runs.py", "--fill", str(runs - 1), "a,60,build=pass,arch=pass"],
                          check=True, capture_output=True).stdout
    must(assay("history", "import", "-", "--history", scratch / "h.db", input=made.decode()), 0)
    must(assay("key", "new", scratch / "key"), 0)
    key = json.loads(must(assay("key", "show", scratch / "key", "--json"), 0).stdout)["key"]
    (scratch / "gate.jsonc").write_text(json.dumps(
        {"policy": 1, "name": "bench", "suites": ["s"], "require": [{"check": "arch"}],
         "signers": [{"name": "ci", "key": key, "may": ["attest"]}]}))
    return ("gate", "--image", IMAGE, "--policy", scratch / "gate.jsonc")


def times(scratch):
    words = prepare(scratch, RUNS)
    history = ("--history", scratch / "h.db")
    bundle = scratch / "bundle"
    # signing and comparing read every row of the history, for the chain over it
    for name, goal, more in (("decision", 50, history),
                             ("attest", 200, (*history, "--attest", bundle, "--key", scratch / "key")),
                             ("verify", 50, ("--verify", bundle)),
                             ("verify-with-history", 200, (*history, "--verify", bundle))):
        must(assay(*words, *more), 0)
        took = [timed(lambda: must(assay(*words, *more), 0)) for _ in range(REPEATS)]
        show(f"gate/{name}-on-{RUNS}-runs", statistics.median(took) * 1000, "ms", "<=", goal)


def tampering(scratch):
    """One byte of the bundle, or of the policy, changed to another: refused, and no crash."""
    words = prepare(scratch, 3)
    bundle, policy = scratch / "bundle", scratch / "gate.jsonc"
    must(assay(*words, "--history", scratch / "h.db", "--attest", bundle, "--key", scratch / "key"), 0)
    rng = random.Random(7)
    for name, path, codes in (("bundle", bundle, {1}), ("policy", policy, {1, 2})):
        whole, refused = path.read_bytes(), 0
        for _ in range(FLIPS):
            at = rng.randrange(len(whole))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ rng.randrange(1, 256)]) + whole[at + 1:])
            refused += assay(*words, "--verify", bundle).returncode in codes
        path.write_bytes(whole)
        must(assay(*words, "--verify", bundle), 0)
        show(f"gate/{name}-flips-refused", refused, f"of {FLIPS}", ">=", FLIPS)


if __name__ == "__main__":
    main({"gate/times": times, "gate/tampering": tampering})
