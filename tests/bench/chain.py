#!/usr/bin/env python3
"""Figures of the chain group, each measured beside its reference in this very run.

Every timing is the median of interleaved repetitions. The work "by hand" is what a script would
do with git and Debian's docker client against the same engine.
"""
import json
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from figures import ASSAY, DOCKER, ENV, main, sh, show, timed


def repo(folder, dockerfile, checks, files=()):
    folder.mkdir(parents=True)
    sh("git", "init", "-q", "-b", "main", str(folder))
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "assay.jsonc").write_text(json.dumps(
        {"assay": 1, "name": "bench", "checks": checks}))
    for name, data in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    sh("git", "-C", str(folder), "add", "-A")
    sh("git", "-C", str(folder), "commit", "-q", "-m", "bench")
    return folder


def assay(folder, state, *more, codes=(0,)):
    done = subprocess.run([ASSAY, "run", "--repo", str(folder), "--quiet", *more],
                          env={**ENV, "ASSAY_STATE": str(state)}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode not in codes:
        raise RuntimeError(f"assay exited {done.returncode}: {done.stdout.decode()[-500:]}")


def command(i):
    return {"name": f"c{i}", "kind": "command", "command": ["sh", "-c", f"test {i} -ge 0"]}


def overhead(scratch):
    """A run with 3 checks against git archive | docker build and 3 docker run, caches cold both."""
    ours, hand = [], []
    for i in range(7):
        text = f"FROM assay-fixture/base:1\nRUN echo {time.time_ns()} > /a\nCOPY . /srv\n"
        r = repo(scratch / f"overhead{i}", text, [command(k) for k in range(3)])
        tag = f"assay-bench/hand:{i}"

        def by_assay():
            assay(r, scratch / "state", "--rebuild", "--no-cache")

        def by_hand():
            sh("sh", "-c", f"git -C {r} archive HEAD | {DOCKER} build -q --no-cache "
                           f"--network none -t {tag} -")
            for k in range(3):
                sh(DOCKER, "run", "--rm", "--network", "none", tag, "sh", "-c", f"test {k} -ge 0")

        pair = [(ours, by_assay), (hand, by_hand)]
        random.shuffle(pair)
        for times, call in pair:
            times.append(timed(call))
        sh(DOCKER, "rmi", "-f", tag, check=False)
    extra = (statistics.median(ours) - statistics.median(hand)) * 1000
    allowed = max(300.0, statistics.median(hand) * 50)
    show("chain/overhead", extra, "ms over git archive | docker build + docker run per check",
         "<=", allowed)


def reuse(scratch):
    r = repo(scratch / "reuse", "FROM assay-fixture/base:1\nCOPY . /srv\n",
             [command(k) for k in range(3)])
    assay(r, scratch / "state")
    times = [timed(lambda: assay(r, scratch / "state", "--reuse")) for _ in range(11)]
    show("chain/reuse", statistics.median(times) * 1000, "ms", "<=", 200)


def hundred(scratch):
    """100 checks on a known image against the same 100 commands in one docker run."""
    r = repo(scratch / "hundred", "FROM assay-fixture/base:1\n", [command(i) for i in range(100)])
    assay(r, scratch / "state")
    image = "assay-fixture/base:1"
    script = "\n".join(f"sh -c 'test {i} -ge 0'" for i in range(100))
    execs = " && ".join(f"{DOCKER} exec $c sh -c 'test {i} -ge 0'" for i in range(100))
    ours, shell, exec_ = [], [], []
    for i in range(9):
        calls = [(ours, lambda: assay(r, scratch / "state")),
                 (shell, lambda: sh(DOCKER, "run", "--rm", "--network", "none", image, "sh", "-c",
                                    script))]
        random.shuffle(calls)
        for times, call in calls:
            times.append(timed(call))
        if i == 0:
            exec_.append(timed(lambda: sh(
                "sh", "-c", f"c=$({DOCKER} run -d --rm --network none {image} sleep 600) && "
                            f"{execs}; {DOCKER} rm -f $c")))
    show("chain/hundred-checks", statistics.median(ours) / statistics.median(shell),
         "x one docker run of a script with the 100 commands", "<=", 1.2)
    show("chain/hundred-checks-exec", statistics.median(ours) / exec_[0],
         "x one container and 100 docker exec", "<=", 1.2)


def peak_kib(folder, state):
    """Peak of assay alone: a small parent, since a child starts with its parent's peak."""
    probe = ("import resource,subprocess,sys; code = subprocess.call(sys.argv[1:], "
             "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); "
             "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", probe, ASSAY, "run", "--repo", str(folder),
                           "--quiet"], env={**ENV, "ASSAY_STATE": str(state)},
                          stdout=subprocess.PIPE, check=True)
    code, peak = map(int, done.stdout.split())
    if code != 0:
        raise RuntimeError(f"assay exited {code}")
    return peak


def memory(scratch):
    """1 GB of context (256 files of 4 MiB), then a build that prints 100 MB."""
    files = ((f"data/{i}", random.randbytes(4 << 20)) for i in range(256))
    r = repo(scratch / "context", "FROM assay-fixture/base:1\nCOPY Dockerfile /\n", [command(0)],
             files)
    show("chain/memory-context-1gb", peak_kib(r, scratch / "state") / 1024, "MiB peak", "<=", 64)
    shutil.rmtree(r)
    r = repo(scratch / "log", "FROM assay-fixture/base:1\n"
             "RUN i=0; while [ $i -lt 100 ]; do head -c 1000000 /dev/zero | tr '\\0' x | "
             "fold -w 99; i=$((i+1)); done\n", [command(0)])
    show("chain/memory-log-100mb", peak_kib(r, scratch / "state") / 1024, "MiB peak", "<=", 64)


def kill9(scratch):
    """kill -9 at 100 random points; then one start, and nothing may be left or lost."""
    state = scratch / "kill-state"
    r = repo(scratch / "kill", "FROM assay-fixture/base:1\nRUN echo $RANDOM > /a\n",
             [command(i) for i in range(4)])
    assay(r, state)
    whole = timed(lambda: assay(r, state, "--rebuild", "--no-cache"))
    acknowledged = set()
    for _ in range(100):
        p = subprocess.Popen([ASSAY, "run", "--repo", str(r), "--json", "--quiet", "--rebuild",
                              "--no-cache"], env={**ENV, "ASSAY_STATE": str(state)},
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            out, _ = p.communicate(timeout=random.uniform(0, whole * 1.5))
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            out, _ = p.communicate()
        try:
            acknowledged.add(json.loads(out)["id"])
        except ValueError:
            pass
    assay(r, state)
    db = sqlite3.connect(state / "history.db")
    kept = {row[0] for row in db.execute("SELECT id FROM runs")}
    bad = len(acknowledged - kept)
    bad += db.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
    bad += db.execute("SELECT count(*) FROM runs WHERE verdict = 'fail'").fetchone()[0]
    left = subprocess.run([DOCKER, "ps", "-aq", "--filter", "label=assay.lock"], env=ENV,
                          stdout=subprocess.PIPE, check=True).stdout.split()
    temporary = [p for p in state.rglob("*") if ".tmp-" in p.name or p.name == "lock"]
    show("chain/kill-9", bad + len(left) + len(temporary),
         f"lost runs, failures, containers or files left after 100 kills "
         f"({len(acknowledged)} acknowledged, {len(kept)} kept)", "<=", 0)


FIGURES = {"chain/overhead": overhead, "chain/reuse": reuse, "chain/hundred-checks": hundred,
           "chain/memory": memory, "chain/kill-9": kill9}


if __name__ == "__main__":
    main(FIGURES, base=True)
