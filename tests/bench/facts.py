#!/usr/bin/env python3
"""Figures of the facts group: GPU code of real libraries, read by us and by NVIDIA's cuobjdump.

Libraries and cuobjdump come from PyPI wheels and are kept, unpacked, in $ASSAY_BENCH_CACHE
(~/.cache/assay-bench, 3 GB in its folder libraries). archs.c is our side.
"""
import collections
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from figures import CACHE, TOP, main, show

KEPT = CACHE / "libraries"
ARCHS = TOP / "build/release/tests/bench/bench_archs"
WHEELS = ["torch==2.11.0", "bitsandbytes==0.50.2", "nvidia-cublas==13.10.0.20",
          "nvidia-cudnn-cu13==9.28.1.4", "nvidia-nccl-cu13==2.32.3"]
TOOL = "nvidia-cuda-cuobjdump==13.5.37"


def fetch(wheel):
    """The folder with the libraries of a wheel, downloaded when it is not there yet."""
    folder = KEPT / wheel.replace("==", "-")
    if folder.is_dir():
        return folder
    KEPT.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=KEPT))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary",
             ":all:", "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64",
             "--platform", "manylinux_2_27_x86_64", "--platform", "manylinux_2_24_x86_64",
             "--platform", "manylinux2014_x86_64", "--platform", "manylinux1_x86_64",
             "--dest", str(scratch), wheel], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"{wheel}: {done.stderr.strip().splitlines()[-1]}")
        for path in scratch.glob("*.whl"):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    base = name.rsplit("/", 1)[-1]
                    if ".so" in base or base == "cuobjdump":
                        archive.extract(name, scratch)
            path.unlink()
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def is_elf(path):
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries():
    found = [p for w in WHEELS for p in fetch(w).rglob("*.so*") if p.is_file()]
    return sorted(p for p in found if is_elf(p))


def cuobjdump():
    path = next(p for p in fetch(TOOL).rglob("cuobjdump") if p.is_file())
    path.chmod(0o755)
    return str(path)


def ours(paths):
    done = subprocess.run([ARCHS, *map(str, paths)], check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def listed(tool, path):
    """Entries per (kind, architecture with suffix), as cuobjdump prints their headers; and as -lelf
    and -lptx list them, which leave out the f of machine code. None where cuobjdump gives up."""
    def counted(pattern, *options):
        done = subprocess.run([tool, *options, str(path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace")
        if done.returncode and "fatal" in done.stderr and "Invalid ELF" in done.stderr:
            raise LookupError(done.stderr.strip())
        return collections.Counter(re.findall(pattern, done.stdout, re.M))

    headers = counted(r"^Fatbin (elf|ptx) code:\n=+\narch = sm_(\d+[af]?)$")
    files = counted(r"^(ELF) file .*\.sm_(\d+[af]?)\.cubin$", "-lelf")
    files.update(counted(r"^(PTX) file .*\.sm_(\d+[af]?)\.ptx$", "-lptx"))
    names = {"elf": "sass", "ptx": "ptx", "ELF": "sass", "PTX": "ptx"}
    return [collections.Counter({(names[kind], arch): n for (kind, arch), n in found.items()})
            for found in (headers, files)]


def without_family(counts):
    out = collections.Counter()
    for (kind, arch), n in counts.items():
        out[kind, arch.rstrip("f") if kind == "sass" else arch] += n
    return out


def agreement(_):
    """Libraries in which any count per architecture, suffix and kind differs from cuobjdump's."""
    tool, wrong, failed, entries, with_code = cuobjdump(), [], [], 0, 0
    paths = libraries()
    for path, read in zip(paths, ours(paths)):
        mine = collections.Counter({(a["kind"], a["arch"]): a["entries"] for a in read["archs"]})
        try:
            headers, files = listed(tool, path)
        except LookupError:
            failed.append(path.name)
            continue
        entries += sum(headers.values())
        with_code += bool(headers)
        if mine != headers or without_family(mine) != files or read["malformed"] or read["stubs"]:
            wrong.append(path.name)
    if not with_code:
        raise RuntimeError("cuobjdump found no device code in any library")
    note = f", wrong: {' '.join(wrong)}" if wrong else ""
    note += f"; cuobjdump fails on {' '.join(failed)}" if failed else ""
    show("facts/fatbin-agreement", len(wrong), f"of {len(paths) - len(failed)} libraries "
         f"({with_code} with device code, {entries} entries) differ from cuobjdump{note}", "<=", 0)


def torch_cuda():
    return next(fetch(WHEELS[0]).rglob("libtorch_cuda.so"))


def read_time(_):
    """Everything that a scan reads of libtorch_cuda.so, symbols and versions too."""
    show("facts/fatbin-time", ours([torch_cuda()])[0]["ns"] / 1e6,
         f"ms to read libtorch_cuda.so of {WHEELS[0]}, warm", "<=", 10)


def ratio(_):
    """Our whole reading against one that lists architectures alone."""
    tool, path, theirs = cuobjdump(), torch_cuda(), []
    mine = ours([path])[0]["ns"]
    for _ in range(3):
        start = time.monotonic()
        subprocess.run([tool, "-lelf", str(path)], check=True, stdout=subprocess.DEVNULL)
        theirs.append((time.monotonic() - start) * 1e9)
    show("facts/fatbin-ratio-to-cuobjdump", statistics.median(theirs) / mine,
         "x faster than cuobjdump -lelf on libtorch_cuda.so, warm", ">=", 500)


if __name__ == "__main__":
    main({"facts/fatbin-time": read_time, "facts/fatbin-ratio-to-cuobjdump": ratio,
          "facts/fatbin-agreement": agreement})
