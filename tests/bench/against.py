#!/usr/bin/env python3
"""`assay run --against` on this machine: gates of one processor-bound workload in containers, which tells the
rate of the quickest of nine laps. First of an image with itself, then of images that do so much more work that
their rate is 1, 2, 3 and 5 % lower. Gates of all kinds take turns until there are enough or the time is over;
how many there were is in the figure, and how much one run of the same image differs from the next.

ASSAY_BENCH_GATES      gates of the same image (200); of each slower one there are an eighth as many
ASSAY_BENCH_SECONDS    when to stop (600)
ASSAY_BENCH_AGAINST    a folder to keep repository and history in: the next call adds to what is there"""
import json
import math
import os
import sqlite3
import statistics
import struct
import subprocess
import time
from pathlib import Path

from figures import ASSAY, ENV, beside, main, sh, show

GATES = int(os.environ.get("ASSAY_BENCH_GATES", "200"))
SECONDS = float(os.environ.get("ASSAY_BENCH_SECONDS", "600"))
SLOWER = (1, 2, 3, 5)
EACH = 8  # gates of the same image for one of each slower one
DONE, FAILED, OPEN = 0, 1, 5
UNITS = 800  # pieces of work in a lap of the image that is not slower
WORK = """import hashlib, time
units = int(open('/units').read())
data = bytes(16384)
laps = []
for _ in range(9):
    start = time.perf_counter()
    for _ in range(units):
        hashlib.sha256(data).digest()
    laps.append(time.perf_counter() - start)
print('{"rate": %r}' % (1 / min(laps)))
"""
CHECK = {"name": "work", "kind": "command", "command": ["python3", "-S", "-E", "/work.py"],
         "metrics": [{"name": "rate", "path": "$.rate", "unit": "1/s", "better": "higher"}]}


def name_of(percent):
    return f"slower-{percent}" if percent else "same"


def make_repo(folder):
    """Tags same, slower-1 and so on: commits whose images differ in the amount of work alone."""
    folder.mkdir(parents=True)
    sh("git", "init", "-q", "-b", "main", folder)
    (folder / "Dockerfile").write_text("FROM assay-fixture/base:1\nCOPY work.py units /\n")
    (folder / ".dockerignore").write_text("assay.jsonc\n")
    (folder / "work.py").write_text(WORK)
    (folder / "assay.jsonc").write_text(json.dumps({"assay": 1, "name": "against", "checks": [CHECK]}))
    for percent in (0, *SLOWER):
        (folder / "units").write_text(f"{round(UNITS * 100 / (100 - percent))}\n")
        sh("git", "-C", folder, "add", "-A")
        sh("git", "-C", folder, "commit", "-q", "-m", name_of(percent))
        sh("git", "-C", folder, "tag", name_of(percent))


def gate(repo, state, percent):
    done = subprocess.run([ASSAY, "run", "--repo", repo, "--quiet", "--commit", name_of(percent), "--against", "same"],
                          env={**ENV, "ASSAY_STATE": str(state)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode not in (DONE, FAILED, OPEN):
        raise RuntimeError(f"assay exited {done.returncode}: {done.stdout[-500:]}")


def decided(repo, state):
    """Of every gate that the history kept, by the name of the image under test: verdict, pairs, noise of a run."""
    rows = {name_of(percent): [] for percent in (0, *SLOWER)}
    history = state / "history.db"
    if not history.exists():
        return rows
    commits = {}
    for name in rows:
        done = subprocess.run(["git", "-C", repo, "rev-parse", name], env=ENV, check=True, capture_output=True,
                              text=True)
        commits[done.stdout.strip()] = name
    with sqlite3.connect(f"file:{history}?mode=ro", uri=True) as db:
        for commit, verdict, *sides in db.execute(
                "SELECT after_commit, verdict, before_values, after_values FROM trials"):
            pairs = zip(*(struct.unpack(f"<{len(side) // 8}d", side) for side in sides))
            ratios = [math.log(after / before) for before, after in pairs]
            rows[commits[commit]].append((verdict, len(ratios), 100 * statistics.stdev(ratios) / math.sqrt(2)))
    return rows


def share(rows, verdict):
    return 100 * sum(row[0] == verdict for row in rows) / len(rows)


def report(rows, seconds):
    same = rows.pop("same")
    if not same:
        raise RuntimeError("no gate came to an end in the time given")
    note = (f"of {len(same)} gates of the same image fail, {share(same, 'inconclusive'):.3g} % inconclusive, "
            f"{2 * sum(row[1] for row in same) / len(same):.3g} runs each")
    show("history/against/false-fails", share(same, "fail"), f"% {note}", "<=", .5)
    for name, slower in rows.items():
        if not slower:
            continue
        unit = (f"% of {len(slower)} gates fail, {share(slower, 'inconclusive'):.3g} % inconclusive, "
                f"{2 * sum(row[1] for row in slower) / len(slower):.3g} runs each")
        if name == name_of(1):  # half the margin: it is not asked to be seen
            beside(f"history/against/{name}", share(slower, "fail"), unit)
        else:
            show(f"history/against/{name}", share(slower, "fail"), unit, ">=", 95)
    beside("history/against/noise", statistics.median(row[2] for row in same),
           "% deviation of one run of the same image, the median of the gates")
    beside("history/against/seconds", seconds, "s a gate, images built before, processes and containers included")


def against(scratch):
    folder = Path(os.environ.get("ASSAY_BENCH_AGAINST") or scratch)
    repo, state = folder / "repo", folder / "state"
    if not repo.exists():
        make_repo(repo)
    for percent in SLOWER:  # builds
        have = decided(repo, state)[name_of(percent)]
        if not have:
            gate(repo, state, percent)
    start, gates = time.monotonic(), 0
    while time.monotonic() - start < SECONDS:
        have = {name: len(rows) for name, rows in decided(repo, state).items()}
        late = [p for p in SLOWER if have[name_of(p)] * EACH < min(have["same"], GATES)]
        if not late and have["same"] >= GATES:
            break
        gate(repo, state, late[0] if late else 0)
        gates += 1
    report(decided(repo, state), (time.monotonic() - start) / max(gates, 1))


if __name__ == "__main__":
    main({"history/against": against}, base=True)
