/** How far several things are, how fast they go, and how long they will take. */

import type { ProgressModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import type { Json } from "../protocol.ts";
import type { EventRecord } from "../ring.ts";
import type { Tap } from "../tally.ts";
import { Fields } from "./fields.ts";
import { readerOf } from "./path.ts";

const MAX_TASKS = 1_000;
/** The rate is that of so many samples, so far apart. */
const SAMPLES = 16;
const SAMPLE_MS = 500;
const FAILED = new Set(["failed", "failure", "error", "cancelled", "canceled", "aborted"]);
const DONE = new Set(["done", "ended", "finished", "complete", "completed", "success", "succeeded", "ok"]);

export type Outcome = "running" | "done" | "failed";

type Sample = readonly [timeMs: number, value: number];

export class Task {
	readonly key: string;
	value: number | null = null;
	total: number | null = null;
	/** In the program's own word; "" if it says nothing. */
	status = "";
	readonly startMs: number;
	newestMs: number;
	readonly #samples: Sample[] = [];

	constructor(key: string, timeMs: number) {
		this.key = key;
		this.startMs = timeMs;
		this.newestMs = timeMs;
	}

	get outcome(): Outcome {
		const word = this.status.toLowerCase();
		if (FAILED.has(word)) return "failed";
		const full = this.value !== null && this.total !== null && this.value >= this.total;
		return DONE.has(word) || full ? "done" : "running";
	}

	/** From 0 to 1; null if nobody knows. */
	get share(): number | null {
		if (this.outcome === "done") return 1;
		if (this.value === null || this.total === null || this.total <= 0) return null;
		return Math.min(Math.max(this.value / this.total, 0), 1);
	}

	/** How much a second, lately; null before that can be said. */
	get rate(): number | null {
		const [first, last] = [this.#samples[0], this.#samples.at(-1)];
		if (first === undefined || last === undefined || last[0] <= first[0]) return null;
		return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
	}

	/** Time left [ms], less what has passed since the last news; null if nobody knows. */
	leftMs(nowMs: number): number | null {
		const { rate, value, total } = this;
		if (rate === null || rate <= 0 || value === null || total === null) return null;
		return Math.max(((total - value) * 1000) / rate - Math.max(nowMs - this.newestMs, 0), 0);
	}

	at(timeMs: number, value: number): void {
		// It began again: what it did before says nothing of how fast it is now.
		if (this.value !== null && value < this.value) this.#samples.length = 0;
		this.value = value;
		const last = this.#samples.at(-1);
		const before = this.#samples.at(-2);
		if (last !== undefined && before !== undefined && timeMs - before[0] < SAMPLE_MS) this.#samples.pop();
		this.#samples.push([Math.max(timeMs, last?.[0] ?? timeMs), value]);
		if (this.#samples.length > SAMPLES) this.#samples.shift();
	}
}

export class Tasks {
	fields = new Fields();
	readonly byKey = new Map<string, Task>();
	/** How many were forgotten for newer ones. */
	dropped = 0;
	readonly #model: WidgetModel<ProgressModel>;

	constructor(model: WidgetModel<ProgressModel>) {
		this.#model = model;
	}

	begin(): Tap {
		this.fields = new Fields();
		this.byKey.clear();
		this.dropped = 0;
		const by = this.#model.get("by");
		const keyOf = by === "" ? () => "" : this.fields.name(by);
		const value = this.fields.number(this.#model.get("value"));
		const total = totalIn(this.#model.get("total"));
		const status = readerOf(this.#model.get("status"));
		return (record) => {
			if (record.kind === "gap") return;
			const key = keyOf(record);
			if (key === null) return;
			const task = this.#task(key, record.timeMs);
			task.newestMs = record.timeMs;
			task.total = total(record) ?? task.total;
			const word = status(record);
			if (typeof word === "string") task.status = word;
			// An event that only tells the end needs no value.
			const number = typeof word === "string" ? numberIn(this.#model.get("value"), record) : value(record);
			if (number !== null) task.at(record.timeMs, number);
		};
	}

	#task(key: string, timeMs: number): Task {
		let task = this.byKey.get(key);
		if (task === undefined) {
			task = new Task(key, timeMs);
			this.byKey.set(key, task);
			if (this.byKey.size > MAX_TASKS) this.#drop();
		}
		return task;
	}

	/** The oldest that has ended, else the oldest. */
	#drop(): void {
		const tasks = [...this.byKey.values()];
		const goes = tasks.find(({ outcome }) => outcome !== "running") ?? tasks[0];
		if (goes !== undefined) this.byKey.delete(goes.key);
		this.dropped += 1;
	}
}

function asNumber(value: Json | undefined): number | null {
	return typeof value === "number" ? value : null;
}

function numberIn(path: string, record: EventRecord): number | null {
	return asNumber(readerOf(path)(record));
}

/** A number for all, or where each event says it. */
function totalIn(total: number | string): (record: EventRecord) => number | null {
	if (typeof total === "number") return () => total;
	const read = readerOf(total);
	return (record) => asNumber(read(record));
}
