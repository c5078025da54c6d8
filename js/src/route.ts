/**
 * How one feed's events come and go back: over HTTP while its connection is open, else over the comm.
 *
 * Both read through the same readers, so they may overlap. What was read and waits to go back to Python moves along when
 * the one takes over from the other: it is then all in one queue, in order. What was in flight may arrive twice; the
 * kernel's Receiver drops what it has. A connection that comes back within a moment keeps its feeds.
 */

import { Carrier } from "./comm/carrier.ts";
import type { Connection } from "./connection/connection.ts";
import type { Page } from "./connection/page.ts";
import type { LinkState, Subscriber } from "./connection/subscriber.ts";
import * as texts from "./connection/texts.ts";
import { Timer } from "./connection/timer.ts";
import { Foreign } from "./foreign.ts";
import type { State, Transport, Welcome } from "./protocol.ts";

/** For HTTP to come back, before the comm takes over. */
const HTTP_AWAY_MS = 1_500;
/** For HTTP to come first, before the kernel is told that the comm is needed. */
const QUIET_MS = 300;
/** While a better way may open any moment, the comm carries without a word. */
const UNNAMED_MS = 1_000;
/** For the comm's first message, before the reader of the notebook is told that nothing comes. */
const PATIENCE_MS = 5_000;

export interface Standing {
	readonly state: State;
	readonly text: string;
	readonly transport: Transport;
}

/** What a newer welcome changes: nothing, the ways to the same channel, or everything. */
export function newsOf(before: Welcome | undefined, welcome: Welcome): "none" | "ways" | "all" {
	if (before === undefined) return "ways";
	if (before.server !== welcome.server || before.channel !== welcome.channel) return "all";
	return before.url === welcome.url && before.transport === welcome.transport ? "none" : "ways";
}

export interface RouteHost {
	/** Over the comm; false: it is dead. */
	send(content: object): boolean;
	/** `standing` may be another. */
	changed(): void;
}

const CONNECTING: LinkState = { state: "connecting", text: "" };

export class Route {
	/** The newest one: it has the secrets. */
	welcome: Welcome;
	/** By which the kernel knows this page. */
	readonly client: string;
	readonly #page: Page;
	readonly #subscriber: Subscriber;
	/** Null: the user forces a way over HTTP. */
	readonly #carrier: Carrier | null;
	readonly #awayTimer: Timer;
	readonly #lookTimer: Timer;
	/** Null: the kernel feeds the channel. */
	readonly foreign: Foreign | null;
	#connection: Connection | null = null;
	#link: LinkState = CONNECTING;
	/** It was open before. */
	#known = false;
	viaHttp: boolean;

	constructor(page: Page, welcome: Welcome, subscriber: Subscriber, { send, changed }: RouteHost) {
		this.#page = page;
		this.welcome = welcome;
		this.client = page.clientOf(welcome);
		this.#subscriber = subscriber;
		this.#awayTimer = new Timer(page.env, () => this.#toComm(0));
		this.#lookTimer = new Timer(page.env, () => {
			changed();
			this.#lookLater();
		});
		const comm = welcome.transport === "auto" || welcome.transport === "comm";
		this.viaHttp = !comm;
		const host = {
			subscriber,
			page: this.client,
			send,
			changed,
			upload: (text: string) => this.#upload(text),
		};
		this.#carrier = comm ? new Carrier(page.env, host) : null;
		const poke = () => (this.viaHttp ? this.#connection : this.#carrier)?.uplink.lease();
		this.foreign = welcome.foreign && new Foreign(page.env, welcome.foreign, { poke, changed });
	}

	/** The feed reads, or would. */
	get active(): boolean {
		return this.#connection !== null || this.#carrier?.carry === true;
	}

	get carried(): boolean {
		return this.#carrier?.alive === true;
	}

	get log(): readonly string[] {
		return this.#link.log ?? [];
	}

	/** How the feed stands; asked for after every change. */
	get standing(): Standing {
		const way = this.#standing;
		const text = this.foreign?.text ?? "";
		return way.state === "open" && text !== "" ? { ...way, state: "reconnecting", text } : way;
	}

	get #standing(): Standing {
		const { state, text, rung } = this.#link;
		const carrier = this.#carrier;
		if (state === "open") return { state, text, transport: rung ?? "" };
		if (carrier === null || this.#link.held) return { state, text, transport: "" };
		if (carrier.alive && (state !== "connecting" || this.#named)) {
			return { state: "open", text: "", transport: "comm" };
		}
		const waiting = this.#known || carrier.heard ? "reconnecting" : "connecting";
		if (this.viaHttp || carrier.ageMs < PATIENCE_MS) return { state: waiting, text: "", transport: "" };
		if (text === "" || carrier.heard)
			return { state: waiting, text: texts.WAITING_FOR_KERNEL, transport: "" };
		return { state, text, transport: "" };
	}

	/** Nothing better is looked for, or that takes its time. */
	get #named(): boolean {
		return this.#connection === null || (this.#carrier?.ageMs ?? 0) >= UNNAMED_MS;
	}

	/** Read. */
	join(): void {
		if (this.active) return;
		this.#link = CONNECTING;
		if (this.welcome.transport !== "comm") {
			this.#connection = this.#page.connect(this.welcome);
			this.#connection.subscribe(this.#subscriber);
		}
		this.#toComm(this.#connection === null ? 0 : QUIET_MS);
		this.foreign?.start();
	}

	/** Read no more; what waits still goes back to Python. */
	leave(): void {
		this.foreign?.stop();
		this.#awayTimer.cancel();
		this.#lookTimer.cancel();
		this.#connection?.unsubscribe(this.#subscriber);
		this.#connection = null;
		this.#carrier?.end(false);
		this.#link = CONNECTING;
		this.#known = false;
	}

	/** The connection has let go of the feed. */
	released(): void {
		this.#awayTimer.cancel();
		this.#connection = null;
	}

	/** The kernel is no more, or the widget has been closed. */
	close(): void {
		this.leave();
		this.#carrier?.close();
	}

	/** The same server has sent another welcome. */
	update(welcome: Welcome): void {
		this.welcome = welcome;
		if (this.#connection !== null) this.#page.connect(welcome);
	}

	link(link: LinkState): void {
		this.#link = link;
		if (link.state === "open") this.#toHttp();
		else if (this.viaHttp && !link.held && !this.#awayTimer.running) this.#awayTimer.start(HTTP_AWAY_MS);
	}

	/** Ask the kernel's server whether the kernel is gone; null: nobody to ask. */
	async suspect(): Promise<boolean | null> {
		return (await this.#page.connection(this.welcome)?.suspect()) ?? null;
	}

	/** Tell the kernel the feed's state now, if HTTP is open. */
	report(): void {
		this.#connection?.report();
	}

	/** The kernel's messages over the comm. `wanted`: the feed reads. */
	packs(message: Record<string, unknown>, wanted: boolean): void {
		this.#carrier?.packs(message, wanted);
	}

	answer(message: Record<string, unknown>): void {
		this.#carrier?.answer(message);
	}

	/** Whether a channel that ended at this cursor (none: nobody knows) has been read to its end. */
	hasAll(cursor: unknown): boolean {
		return typeof cursor !== "string" || this.#carrier?.hasAll(cursor) !== false;
	}

	/** Something waits to go back to Python over the comm. */
	get waits(): boolean {
		return this.#carrier?.uplink.waitsFor(this.#subscriber.feed) === true;
	}

	#upload(text: string): void {
		const { feed } = this.#subscriber;
		if (this.viaHttp) this.#connection?.uplink.add(text, [feed]);
		else this.#carrier?.uplink.add(text, [feed]);
	}

	#toHttp(): void {
		this.#known = true;
		this.#awayTimer.cancel();
		this.#carrier?.end(true);
		if (this.viaHttp || this.#connection === null) return;
		this.viaHttp = true;
		const { feed } = this.#subscriber;
		for (const text of this.#carrier?.uplink.moveOut(feed) ?? []) this.#connection.uplink.add(text, [feed]);
	}

	#toComm(quietMs: number): void {
		const carrier = this.#carrier;
		if (carrier === null) return;
		this.viaHttp = false;
		const { feed } = this.#subscriber;
		carrier.begin(quietMs);
		for (const text of this.#connection?.uplink.moveOut(feed) ?? []) carrier.uplink.add(text, [feed]);
		this.#lookLater();
	}

	/** How the feed stands depends on how long the comm has been needed. */
	#lookLater(): void {
		const ageMs = this.#carrier?.ageMs ?? PATIENCE_MS;
		const next = [UNNAMED_MS, PATIENCE_MS].find((ms) => ms > ageMs);
		if (next !== undefined) this.#lookTimer.start(next - ageMs);
	}
}
