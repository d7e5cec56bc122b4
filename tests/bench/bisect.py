#!/usr/bin/env python3
"""The search of `assay bisect`: in simulated histories of 1024 commits (the real search code, 3000 trials
a cell, one setting for all: both ends tested first, the answer confirmed, the prior of the program),
its speed, and side by side with git and git-bayesect in real repositories."""
import json
import os
import statistics
import subprocess
from pathlib import Path

import bisect_tools
from bisect_tools import World
from figures import ASSAY, main, show

SIM = Path(ASSAY).resolve().parents[2] / "tests/bench/bench_bisect" if ASSAY else None


def sim(*options):
    words = [str(w) for w in (SIM, "--prior", .4, "--older", .02, *options)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


TRIALS = 3000


def cell(name, options, builds, right=99, p95=None, extra=0):
    """EXTRA: ends whose build counts here."""
    got = sim("--trials", TRIALS, *options)
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
    got = sim("--workers", 4, "--flake", .05, "--trials", TRIALS)
    show("bisect/workers/rounds", got["rounds"],
         f"rounds of 4, the answer confirmed ({got['builds']:g} builds, {got['runs']:g} tests)", "<=", 6)
    show("bisect/workers/right", got["right"], "% right answers", ">=", 99)


def misstated(_):
    for flake in (.05, .2):
        for assume in (.5, 2):
            cell(f"bisect/misstated/x{assume:g}-flakes-{flake:g}",
                 ("--flake", flake, "--assume", assume), 11, right=98 if assume < 1 else 99)
        cell(f"bisect/misstated/learned-flakes-{flake:g}", ("--flake", flake, "--learn", 1), 11)


def slower(_):
    """Steps of a measured value at 1 % of noise; both levels and the noise are learned."""
    for step in (.02, .05):
        cell(f"bisect/slower/step-{step:g}", ("--noise", .01, "--step", step), 10.5)
        cell(f"bisect/slower/step-{step:g}-nobody-0.4", ("--noise", .01, "--step", step, "--none", .4), 8, extra=1)
    cell("bisect/slower/step-0.05-broken", ("--noise", .01, "--step", .05, "--broken", .1, "--run", 20), 14, p95=25)


def speed(_):
    for merges in (0, .3):
        got = sim("--n", 100000, "--trials", 1, "--flake", .05, "--broken", .1, "--run", 20, "--merges",
                  merges)
        show(f"bisect/speed/step-merges-{merges:g}", got["step_ms_max"],
             "ms of processor time, the slowest step on 100,000 commits", "<=", 50)
        got = sim("--n", 1000000, "--trials", 1, "--merges", merges)
        show(f"bisect/speed/open-merges-{merges:g}", got["open_s"], "s of processor time for 1,000,000 commits", "<=", 2)


WORLDS = int(os.environ.get("BISECT_WORLDS", "20"))  # a cell, the same for every tool
WANTED = os.environ.get("BISECT_TOOLS", " ".join(bisect_tools.TOOLS)).split()


def side(scratch, name, flake, broken):
    """Only where no test lies is `--deterministic` a fair setting."""
    repo = scratch / "line"
    bisect_tools.line(repo)
    said, builds, wrong, tests = [], 0, 0, {}
    for tool in WANTED:
        if tool == "assay-deterministic" and flake:
            continue
        costs, right, gave_up = [], 0, 0
        for seed in range(WORLDS):
            world = World(scratch / "world", seed, flake, broken)
            answer, lost = bisect_tools.TOOLS[tool](world, repo)
            costs.append(world.cost())
            gave_up += lost
            right += not lost and world.is_right(answer)
        builds = statistics.mean(c[0] for c in costs)
        tests[tool] = statistics.mean(c[1] for c in costs)
        wrong = WORLDS - right - gave_up
        said.append(f"{tool} {builds:.1f} builds {tests[tool]:.1f} tests {wrong} wrong "
                    f"{gave_up} gave up")
    if not WANTED or WANTED[-1] != "assay":
        raise RuntimeError("assay is not among BISECT_TOOLS, or not the last: " + "; ".join(said))
    note = f"of {WORLDS}: " + "; ".join(said)
    show(f"bisect/side/{name}/builds", builds, f"builds, {note}", "<=", 14)
    show(f"bisect/side/{name}/wrong", 100 * (wrong + gave_up) / WORLDS, f"% of {WORLDS} not named rightly", "<=", 2)
    if "git" in tests and "assay-deterministic" in tests:
        show(f"bisect/side/{name}/tests", tests["assay-deterministic"], "tests with --deterministic, as git's",
             "<=", tests["git"])


def side_figure(name, flake, broken):
    return lambda scratch: side(scratch, name, flake, broken)


def dag(scratch):
    """Tests that git and Assay need in histories with two-parent merges, where no test lies: the mean over
    every commit as the culprit, by what the real `git rev-list --bisect` would have tested."""
    git, assay = [], []
    for seed in range(3):
        repo = scratch / f"dag-{seed}"
        parents = bisect_tools.merges(repo, seed)
        history = scratch / "history"
        history.write_text("".join(" ".join(str(p - 1) for p in above if p) + "\n" for above in parents[1:]))
        count = len(parents) - 1
        got = sim("--history", history, "--n", count, "--trials", count, "--assume", 0, "--ends", 0, "--confirm", 0,
                  "--prior", 0, "--older", 0)
        if got["right"] < 100:
            raise RuntimeError(f"{got['right']} % right where no test lies")
        assay.append(got["runs"])
        git.append(bisect_tools.mean_of_git(repo, parents))
    show("bisect/dag/tests", statistics.mean(assay), f"tests (git {statistics.mean(git):.4f})", "<=",
         statistics.mean(git))


FIGURES = {"bisect/worlds": worlds, "bisect/broken": broken, "bisect/nobody": nobody,
           "bisect/workers": workers, "bisect/misstated": misstated, "bisect/slower": slower, "bisect/speed": speed,
           "bisect/side/clean": side_figure("clean", 0, 0),
           "bisect/side/flakes-0.05": side_figure("flakes-0.05", .05, 0),
           "bisect/side/flakes-0.2": side_figure("flakes-0.2", .2, 0),
           "bisect/side/broken": side_figure("broken", .05, .1),
           "bisect/dag": dag}


if __name__ == "__main__":
    main(FIGURES)
