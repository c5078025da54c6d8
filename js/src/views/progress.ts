/** A bar for each thing that is under way. */

import type { ProgressModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import { element, ICONS, icon, setAttribute, setShown, setText } from "./dom.ts";
import { Empty } from "./empty.ts";
import { digitsFor, formatDuration, formatFixed, formatShort, plural } from "./format.ts";
import { type Body, Frame } from "./frame.ts";
import { Gathering, type Source } from "./gather.ts";
import { type Outcome, type Task, Tasks } from "./tasks.ts";
import { toolButton } from "./toolbar.ts";

type Model = WidgetModel<ProgressModel>;

const SIGNS: Readonly<Record<Outcome, string | null>> = {
	running: null,
	done: ICONS.good,
	failed: ICONS.bad,
};

class Bar {
	readonly el = element("div", "task");
	readonly #sign = element("span", "task-sign", { "aria-hidden": "true" });
	readonly #label = element("span", "task-label");
	readonly #percent = element("span", "task-percent");
	readonly #detail = element("span", "task-detail");
	readonly #track = element("div", "task-track", { role: "progressbar" });
	readonly #fill = element("div", "task-fill");
	#outcome: Outcome = "running";

	constructor() {
		const head = element("div", "task-head", {}, this.#sign, this.#label, this.#detail, this.#percent);
		this.#track.append(this.#fill);
		this.el.append(head, this.#track);
	}

	draw(task: Task, label: string, unit: string, nowMs: number, over: boolean): void {
		const { outcome, share } = task;
		if (outcome !== this.#outcome) {
			this.#outcome = outcome;
			const sign = SIGNS[outcome];
			this.#sign.replaceChildren(...(sign === null ? [] : [icon(sign)]));
		}
		setAttribute(this.el, "data-outcome", outcome);
		const open = share === null && outcome === "running" && !over;
		setAttribute(this.el, "data-open", String(open));
		setText(this.#label, label);
		const percent = share === null ? "" : `${Math.floor(share * 100)}\u202f%`;
		const detail = detailOf(task, unit, nowMs, over);
		setText(this.#percent, outcome === "failed" ? "" : percent);
		setText(this.#detail, detail);
		const length = share ?? (outcome === "running" ? 0 : 1);
		this.#fill.style.transform = open ? "none" : `scaleX(${length})`;
		this.#tell(label, share, [outcome === "running" ? "" : outcome, percent, detail]);
	}

	#tell(label: string, share: number | null, parts: readonly string[]): void {
		setAttribute(this.#track, "aria-label", label);
		if (share === null) this.#track.removeAttribute("aria-valuenow");
		else setAttribute(this.#track, "aria-valuenow", String(Math.floor(share * 100)));
		setAttribute(this.#track, "aria-valuetext", parts.filter((part) => part !== "").join(", "));
	}
}

function amount(value: number, unit: string): string {
	const text = formatFixed(value, digitsFor(value, !Number.isInteger(value)));
	return unit === "" ? text : `${text} ${unit}`;
}

function detailOf(task: Task, unit: string, nowMs: number, over: boolean): string {
	const { outcome, rate, total, value } = task;
	const took = formatDuration(task.newestMs - task.startMs);
	if (outcome === "failed") return `${task.status} after ${took}`;
	const whole = total === null ? "" : ` of ${amount(total, unit)}`;
	const far = value === null ? "" : total === null ? amount(value, unit) : `${amount(value, "")}${whole}`;
	if (outcome === "done") return [far, took].filter((part) => part !== "").join(" · ");
	if (over) return [far, "stopped"].filter((part) => part !== "").join(" · ");
	const left = task.leftMs(nowMs);
	const parts = [
		far,
		rate === null ? "" : `${formatShort(rate)}${unit === "" ? "" : ` ${unit}`}/s`,
		left === null ? "" : `${formatDuration(left)} left`,
	];
	return parts.filter((part) => part !== "").join(" · ");
}

class ProgressView implements Body {
	readonly name = "progress";
	readonly traits = ["by", "value", "total", "status", "unit", "max_rows"];
	readonly el: HTMLElement;
	readonly frame: Frame;
	readonly after: readonly Node[];
	readonly #model: Model;
	readonly #source: Source;
	readonly #tasks: Tasks;
	readonly #bars = new Map<string, Bar>();
	readonly #list = element("div", "tasks");
	readonly #empty = new Empty();
	#hidden = 0;
	#cleared = false;

	constructor(source: Source, tasks: Tasks, clear: () => void, signal: AbortSignal) {
		this.#model = source.model as Model;
		this.#source = source;
		this.#tasks = tasks;
		const clearButton = toolButton("clear", ICONS.clear, "Clear the view", () => {
			clear();
			this.#cleared = true;
			this.frame.refresh();
		});
		this.after = [clearButton];
		this.el = element("div", "progress-body", {}, this.#list, this.#empty.el);
		this.frame = new Frame(source.model, source.feed, this, signal);
		this.frame.start(signal);
	}

	draw(): void {
		const { feed } = this.#source;
		const { byKey } = this.#tasks;
		if (!this.frame.paused || byKey.size === 0) this.#drawBars();
		this.#empty.update(
			byKey.size === 0,
			this.#cleared ? "cleared" : feed.state,
			feed.channel || this.frame.title,
		);
		setShown(this.#list, byKey.size > 0);
	}

	note(): string {
		const more = this.#hidden + this.#tasks.dropped;
		return more > 0 ? `${plural(more, "older one is", "older ones are")} not shown` : this.#tasks.fields.note;
	}

	said(): string {
		const of = (outcome: Outcome): number =>
			[...this.#tasks.byKey.values()].filter((task) => task.outcome === outcome).length;
		return `${of("running")} running, ${of("done")} done, ${of("failed")} failed`;
	}

	#drawBars(): void {
		const { feed } = this.#source;
		const now = feed.now();
		const over = feed.state === "ended" || feed.state === "closed" || feed.state === "failed";
		const tasks = [...this.#tasks.byKey.values()];
		const shown = tasks.slice(-Math.max(this.#model.get("max_rows"), 1));
		this.#hidden = tasks.length - shown.length;
		const keys = new Set(shown.map(({ key }) => key));
		for (const [key, bar] of this.#bars) {
			if (keys.has(key)) continue;
			bar.el.remove();
			this.#bars.delete(key);
		}
		for (const task of shown) {
			const label = task.key === "" ? this.frame.title : task.key;
			this.#bar(task.key).draw(task, label, this.#model.get("unit"), now, over);
		}
		if (!over && shown.some(({ outcome }) => outcome === "running")) this.frame.later(1_000);
	}

	#bar(key: string): Bar {
		let bar = this.#bars.get(key);
		if (bar === undefined) {
			bar = new Bar();
			this.#bars.set(key, bar);
			this.#list.append(bar.el);
		}
		return bar;
	}
}

export function progress(source: Source): (signal: AbortSignal) => HTMLElement {
	const tasks = new Tasks(source.model as Model);
	const gathering = new Gathering(source, ["by", "value", "total", "status"], () => tasks.begin());
	return (signal) => new ProgressView(source, tasks, () => gathering.clear(), signal).frame.el;
}
