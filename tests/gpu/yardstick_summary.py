#!/usr/bin/env python3
"""yardstick_summary.py OUT: what `yardstick` left in OUT as OUT/yardstick.json, and a short table."""
import json
import statistics
import sys
import time

out = sys.argv[1]


def rows(name):
    return [json.loads(line) for line in open(f"{out}/{name}.jsonl", encoding="utf-8")]


def median(row, name):
    for metric in row["metrics"]:
        if metric["name"] == name:
            return statistics.median(metric["samples"])
    return None


def outcomes(name):
    counted = {}
    for row in rows(name):
        counted[row["outcome"]] = counted.get(row["outcome"], 0) + 1
        if row["outcome"] not in ("pass", "skip"):
            print(f"{row['name']}: {row['outcome']} {row.get('actual', '')}{row.get('reason', '')}")
    print(f"{name}: {counted}")
    return counted


result = {"date": time.strftime("%Y-%m-%d"), "gates": outcomes("gates"), "self_test": outcomes("self-test"),
          "sanitizer": open(f"{out}/sanitizer.txt", encoding="utf-8").read().splitlines(), "own": {}, "library": {}}
runs = {}
for row in rows("own"):
    if row["outcome"] == "pass" and row["metrics"]:
        runs.setdefault(row["name"], []).append(row)
        result["machine"] = row["cell"] if "cell" in row else result.get("machine", "unknown")
for name, found in runs.items():
    entry = {"us": statistics.median(median(r, "time") for r in found),
             "share": statistics.median(median(r, "share-of-ceiling") for r in found), "processes": len(found)}
    ratios = [median(r, "over-roofline") for r in found]
    if None not in ratios:
        entry["over_roofline"] = statistics.median(ratios)
    result["own"][name[len("bench/yardstick/"):]] = entry
for row in rows("library"):
    if row["outcome"] != "pass" or median(row, "time") is None:
        continue
    name = row["name"][len("bench/"):]
    entry = result["library"][name] = {"us": median(row, "time"), "share": median(row, "share-of-ceiling")}
    own = result["own"].get(name)
    if own and "over_roofline" in own:
        entry["over_roofline"] = entry["us"] / (own["us"] / own["over_roofline"])
with open(f"{out}/yardstick.json", "w", encoding="utf-8") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
for line in result["sanitizer"]:
    print(line)
for name, entry in result["own"].items():
    line = f"{name}: {entry['us']:.1f} us, {entry['share']:.1%} of the read ceiling"
    if "over_roofline" in entry:
        line = f"{name}: {entry['us']:.1f} us, {entry['over_roofline']:.2f} of the roofline"
    beside = result["library"].get(name)
    if beside and "over_roofline" in beside:
        line += f"; the library {beside['us']:.1f} us, {beside['over_roofline']:.2f}"
    print(line)
for name, entry in result["library"].items():
    print(f"library {name}: {entry['us']:.1f} us")
