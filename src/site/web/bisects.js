/* Every bisection that is kept. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
	const data = pageData(), main = document.getElementById("main");

	main.append(el("h1", {}, "Bisections"), el("div.cards", {}, data.bisects.map((b) => el("article.card", {},
		el("h3", {}, el("a", { href: b.page }, ENDINGS[b.ending] || b.ending || "bisection",
			b.probability !== undefined ? ", " + (100 * b.probability).toFixed(1) + " %" : "")),
		b.commits.slice(0, 5).map((c) => el("p", {}, el("code", {}, short(c.commit)), " ", c.subject || "")),
		el("p.note", {}, short(b.good), " \u2026 ", short(b.bad), b.suite ? " \u00b7 " + b.suite : b.command ? " \u00b7 " + b.command : "")))));
});
