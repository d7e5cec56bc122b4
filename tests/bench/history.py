#!/usr/bin/env python3
"""The history at its size: 10,000 runs x 200 cases x 20 samples. What an append costs, what every
query of the command line costs (whole process, median of 9 after one that warms), and bytes a run.
ASSAY_BENCH_HISTORY names a history that bench_history has filled so far, to make it only once."""
import json
import os
import statistics
import subprocess
from pathlib import Path

from figures import ASSAY, beside, main, sh, show, timed

FILL = Path(ASSAY).resolve().parents[2] / "tests/bench/bench_history" if ASSAY else None
RUNS, CASES, SAMPLES, MORE, TIMES = 10000, 200, 20, 100, 9
CELL = "gpu=NVIDIA H100 80GB HBM3"


def fill(history, first, count):
    words = [str(w) for w in (FILL, history, first, count, CASES, SAMPLES)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def runs_in(history):
    out = subprocess.run(["sqlite3", history, "SELECT count(*) FROM runs"], check=True,
                         stdout=subprocess.PIPE, text=True)
    return int(out.stdout)


def big(scratch):
    kept = os.environ.get("ASSAY_BENCH_HISTORY")
    history = Path(kept) if kept else scratch / "history.db"
    have = runs_in(history) if history.exists() else 0
    if have < RUNS:
        fill(history, have, RUNS - have)
    return history


def last_id(history, where="1"):
    out = subprocess.run(["sqlite3", history, f"SELECT id FROM runs WHERE {where} ORDER BY started_at "
                          "DESC LIMIT 1"], check=True, stdout=subprocess.PIPE, text=True)
    return out.stdout.strip()


def size(scratch):
    history = big(scratch)
    sh("sqlite3", history, "PRAGMA wal_checkpoint(TRUNCATE)")
    show("history/size", history.stat().st_size / runs_in(history) / 1000,
         f"kB a run of {CASES} cases x {SAMPLES} samples", "<=", 150)


def insert(scratch):
    history = big(scratch)
    got = fill(history, runs_in(history), MORE)
    show("history/insert/median", got["median_ms"],
         f"ms to append one run (p99 {got['p99_ms']:g}, max {got['max_ms']:g})", "<=", 20)
    beside("history/insert/look", got["look_ms"],
           f"ms to look for alarms after it, {CASES} metrics at their newest 400 points")


def queries(scratch):
    history = big(scratch)
    case = ("--case", "serve/endpoint-003")
    words = {
        "runs": (), "flips": ("flips",), "flaky": ("flaky",),
        "show": ("show", last_id(history)),
        "metric-100": ("metric", "latency_3", *case),
        "metric-10000": ("metric", "latency_3", *case, "-n", "20000"),
        "metric-10000-json": ("metric", "latency_3", *case, "-n", "20000", "--format", "json"),
        "metric-cell": ("metric", "latency_3", "--cell", CELL, "--format", "csv"),
        "metric-since": ("metric", "latency_3", "--since", "2026-03-01"),
        "prune-dry-run": ("prune", "--keep-runs", "5000", "--dry-run", "--quiet"),
    }
    for name, arguments in words.items():
        def ask(arguments=arguments):
            sh(ASSAY, "history", *arguments, "--history", history)
        ask()
        took = statistics.median(timed(ask) for _ in range(TIMES))
        show(f"history/queries/{name}", took * 1000, "ms, whole process", "<=", 100)


FIGURES = {"history/size": size, "history/insert": insert, "history/queries": queries}


if __name__ == "__main__":
    main(FIGURES)
