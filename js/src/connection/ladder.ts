/**
 * The ways over HTTP to one kernel's server, best first, and why each was not taken.
 *
 * They are tried in rounds, each way once. The way of the open stream comes first, unless a round begins to look for a
 * better one; then it comes in its place, and the stream is left alone until a better one has a ticket.
 */

import type { Env } from "../env.ts";
import type { Secret, Welcome } from "../protocol.ts";
import { DirectWay } from "./direct.ts";
import { JupyterWay } from "./jupyter.ts";
import type { Obstacle, Way } from "./way.ts";

/** A way that holds a stream back is none. */
const PROBE_MS = 3_000;
/** Where there is no other, a slow one is better than none. */
const ONLY_WAY_MS = 10_000;

/** The ways that a welcome allows; the comm is none of them. */
export function waysOf(env: Env, welcome: Welcome): Way[] {
	const direct = (): Way => new DirectWay(env, welcome);
	const jupyter = (): Way => new JupyterWay(env, welcome);
	const allowed = { auto: [direct, jupyter], direct: [direct], jupyter: [jupyter], comm: [] };
	return allowed[welcome.transport].map((make) => make());
}

export class Ladder {
	readonly #ways: readonly Way[];
	readonly #notes = new Map<Way, Obstacle>();
	readonly #tried = new Set<Way>();
	/** The one that is open, or was until now. */
	current: Way | null = null;

	constructor(ways: readonly Way[]) {
		this.#ways = ways;
	}

	/** How long to wait for a stream's first message [ms]. */
	get probeMs(): number {
		return this.#ways.length > 1 ? PROBE_MS : ONLY_WAY_MS;
	}

	/** No way can be tried, and waiting does not change that. */
	get hopeless(): boolean {
		return this.#ways.every((way) => this.#notes.get(way)?.final === true);
	}

	/** A way before the current one did not work, and may another time. */
	get mayImprove(): boolean {
		const better = this.current === null ? [] : this.#ways.slice(0, this.#ways.indexOf(this.current));
		return better.some((way) => this.#notes.get(way)?.final === false);
	}

	/** Why ways were not taken, best first. */
	get log(): string[] {
		return this.#ways.flatMap((way) => {
			const note = this.#notes.get(way);
			return note === undefined ? [] : [`${way.rung}: ${note.text}`];
		});
	}

	/** The one sentence to show if there is no way: of what was tried rather than of what could not be. */
	get text(): string {
		const notes = this.#ways.flatMap((way) => this.#notes.get(way) ?? []);
		return (notes.find((note) => !note.final) ?? notes[0])?.text ?? "";
	}

	/** The way to try now; null: all have failed in this round. */
	next(): Way | null {
		const order = this.current === null ? this.#ways : [this.current, ...this.#ways];
		return order.find((way) => !this.#tried.has(way)) ?? null;
	}

	/** Begin a new round. `better`: from the best way on, even if the current one works. */
	begin(better: boolean): void {
		this.#tried.clear();
		if (better) this.current = null;
	}

	failed(way: Way, obstacle: Obstacle): void {
		this.#tried.add(way);
		this.#notes.set(way, obstacle);
		if (this.current === way) this.current = null;
		way.distrust();
		way.leave();
	}

	opened(way: Way): void {
		this.current = way;
		this.#tried.clear();
		this.#notes.delete(way);
		for (const other of this.#ways) if (other !== way) other.leave();
	}

	leave(): void {
		for (const way of this.#ways) way.leave();
	}

	update(secret: Secret): boolean {
		return this.#ways.map((way) => way.update(secret)).includes(true);
	}
}
