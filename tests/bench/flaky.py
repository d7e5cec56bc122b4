#!/usr/bin/env python3
"""Flaky tests and real regressions told apart by `assay run --rerun-failures`, in worlds whose truth is
known (flaky_sim.c): 100 runs, each of an image of its own, 1000 trials a cell; rules in use beside it with
as many tests."""
import json
import subprocess
from pathlib import Path

from figures import ASSAY, beside, main, show

SIM = Path(ASSAY).resolve().parents[2] / "tests/bench/bench_flaky" if ASSAY else None
TRIALS = 1000
RATES = (.005, .02, .05, .2, .5)


def sim(*options):
    words = [str(w) for w in (SIM, "--trials", TRIALS, *options)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return {row["rule"]: row for row in map(json.loads, done.stdout.splitlines())}


def others(name, got, what):
    for rule, row in got.items():
        if rule != "assay":
            beside(f"{name}/{rule}", row[what], "% with as many tests")


def found(_):
    """Called flaky in one of 100 runs; and flakes that were believed to be failures."""
    for rate in RATES:
        name, got = f"history/flaky/found-{rate:g}", sim("--rate", rate)
        own = got["assay"]
        note = f"% of tests found in 100 runs ({own['tests']:.4g} tests, {own['believed']:.2g} % of flakes fail the run)"
        if rate >= .05:
            show(name, own["found"], note, ">=", 95)
        else:
            beside(name, own["found"], note)
        others(name, got, "found")


def regressions(_):
    """A test that fails every time while the regression is there, on its own or flaky before and after."""
    for rate in (0, *RATES):
        name = f"history/flaky/regressions-{rate:g}"
        got = sim("--rate", rate, "--then", rate, "--regress", 1)
        show(name, got["assay"]["mistaken"], "% of regressions called flaky", "<=", 1)
        others(name, got, "mistaken")
    for strength in (.99, .95, .9):
        got = sim("--regress", 1, "--strength", strength)
        beside(f"history/flaky/regressions-that-pass-{1 - strength:.2g}", got["assay"]["mistaken"],
               "% of regressions that pass so often called flaky once")


def changing(_):
    for before, after in ((.005, .2), (.2, .005), (.02, .5)):
        name = f"history/flaky/changing-{before:g}-{after:g}"
        got = sim("--rate", before, "--then", after, "--change", 50)
        show(f"{name}/found", got["assay"]["found"], "% of tests found in 100 runs", ">=", 95)
        show(f"{name}/believed", got["assay"]["believed"], "% of flakes fail the run", "<=", 1)
        others(f"{name}/found", got, "found")
        others(f"{name}/believed", got, "believed")


if __name__ == "__main__":
    main({"history/flaky/found": found, "history/flaky/regressions": regressions,
          "history/flaky/changing": changing})
