/* The grid: checks down, runs across, newest first. */
"use strict";

function legend() {
	return el("ul.legend", { "aria-label": "Signs" },
		["P", "F", "T", "B", "S", "I", "N"].map((letter) =>
			el("li", {}, mark(letter), " ", OUTCOMES[letter].name)),
		["regressed", "fixed", "new"].map((flip) =>
			el("li", {}, el("span.swatch.f-" + flip, {}, FLIP_SIGNS[flip]), " ", flip)));
}

/* The newest run of a suite, said in words. */
function latest(suite) {
	const run = suite.runs[0];
	const flipped = (letter) => suite.checks.filter((check) => check.flips[0] === letter)
		.map((check) => check.name);
	const line = (letter) => {
		const names = flipped(letter);
		return names.length ? el("p", {}, flipTag(FLIPS[letter]), " ",
			names.slice(0, 8).map((name, i) => [i ? ", " : "", el("a", {
				href: run.page + "#" + encodeURIComponent("case-" + name) }, name)]),
			names.length > 8 ? " and " + (names.length - 8) + " more" : "") : null;
	};

	return el("article.card.latest.v-" + run.verdict, {},
		el("header", {}, verdictBadge(run.verdict, true),
			el("div", {}, el("h3", {}, el("a", { href: run.page }, run.subject || run.commit)),
				el("p.note", {}, el("code", {}, short(run.commit)), " ", run.author || "", " \u00b7 ",
					stamp(run.started_at), " \u00b7 ", seconds(run.duration_s)))),
		run.reason ? el("p.reason", {}, run.reason) : null,
		["r", "f", "n", "s"].map(line),
		tally(run));
}

/* Counts as a bar and as words. */
function tally(run) {
	const total = run.passed + run.failed + run.other;
	const part = (name, count) => count ? el("span.part.o-" + name, {
		style: "flex-grow:" + count, title: plural(count, name) }) : null;

	return el("div.tally", {},
		el("div.bar", { "aria-hidden": "true" }, part("pass", run.passed), part("fail", run.failed),
			part("broken", run.other)),
		el("p", {}, el("strong", {}, String(run.passed)), " of " + plural(total, "check") + " passed",
			run.failed ? ", " + run.failed + " failed" : "",
			run.other ? ", " + run.other + " undecided" : "",
			run.gone ? ", " + run.gone + " gone" : ""));
}

function cell(run, check, index) {
	const letter = check.outcomes[index], outcome = OUTCOMES[letter];
	const flip = FLIPS[check.flips[index]];

	if (letter === "-")
		return el("td.o-absent", {});
	return el("td.o-" + outcome.name + (flip && flip !== "still failing" ? ".f-" + flip : ""), {},
		el("a", { href: run.page + "#" + encodeURIComponent("case-" + check.name), tabindex: "-1",
			"aria-label": check.name + " at " + short(run.commit) + ": " + outcome.name
				+ (flip ? ", " + flip : "") },
			outcome.sign + (flip && flip !== "still failing" ? FLIP_SIGNS[flip] : "")));
}

function columnHead(run) {
	return el("th", { scope: "col", class: "v-" + run.verdict },
		el("a", { href: run.page, tabindex: "-1",
			"aria-label": short(run.commit) + " " + (run.subject || "") + ": " + run.verdict },
			el("span.sign", { "aria-hidden": "true" }, (VERDICTS[run.verdict] || {}).sign || "?"),
			el("span.hash", {}, (run.commit || "").slice(0, 7))));
}

/* Arrow keys move through the grid; one cell at a time takes the focus. */
function walk(table) {
	const links = () => [...table.rows].filter((row) => !row.hidden)
		.map((row) => [...row.cells].map((c) => c.querySelector("a")));

	table.addEventListener("keydown", (event) => {
		const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
		const step = steps[event.key];
		const from = event.target.closest("td, th");
		if (!step || !from)
			return;
		const rows = links(), lines = [...table.rows].filter((row) => !row.hidden);
		let y = lines.indexOf(from.parentNode) + step[0], x = from.cellIndex + step[1];
		while (rows[y] && x >= 0 && x < rows[y].length && !rows[y][x]) {
			y += step[0];
			x += step[1];
		}
		if (!rows[y] || !rows[y][x])
			return;
		event.preventDefault();
		event.target.tabIndex = -1;
		rows[y][x].tabIndex = 0;
		rows[y][x].focus();
	});
	const first = table.querySelector("thead a");
	if (first)
		first.tabIndex = 0;
}

function describe(table, suite, status) {
	const show = (event) => {
		const at = event.target.closest("td, th");
		if (!at || at.cellIndex === 0)
			return;
		const run = suite.runs[at.cellIndex - 1];
		const check = at.parentNode.check;
		const letter = check ? check.outcomes[at.cellIndex - 1] : null;
		status.replaceChildren(el("code", {}, short(run.commit)), " ", visible(run.subject || ""),
			" \u00b7 ", stamp(run.started_at));
		if (check && letter !== "-")
			status.append(" \u00b7 ", el("strong", {}, check.name), " ", mark(letter), " ",
				OUTCOMES[letter].name + (FLIPS[check.flips[at.cellIndex - 1]]
					? ", " + FLIPS[check.flips[at.cellIndex - 1]] : ""));
		else if (!check)
			status.append(" \u00b7 ", verdictBadge(run.verdict), " ", visible(run.reason || ""));
	};
	table.addEventListener("mouseover", show);
	table.addEventListener("focusin", show);
}

function grid(suite) {
	const body = el("tbody");
	for (const check of suite.checks) {
		const row = el("tr", {}, el("th", { scope: "row", title: check.name + " (" + check.kind + ")" },
			el("span.name", {}, check.name)));
		row.check = check;
		for (let i = 0; i < suite.runs.length; i++)
			row.append(cell(suite.runs[i], check, i));
		body.append(row);
	}
	const table = el("table.grid", {},
		el("thead", {}, el("tr", {}, el("td.corner", {}, "newest first \u2192"),
			suite.runs.map(columnHead))), body);
	const status = el("p.status", { role: "status" }, "Point at a cell, or walk with the arrow keys.");
	walk(table);
	describe(table, suite, status);
	return { table, status, body };
}

const WANTED = [["all", "all checks"], ["bad", "not passing now"], ["flipped", "flipped on this page"],
	["ever", "failed on this page"]];

function wanted(check, filter) {
	if (filter === "bad")
		return !/^-*[P]/.test(check.outcomes);
	if (filter === "flipped")
		return /[rf]/.test(check.flips);
	if (filter === "ever")
		return /[FT]/.test(check.outcomes);
	return true;
}

function filters(shown) {
	const state = readState();
	const name = el("input", { type: "search", id: "name", value: state.get("name") || "",
		placeholder: "part of a name or kind", autocomplete: "off" });
	const which = el("select", { id: "which" }, WANTED.map(([value, text]) =>
		el("option", { value, selected: value === state.get("show") }, text)));
	const count = el("output.note", { for: "name which" });
	const apply = () => {
		const part = name.value.trim().toLowerCase();
		let visibleRows = 0, rows = 0;
		for (const { body } of shown)
			for (const row of body.rows) {
				row.hidden = !(wanted(row.check, which.value) && (!part
					|| row.check.name.toLowerCase().includes(part)
					|| (row.check.kind || "").toLowerCase().includes(part)));
				rows++;
				visibleRows += row.hidden ? 0 : 1;
			}
		count.textContent = visibleRows === rows ? plural(rows, "check")
			: visibleRows + " of " + plural(rows, "check");
		keepState({ name: name.value.trim(), show: which.value === "all" ? "" : which.value });
	};

	name.addEventListener("input", apply);
	which.addEventListener("change", apply);
	apply();
	return el("form.filters", { role: "search", onsubmit: (e) => e.preventDefault() },
		el("label", { for: "name" }, "Find ", name), el("label", { for: "which" }, "Show ", which), count);
}

function pager(data) {
	const path = (page) => page > 1 ? "index-" + page + ".html" : "index.html";
	if (data.pages < 2)
		return null;
	return el("nav.pager", { "aria-label": "Older and newer runs" },
		data.page > 1 ? el("a", { href: path(data.page - 1), rel: "prev" }, "\u2190 newer runs") : el("span"),
		el("span.note", {}, "page " + data.page + " of " + data.pages),
		data.page < data.pages ? el("a", { href: path(data.page + 1), rel: "next" }, "older runs \u2192") : el("span"));
}

document.addEventListener("DOMContentLoaded", () => {
	const data = pageData(), main = document.getElementById("main"), shown = [];

	if (!data.suites.length) {
		main.append(el("h1", {}, "No runs yet"),
			el("p", {}, "The history holds no run that was asked for. ", el("code", {}, "assay run"),
				" records the first."));
		return;
	}
	main.append(el("h1", {}, "Runs", el("span.note", {}, " " + plural(data.run_count, "run") + " in this report")));
	if (data.page === 1)
		main.append(el("div.cards", {}, data.suites.map(latest)));
	const grids = data.suites.map((suite) => {
		const made = grid(suite);
		shown.push(made);
		return el("section", { "aria-label": "Suite " + suite.name },
			data.suites.length > 1 ? el("h2", {}, suite.name) : null,
			made.status, el("div.scroll", { tabindex: "0", role: "region",
				"aria-label": "Grid of " + suite.name }, made.table));
	});
	main.append(el("div.toolbar", {}, filters(shown), legend()), ...grids);
	const nav = pager(data);
	if (nav)
		main.append(nav);
});
