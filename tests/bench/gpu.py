#!/usr/bin/env python3
"""Figures of the gpu group: not measured here but read from the kept results of tests/gpu/run, each
with its card and date."""
import json

from figures import TOP, main, show, skip


def kept():
    for path in sorted((TOP / "tests/gpu/results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        yield f"on {result['machine'].split(',')[0]}, {result['date']}", result


def yardsticks():
    for path in sorted((TOP / "tests/gpu/results/yardstick").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        yield f"on {result['machine'].split(',')[0]}, {result['date']}", result


def over(name, figure, source=kept):
    """FIGURE of every kept result, or why there is none."""
    def run(_):
        found = False
        for where, result in source():
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


def share(case, goal):
    """How much of the read bandwidth our kernel for CASE reaches."""
    return lambda result: (result["own"][case]["share"] * 100, "% of the read bandwidth", ">=", goal)


def roofline(case, goal):
    """Time over the roofline of our layer, and of the library's."""
    def figure(result):
        own, beside = result["own"][case], result["library"].get(case, {}).get("over_roofline")
        return (own["over_roofline"], f"times the roofline of {own['us'] / own['over_roofline']:.0f} us" +
                (f" (the library: {beside:.2f})" if beside else ""), "<=", goal)
    return figure


SHARES = {"gemv/bf16/w1": 80, "gemv/bf16/w2": 80, "gemv/bf16/q": 65, "gemv/bf16/k": 40, "dequantise/bf16/w1": 85}
ROOFLINES = {1: 1.2, 8: 1.3, 64: 1.4, 512: 1.4, 2048: 1.25}

FIGURES = {"gpu/planted-bugs": planted, "gpu/false-alarms": alarms, "gpu/spread": spread,
           "gpu/injected-slowdown": slowdown, "gpu/known-times": known}

if __name__ == "__main__":
    figures = {name: over(name, figure) for name, figure in FIGURES.items()}
    for case, least in SHARES.items():
        figures[f"gpu/yardstick/{case}"] = over(f"gpu/yardstick/{case}", share(case, least), yardsticks)
    for tokens, most in ROOFLINES.items():
        for kind in ("", "-skewed") if tokens > 1 else ("",):
            case = f"moe/bf16/tokens-{tokens}{kind}"
            figures[f"gpu/yardstick/{case}"] = over(f"gpu/yardstick/{case}", roofline(case, most), yardsticks)
    main(figures)
