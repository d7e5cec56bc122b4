/* An image: what it holds, and which build step brought it. */
"use strict";

const step = (item) => item.step ? "step " + item.step : item.layer ? "layer " + item.layer : "";

function summary(image) {
	const torch = image.torch, bnb = image.bitsandbytes, triton = image.triton, config = image.config;
	const command = (words) => words && words.length ? el("code", {}, words.join(" ")) : null;

	return facts([
		["name", image.name && image.name !== image.id ? image.name : null],
		["size", bytes(image.size_bytes) + " in " + plural(image.file_count, "file") + ", " + plural(image.layers.length, "layer")],
		["system", image.os], ["glibc", image.glibc], ["Python", image.python],
		["torch", torch ? [el("strong", {}, torch.version || "?"), torch.cuda ? " for CUDA " + torch.cuda : "",
			torch.index ? " from " + torch.index : "", step(torch) ? ", " + step(torch) : ""] : null],
		["", torch && torch.metadata_version && torch.metadata_version !== torch.version
			? el("span.warn", {}, "! its metadata says " + torch.metadata_version
				+ (torch.replaced_version ? "; " + torch.replaced_version + " of " + step(torch.replaced) + " was overwritten" : ""))
			: null],
		["bitsandbytes", bnb ? [el("strong", {}, bnb.version || "?"), bnb.chosen ? " loads " : "",
			bnb.chosen ? el("code", {}, bnb.chosen.split("/").pop()) : "", bnb.rule ? " (" + bnb.rule + ")" : "",
			bnb.override ? ", BNB_CUDA_VERSION=" + bnb.override : ""] : null],
		["triton", triton ? triton.version : null],
		["entry point", command(config.entrypoint)], ["command", command(config.cmd)],
		["user", config.user], ["working folder", config.workdir],
	]);
}

function layers(image) {
	const largest = Math.max(...image.layers.map((layer) => layer.size_bytes), 1);

	return section("layers", "Layers", bytes(image.size_bytes) + " in all",
		el("div.scroll", {}, el("table.list.steps", {}, el("thead", {}, el("tr", {},
			["layer", "step", "brought by", "size", "hidden", ""].map((t, i) =>
				el("th", { scope: "col", class: i === 3 || i === 4 ? "number" : null }, t)))),
			el("tbody", {}, image.layers.map((layer, i) => el("tr", {},
				el("td", {}, String(layer.layer || i + 1)), el("td", {}, layer.step ? String(layer.step) : ""),
				el("td", {}, el("code.instruction", {}, layer.instruction || "")),
				el("td.number", {}, bytes(layer.size_bytes)),
				el("td.number.note", { title: "replaced or removed by later layers" },
					layer.hidden_bytes ? bytes(layer.hidden_bytes) : ""),
				el("td.length", { "aria-hidden": "true" }, el("span", {
					style: "width:" + (100 * layer.size_bytes / largest).toFixed(1) + "%" }))))))));
}

/* One row per package, in groups by the step that brought them. */
function packages(image) {
	const groups = new Map();
	for (const item of image.packages) {
		const key = item.layer || 0;
		if (!groups.has(key))
			groups.set(key, []);
		groups.get(key).push(item);
	}
	const instruction = (key) => (image.layers.find((layer) => layer.layer === key) || {}).instruction;
	const rows = [];
	const details = [...groups.keys()].sort((a, b) => b - a).map((key) => {
		const list = groups.get(key);
		const table = el("table.list", {}, el("thead", {}, el("tr", {}, ["package", "version", "from", "size"].map((t, i) =>
			el("th", { scope: "col", class: i === 3 ? "number" : null }, t)))),
			el("tbody", {}, list.map((item) => {
				const row = el("tr", {}, el("th", { scope: "row" }, item.name), el("td", {}, item.version || "",
					item.metadata_version ? el("span.warn", {}, " ! metadata says " + item.metadata_version) : null,
					item.shadowed ? el("span.warn", {}, " ! shadowed by another version") : null,
					item.damaged ? el("span.warn", {}, " ! " + plural(item.damaged, "file") + " missing or changed") : null),
					el("td.note", {}, item.from || ""), el("td.number.note", {}, item.size_bytes ? bytes(item.size_bytes) : ""));
				row.words = (item.name + " " + item.version).toLowerCase();
				rows.push(row);
				return row;
			})));
		return el("details.group", { open: groups.size === 1 || list.length <= 40 },
			el("summary", {}, el("strong", {}, list[0].step ? "step " + list[0].step : key ? "layer " + key : "step not known"), " ",
				plural(list.length, "package"), " ", el("code.instruction.note", {}, instruction(key) || "")),
			el("div.scroll", {}, table));
	});
	const find = el("input", { type: "search", id: "find", placeholder: "part of a name or version" });

	find.addEventListener("input", () => {
		const part = find.value.trim().toLowerCase();
		for (const row of rows)
			row.hidden = !row.words.includes(part);
		for (const group of details) {
			group.hidden = ![...group.querySelectorAll("tbody tr")].some((row) => !row.hidden);
			group.open = group.open || part !== "";
		}
	});
	return section("packages", "Packages", plural(image.packages.length + (image.packages_left_out || 0), "package") + ", by build step",
		image.packages.length ? el("div.filters", { role: "search" }, el("label", { for: "find" }, "Find ", find))
			: el("p", {}, "No package manager's records were found."), details,
		image.packages_left_out ? el("p.note", {}, plural(image.packages_left_out, "package") + " more are left out here.") : null);
}

/* Libraries down, compute capabilities across: S machine code, P intermediate code. */
function archs(image) {
	const name = (arch) => "sm_" + arch.cc + (arch.suffix || "");
	const columns = [...new Map(image.libraries.flatMap((library) => library.archs)
		.map((arch) => [name(arch), arch.cc * 256 + (arch.suffix || "").charCodeAt(0) || arch.cc * 256]))]
		.sort((a, b) => a[1] - b[1]).map((pair) => pair[0]);

	if (!image.libraries.length)
		return section("archs", "GPU code", plural(image.library_count, "library", "libraries") + " read",
			el("p", {}, "No library has code for a GPU."));
	return section("archs", "GPU code", "by library",
		el("p.note", {}, "S: machine code for that GPU; P: intermediate code (PTX), which newer GPUs can translate."),
		el("div.scroll", {}, el("table.list.archs", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "library"),
			el("th", { scope: "col" }, "of"), columns.map((c) => el("th.number", { scope: "col" }, c)))),
			el("tbody", {}, image.libraries.map((library) => el("tr", {},
				el("th", { scope: "row", title: library.path }, el("code", {}, library.path.split("/").pop())),
				el("td.note", {}, [library.owner, step(library)].filter(Boolean).join(", ")),
				columns.map((column) => {
					const here = library.archs.filter((arch) => name(arch) === column);
					const text = here.map((arch) => arch.kind === "ptx" ? "P" : "S").sort().reverse().join("");
					return el("td.number" + (here.length ? ".has" : ""), { title: here.map((arch) =>
						arch.kind + ", " + bytes(arch.bytes)).join("; ") || null }, text);
				})))))),
		image.libraries_left_out ? el("p.note", {}, plural(image.libraries_left_out, "library", "libraries") + " more are left out here.") : null,
		image.triton && image.triton.targets.length ? el("p", {}, "Triton's ptxas knows ", image.triton.targets.join(" "), ".") : null);
}

document.addEventListener("DOMContentLoaded", () => {
	const image = pageData(), env = image.config.env || [];

	add(document.getElementById("main"), [
		el("h1", {}, "Image ", el("code", {}, image.id.slice(0, 19))),
		summary(image),
		section("runs", "Runs", plural(image.run_count, "run") + " of this image",
			el("ul.plain", {}, image.runs.slice(0, 20).map((run) => el("li", {}, verdictBadge(run.verdict), " ",
				el("a", { href: root() + run.page }, short(run.commit)), " ", run.subject || ""))),
			image.run_count > 20 ? el("p.note", {}, "and " + (image.run_count - 20) + " more") : null),
		archs(image), layers(image), packages(image),
		env.length ? section("env", "Environment", null, el("ul.plain", {}, env.map((line) => el("li", {}, el("code", {}, line))))) : null]);
});
