/* Every image whose facts are known. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
	const data = pageData(), main = document.getElementById("main");

	main.append(el("h1", {}, "Images", el("span.note", {}, " " + plural(data.images.length, "image"))));
	if (!data.images.length) {
		main.append(el("p", {}, "No run directory of this report has facts. Runs keep them when they read their image; "
			+ "the report finds them beside the history."));
		return;
	}
	main.append(el("div.scroll", {}, el("table.list", {}, el("thead", {}, el("tr", {},
		["image", "newest commit", "torch", "size", "layers", "runs"].map((t, i) =>
			el("th", { scope: "col", class: i > 2 ? "number" : null }, t)))),
		el("tbody", {}, data.images.map((image) => el("tr", {},
			el("th", { scope: "row" }, el("a", { href: image.page }, el("code", {}, image.id.slice(0, 19)))),
			el("td", {}, el("code", {}, short(image.commit)), " ", image.subject || ""),
			el("td", {}, image.torch || ""), el("td.number", {}, bytes(image.size_bytes)),
			el("td.number", {}, String(image.layer_count)), el("td.number", {}, String(image.run_count))))))));
});
