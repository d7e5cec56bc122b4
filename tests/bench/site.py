#!/usr/bin/env python3
"""Figures of the HTML report: 500 runs of 200 cases, 20 samples of each; writing the site, and its
pages in Chromium."""
import statistics
import sys
import time
from pathlib import Path

from figures import ASSAY, TOP, main, sh, show, skip

sys.path.insert(0, str(TOP / "tests/support"))
from chromium import PROGRAM, Browser  # noqa: E402

RUNS, CASES = 500, 200
MAKE_HISTORY = TOP / "build/release/tests/support/make_history"
REPEATS = 5


def site(scratch):
    state = scratch / "state"
    state.mkdir()
    sh(str(MAKE_HISTORY), str(state / "history.db"), str(RUNS), str(CASES), "1", "all")
    sh(sys.executable, str(TOP / "tests/support/fill_state.py"), str(state))
    took = []
    for _ in range(REPEATS):
        start = time.monotonic()
        sh(ASSAY, "report", "--html", str(scratch / "site"), "--history", str(state / "history.db"),
           "--runs", str(RUNS), "--quiet")
        took.append(time.monotonic() - start)
    pages = sorted((scratch / "site").rglob("*.html"))
    show("history/site-generated", statistics.median(took), "s", "<=", 5)
    show("history/site-largest-page", max(p.stat().st_size for p in pages) / 2**20, "MiB", "<=", 16)
    if not PROGRAM:
        skip("history/site-opens", "chromium is not installed (ci/setup --dev)")
        return
    with Browser() as browser:
        slowest = max(opens(browser, page) for page in chosen(scratch / "site"))
    show("history/site-opens", slowest / 1000, "s", "<=", 1)


def chosen(folder):
    """The grid, the lists, and the largest page of every kind."""
    kinds = [sorted((folder / kind).glob("*.html"), key=lambda p: p.stat().st_size)[-1]
             for kind in ("runs", "metrics", "images", "bisects")]
    return sorted(folder.glob("*.html")) + kinds


def opens(browser, page):
    """Median time to the end of DOMContentLoaded, whose handlers draw the page."""
    times = []
    for _ in range(3):
        browser.open(page)
        times.append(browser.ready_ms())
    return statistics.median(times)


if __name__ == "__main__":
    main({"history/site": site})
