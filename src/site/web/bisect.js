/* One bisection: the answer, how probable each commit is, and what it rests on. */
"use strict";

const percent = (share) => (share > 0 ? "+" : "") + (100 * share).toFixed(1) + " %";

function tested(c) {
	if (c.measured)
		return percent(c.change || 0) + ", " + plural(c.measured, "pair");
	return (c.fails || 0) + " of " + ((c.fails || 0) + (c.passes || 0)) + " failed";
}

/* What a search that has not ended was doing. */
function now(data) {
	const n = data.now;

	if (!n)
		return null;
	return section("now", "Under way", "as of " + (n.at || ""), el("p", {}, plural(n.left || 0, "suspect") + " of " + (data.cost.suspects || 0)
		+ " left" + (n.left_s === undefined ? "" : ", about " + seconds(n.left_s) + " to go") + "; tested now:"),
		el("ul.plain", {}, n.probing.map((p) => el("li", {}, el("code", {}, short(p.commit)), " ", p.subject || ""))));
}

function measured(m) {
	return m.name + " " + percent(m.change || 0) + " against " + number(m.good || 0) + (m.unit ? " " + m.unit : "") + ", noise "
		+ (100 * (m.noise || 0)).toFixed(1) + " %, less than " + (100 * (m.margin || 0)).toFixed(1) + " % does not matter";
}

function posteriorChart(data) {
	const list = data.posterior;

	return chart(300, "Probability of each commit as the culprit; the table below has the numbers", () => ({
		type: "bar",
		data: { labels: list.map((c) => short(c.commit).slice(0, 7)), datasets: [{ label: "probability",
			data: list.map((c) => 100 * (c.probability || 0)), minBarLength: 1, categoryPercentage: 1, barPercentage: 0.9,
			backgroundColor: list.map((c) => full(c.no_verdict ? "broken" : c.same_inputs ? "line" : "link")) }] },
		options: {
			animation: false, maintainAspectRatio: false,
			interaction: { mode: "index", intersect: false },
			scales: {
				x: { grid: { display: false }, ticks: { maxRotation: 60, autoSkip: true } },
				y: { min: 0, title: { display: true, text: "probability, %" } },
			},
			plugins: { legend: { display: false }, tooltip: { callbacks: {
				title: (items) => items.length ? visible(list[items[0].dataIndex].subject || list[items[0].dataIndex].commit) : "",
				label: (item) => {
					const c = list[item.dataIndex];
					return [number(100 * (c.probability || 0)) + " %", c.measured || c.fails || c.passes ? tested(c) : "not tested",
						c.no_verdict ? "does not build, or shows nothing" : "", c.same_inputs ? "same inputs as its parent" : ""]
						.filter(Boolean);
				} } } },
		},
	}));
}

function answer(data) {
	const sure = data.probability === undefined ? "" : (100 * data.probability).toFixed(1) + " %";

	return [el("h1", {}, ENDINGS[data.ending] || "Bisection", sure ? el("span.note", {}, " " + sure) : null),
		el("div.cards", {}, (data.ending === "open" ? [] : data.commits.slice(0, 12)).map((c) => el("article.card.latest.v-fail", {}, el("h3", {}, c.subject || "(subject not known)"),
			el("p.note", {}, el("code", {}, c.commit))))),
		data.commits.length > 12 ? el("p.note", {}, "and " + plural(data.commits.length - 12, "commit") + " more") : null,
		data.commits.length > 1 && data.ending === "culprit" ? el("p", {}, "These cannot be told apart.") : null,
		facts([["good", el("code", {}, data.good || "")], ["bad", el("code", {}, data.bad || "")], ["suite", data.suite],
			["command", data.command ? el("code", {}, data.command) : null],
			["looked for", data.wanted.length ? el("ul.plain", {}, data.wanted.map((w) => el("li", {}, el("strong", {}, w.check || ""),
				" ", w.signature || ""))) : null],
			["measured", data.metric ? measured(data.metric) : null],
			["confirmed", data.ending === "culprit" ? (data.confirmed ? "yes: tests of it and of what is before it were repeated" : "no") : null],
			["no culprit", data.no_culprit > 0.0005 ? (100 * data.no_culprit).toFixed(1) + " %" : null],
			["older than the range", data.older > 0.0005 ? (100 * data.older).toFixed(1) + " %" : null],
			["cost", data.cost.builds !== undefined ? plural(data.cost.suspects || 0, "commit") + ", " + plural(data.cost.builds, "build") + ", "
				+ plural(data.cost.tests || 0, "test") + ", " + seconds(data.cost.work_s) + " of work" : null]])];
}

function cause(data) {
	const c = data.cause, list = c.differences;

	if (!c.external && !list.length && !c.not_compared)
		return null;
	return section("cause", "What changed", null, c.external ? el("p", {}, "External cause: " + c.external) : null,
		c.not_compared ? el("p.note", {}, "Images were not compared: " + c.not_compared) : null,
		list.length ? el("div.scroll", {}, el("table.list.differences", {}, el("thead", {}, el("tr", {},
			["what", "name", "before", "after", "brought by"].map((t) => el("th", { scope: "col" }, t)))),
			el("tbody", {}, list.map((d) => el("tr", {}, el("td.note", {}, d.topic || ""), el("th", { scope: "row" }, d.name || ""),
				el("td", {}, d.before || ""), el("td", {}, d.after || ""), el("td.note", {}, d.where || "")))))) : null);
}

function commits(data) {
	const worth = data.posterior.filter((c) => c.probability > 0.0005 || c.measured || c.fails || c.passes || c.no_verdict);

	return el("div.scroll", {}, el("table.list", {}, el("thead", {}, el("tr", {},
		["commit", "subject", "probability", data.metric ? "change" : "failed", ""].map((t, i) => el("th", { scope: "col", class: i === 2 || i === 3 ? "number" : null }, t)))),
		el("tbody", {}, worth.map((c) => el("tr", {}, el("td", {}, el("code", {}, short(c.commit))), el("td", {}, c.subject || ""),
			el("td.number", {}, (100 * (c.probability || 0)).toFixed(1) + " %"),
			el("td.number", {}, c.measured || c.fails || c.passes ? tested(c) : ""),
			el("td.note", {}, c.no_verdict ? "no verdict" : c.same_inputs ? "same inputs" : ""))))));
}

function evidence(data) {
	const sign = { pass: "P", fail: "F" };

	return section("evidence", "Evidence", plural(data.evidence.length, "observation") + ", in the order they were made",
		el("div.scroll", {}, el("table.list", {}, el("thead", {}, el("tr", {}, ["#", "seen", "commit", "what", "build", "test"].map((t, i) =>
			el("th", { scope: "col", class: i > 3 ? "number" : null }, t)))),
			el("tbody", {}, data.evidence.map((e, i) => el("tr", {}, el("td.note", {}, String(i + 1)),
				el("td", {}, e.seen === "measured" ? null : mark(sign[e.seen] || "B"), " ", e.seen || "", e.built_anew ? el("span.note", {}, " built anew") : null),
				el("td", {}, e.page ? el("a", { href: root() + e.page }, el("code", {}, short(e.commit))) : el("code", {}, short(e.commit))),
				el("td", {}, e.note || ""), el("td.number.note", {}, e.build_s ? seconds(e.build_s) : ""),
				el("td.number.note", {}, e.test_s ? seconds(e.test_s) : "")))))));
}

document.addEventListener("DOMContentLoaded", () => {
	const data = pageData();

	add(document.getElementById("main"), [answer(data), now(data), cause(data),
		section("posterior", "How probable each commit is", "oldest first; amber: no verdict, grey: same inputs as its parent", data.posterior.length ? posteriorChart(data) : null,
			commits(data)), evidence(data)]);
});
