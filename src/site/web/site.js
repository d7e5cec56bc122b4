/* What every page shares: the theme, the header, small builders. Text from outside becomes text
 * nodes only; nothing here or in the other scripts parses HTML. */
"use strict";

const theme = {
	key: "assay-theme",
	order: ["auto", "light", "dark"],
	read() {
		try {
			const kept = localStorage.getItem(this.key);
			return this.order.includes(kept) ? kept : "auto";
		} catch (refused) {
			return "auto";
		}
	},
	apply(name) {
		if (name === "auto")
			delete document.documentElement.dataset.theme;
		else
			document.documentElement.dataset.theme = name;
	},
	choose(name) {
		try {
			localStorage.setItem(this.key, name);
		} catch (refused) {
			/* a browser that keeps nothing still shows the choice */
		}
		this.apply(name);
		document.dispatchEvent(new Event("themechange"));
	},
};
theme.apply(theme.read());

const OUTCOMES = {
	P: { name: "pass", sign: "\u2713", plural: "passed" },
	F: { name: "fail", sign: "\u2717", plural: "failed" },
	T: { name: "timeout", sign: "T", plural: "timed out" },
	B: { name: "broken", sign: "!", plural: "broken" },
	S: { name: "skip", sign: "S", plural: "skipped" },
	I: { name: "incomplete", sign: "I", plural: "incomplete" },
	N: { name: "notrun", sign: "\u25cb", plural: "not run" },
	"-": { name: "absent", sign: "", plural: "absent" },
};
const FLIPS = { r: "regressed", f: "fixed", n: "new", s: "still failing", g: "gone" };
const FLIP_SIGNS = { regressed: "\u2198", fixed: "\u2197", new: "+", "still failing": "\u2192",
	gone: "\u2212" };
const ENDINGS = { culprit: "Culprit", "no-culprit": "No culprit", older: "Older than the range",
	undecided: "Undecided", open: "Not ended" };
const VERDICTS = {
	pass: { sign: "\u2713", text: "pass" },
	fail: { sign: "\u2717", text: "fail" },
	inconclusive: { sign: "?", text: "inconclusive" },
	infra: { sign: "!", text: "infrastructure" },
	empty: { sign: "\u25cb", text: "empty" },
	open: { sign: "\u2026", text: "not ended" },
};

/* Controls, and what reorders a line, show themselves instead of acting. */
function visible(text) {
	return String(text).replace(
		/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
		(c) => "\u27e8" + c.charCodeAt(0).toString(16).padStart(2, "0") + "\u27e9");
}

/* Captured output: terminal colours and cursor movements have no meaning on a page. */
function plain(text) {
	return visible(text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
		.replace(/\r+\n/g, "\n").replace(/[^\n]*\r(?!\n)/g, ""));
}

/* el("a.name", {href: "x"}, "text", child, [children]): children that are null are left out. */
function el(name, attributes, ...children) {
	const [tag, ...classes] = name.split(".");
	const node = document.createElement(tag);

	if (classes.length)
		node.className = classes.join(" ");
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (key.startsWith("on"))
			node.addEventListener(key.slice(2), value);
		else
			node.setAttribute(key, value === true ? "" : value);
	}
	add(node, children);
	return node;
}

function add(node, children) {
	for (const child of children) {
		if (child === null || child === undefined || child === false)
			continue;
		if (Array.isArray(child))
			add(node, child);
		else
			node.append(child instanceof Node ? child : visible(child));
	}
}

const root = () => document.body.dataset.root;
const pageData = () => JSON.parse(document.getElementById("data").textContent);
const short = (hash) => (hash || "").slice(0, 10);
const day = (seconds) => seconds ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") : "";
const stamp = (text) => (text || "").replace("T", " ").replace(/\.\d+Z$/, " UTC").replace(/Z$/, " UTC");
const plural = (n, one, many) => n + " " + (n === 1 ? one : many || one + "s");

function seconds(s) {
	if (!s)
		return "0 s";
	if (s < 0.001)
		return (s * 1e6).toFixed(0) + " \u00b5s";
	if (s < 1)
		return (s * 1000).toFixed(s < 0.01 ? 1 : 0) + " ms";
	if (s < 60)
		return s.toFixed(s < 10 ? 2 : 1) + " s";
	const minutes = Math.floor(s / 60);
	return minutes < 60 ? minutes + " min " + String(Math.floor(s % 60)).padStart(2, "0") + " s"
		: Math.floor(minutes / 60) + " h " + String(minutes % 60).padStart(2, "0") + " min";
}

function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;

	for (; n >= 1024 && i < units.length - 1; i++)
		n /= 1024;
	return (i && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + units[i];
}

/* Five digits at most, as people write them. */
function number(x) {
	if (x === null || x === undefined || Number.isNaN(x))
		return "\u2013";
	if (x !== 0 && (Math.abs(x) >= 1e7 || Math.abs(x) < 1e-3))
		return x.toExponential(3);
	return Number(x.toPrecision(5)).toLocaleString("en-GB", { maximumFractionDigits: 6 });
}

function mark(letter) {
	const outcome = OUTCOMES[letter];
	return el("span.mark.o-" + outcome.name, { title: outcome.name },
		el("span", { "aria-hidden": "true" }, outcome.sign || "\u00b7"),
		el("span.hidden", {}, outcome.name));
}

function verdictBadge(verdict, large) {
	const v = VERDICTS[verdict] || { sign: "?", text: verdict };
	return el("span.badge.v-" + verdict + (large ? ".large" : ""), {},
		el("span", { "aria-hidden": "true" }, v.sign), " ", v.text);
}

function flipTag(flip) {
	return flip ? el("span.flip.f-" + flip.replace(/ /g, "-"), {},
		el("span", { "aria-hidden": "true" }, FLIP_SIGNS[flip] || ""), " ", flip) : null;
}

/* A table of terms: [[name, value]]; rows without a value are left out. */
function facts(rows) {
	return el("dl.facts", {}, rows.filter((row) => row[1] || row[1] === 0)
		.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function section(id, title, note, ...children) {
	return el("section", { id, "aria-labelledby": id + "-title" },
		el("h2", { id: id + "-title" }, title, note ? el("span.note", {}, " ", note) : null),
		...children);
}

/* A label with a count that filters: pressed means shown. */
function toggle(label, pressed, change) {
	const button = el("button.toggle", { type: "button", "aria-pressed": String(pressed) }, label);
	button.addEventListener("click", () => {
		const now = button.getAttribute("aria-pressed") !== "true";
		button.setAttribute("aria-pressed", String(now));
		change(now);
	});
	return button;
}

function log(stream, name) {
	return el("figure.log", {},
		el("figcaption", {}, name, stream.cut_bytes
			? el("span.note", {}, " the last " + bytes(new Blob([stream.text]).size) + "; "
				+ bytes(stream.cut_bytes) + " before it are left out, see the run directory")
			: null),
		el("pre", { tabindex: "0", "aria-label": name }, plain(stream.text)));
}

/* A filter kept in the address, so that a link shows the same. */
function readState() {
	return new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
}

function keepState(values) {
	const kept = new URLSearchParams();
	for (const [key, value] of Object.entries(values))
		if (value)
			kept.set(key, value);
	const text = kept.toString();
	try {
		history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search);
	} catch (refused) {
		/* some browsers refuse this for files; the filter works all the same */
	}
}

function header() {
	const data = document.body.dataset;
	const pages = [["overview", "index.html", "Runs"], ["metrics", "metrics.html", "Metrics"],
		["images", "images.html", "Images"]];
	const select = el("select", { id: "theme", onchange: (e) => theme.choose(e.target.value) },
		theme.order.map((name) => el("option", { value: name, selected: name === theme.read() },
			{ auto: "Auto", light: "Light", dark: "Dark" }[name])));

	if (data.bisects !== "0")
		pages.push(["bisects", "bisects.html", "Bisections"]);
	const here = { run: "overview", metric: "metrics", image: "images", bisect: "bisects" };
	document.getElementById("top").append(
		el("a.brand", { href: root() + "index.html" },
			el("img", { src: root() + "assets/icon.svg", alt: "", width: 22, height: 22 }),
			el("span", {}, data.report)),
		el("nav", { "aria-label": "Pages" }, pages.map(([kind, path, name]) =>
			el("a", { href: root() + path,
				"aria-current": (here[data.kind] || data.kind) === kind ? "page" : null }, name))),
		el("label.theme", { for: "theme" }, "Theme ", select));
}

document.addEventListener("DOMContentLoaded", header);
