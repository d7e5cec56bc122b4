#!/usr/bin/env python3
"""summary.py KEEP RESULTS: judge the JSON lines that `run` left in KEEP; write RESULTS/CARD-DATE.json.

Prints one line per figure. Exit 1 when something is not as it must be.
"""
import glob
import json
import os
import statistics
import sys
import time

# What a variant of the failure library must be called, by case. "-" passes.
MUST = {
    "native": {"load/archs": "-", "load/native": "-", "load/runs": "-"},
    "no-image": {"load/archs": "kernel/no-image", "load/native": "kernel/no-image", "load/runs": "kernel/no-image"},
    "ptx-only": {"load/archs": "kernel/jit-only", "load/native": "kernel/jit-only", "load/runs": "-"},
    "older": {"load/archs": "kernel/jit-only", "load/native": "kernel/jit-only", "load/runs": "-"},
    "static": {"load/archs": "kernel/no-image", "load/runtime": "kernel/static-runtime"},
}
SINGLE = {
    "new-static": {"load/runs": "kernel/static-runtime", "load/first-call": "kernel/static-runtime"},
    "jit-off": {"load/runs": "kernel/jit-disabled"},
    "override": {"load/select": "kernel/library-missing"},
    "missing": {"load/select": "kernel/library-missing"},
}
# Measured with the library's 0.50.1 build on one H100 80GB HBM3 by another program (us).
KNOWN_H100 = {
    "bench/gemv/bf16/w1": 32.4, "bench/gemv/bf16/w2": 31.6, "bench/gemv/bf16/q": 11.6, "bench/gemv/bf16/k": 8.2,
    "bench/fused/bf16/w1": 30.5, "bench/fused/bf16/w2": 30.7, "bench/fused/bf16/q": 11.2, "bench/fused/bf16/k": 8.0,
    "bench/fused-nested/bf16/w1": 29.6, "bench/fused-nested/bf16/w2": 29.5, "bench/fused-nested/bf16/q": 10.7,
    "bench/fused-nested/bf16/k": 7.0, "bench/dequantise/bf16/w1": 69.1, "bench/moe/bf16/tokens-1": 182,
    "bench/moe/bf16/tokens-8": 1014, "bench/moe/bf16/tokens-64": 2030,
}
NOISE_FLOOR = 0.01  # a change below this is never reported
keep, results = sys.argv[1:3]
bad, out = [], {"checks": {}, "bench": {}}


def rows(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def verdict(row):
    return "-" if row["outcome"] == "pass" else row.get("label") or row["outcome"]


def note(holds, text):
    print(("ok    " if holds else "WRONG ") + text)
    if not holds:
        bad.append(text)


def check(name, path):
    found = rows(path)
    odd = [r for r in found if r["outcome"] not in ("pass", "skip")]
    out["checks"][name] = [{k: r[k] for k in ("name", "outcome", "label", "actual", "reason") if k in r} for r in found]
    counts = {o: sum(r["outcome"] == o for r in found) for o in ("pass", "fail", "skip", "broken", "infra")}
    note(not odd, f"{name}: " + ", ".join(f"{n} {o}" for o, n in counts.items() if n))
    for r in odd:
        print(f"      {r['name']}: {r['outcome']} {r.get('label', '')}: {r.get('actual', '')}{r.get('reason', '')}")
    return found


def failures():
    for path in sorted(glob.glob(f"{keep}/failure-*.jsonl")):
        name = os.path.basename(path)[len("failure-"):-len(".jsonl")]
        want = dict(MUST.get(name.split("-", 1)[1] if name[:4] in ("old-", "new-") else "", {}))
        want.update(SINGLE.get(name, {}))
        got = {r["name"]: verdict(r) for r in rows(path)}
        out["checks"]["failure/" + name] = got
        wrong = {c: (got.get(c), w) for c, w in want.items() if got.get(c) != w}
        note(want and not wrong, f"failure mode {name}: " + (f"{wrong}" if wrong else ", ".join(sorted({w for w in want.values() if w != '-'})) or "runs"))


def shares(path):
    """Per case the median share of the ceiling, and the median time, of each process."""
    found = {}
    for r in rows(path):
        m = {x["name"]: x["samples"] for x in r["metrics"]}
        if r["outcome"] == "pass" and "share-of-ceiling" in m:
            found.setdefault(r["name"], []).append((statistics.median(m["share-of-ceiling"]), statistics.median(m["time"])))
    return found


def spread(values):
    return statistics.stdev(values) / statistics.mean(values)


def alarm(a, b, cv):
    """Is the median of B below or above that of A by more than the noise of two medians of five."""
    change = statistics.median(b) / statistics.median(a) - 1
    return change, abs(change) > max(NOISE_FLOOR, 2.4 * cv)


def bench(card):
    a, b = shares(f"{keep}/bench-a.jsonl"), shares(f"{keep}/bench-b.jsonl")
    worst, alarms = 0, []
    for name in a:
        one, two = [x[0] for x in a[name]], [x[0] for x in b.get(name, [])]
        if len(one) < 5 or len(two) < 5:
            note(False, f"{name}: fewer than five processes")
            continue
        cv = max(spread(one), spread(two))
        change, rang = alarm(one, two, cv)
        worst = max(worst, cv)
        if rang:
            alarms.append(f"{name} {change:+.2%}")
        us = statistics.median([x[1] for x in a[name] + b[name]])
        entry = out["bench"][name] = {"us": us, "share": statistics.median(one + two), "cv": cv, "a_a": change,
                                      "processes": {"a": a[name], "b": b[name]}}
        line = f"{name}: {us:.2f} us, {entry['share']:.1%} of the ceiling, CV {cv:.2%}, A/A {change:+.2%}"
        if card == "NVIDIA H100 80GB HBM3" and name in KNOWN_H100:
            entry["known_us"] = KNOWN_H100[name]
            off = us / KNOWN_H100[name] - 1
            note(abs(off) <= 0.05, f"{line}; known {KNOWN_H100[name]} us, {off:+.1%}")
        else:
            print("      " + line)
    note(worst <= 0.01, f"spread of the gated share between processes: at most {worst:.2%} CV (goal 1 %)")
    note(not alarms, f"A/A: {len(alarms)} alarms {alarms}")
    base, slow = ([x[0] for x in a["bench/gemv/bf16/w1" + s]] for s in ("", "+3%"))
    change, rang = alarm(base, slow, max(spread(base), spread(slow)))
    out["injected"] = change
    note(rang, f"an injected 3 % slowdown: {change:+.2%}, {'seen' if rang else 'not seen'}")


def main():
    health = check("health", f"{keep}/health.jsonl")
    cells = [r["cell"] for r in health if "cell" in r]
    card = cells[0].split(",")[0] if cells else "unknown"
    out["machine"], out["date"] = cells[0] if cells else "unknown", time.strftime("%Y-%m-%d")
    planted = check("self-test", f"{keep}/self-test.jsonl")
    print(f"      {sum(r['outcome'] == 'pass' for r in planted) - 1} of {len(planted) - 1} planted bugs caught")
    for path in sorted(glob.glob(f"{keep}/check-*.jsonl")):
        check(os.path.basename(path)[len("check-"):-len(".jsonl")], path)
    failures()
    bench(card)
    os.makedirs(results, exist_ok=True)
    slug = "".join(c if c.isalnum() else "-" for c in card.lower())
    with open(f"{results}/{slug}-{out['date']}.json", "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")
    print(f"{len(bad)} wrong")
    return 1 if bad else 0


sys.exit(main())
