import type { Model, WidgetModel } from "../../src/model.ts";

type Callback = (message: unknown) => void;

/** What anywidget hands to the widget, with the kernel's side for the test. */
export class FakeModel implements WidgetModel {
	readonly state: Model & Record<string, unknown> = {
		_listening: false,
		_view: "log",
		paused: false,
		title: "prices",
		max_rows: 500,
		height: "320px",
	};
	readonly sent: Record<string, unknown>[] = [];
	/** What the kernel answers to `hello`, if it is free. */
	welcome: object | null = null;
	commDead = false;
	/** Who gets what the page sends. */
	kernel: ((message: Record<string, unknown>) => void) | null = null;
	saved = 0;
	readonly #callbacks = new Map<string, Callback[]>();

	get<K extends keyof Model>(key: K): Model[K] {
		return this.state[key];
	}

	set<K extends keyof Model>(key: K, value: Model[K]): void {
		Object.assign(this.state, { [key]: value });
		this.emit(`change:${key}`);
	}

	on(name: string, callback: Callback): void {
		this.#callbacks.set(name, [...(this.#callbacks.get(name) ?? []), callback]);
	}

	off(name: string, callback: Callback): void {
		const all = this.#callbacks.get(name) ?? [];
		this.#callbacks.set(
			name,
			all.filter((each) => each !== callback),
		);
	}

	save_changes(): void {
		if (this.commDead) throw new Error("Cannot send");
		this.saved += 1;
	}

	send(content: object): void {
		if (this.commDead) throw new Error("Cannot send");
		const message = { ...content } as Record<string, unknown>;
		this.sent.push(message);
		this.kernel?.(message);
		if (message.kind === "hello" && this.welcome !== null) this.emit("msg:custom", this.welcome);
	}

	emit(name: string, message?: unknown): void {
		for (const callback of [...(this.#callbacks.get(name) ?? [])]) callback(message);
	}

	listeners(): number {
		return [...this.#callbacks.values()].reduce((sum, callbacks) => sum + callbacks.length, 0);
	}

	get statuses(): Record<string, unknown>[] {
		return this.sent.filter((message) => message.kind === "status");
	}

	get received(): Record<string, unknown>[] {
		return this.sent.filter((message) => message.kind === "received");
	}

	get states(): unknown[] {
		return this.statuses.map((message) => message.state);
	}
}
