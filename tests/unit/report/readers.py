#!/usr/bin/env python3
"""Read every golden report with a parser that is not ours, and compare it with its run.json."""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

FAILED, SKIPPED = ("fail", "timeout"), ("skip", "notrun")
problems = []


def check(what, wanted, got):
    if wanted != got:
        problems.append(f"{what}: wanted {wanted!r}, got {got!r}")


# What a mark makes of an outcome.
MARKS = {"xfail": "skip", "quarantined": "skip", "xpass": "fail", "flaky": "broken"}


def counts_as(case):
    return MARKS.get(case.get("mark"), case["outcome"])


def element_of(outcome):
    if outcome == "pass":
        return None
    return "failure" if outcome in FAILED else "skipped" if outcome in SKIPPED else "error"


def junit(where, text, run):
    root = ElementTree.fromstring(text)
    suite = root.find("testsuite")
    cases = suite.findall("testcase")
    empty = run["verdict"] == "empty"
    check(f"{where} cases", len(run["cases"]) + empty, len(cases))
    check(f"{where} tests", str(len(cases)), suite.get("tests"))
    for element, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        found = len(suite.findall(f"testcase/{element}"))
        check(f"{where} {attribute}", str(found), suite.get(attribute))
        check(f"{where} {attribute} of the root", str(found), root.get(attribute))
    for case, xml in zip(run["cases"], cases):
        wanted = element_of(counts_as(case))
        found = [child.tag for child in xml if not child.tag.startswith("system-")]
        check(f"{where} {case['name']!r}", [wanted] if wanted else [], found)
        for key, tag in (("stdout", "system-out"), ("stderr", "system-err")):
            if case.get(key) and "\uf8ff" not in case[key]:
                output = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", case[key])
                check(f"{where} {tag}", output, xml.findtext(tag))
    check(f"{where} green", run["verdict"] == "pass" or run["verdict"] == "inconclusive",
          suite.get("failures") == "0" and suite.get("errors") == "0"
          and not any(case["outcome"] == "notrun" for case in run["cases"]))


def as_json(where, text, run):
    got = json.loads(text)
    if "hostile" in where:  # the test spoils its bytes
        check(f"{where} cases", len(run["cases"]), len(got["cases"]))
    else:
        check(where, run, got)


def yaml_scalar(where, line):
    match = re.fullmatch(r'  ([a-z_]+): ("(?:[^"\\\x00-\x1f]|\\["\\]|\\u[0-9A-F]{4})*"|[0-9.]+)', line)
    check(f"{where}: YAML line {line!r}", True, match is not None)


def tap(where, text, run):
    lines = text.split("\n")
    check(f"{where} version", "TAP version 14", lines[0])
    check(f"{where} plan", f"1..{len(run['cases'])}", lines[1])
    check(f"{where} end", "", lines[-1])
    points, inside = [], False
    for line in lines[2:-1]:
        if line in ("  ---", "  ..."):
            inside = line == "  ---"
        elif inside:
            yaml_scalar(where, line)
        elif not line.startswith(("# ", "Bail out! ")):
            match = re.fullmatch(r"(not ok|ok) (\d+) - ((?:[^#\\]|\\[#\\])*)(# SKIP .*|# TODO .*)?", line)
            check(f"{where}: test point {line!r}", True, match is not None)
            if match:
                points.append((match[1], int(match[2]), bool(match[4])))
    wanted = [("ok" if case["outcome"] in ("pass", "skip") and case.get("mark") != "xpass" else "not ok", number,
               counts_as(case) == "skip") for number, case in enumerate(run["cases"], 1)]
    check(f"{where} points", wanted, points)
    check(f"{where} bails out", run["verdict"] == "empty", "\nBail out! " in text)


def github(where, text, run):
    command = re.compile(r"::(error|warning|notice) ([^:\r\n]*)::([^\r\n]*)")
    levels = []
    for line in text.split("\n")[:-1]:
        match = command.fullmatch(line)
        check(f"{where}: command {line!r}", True, match is not None)
        if not match:
            continue
        levels.append(match[1])
        for pair in match[2].split(","):
            check(f"{where}: property {pair!r}", True, re.fullmatch(r"(file|line|title)=.*", pair) is not None)
        check(f"{where}: '%' escaped", [], re.findall(r"%(?!25|0D|0A|3A|2C)", match[2] + match[3]))
    check(f"{where} errors", sum(counts_as(case) in FAILED for case in run["cases"]), levels.count("error"))


def markdown(where, text, run):
    table = [line for line in text.split("\n") if line.startswith("|")]
    check(f"{where} rows", len(run["cases"]) + 2, len(table))
    for row in table:
        check(f"{where} columns of {row!r}", 6, len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)))
    check(f"{where} HTML", [], re.findall(r"<(?!!-- -->)", text))


def text(where, content, run):
    check(f"{where} controls", [], re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", content))
    words = [case.get("mark", case["outcome"]).upper() for case in run["cases"]]
    check(f"{where} cases", words, [line.split(" ")[0] for line in content.split("\n")
                                    if re.match(r"[A-Z]{4,} ", line)])


READERS = {"junit": junit, "json": as_json, "tap": tap, "github": github, "markdown": markdown, "text": text}

scenarios = [folder for folder in Path(sys.argv[1]).iterdir() if folder.is_dir()]
check("scenarios", True, len(scenarios) >= 6)
for folder in scenarios:
    recorded = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    expected = {file.suffix[1:] for file in folder.glob("expected.*")}
    check(f"{folder.name} formats", set(READERS), expected)
    for form in sorted(expected & set(READERS)):
        file = folder / f"expected.{form}"
        content = file.read_bytes().decode("utf-8")  # strict: no report is broken UTF-8
        READERS[form](f"{folder.name}/{file.name}", content, recorded)
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
