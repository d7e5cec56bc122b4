/* One run: what was asked, what was found, where it came from. */
"use strict";

function headline(run) {
	const other = (path, text, rel) => path ? el("a", { href: root() + path, rel }, text) : null;

	return [
		el("nav.pager", { "aria-label": "Runs beside this one" },
			other(run.newer, "\u2190 newer run", "prev") || el("span"),
			other(run.older, "older run \u2192", "next") || el("span")),
		el("h1", {}, run.commit.subject || run.commit.hash),
		el("p.verdict", {}, verdictBadge(run.verdict, true), " ", run.reason || ""),
	];
}

function about(run) {
	const base = run.baseline;
	const baseline = base.run ? [base.page ? el("a", { href: root() + base.page }, short(base.commit))
		: el("code", {}, short(base.commit)), base.distance ? ", " + plural(base.distance, "commit") + " back" : ""]
		: base.reason ? "none: " + base.reason : "none";

	return facts([
		["commit", [el("code", {}, run.commit.hash), run.commit.asked && run.commit.asked !== run.commit.hash
			? " (asked for as " + run.commit.asked + ")" : ""]],
		["author", run.commit.author],
		["committed", run.commit.time_s ? day(run.commit.time_s) + " UTC" : null],
		["run", [el("code", {}, run.id), " \u00b7 ", stamp(run.started_at), " \u00b7 took ", seconds(run.duration_s)]],
		["suite", [run.suite, run.suite_file ? " (" + run.suite_file + ")" : ""]],
		["targets", run.targets.join(", ")],
		["baseline", baseline],
		["image", run.build.image_id ? (run.image ? el("a", { href: root() + run.image }, run.build.image_id)
			: el("code", {}, run.build.image_id)) : null],
	]);
}

function caseBody(item) {
	const rows = facts([["expected", item.expected], ["found", item.actual], ["where", item.where],
		["what to do", item.advice], ["reason", item.reason], ["label", item.label ? el("code", {}, item.label) : null],
		["target", item.target], ["taken from run", item.reused_from],
		["metrics", (item.metrics || []).length ? el("ul.plain", {}, item.metrics.map((m) => el("li", {},
			m.page ? el("a", { href: root() + m.page }, m.name) : m.name, " ",
			el("strong", {}, number(m.median)), " ", m.unit || "",
			el("span.note", {}, m.count > 1 ? " median of " + m.count : "")))) : null]]);

	return [rows.childElementCount ? rows : null,
		item.stdout ? log(item.stdout, "standard output") : null,
		item.stderr ? log(item.stderr, "standard error") : null,
		item.output_left_out_bytes ? el("p.note", {}, bytes(item.output_left_out_bytes)
			+ " of output are left out here; they are in the run directory.") : null];
}

function caseRow(item) {
	const bad = item.outcome !== "P" && !(item.outcome === "S" && item.optional);
	const details = el("details.case.o-" + OUTCOMES[item.outcome].name,
		{ id: "case-" + item.name, open: bad && item.outcome !== "S" && item.outcome !== "N" },
		el("summary", {}, mark(item.outcome), el("span.name", {}, item.name),
			item.flip ? flipTag(item.flip) : null,
			el("span.kind", {}, item.kind || ""),
			el("span.took", {}, item.duration_s ? seconds(item.duration_s) : ""),
			item.explanation ? el("span.explanation", {}, item.explanation) : null));
	let filled = false;
	const fill = () => {
		if (!filled) {
			add(details, caseBody(item));
			filled = true;
		}
	};

	if (details.open)
		fill();
	details.addEventListener("toggle", () => details.open && fill());
	details.item = item;
	details.fill = fill;
	return details;
}

function cases(run) {
	const rank = (item) => "FTBINSP".indexOf(item.outcome) + (item.optional ? 9 : 0);
	const rows = [...run.cases].sort((a, b) => Math.min(rank(a), 4) - Math.min(rank(b), 4)).map(caseRow);
	const off = new Set();
	const counts = {};
	for (const item of run.cases)
		counts[item.outcome] = (counts[item.outcome] || 0) + 1;
	const name = el("input", { type: "search", id: "case-name", placeholder: "part of a name", autocomplete: "off" });
	const count = el("output.note", { for: "case-name" });
	const apply = () => {
		const part = name.value.trim().toLowerCase();
		let shown = 0;
		for (const row of rows) {
			row.hidden = off.has(row.item.outcome) || !row.item.name.toLowerCase().includes(part);
			shown += row.hidden ? 0 : 1;
		}
		count.textContent = shown === rows.length ? "" : shown + " of " + plural(rows.length, "check");
	};
	const buttons = Object.keys(OUTCOMES).filter((letter) => counts[letter]).map((letter) =>
		toggle([mark(letter), " ", counts[letter] + " " + OUTCOMES[letter].plural], true, (on) => {
			if (on)
				off.delete(letter);
			else
				off.add(letter);
			apply();
		}));

	name.addEventListener("input", apply);
	return section("cases", "Checks", plural(run.cases.length, "check"),
		el("div.filters", { role: "search" }, el("label", { for: "case-name" }, "Find ", name), buttons, count),
		el("div.cases", {}, rows),
		run.cases_left_out ? el("p.note", {}, plural(run.cases_left_out, "check") + " more are left out here.") : null,
		run.gone.length ? el("p", {}, flipTag("gone"), " in the baseline, not here: ", run.gone.join(", ")) : null);
}

function steps(build) {
	const longest = Math.max(...build.steps.map((step) => step.duration_s), 0.001);
	const table = el("table.list.steps", {},
		el("thead", {}, el("tr", {}, ["#", "step", "line", "took", ""].map((t, i) =>
			el("th", { scope: "col", class: i === 3 ? "number" : null }, t)))),
		el("tbody", {}, build.steps.map((step) => el("tr", { class: step.failed ? "failed" : step.cached ? "cached" : null },
			el("td", {}, String(step.number), step.total ? el("span.note", {}, "/" + step.total) : null),
			el("td", {}, el("code.instruction", {}, (step.stage ? "[" + step.stage + "] " : "") + (step.instruction || "")),
				step.failed ? el("span.badge.v-fail", {}, "\u2717 failed here") : null),
			el("td", {}, step.line ? String(step.line) : ""),
			el("td.number", {}, step.cached ? "cached" : seconds(step.duration_s)),
			el("td.length", { "aria-hidden": "true" }, el("span", {
				style: "width:" + (100 * step.duration_s / longest).toFixed(1) + "%" }))))));

	return el("div.scroll", {}, table);
}

function build(run) {
	const b = run.build;

	return section("build", "Build", b.duration_s ? "took " + seconds(b.duration_s) : null,
		facts([
			["result", b.failed ? [el("span.badge.v-fail", {}, "\u2717 failed"), " ", b.message || ""] : null],
			["builder", b.builder],
			["Dockerfile", b.dockerfile],
			["base images", b.bases.length ? el("ul.plain", {}, b.bases.map(([name, id]) =>
				el("li", {}, name, " ", el("code", {}, id.slice(0, 19))))) : null],
			["image", b.reused ? ["not built again: equal inputs",
				b.reused_from ? [" as in run ", el("code", {}, b.reused_from)] : ""] : null],
			["same inputs as", b.same_inputs_as ? el("code", {}, short(b.same_inputs_as)) : null],
			["input hash", b.input_hash ? el("code", {}, b.input_hash.slice(0, 16)) : null],
		]),
		b.steps.length ? steps(b) : null,
		b.log ? el("details", { open: b.failed }, el("summary", {}, "Build log"), log(b.log, "build.log")) : null);
}

const TOPICS = { package: "System packages", python: "Python distributions", env: "Environment",
	config: "Configuration", library: "Libraries", arch: "GPU code", size: "Sizes", file: "Files", os: "System" };

function differences(run) {
	const list = run.differences;

	if (!list)
		return section("facts", "Facts", "against the baseline",
			el("p.note", {}, run.no_differences || "Not compared."));
	if (!list.length)
		return section("facts", "Facts", "against the baseline", el("p", {}, "Nothing differs inside the image."));
	const topics = [...new Set(list.map((d) => d.topic))];
	return section("facts", "Facts", plural(list.length + (run.differences_left_out || 0), "difference")
		+ " to the baseline",
		topics.map((topic) => el("div.scroll", {}, el("table.list.differences", {},
			el("caption", {}, TOPICS[topic] || topic),
			el("thead", {}, el("tr", {}, ["", "name", "before", "after", "brought by"].map((t) =>
				el("th", { scope: "col" }, t)))),
			el("tbody", {}, list.filter((d) => d.topic === topic).map((d) => {
				const sign = d.before === undefined ? "+" : d.after === undefined ? "\u2212" : "~";
				return el("tr", {}, el("td.sign", { title: { "+": "added", "~": "changed" }[sign] || "removed" }, sign),
					el("th", { scope: "row" }, d.name), el("td", {}, d.before || ""), el("td", {}, d.after || ""),
					el("td.note", {}, d.where || ""));
			}))))),
		run.differences_left_out ? el("p.note", {}, plural(run.differences_left_out, "difference") + " more: assay compare.") : null);
}

/* A link to one check opens it. */
function openTarget() {
	const id = decodeURIComponent(location.hash.slice(1));
	const details = id && document.getElementById(id);

	if (!details || !details.fill)
		return;
	details.hidden = false;
	details.open = true;
	details.fill();
	details.scrollIntoView({ block: "start" });
	details.querySelector("summary").focus({ preventScroll: true });
}

document.addEventListener("DOMContentLoaded", () => {
	const run = pageData(), main = document.getElementById("main");

	add(main, [headline(run),
		run.notes.length ? el("aside.notes", {}, el("h2", {}, "What the image itself tells"),
			el("ul", {}, run.notes.map((line) => el("li", {}, line)))) : null,
		about(run), cases(run), build(run), differences(run),
		run.environment.length ? section("environment", "Environment", null, facts(run.environment)) : null]);
	openTarget();
	window.addEventListener("hashchange", openTarget);
	window.addEventListener("beforeprint", () => {
		for (const details of document.querySelectorAll("details.case[open]"))
			details.fill();
	});
});
