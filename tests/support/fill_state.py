#!/usr/bin/env python3
"""fill_state.py STATE: beside a history of make_history, what runs keep: facts of every image, build
logs, and one bisection. The same bytes each time."""
import json
import sqlite3
import sys
from pathlib import Path


def origin(step):
    words = {1: "FROM debian:12-slim", 4: "RUN pip install --ignore-installed blinker -c constraints.txt "
             "-r requirements.txt", 5: "COPY serve /srv/serve"}
    return {"layer": {1: 1, 4: 2, 5: 3}[step], "step_number": step, "step": words[step]}


def facts(image, number):
    torch = ["2.6.0", "2.7.1"][number % 2]
    archs = [50, 60, 70, 75, 80, 86, 90] + [120] * (number % 2)
    return {
        "assay_facts": 1, "image": image, "image_id": image, "size_bytes": 160 << 20, "file_count": 7021,
        "config": {"env": ["PATH=/usr/bin", "API_TOKEN=***", "X=</script>"], "entrypoint": ["python3"],
                   "cmd": ["/srv/serve/main.py"], "ports": [], "volumes": [], "healthcheck": [],
                   "workdir": "/srv", "os": "linux", "arch": "amd64", "labels": {}},
        "os": {"id": "debian", "version": "12", "pretty": "Debian GNU/Linux 12 (bookworm)", "glibc": "2.36"},
        "python": {"version": "3.11", "path": "/usr/bin/python3.11", "sites": []},
        "torch": {"path": "/usr/lib/python3/dist-packages/torch", "version": torch + "+cu126", "cuda": "12.6",
                  "metadata_version": "2.6.0+cu124", "metadata_versions": ["2.6.0+cu124"], "index": "pypi",
                  "origin": origin(4)},
        "dists": [{"name": name, "version": version, "path": f"/usr/lib/python3/{name}.dist-info",
                   "site": "/usr/lib/python3", "requested": True, "shadowed": False, "requires": [],
                   "origin": origin(4), "size_bytes": 1 << 20}
                  for name, version in (("torch", torch), ("bitsandbytes", "0.45.0"), ("blinker", "1.9.0"))],
        "broken_requirements": [],
        "packages": [{"name": f"lib{i}", "version": f"1.{number}", "arch": "amd64", "source": "dpkg",
                      "size_bytes": 4096 * i, "origin": origin(1)} for i in range(60)],
        "libraries": [{"path": "/usr/lib/python3/dist-packages/torch/lib/libtorch_cuda.so", "machine": "x86_64",
                       "device": [{"cc": cc, "suffix": "", "kind": "sass", "entries": 1, "fatbins": 1,
                                   "bytes": 1 << 20} for cc in archs], "fatbins": 1, "zstd": False,
                       "origin": origin(4), "needed": {}}],
        "layers": [{"origin": origin(s), "size_bytes": size << 20, "hidden_bytes": s << 10}
                   for s, size in ((1, 90), (4, 60), (5, 10))],
    }


def bisection(runs):
    suspects = runs[20:44]
    posterior = [{"commit": r[2], "probability": {10: 0.03, 11: 0.94}.get(i, 0.001)}
                 for i, r in enumerate(suspects)]
    posterior[3]["subject"] = "</script><b>hostile"
    posterior[5]["no_verdict"] = posterior[7]["same_inputs"] = True
    posterior[10].update(fails=0, passes=4)
    posterior[11].update(fails=4, passes=0)
    seen = ((23, "fail"), (12, "fail"), (5, "no verdict"), (10, "pass"), (11, "fail"))
    return {
        "assay_bisect": 1, "good": runs[19][2], "bad": runs[43][2], "suite": "inference", "ending": "culprit",
        "probability": 0.94, "confirmed": True, "commits": [suspects[11][2]],
        "wanted": [{"check": "torch-imports", "signature": "expected code for sm_120"}],
        "cause": {"before": "a", "after": "b", "differences": [
            {"topic": "python", "name": "torch", "before": "2.6.0", "after": "2.7.1", "where": "step 4"}]},
        "cost": {"suspects": 24, "different": 9, "builds": 5, "tests": 9, "retries": 0, "work_s": 341.5},
        "evidence": [{"commit": suspects[i][2], "seen": what, "note": "as seen", "run": suspects[i][0],
                      "build_s": 61.2, "test_s": 3.4} for i, what in seen],
        "posterior": posterior, "no_culprit": 0.004, "older": 0.0001}


def main(state):
    runs = sqlite3.connect(state / "history.db").execute(
        "SELECT id, image_id, commit_hash FROM runs ORDER BY id").fetchall()
    known = {}
    for index, (run, image, _) in enumerate(runs):
        folder = state / "runs" / run
        folder.mkdir(parents=True)
        (folder / "build.log").write_text("Step 1/6 : FROM debian:12-slim\n" * (5000 if index % 2 else 10))
        if image and image not in known:
            known[image] = len(known)
            (folder / "facts.json").write_text(json.dumps(facts(image, known[image])))
    if len(runs) > 44:
        (state / "bisect/0123456789abcdef").mkdir(parents=True)
        (state / "bisect/0123456789abcdef/answer.json").write_text(json.dumps(bisection(runs)))
        (state / "bisect/unfinished").mkdir()


main(Path(sys.argv[1]))
