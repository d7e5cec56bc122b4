/* Every series with its newest value. */
"use strict";

/* No better and no worse without a difference found between the two runs' samples. */
function change(item) {
	const before = item.before, now = item.newest, found = item.finding;
	if (!before || !found)
		return el("td.number.note", {}, before ? "another machine" : "\u2013");
	const better = item.direction === "none" || found.is !== "different" ? ""
		: (found.shift > 0) === (item.direction === "higher") ? "better" : "worse";
	const percent = 100 * (now.median - before.median) / before.median;
	const size = before.median
		? (percent > 0 ? "+" : percent < 0 ? "\u2212" : "") + Math.abs(percent).toFixed(2) + " % " : "";
	return el("td.number" + (better ? "." + better : ""), {}, size,
		el("span.note", {}, better || (found.is === "too few" ? "needs " + plural(found.needed, "sample") : found.is)));
}

function interval(point) {
	return point.low === undefined ? "too few samples" : number(point.low) + " \u2026 " + number(point.high);
}

document.addEventListener("DOMContentLoaded", () => {
	const data = pageData(), main = document.getElementById("main");
	const rows = data.metrics.map((item) => {
		const row = el("tr", {}, el("th", { scope: "row" }, el("a", { href: item.page }, item.name)),
			el("td", {}, item.case), el("td.note", {}, item.cell || ""),
			el("td.number", {}, el("strong", {}, number(item.newest.median)), " ", item.unit || ""),
			el("td.number.note", {}, interval(item.newest)), change(item),
			el("td.number.note", {}, String(item.runs)));
		row.words = [item.name, item.case, item.cell, item.suite].join(" ").toLowerCase();
		return row;
	});
	const find = el("input", { type: "search", id: "find", placeholder: "part of a name, check or cell" });

	main.append(el("h1", {}, "Metrics", el("span.note", {}, " " + plural(rows.length, "series", "series"))));
	if (!rows.length) {
		main.append(el("p", {}, "The runs of this report measured nothing."));
		return;
	}
	find.addEventListener("input", () => {
		for (const row of rows)
			row.hidden = !row.words.includes(find.value.trim().toLowerCase());
	});
	main.append(el("div.filters", { role: "search" }, el("label", { for: "find" }, "Find ", find)),
		el("div.scroll", {}, el("table.list", {}, el("thead", {}, el("tr", {},
			["metric", "check", "cell", "newest median", "95 % interval", "against the run before", "runs"]
				.map((t, i) => el("th", { scope: "col", class: i > 2 ? "number" : null }, t)))),
			el("tbody", {}, rows))));
});
