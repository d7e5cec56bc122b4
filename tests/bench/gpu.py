#!/usr/bin/env python3
"""Figures of the gpu group: not measured here but read from the kept results of tests/gpu/run, each
with its card and date."""
import json

from figures import TOP, main, show, skip


def kept():
    for path in sorted((TOP / "tests/gpu/results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        yield f"on {result['machine'].split(',')[0]}, {result['date']}", result


def over(name, figure):
    """FIGURE of every kept result, or why there is none."""
    def run(_):
        found = False
        for where, result in kept():
            found = True
            try:
                value, unit, op, goal = figure(result)
                show(name, value, f"{unit}, {where}", op, goal)
            except LookupError as why:
                skip(name, f"{why.args[0]}, {where}")
        if not found:
            skip(name, "no kept results: tests/gpu/run on a machine with a GPU makes them")
    return run


def planted(result):
    cases = [c for c in result["checks"]["self-test"] if c["name"] != "self-test/no-false-alarm"]
    missed = [c["name"] for c in cases if c["outcome"] != "pass"]
    return len(missed), f"of {len(cases)} planted bugs not caught by the gate that must", "<=", 0


def alarms(result):
    case = next(c for c in result["checks"]["self-test"] if c["name"] == "self-test/no-false-alarm")
    return int(case["outcome"] != "pass"), f"false alarms ({case['actual']})", "<=", 0


def spread(result):
    worst = max(result["bench"].values(), key=lambda b: b["cv"])
    return worst["cv"] * 100, "% CV between processes, the widest of all", "<=", 1


def slowdown(result):
    return -result["injected"] * 100, "% seen of an injected 3 % slowdown", ">=", 2


def known(result):
    known_ = [b for b in result["bench"].values() if "known_us" in b]
    if not known_:
        raise LookupError("no known times for this card")
    worst = max(abs(b["us"] / b["known_us"] - 1) for b in known_)
    return worst * 100, f"% off the known times, the farthest of {len(known_)}", "<=", 5


FIGURES = {"gpu/planted-bugs": planted, "gpu/false-alarms": alarms, "gpu/spread": spread,
           "gpu/injected-slowdown": slowdown, "gpu/known-times": known}

if __name__ == "__main__":
    main({name: over(name, figure) for name, figure in FIGURES.items()})
