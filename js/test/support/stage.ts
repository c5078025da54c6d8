import { vi } from "vitest";
import type { Model } from "../../src/model.ts";
import type { Json, Pack } from "../../src/protocol.ts";
import { type MakeView, makerOf } from "../../src/views/views.ts";
import { Rig } from "./rig.ts";

/** For `beforeEach`: an empty page whose timers wait for the test. */
export function frozenClock(): () => void {
	vi.useFakeTimers();
	document.body.replaceChildren();
	return () => {
		vi.useRealTimers();
	};
}

/** A view on a feed that is fed by hand, drawn when the test says. */
export class Stage {
	readonly rig = new Rig();
	readonly controller = new AbortController();
	readonly model;
	readonly feed;
	readonly el: HTMLElement;
	/** When the next events are pushed [ms]; an old history, unless told otherwise. */
	timeMs = 1_700_000_000_000;
	readonly #make: MakeView;
	#next = 1;

	/** `before` runs before there is a view. */
	constructor(
		view: string,
		traits: Partial<Model> & Record<string, unknown> = {},
		before: (stage: Stage) => void = () => undefined,
	) {
		const widget = this.rig.start(null);
		this.model = widget.model;
		this.feed = widget.feed;
		Object.assign(this.model.state, { _view: view, ...traits });
		const source = { model: this.model, feed: this.feed, signal: this.controller.signal };
		this.#make = makerOf(view)(source);
		before(this);
		this.el = this.show();
	}

	/** Another view of the same widget. */
	show(signal = this.controller.signal): HTMLElement {
		const el = this.#make(signal);
		document.body.append(el);
		this.draw();
		return el;
	}

	push(...data: Json[]): void {
		this.pushTyped("message", ...data);
	}

	pushTyped(type: string, ...data: Json[]): void {
		this.#take(0, type, data);
	}

	gap(lost: number | null): void {
		this.#take(lost, "message", []);
	}

	draw(ms = 300): void {
		this.rig.env.tick(ms);
		vi.advanceTimersByTime(ms);
	}

	/** As a change in Python arrives. */
	set(name: string, value: unknown): void {
		this.model.state[name] = value;
		this.model.emit(`change:${name}`);
		this.draw();
	}

	find<T extends Element = HTMLElement>(name: string): T {
		const found = this.el.querySelector<T>(`.sse-widget-${name}`);
		if (found === null) throw new Error(`no element ${name}`);
		return found;
	}

	texts(name: string): string[] {
		return [...this.el.querySelectorAll(`.sse-widget-${name}`)].map((each) => each.textContent ?? "");
	}

	type(query: string): void {
		const input = this.find<HTMLInputElement>("filter-input");
		input.value = query;
		input.dispatchEvent(new Event("input"));
		this.draw();
	}

	press(target: Element, key: string): void {
		target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
		this.draw();
	}

	#take(lost: number | null, type: string, data: readonly Json[]): void {
		const events = data.map((each): [number, string, Json] => [this.timeMs * 1000, type, each]);
		const pack: Pack = { channel: "prices", epoch: "a", first: this.#next + (lost ?? 0), events };
		this.#next = pack.first + events.length;
		this.feed.take(pack, 0, lost, 10);
	}
}
