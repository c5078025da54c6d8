/** One number: large, with its change and where it comes from. */

import type { MetricModel } from "../model.gen.ts";
import type { WidgetModel } from "../model.ts";
import type { FeedRecord } from "../ring.ts";
import type { Tap } from "../tally.ts";
import { element, ICONS, icon, setAttribute, setShown, setText } from "./dom.ts";
import { Fields } from "./fields.ts";
import { digitsFor, formatFixed, formatSigned } from "./format.ts";
import { type Body, Frame } from "./frame.ts";
import { Gathering, type Source } from "./gather.ts";
import { type Level, levelOf, SIGNS } from "./level.ts";
import { type Bucket, type Reduce, reduced, Span } from "./span.ts";
import { type Point, Sparkline } from "./sparkline.ts";

type Model = WidgetModel<MetricModel>;

/** What all events come to. */
class Sum {
	readonly #model: Model;
	fields = new Fields();
	span = new Span(60_000);
	count = 0;
	sum = 0;
	last: number | null = null;
	/** Time of the newest and of the first event [ms]. */
	newestMs = Number.NEGATIVE_INFINITY;
	firstMs = Number.POSITIVE_INFINITY;
	/** Whether any number had digits after its point. */
	fractions = false;

	constructor(model: Model) {
		this.#model = model;
	}

	begin(): Tap {
		const field = this.#model.get("field");
		const counts = ["count", "rate"].includes(this.#model.get("function")) && field === "";
		this.fields = new Fields();
		this.span = new Span(this.#model.get("span_s") * 1000);
		Object.assign(this, { count: 0, sum: 0, last: null, fractions: false });
		Object.assign(this, { newestMs: Number.NEGATIVE_INFINITY, firstMs: Number.POSITIVE_INFINITY });
		const read = counts ? () => 1 : this.fields.number(field);
		return (record) => this.#take(record, read);
	}

	#take(record: FeedRecord, read: (record: FeedRecord & { kind: "event" }) => number | null): void {
		if (record.kind === "gap") return;
		const value = read(record);
		if (value === null) return;
		this.count += 1;
		this.sum += value;
		this.last = value;
		this.fractions ||= !Number.isInteger(value);
		this.newestMs = Math.max(this.newestMs, record.timeMs);
		this.firstMs = Math.min(this.firstMs, record.timeMs);
		const of = this.#model.get("function");
		this.span.add(record.timeMs, of === "sum" ? this.sum : of === "count" ? this.count : value);
	}

	/** Now, for what looks back: time stands still where nothing will come any more. */
	nowMs(now: number, over: boolean): number {
		return over ? this.newestMs : Math.max(now, this.newestMs);
	}

	value(buckets: readonly Bucket[], nowMs: number): number | null {
		const of = this.#model.get("function");
		if (of === "count") return this.count;
		if (of === "sum") return this.sum;
		if (of === "last") return this.last;
		const all = buckets.reduce((total, { count }) => total + count, 0);
		if (of === "rate") return (all * 1000) / Math.max(this.#reachMs(nowMs), 1000);
		if (all === 0) return null;
		if (of === "mean") return buckets.reduce((total, { sum }) => total + sum, 0) / all;
		return Math[of](...buckets.map((bucket) => bucket[of]));
	}

	/** What the value is compared with: as it was when the span began. */
	before(buckets: readonly Bucket[]): number | undefined {
		const of = this.#model.get("function");
		const [oldest] = buckets;
		if (oldest === undefined || of === "rate") return undefined;
		if (of === "mean" || of === "min" || of === "max") return reduced(oldest, of);
		return oldest.first;
	}

	points(buckets: readonly Bucket[], nowMs: number): Point[] {
		const of = this.#model.get("function");
		const by: Reduce = of === "mean" || of === "min" || of === "max" ? of : "last";
		// How many came in the newest bucket is not known before it is over.
		const whole = of === "rate" ? buckets.slice(0, -1) : buckets;
		const points = whole.map((bucket): Point => {
			return [this.span.timeOf(bucket), of === "rate" ? bucket.count : reduced(bucket, by)];
		});
		const newest = points.at(-1);
		// A value holds until there is another.
		if (newest !== undefined && of !== "rate" && nowMs > newest[0]) points.push([nowMs, newest[1]]);
		return points;
	}

	#reachMs(nowMs: number): number {
		return Math.min(this.#model.get("span_s") * 1000, nowMs - this.firstMs);
	}
}

class MetricView implements Body {
	readonly name = "metric";
	readonly traits = ["field", "function", "unit", "digits", "span_s", "delta", "sparkline", "thresholds"];
	readonly el = element("div", "metric-body");
	readonly frame: Frame;
	readonly #model: Model;
	readonly #source: Source;
	readonly #sum: Sum;
	readonly #value = element("span", "metric-value", {}, "–");
	readonly #unit = element("span", "metric-unit");
	readonly #level = element("span", "metric-level");
	readonly #delta = element("div", "metric-delta");
	readonly #spark = new Sparkline();
	#shownLevel: Level | null = null;

	constructor(source: Source, sum: Sum, signal: AbortSignal) {
		this.#model = source.model as Model;
		this.#source = source;
		this.#sum = sum;
		const line = element("div", "metric-line", {}, this.#level, this.#value, this.#unit);
		this.el.append(line, this.#delta, this.#spark.el);
		this.frame = new Frame(source.model, source.feed, this, signal);
		this.frame.start(signal);
	}

	draw(): void {
		setAttribute(this.frame.el, "data-empty", String(this.#sum.count === 0));
		if (this.frame.paused) return;
		const { state } = this.#source.feed;
		const over = state === "ended" || state === "closed" || state === "failed";
		const now = this.#sum.nowMs(this.#source.feed.now(), over);
		const buckets = this.#sum.span.since(now);
		const value = this.#sum.value(buckets, now);
		const points = this.#sum.points(buckets, now);
		this.#drawValue(value);
		this.#drawDelta(value, this.#sum.before(buckets));
		const sparkline = this.#model.get("sparkline") && points.length > 1;
		this.#spark.draw(sparkline ? points : []);
		setAttribute(this.#spark.el, "data-shown", String(this.#model.get("sparkline")));
		if (!over && buckets.length > 0) this.frame.later(1_000); // what looks back moves on, though nothing comes
	}

	note(): string {
		return this.#sum.fields.note;
	}

	said(): string {
		const level = this.#shownLevel === null ? "" : ` (${this.#shownLevel})`;
		return `${this.#value.textContent} ${this.#unit.textContent}`.trim() + level;
	}

	#digits(value: number): number {
		const digits = this.#model.get("digits");
		if (digits !== null) return digits;
		if (this.#model.get("function") === "rate") return value < 100 ? 1 : 0;
		return digitsFor(value, this.#sum.fractions || !Number.isInteger(value));
	}

	#drawValue(value: number | null): void {
		setText(this.#value, value === null ? "–" : formatFixed(value, this.#digits(value)));
		setText(this.#unit, this.#model.get("unit"));
		setShown(this.#unit, this.#model.get("unit") !== "");
		const level = value === null ? null : levelOf(value, this.#model.get("thresholds"));
		setAttribute(this.frame.el, "data-level", level ?? "");
		setShown(this.#level, level !== null);
		if (level === this.#shownLevel) return;
		this.#shownLevel = level;
		this.#level.replaceChildren(...(level === null ? [] : [icon(SIGNS[level]), signWord(level)]));
	}

	#drawDelta(value: number | null, before: number | undefined): void {
		const shown = this.#model.get("delta") && this.#model.get("function") !== "rate";
		setShown(this.#delta, shown);
		if (!shown || value === null || before === undefined) {
			setText(this.#delta, "\u00a0");
			return;
		}
		const change = value - before;
		const counts = this.#model.get("function") === "count" || this.#model.get("function") === "sum";
		const share = formatSigned((change / Math.abs(before)) * 100, 1);
		const percent = before === 0 || counts ? "" : ` (${share}\u202f%)`;
		const key = `${formatSigned(change, this.#digits(value))}${percent}`;
		if (this.#delta.dataset.key === key) return;
		this.#delta.dataset.key = key;
		const arrow = change > 0 ? ICONS.up : change < 0 ? ICONS.fall : ICONS.level;
		this.#delta.replaceChildren(icon(arrow), key);
		this.#delta.title = `Change within the last ${this.#model.get("span_s")} seconds`;
	}
}

function signWord(level: Level): HTMLElement {
	return element("span", "hidden-text", {}, level);
}

export function metric(source: Source): (signal: AbortSignal) => HTMLElement {
	const sum = new Sum(source.model as Model);
	new Gathering(source, ["field", "function", "span_s"], () => sum.begin());
	return (signal) => new MetricView(source, sum, signal).frame.el;
}
