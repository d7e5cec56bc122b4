/* One metric over time, and the samples of the newest two runs. */
"use strict";

const better = (data) => ({ higher: "higher is better", lower: "lower is better" })[data.direction] || "";

function historyChart(data) {
	const points = data.points;
	const lines = data.epochs.filter((epoch) => epoch.point > 0).map((epoch) => ({ at: epoch.point - 0.5,
		text: "epoch", colour: "soft", dash: [4, 4] }))
		.concat(data.changes.filter((c) => c.point !== undefined && c.state !== "retracted").map((c) => ({
			at: c.point - 0.5, text: percent(c.change), colour: worse(data, c) ? "fail" : "pass" })));
	const line = (key) => points.map((p, i) => ({ x: i, y: p[key] === undefined ? NaN : p[key] }));
	const label = data.name + " of " + data.case + ": median of " + plural(points.length, "run")
		+ " with 95 % intervals; the table below has the numbers";

	return chart(380, label, () => ({
		type: "line",
		data: { datasets: [
			{ label: "95 % interval", data: line("high"), borderWidth: 0, pointRadius: 0, fill: 1,
				backgroundColor: faint(full("link"), 0.18) },
			{ label: "low", data: line("low"), borderWidth: 0, pointRadius: 0, fill: false },
			{ label: "median", data: line("median"), borderColor: full("link"), borderWidth: 1.5,
				backgroundColor: full("panel"), pointRadius: points.length > 150 ? 1.5 : 3,
				pointHoverRadius: 6, pointHitRadius: 10 },
		] },
		options: {
			animation: false, maintainAspectRatio: false, normalized: true,
			interaction: { mode: "nearest", axis: "x", intersect: false },
			onClick: (event, items) => items.length && location.assign(root() + points[items[0].index].page),
			scales: {
				x: { type: "linear", min: -0.5, max: points.length - 0.5, grid: { display: false },
					ticks: { maxRotation: 45, autoSkip: true, includeBounds: false, precision: 0,
						callback: (v) => points[v] ? short(points[v].commit).slice(0, 7) : "" } },
				y: { title: { display: true, text: data.unit || "" },
					ticks: { callback: (v) => number(v) } },
			},
			plugins: {
				legend: { labels: { filter: (item) => item.text !== "low", usePointStyle: true } },
				tooltip: { filter: (item) => item.datasetIndex === 2, callbacks: {
					title: (items) => items.length ? visible(points[items[0].dataIndex].subject || "") : "",
					label: (item) => {
						const p = points[item.dataIndex];
						return [short(p.commit) + "  " + stamp(p.at),
							number(p.median) + " " + (data.unit || "") + ", median of " + p.count]
							.concat(p.low === undefined ? [] : ["95 %: " + number(p.low) + " \u2026 " + number(p.high)]);
					} } },
			},
		},
		plugins: [marks(lines)],
	}));
}

/* Samples beside each other; the height within a row means nothing, it only keeps dots apart.
 * SIDES: [{name, samples, median}]. */
function distributionChart(data, sides, label) {
	const shapes = ["circle", "triangle"], inks = ["link", "broken"];
	const spread = (i) => ((i * 0.618034) % 1 - 0.5) * 0.6;

	return chart(90 + 90 * sides.length, label, () => ({
		type: "scatter",
		data: { datasets: sides.flatMap((side, row) => [
			{ label: side.name, data: side.samples.map((x, i) => ({ x, y: row + spread(i) })),
				pointStyle: shapes[row], radius: 4, backgroundColor: faint(full(inks[row]), 0.55),
				borderColor: full(inks[row]) },
			{ label: "median", data: [{ x: side.median, y: row - 0.42 }, { x: side.median, y: row + 0.42 }],
				type: "line", borderColor: full("text"), borderWidth: 2, pointRadius: 0 },
		]) },
		options: {
			animation: false, maintainAspectRatio: false,
			scales: {
				x: { title: { display: true, text: data.unit || "" }, ticks: { callback: (v) => number(v) } },
				y: { min: -0.5, max: sides.length - 0.5, reverse: true, grid: { display: false },
					afterBuildTicks: (axis) => { axis.ticks = sides.map((side, i) => ({ value: i })); },
					ticks: { callback: (v) => sides[v].name } },
			},
			plugins: { legend: { display: false }, tooltip: { callbacks: {
				label: (item) => number(item.parsed.x) + " " + (data.unit || "") } } },
		},
	}));
}

/* The last A/B test; without one the newest two runs, which were not measured in turns. */
function samples(data) {
	const trial = data.trial, points = data.points;

	if (trial) {
		const sides = [["after", trial.after], ["before", trial.before]].map(([word, side]) => ({ ...side,
			name: word + " " + (short(side.commit) || "(image)") }));
		return section("samples", "Last A/B test", plural(trial.pairs, "pair") + ", measured in turns, " + stamp(trial.started_at),
			el("p", {}, verdictBadge(trial.verdict), " ", trial.change === undefined
				? percent(trial.after.median / trial.before.median - 1) + " between the medians"
				: percent(trial.change.value) + (trial.change.low === undefined ? ", the middle of all pairs"
					: ", 95 % interval " + percent(trial.change.low) + " \u2026 " + percent(trial.change.high))),
			distributionChart(data, sides, "Samples of both sides of the last A/B test"));
	}
	if (data.distributions.length < 2)
		return null;
	return section("samples", "Samples", "the newest run and the one before it, not measured in turns",
		data.shift ? el("p", {}, "shift " + signed(data.shift.value) + " " + (data.unit || ""),
			el("span.note", {}, data.shift.low === undefined ? " too few samples for an interval"
				: " 95 % interval " + signed(data.shift.low) + " \u2026 " + signed(data.shift.high))) : "",
		distributionChart(data, data.distributions.map((side, i) => ({ ...side, median: points[points.length - 1 - i].median,
			name: short(side.commit) + (i ? " (before)" : " (newest)") })), "Samples of the newest two runs"));
}

const percent = (x) => (x > 0 ? "+" : x < 0 ? "\u2212" : "") + Math.abs(100 * x).toFixed(1) + "\u00a0%";
const signed = (x) => (x > 0 ? "+" : x < 0 ? "\u2212" : "") + number(Math.abs(x));
const worse = (data, c) => (data.direction === "lower") === (c.change > 0);

function changes(data) {
	if (!data.changes.length)
		return null;
	return section("changes", "Changes of level", null, el("div.scroll", {}, el("table.list", {},
		el("thead", {}, el("tr", {}, ["state", "commit", "change", "95 % interval", "found", "note"].map((t) =>
			el("th", { scope: "col" }, t)))),
		el("tbody", {}, data.changes.map((c) => {
			const p = data.points[c.point];
			return el("tr", {}, el("td", {}, c.state),
				el("td", {}, p ? el("a", { href: root() + p.page }, el("code", {}, short(c.commit))) : el("code", {}, short(c.commit)),
					" ", p ? p.subject || "" : ""),
				el("td" + (data.direction === "none" ? "" : worse(data, c) ? ".worse" : ".better"), {}, percent(c.change)),
				el("td.note", {}, c.low === undefined ? "" : percent(c.low) + " \u2026 " + percent(c.high)),
				el("td.note", {}, stamp(c.since)), el("td", {}, c.note || ""));
		})))));
}

function epochs(data) {
	if (data.epochs.length < 2)
		return null;
	return section("epochs", "Epochs", "another machine, kernel or driver: values are not compared across",
		el("ol.plain", {}, data.epochs.map((epoch) => {
			const p = data.points[epoch.point];
			return el("li", {}, "from ", el("a", { href: root() + p.page }, short(p.commit)), " ", stamp(p.at),
				": ", epoch.machine || "not known");
		})));
}

function table(data) {
	return el("details", {}, el("summary", {}, "All values"), el("div.scroll", {}, el("table.list", {},
		el("thead", {}, el("tr", {}, ["commit", "subject", "when", "median", "low", "high", "samples"].map((t, i) =>
			el("th", { scope: "col", class: i > 2 ? "number" : null }, t)))),
		el("tbody", {}, [...data.points].reverse().map((p) => el("tr", {},
			el("td", {}, el("a", { href: root() + p.page }, el("code", {}, short(p.commit)))),
			el("td", {}, p.subject || ""), el("td.note", {}, stamp(p.at)),
			el("td.number", {}, number(p.median)), el("td.number", {}, number(p.low)),
			el("td.number", {}, number(p.high)), el("td.number", {}, String(p.count))))))));
}

document.addEventListener("DOMContentLoaded", () => {
	const data = pageData(), last = data.points[data.points.length - 1];

	add(document.getElementById("main"), [
		el("h1", {}, data.name, el("span.note", {}, " of " + data.case)),
		el("p.figure", {}, el("strong", {}, number(last.median)), " ", data.unit || "",
			el("span.note", {}, last.low === undefined ? " one median of " + plural(last.count, "sample")
				: " 95 % interval " + number(last.low) + " \u2026 " + number(last.high)
				+ ", " + plural(last.count, "sample"), better(data) ? "; " + better(data) : "")),
		facts([["cell", data.cell], ["suite", data.suite], ["runs", String(data.points.length)]]),
		section("history", "History", "median of each run, oldest first; click a point for its run", historyChart(data)),
		changes(data), epochs(data), samples(data),
		table(data)]);
});
