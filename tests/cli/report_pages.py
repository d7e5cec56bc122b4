#!/usr/bin/env python3
"""report_pages.py DIR: the pages of a report in a real Chromium. Every page loads without an error on
the console and asks for nothing outside its folder; filters, links, keys and themes work."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from chromium import Browser  # noqa: E402

TOP = Path(sys.argv[1]).resolve()
failures = []


def check(what, good):
    if not good:
        failures.append(what)
        print(f"FAILED: page: {what}")


def some(folder, count=3):
    pages = sorted((TOP / folder).glob("*.html"))
    return pages[:count] + pages[-1:]


def find(folder, text):
    return next(p for p in sorted((TOP / folder).glob("*.html")) if text in p.read_text())


def loads(browser):
    pages = sorted(TOP.glob("*.html")) + some("runs") + some("metrics") + some("images") + some("bisects")
    for page in pages:
        name = page.relative_to(TOP)
        browser.open(page)
        check(f"{name} has a heading", browser.run("document.querySelectorAll('h1').length") == 1)
        check(f"{name} has a title of its own", "owned" not in browser.run("document.title"))
        check(f"{name} lets no text become an element",
              browser.run("document.querySelectorAll('main img, main script, main b').length") == 0)
        dead = browser.run("""Promise.all([...document.querySelectorAll('main a[href], nav a[href]')]
            .filter(a => a.protocol !== 'file:').map(a => a.href))""")
        check(f"{name} links only to files: {dead}", not dead)
        targets = browser.run("[...new Set([...document.querySelectorAll('a[href]')]"
                              ".map(a => decodeURI(a.pathname)))]")
        missing = [t for t in targets if not os.path.exists(t)]
        check(f"{name} links to pages that are there: {missing[:3]}", not missing)
        check(f"{name} draws its charts", browser.run(
            "[...document.querySelectorAll('canvas')].every(c => Chart.getChart(c))"))
    outside = [r for r in browser.requests if not r.startswith(("file:", "about:", "data:"))]
    check(f"pages ask for nothing outside: {outside[:3]}", not outside)


def grid(browser):
    shown = "[...document.querySelectorAll('.grid tbody tr')].filter(r => !r.hidden).length"
    fill = ("(() => {{ const i = document.getElementById('{}'); i.value = '{}';"
            "i.dispatchEvent(new Event('{}')); }})()")
    browser.open(TOP / "index.html")
    check("the grid shows every check", browser.run(shown) == 40)
    check("columns are newest first", browser.run(
        "pageData().suites[0].runs.every((r, i, all) => !i || all[i - 1].started_at >= r.started_at)"))
    browser.run(fill.format("name", "TORCH", "input"))
    check("the filter by name hides others", browser.run(shown) == 4)
    check("the filter is part of the address", "name=TORCH" in browser.run("location.hash"))
    browser.open(TOP / "index.html", "#?name=torch")
    check("an address brings its filter", browser.run(shown) == 4)
    browser.run(fill.format("name", "", "input"))
    browser.run(fill.format("which", "flipped", "change"))
    check("the filter by outcome leaves flips", 0 < browser.run(shown) < 40 and browser.run(
        "[...document.querySelectorAll('.grid tbody tr')].filter(r => !r.hidden)"
        ".every(r => r.querySelector('.f-regressed, .f-fixed'))"))
    browser.open(TOP / "index.html")
    browser.run("document.querySelector('.grid thead a').focus()")
    browser.key("ArrowDown")
    browser.key("ArrowRight")
    at = browser.run("document.activeElement.getAttribute('aria-label')")
    check(f"arrow keys walk the grid: {at}", at and at.startswith("build at "))
    browser.events.clear()
    browser.key("Enter")
    browser.wait("Page.loadEventFired")
    check("a cell leads to its run", "/runs/" in browser.run("location.pathname"))
    check("and to its check, opened", browser.run("document.getElementById('case-build').open"))
    browser.open(TOP / "index.html")
    browser.events.clear()
    browser.run("document.querySelector('.pager a[rel=next]').click()")
    browser.wait("Page.loadEventFired")
    check("older runs are on the next page", browser.run("location.pathname").endswith("index-2.html"))


def run_page(browser):
    shown = "[...document.querySelectorAll('.case')].filter(c => !c.hidden).length"
    browser.open(find("runs", '"regressed"'))
    failed = "[...document.querySelectorAll('.case.o-fail, .case.o-timeout')]"
    check("failures are open and come first", browser.run(
        f"{failed}.every(c => c.open) && {failed}.includes(document.querySelector('.case'))"))
    browser.run("document.querySelector('.toggle').click()")
    check("outcomes can be hidden", 0 < browser.run(shown) < 40)
    browser.run("document.querySelector('.case.o-fail, .case.o-timeout').open = false")
    browser.open(find("runs", "onerror=alert"))
    check("output is shown as text, without colours", browser.run(
        "[...document.querySelectorAll('.log pre')].some(p => p.textContent.includes('<img src=x onerror')"
        " && p.textContent.includes('\\nno kernel image'))"))
    browser.open(find("runs", '"differences":[{'))
    check("facts that differ are listed", browser.run("document.querySelectorAll('.differences tbody tr').length") > 0)
    browser.open(find("runs", '"cut_bytes"'))
    check("a cut log says so", "left out" in browser.run("document.querySelector('#build figcaption').textContent"))


def others(browser):
    browser.open(TOP / "metrics.html")
    check("each series says what was found against the run before", browser.run(
        "[...document.querySelectorAll('tbody tr')].every(row => /same|better|worse|needs/.test(row.children[5].textContent))"))
    browser.open(find("metrics", '"decode_tokens_per_s"'))
    check("an A/B test has its interval", browser.run(
        "/95 % interval .*%/.test(document.getElementById('samples').textContent)"))
    check("a metric's chart has all points", browser.run(
        "Chart.getChart(document.querySelector('canvas')).data.datasets[2].data.length === pageData().points.length"))
    check("intervals hold their medians", browser.run(
        "pageData().points.every(p => p.low <= p.median && p.median <= p.high)"))
    check("a change of level has its row and leads to its run",
          browser.run("document.querySelectorAll('#changes tbody a').length") == 1)
    check("an A/B test has both sides", browser.run(
        "Chart.getChart(document.querySelectorAll('canvas')[1]).data.datasets.filter(d => d.label !== 'median')"
        ".every(d => d.data.length === 24)"))
    browser.open(find("images", "sha256:"))
    check("libraries have their GPU code", browser.run("document.querySelectorAll('.archs .has').length") >= 7)
    check("a wrong metadata version is named", "metadata says 2.6.0" in browser.run("document.body.textContent"))
    browser.open(some("bisects")[0])
    check("evidence leads to its runs", browser.run("document.querySelectorAll('#evidence a').length") == 5)


def looks(browser):
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.open(TOP / "index.html")
    light = browser.run(ground)
    browser.look(dark=True)
    dark = browser.run(ground)
    check("dark follows the system", dark != light)
    browser.run("theme.choose('light')")
    check("and can be switched", browser.run(ground) == light)
    browser.open(find("runs", '"regressed"'))
    check("the choice is kept", browser.run(ground) == light)
    browser.run("theme.choose('auto')")
    for page in (TOP / "index.html", some("runs")[0], some("metrics")[0], some("images")[0], some("bisects")[0]):
        browser.look(width=390, height=844, phone=True)
        browser.open(page)
        check(f"{page.name} fits a phone", browser.run("document.documentElement.scrollWidth") <= 390)
    browser.look()
    sheet = Path(browser.home) / "page.pdf"
    browser.open(TOP / "index.html")
    browser.pdf(sheet)
    check("pages print", sheet.read_bytes().startswith(b"%PDF"))


with Browser() as it:
    it.look()
    for part in (loads, grid, run_page, others, looks):
        part(it)
    check(f"no errors on the console: {it.errors[:3]}", not it.errors)
sys.exit(1 if failures else 0)
