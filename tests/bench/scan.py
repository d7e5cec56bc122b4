#!/usr/bin/env python3
"""Figures of `assay scan` on a real torch image: against tar and gzip reading the same layers, from the
engine's own folders, after a change, in memory; and the zoo.

The image is made of PyPI's wheels once and kept in ASSAY_BENCH_CACHE (11 GB with its archives).
"""
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from figures import ASSAY, CACHE, DOCKER, ENV, TOP, main, sh, show, timed

WHEELS = ["torch==2.7.1", "bitsandbytes==0.48.0"]
IMAGE = "assay-bench/torch:2.7.1"
REPEATS = 3


def out(*argv, **kw):
    return subprocess.run(list(map(str, argv)), check=True, env=ENV, stdout=subprocess.PIPE, text=True, **kw).stdout


def root():
    folder = CACHE / "torch-2.7.1"
    site = folder / "usr/local/lib/python3.11/dist-packages"
    if not (CACHE / "torch-2.7.1.complete").exists():
        site.mkdir(parents=True, exist_ok=True)
        sh(sys.executable, "-m", "pip", "install", "-q", "--target", str(site), *WHEELS)
        (CACHE / "torch-2.7.1.complete").touch()
    return folder


def image():
    if subprocess.run([DOCKER, "image", "inspect", IMAGE], env=ENV, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        sh("sh", "-c", f"tar -C '{root()}' -c . | {DOCKER} import - {IMAGE}")
    return IMAGE


def archive():
    path = CACHE / "torch.tar"
    if not path.exists():
        sh(DOCKER, "save", "-o", str(path), image())
    return path


def packed():
    """The same layer, gzip, as an OCI layout."""
    layout = CACHE / "torch-oci"
    if not (layout / "oci-layout").exists():
        blobs = layout / "blobs/sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        member = next(m["Layers"][0] for m in json.loads(out("tar", "-xOf", archive(), "manifest.json")))
        sh("sh", "-c", f"tar -xOf '{archive()}' '{member}' | gzip -1 > '{layout}/layer.gz'")
        diff = out("sh", "-c", f"gzip -dc '{layout}/layer.gz' | sha256sum").split()[0]
        digest = out("sha256sum", layout / "layer.gz").split()[0]
        (layout / "layer.gz").rename(blobs / digest)

        def blob(value, kind):
            data = json.dumps(value).encode()
            name = subprocess.run(["sha256sum"], input=data, stdout=subprocess.PIPE, check=True).stdout.split()[0].decode()
            (blobs / name).write_bytes(data)
            return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{name}", "size": len(data)}

        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": f"sha256:{digest}",
                 "size": (blobs / digest).stat().st_size}
        config = blob({"architecture": "amd64", "os": "linux", "config": {}, "history": [{"created_by": "import"}],
                       "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]}}, "config.v1+json")
        manifest = blob({"schemaVersion": 2, "config": config, "layers": [layer]}, "manifest.v1+json")
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return layout


def scan(scratch, *words):
    done = subprocess.run([ASSAY, "scan", "--quiet", *map(str, words)], env={**ENV, "ASSAY_CACHE": str(scratch / "cache")},
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.strip())


def versus(name, scratch, ours, reference):
    """Speed of OURS as a share of the reference's, interleaved, both with the page cache warm."""
    mine, theirs = [], []
    reference()
    for _ in range(REPEATS):
        theirs.append(timed(reference))
        mine.append(timed(lambda: scan(scratch, "--no-cache", *ours)))
    show(name, statistics.median(theirs) / statistics.median(mine), "x the speed of tar reading the same layers", ">=", 0.7)


def plain(scratch):
    path = archive()
    member = next(m["Layers"][0] for m in json.loads(out("tar", "-xOf", path, "manifest.json")))
    versus("facts/scan-archive", scratch, ["--tar", path],
           lambda: sh("sh", "-c", f"tar -xOf '{path}' '{member}' | tar -t"))


def gzipped(scratch):
    layout = packed()
    layer = max((layout / "blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)
    versus("facts/scan-gzip", scratch, ["--oci", layout], lambda: sh("sh", "-c", f"gzip -dc '{layer}' | tar -t"))


def drop_caches():
    sh("sync")
    Path("/proc/sys/vm/drop_caches").write_text("3")


def storage(scratch):
    name = image()
    times = []
    for _ in range(REPEATS):
        drop_caches()
        times.append(timed(lambda: scan(scratch, "--no-cache", name)))
    show("facts/scan-storage-cold", statistics.median(times), "s for 5.4 GiB, page cache dropped", "<=", 5)
    scan(scratch, name)
    show("facts/scan-storage-warm", statistics.median(timed(lambda: scan(scratch, name)) for _ in range(REPEATS)),
         "s with the layer known", "<=", 1)
    times = []
    for i in range(REPEATS):
        tag = f"assay-bench/torch:changed-{i}"
        sh(DOCKER, "build", "-q", "--network", "none", "-t", tag, "-",
           input=f"FROM {name}\nLABEL changed={os.urandom(8).hex()}\nWORKDIR /changed-{os.urandom(8).hex()}\n".encode())
        times.append(timed(lambda tag=tag: scan(scratch, tag)))
        sh(DOCKER, "rmi", tag)
    show("facts/rescan-top-layer", statistics.median(times), "s after the top layer changed", "<=", 1)


def memory(scratch):
    probe = ("import resource,subprocess,sys; subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    peaks = [int(out(sys.executable, "-c", probe, ASSAY, "scan", "--quiet", "--no-cache", *words)) / 1024
             for words in (["--tar", archive()], ["--oci", packed()], [image()])]
    show("facts/scan-memory", max(peaks), "MiB peak, worst of archive, gzip layout and storage folders", "<=", 256)


def zoo(scratch):
    sh(TOP / "fixtures/zoo/make", scratch / "zoo")
    said = subprocess.run([TOP / "fixtures/zoo/check", ASSAY, scratch / "zoo"], stdout=subprocess.PIPE, text=True).stdout
    caught, total, clean, _ = map(int, re.search(r"(\d+) of (\d+) caught, (\d+) of (\d+) twins clean", said).groups())
    show("facts/zoo-caught", caught / total, f"of {total} real regressions caught by their label", ">=", 1)
    show("facts/zoo-clean", clean / total, f"of {total} healthy twins clean", ">=", 1)


if __name__ == "__main__":
    main({"facts/scan-archive": plain, "facts/scan-gzip": gzipped, "facts/scan-storage": storage,
          "facts/scan-memory": memory, "facts/zoo": zoo})
