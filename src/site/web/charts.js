/* What pages with charts share: Chart.js in the page's colours, drawn again when they change. */
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const faint = (hex, alpha) => hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
/* The style sheet writes #fff in print; Chart.js wants all six digits behind an alpha. */
const full = (name) => {
	const hex = colour(name);
	return hex.length === 4 ? "#" + [...hex.slice(1)].map((c) => c + c).join("") : hex;
};

/* BUILD makes the configuration anew, so that it has the colours of now. */
function chart(height, label, build) {
	const canvas = el("canvas", { role: "img", "aria-label": label });
	const box = el("div.chart", { style: "height:" + height + "px" }, canvas);
	let drawn = null;
	const draw = () => {
		if (drawn)
			drawn.destroy();
		Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
		Chart.defaults.color = full("soft");
		Chart.defaults.borderColor = full("line");
		drawn = new Chart(canvas, build());
	};

	queueMicrotask(draw); /* the page has its box by then */
	document.addEventListener("themechange", draw);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
	matchMedia("print").addEventListener("change", draw);
	return box;
}

/* Vertical lines between points, each with a word on top: [{at, text, colour}]. */
function marks(lines) {
	return {
		id: "marks",
		afterDatasetsDraw(drawn) {
			const { ctx, chartArea: area, scales: { x } } = drawn;
			ctx.save();
			ctx.font = "600 11px " + Chart.defaults.font.family;
			for (const line of lines) {
				const at = x.getPixelForValue(line.at);
				ctx.strokeStyle = ctx.fillStyle = full(line.colour);
				ctx.setLineDash(line.dash || []);
				ctx.beginPath();
				ctx.moveTo(at, area.top);
				ctx.lineTo(at, area.bottom);
				ctx.stroke();
				ctx.textAlign = at > area.right - 80 ? "right" : "left";
				ctx.fillText(line.text, at + (ctx.textAlign === "left" ? 4 : -4), area.top + 11);
			}
			ctx.restore();
		},
	};
}
