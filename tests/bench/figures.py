"""What the figures share: how one is printed, run and skipped. A figure that could not be measured
says why, never a default."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY", "")
DOCKER = "/usr/bin/docker"
CACHE = Path(os.environ.get("ASSAY_BENCH_CACHE") or Path.home() / ".cache/assay-bench")
ENV = {**os.environ, "DOCKER_BUILDKIT": "0", "GIT_CONFIG_GLOBAL": "/dev/null",
       "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@example",
       "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@example"}
OPS = {"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}


def show(name, value, unit, op, goal):
    met = "met" if OPS[op](value, goal) else "missed"
    if os.environ.get("BENCH_JSON"):
        print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "op": op,
                          "met": met == "met"}), flush=True)
    else:
        print(f"bench {name} {value:.4g} {unit}   goal {op}{goal:g}   {met}", flush=True)


def beside(name, value, unit):
    """A figure of somebody else's tool or rule, in the same run: it has no goal."""
    if os.environ.get("BENCH_JSON"):
        print(json.dumps({"name": name, "value": value, "unit": unit}), flush=True)
    else:
        print(f"bench {name} {value:.4g} {unit}   for comparison", flush=True)


def skip(name, why):
    if os.environ.get("BENCH_JSON"):
        print(json.dumps({"name": name, "not_measured": why}), flush=True)
    else:
        print(f"bench {name} not measured: {why}", flush=True)


def sh(*argv, check=True, **kw):
    return subprocess.run(argv, check=check, env=kw.pop("env", ENV), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **kw)


def timed(call):
    start = time.monotonic()
    call()
    return time.monotonic() - start


def main(figures, base=False):
    """FIGURES maps names to functions of a scratch folder; BASE: they need the fixtures' base image."""
    if sys.argv[1:] == ["--list"]:
        print("\n".join(figures))
        return
    wanted = [n for n in figures if any(n == w or n.startswith(w + "/") for w in sys.argv[1:])]
    if not wanted:
        return
    if base and not Path(DOCKER).exists():
        sys.exit(f"bench: {DOCKER} is missing: ci/setup")
    if base:
        subprocess.run([TOP / "fixtures/incident/make-base"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    for name in wanted:
        scratch = Path(tempfile.mkdtemp(prefix="assay-bench-"))
        try:
            figures[name](scratch)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            skip(name, str(error))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
