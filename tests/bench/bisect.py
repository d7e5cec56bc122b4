#!/usr/bin/env python3
"""The search of `assay bisect`: in simulated histories of 1024 commits (the real search code, 1000
trials a cell, one setting for all: both ends tested first, the answer confirmed, the prior of the
program), and its speed."""
import json
import subprocess
from pathlib import Path

from figures import ASSAY, main, show

SIM = Path(ASSAY).resolve().parents[2] / "tests/bench/bench_bisect" if ASSAY else None


def sim(*options):
    words = [str(w) for w in (SIM, "--prior", .4, "--older", .02, *options)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def cell(name, options, builds, right=99, p95=None, extra=0):
    """EXTRA: ends whose build counts here."""
    got = sim(*options)
    note = f"(p95 {got['p95']:g}, tests {got['runs']:g})"
    show(f"{name}/builds", got["builds"] + extra, f"builds {note}", "<=", builds)
    if p95:
        show(f"{name}/builds-p95", got["p95"] + extra, "builds", "<=", p95)
    show(f"{name}/right", got["right"], "% right answers", ">=", right)


def worlds(_):
    for flake, goal in ((0, 10.5), (.05, 10.5), (.2, 11)):
        cell(f"bisect/worlds/flakes-{flake:g}", ("--flake", flake), goal)


def broken(_):
    for run in (1, 5, 20):
        for flake in (0, .05, .2):
            cell(f"bisect/broken/run-{run}-flakes-{flake:g}",
                 ("--broken", .1, "--run", run, "--flake", flake), 14, p95=25)


def nobody(_):
    """The bad end's build counts: there, whether it fails again is half of the question."""
    for flake in (.05, .2):
        cell(f"bisect/nobody/flakes-{flake:g}", ("--none", .4, "--flake", flake), 8, extra=1)


def workers(_):
    got = sim("--workers", 4, "--flake", .05)
    show("bisect/workers/rounds", got["rounds_to_name"],
         f"rounds of 4 until the answer is sure ({got['rounds']:g} until it is confirmed)", "<=", 6)
    show("bisect/workers/right", got["right"], "% right answers", ">=", 99)


def misstated(_):
    for flake in (.05, .2):
        for assume in (.5, 2):
            cell(f"bisect/misstated/x{assume:g}-flakes-{flake:g}",
                 ("--flake", flake, "--assume", assume), 11, right=96 if assume < 1 else 99)
        cell(f"bisect/misstated/learned-flakes-{flake:g}", ("--flake", flake, "--learn", 1), 11)


def speed(_):
    for merges in (0, .3):
        got = sim("--n", 100000, "--trials", 1, "--flake", .05, "--broken", .1, "--run", 20, "--merges",
                  merges)
        show(f"bisect/speed/step-merges-{merges:g}", got["step_ms_max"],
             "ms, the slowest step on 100,000 commits", "<=", 50)
        got = sim("--n", 1000000, "--trials", 1, "--merges", merges)
        show(f"bisect/speed/open-merges-{merges:g}", got["open_s"], "s for 1,000,000 commits", "<=", 2)


FIGURES = {"bisect/worlds": worlds, "bisect/broken": broken, "bisect/nobody": nobody,
           "bisect/workers": workers, "bisect/misstated": misstated, "bisect/speed": speed}


if __name__ == "__main__":
    main(FIGURES)
