#!/usr/bin/env python3
"""Changes of level in series whose truth is known (changes_sim.c): what stats/changes.h finds, beside
apache-otava as shipped and at the best setting of a sweep, the t rule of Perfherder (12 points back and
forward, weights that fall with distance, t > 7) and plain thresholds, on the same series. The real
family draws blocks of the residuals of a CPU workload that is timed here at the start. Who knows
both levels beforehand, and only looks for the place, is the bound of what can be found."""
import functools
import hashlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from figures import ASSAY, CACHE, beside, main, show, skip

SIM = Path(ASSAY).resolve().parents[2] / "tests/bench/bench_changes" if ASSAY else None
FAMILIES = ("gauss", "t3", "ar", "spikes", "real")
SERIES, POINTS, OTHERS = 4000, 200, 60  # series of ours, points of each, series of slow rivals
NEAR = 3
SWEEP = [(window, p) for window in (30, 50) for p in (.05, .001, 1e-5, 1e-7)]
# Read series, one a line with its truth first; print what is found, one line of places for each.
OTAVA = """
import sys
from otava.analysis import compute_change_points
for line in sys.stdin:
    values = [float(word) for word in line.split()[1:]]
    found, _ = compute_change_points(values, window_len=int(sys.argv[1]), max_pvalue=float(sys.argv[2]))
    print(*(point.index for point in found), flush=True)
"""


@functools.cache
def measured():
    """Times of hashing 2 MB, the median of five a point, as deviations from the median of all: once a run, so that
    all rules see the same."""
    data = bytes(2_000_000)

    def once(_):
        start = time.perf_counter()
        hashlib.sha256(data).digest()
        return time.perf_counter() - start

    took = [statistics.median(map(once, range(5))) for _ in range(600)]
    middle = statistics.median(took)
    spread = 1.4826 * statistics.median(abs(t / middle - 1) for t in took)
    return "\n".join(f"{(t / middle - 1) / spread:.6g}" for t in took)


def residuals(scratch):
    path = scratch / "residuals"
    path.write_text(measured())
    return path


def sim(mode, family, step, count, real, points=POINTS):
    words = [str(w) for w in (SIM, mode, family, step, 7, count, points, real)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def ours(scratch):
    real = residuals(scratch)
    for family in FAMILIES:
        none, two, three = (json.loads(sim("judge", family, step, SERIES, real)) for step in (0, .02, .03))
        name = f"history/changes/{family}"
        show(f"{name}/false", none["false_per_1000"], "false per 1000 points, nothing changed", "<=", .5)
        if family == "ar":  # a step of two deviations is lost in what wanders by one
            beside(f"{name}/recall", two["recall"], f"% of 2 % steps within 3 points ({three['recall']:.3g} of 3 %; "
                   f"who knows both levels: {two['informed']:.4g})")
        else:
            show(f"{name}/recall", two["recall"], "% of 2 % steps (2 deviations) within 3 points "
                 f"(who knows both levels: {two['informed']:.4g})", ">=", 97)
    for family in FAMILIES:
        none, three = (json.loads(sim("online", family, step, 200, real)) for step in (0, .03))
        name = f"history/changes-online/{family}"
        beside(f"{name}/false", none["false_per_1000"],
               f"told as points came and nothing had changed, per 1000 ({none['retracted_per_1000']:.3g} taken back)")
        if family == "gauss":
            show(f"{name}/delay", three["delay"], "points until a 3 % step is told, median", "<=", 4)
        else:
            beside(f"{name}/delay", three["delay"], "points until a 3 % step is told, median")
    got = json.loads(sim("speed", "gauss", .02, 1, real, 1000))
    show("history/changes/speed", got["points_per_s"], "points/s of processor time, series of 1000", ">=", 1e5)


def otava():
    env = CACHE / "otava"
    if not (env / "bin/otava").exists():
        subprocess.run([sys.executable, "-m", "venv", env], check=True)
        subprocess.run([env / "bin/pip", "install", "-q", "apache-otava==0.8.0"], check=True)
    return env / "bin/python"


def weighted(values):
    weights = [1 - i / len(values) for i in range(len(values))]
    return sum(w * v for w, v in zip(weights, values)) / sum(weights)


def perfherder(values):
    """Runs of places whose t is above the limit count once, at the highest."""
    found, best = [], None
    for i in range(12, len(values) - 12 + 1):
        back, ahead = values[i - 12:i][::-1], values[i:i + 12]
        spread = (statistics.variance(back) + statistics.variance(ahead)) / 2
        t = abs(weighted(ahead) - weighted(back)) / ((2 * spread / 12) ** .5 or 1e-9)
        if t > 7 and (best is None or t > best[0]):
            best = (t, i)
        elif t <= 7 and best:
            found.append(best[1])
            best = None
    return found + ([best[1]] if best else [])


def threshold(limit):
    return lambda values: [i for i in range(1, len(values)) if abs(values[i] / values[i - 1] - 1) > limit]


def score(series, found):
    false = hits = 0
    for (truth, _), places in zip(series, found):
        hit = any(abs(place - truth) <= NEAR for place in places)
        hits += hit
        false += sum(abs(place - truth) > NEAR for place in places)
    return 1000 * false / (len(series) * POINTS), 100 * hits / len(series)


def others(scratch):
    real = residuals(scratch)
    worlds, text = {}, {}
    for family in FAMILIES:
        for step in (0, .02):
            text[family, step] = sim("series", family, step, OTHERS, real)
            worlds[family, step] = [(int(line.split()[0]), [float(w) for w in line.split()[1:]])
                                    for line in text[family, step].splitlines()]

    def tell(name, find):
        cells = []
        for family in FAMILIES:
            false, _ = score(worlds[family, 0], find(family, 0))
            _, recall = score(worlds[family, .02], find(family, .02))
            cells.append((false, recall))
        beside(f"history/changes-others/{name}", max(false for false, _ in cells),
               "false per 1000 at worst; false, recall of 2 %: "
               + ", ".join(f"{family} {f:.3g} {r:.3g}" for family, (f, r) in zip(FAMILIES, cells)))
        return cells

    def plainly(rule):
        return lambda family, step: [rule(values) for _, values in worlds[family, step]]

    def by_otava(window, p):
        def find(family, step):
            done = subprocess.run([otava(), "-c", OTAVA, str(window), str(p)], input=text[family, step],
                                  check=True, stdout=subprocess.PIPE, text=True)
            return [[int(w) for w in line.split()] for line in done.stdout.splitlines()]
        return find

    tell("perfherder", plainly(perfherder))
    tell("threshold-5", plainly(threshold(.05)))
    tell("threshold-7", plainly(threshold(.07)))
    try:
        tell("otava", by_otava(50, .001))
        best = min(SWEEP, key=lambda s: sum(score(worlds[f, 0], by_otava(*s)(f, 0))[0]
                                            - score(worlds[f, .02], by_otava(*s)(f, .02))[1] / 20 for f in FAMILIES))
        tell(f"otava-best-w{best[0]}-p{best[1]:g}", by_otava(*best))
    except subprocess.CalledProcessError as error:
        skip("history/changes-others/otava", str(error))


if __name__ == "__main__":
    main({"history/changes": ours, "history/changes-others": others})
