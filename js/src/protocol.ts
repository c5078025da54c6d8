/** The shapes of docs/protocol.md, and its numbers. */

/** Pages of different protocols share nothing but the browser tab. */
export const PROTOCOL = "1";

export type State = "idle" | "connecting" | "open" | "reconnecting" | "ended" | "closed" | "failed";
/** A way over HTTP. */
export type Rung = "direct" | "jupyter";
/** How a feed gets its events; "" before it does. */
export type Transport = "" | Rung | "comm";
/** What the user wants; "auto" is whatever works best. */
export type Wish = "auto" | Rung | "comm";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Where the kernel's server is, and what opens it. In memory only. */
export interface Secret {
	readonly url: string;
	readonly server: string;
	readonly bearer: string;
	readonly key: string;
}

export interface Welcome extends Secret {
	readonly kind: "welcome";
	readonly feed: string;
	readonly channel: string;
	readonly transport: Wish;
	/** By which Jupyter's server knows the kernel; "" if it does not. */
	readonly kernel_id: string;
	readonly start: string;
	readonly count: number;
	readonly lost: number;
	/** Why nothing comes from the channel's source any more; "" while all is well. */
	readonly trouble: string;
	/** Null: the kernel feeds the channel. */
	readonly foreign: ForeignSource | null;
	readonly heartbeat_s: number;
	readonly silence_s: number;
}

/** Somebody else's stream, which pages read themselves. */
export interface ForeignSource {
	readonly url: string;
	/** Besides `message`. */
	readonly types: readonly string[];
	readonly credentials: boolean;
}

/** What the leading page has read: `[id, type, data]`, or what has happened: `["anew"]`, `["again"]`, `["lost"]`. */
export interface ForeignBatch {
	readonly session: string;
	/** Of this batch, from 1; without events: of the one before. */
	readonly n: number;
	readonly events: readonly (readonly string[])[];
}

export interface Problem {
	readonly kind: "error";
	readonly text: string;
}

/** Microseconds since 1970, type, data. */
export type WireEvent = readonly [time_us: number, type: string, data: Json];

export interface Pack {
	readonly channel: string;
	readonly epoch: string;
	readonly first: number;
	readonly events: readonly WireEvent[];
	readonly gap?: boolean;
	/** Announced losses are among what is gone: more is lost than the sequences tell. */
	readonly unsure?: boolean;
}

/** What a record of the type `gap` stands for: events that were lost before the channel got them; null: nobody knows how many. */
export function lostIn(data: Json): number | null {
	const lost = asObject(data)?.lost;
	return typeof lost === "number" ? lost : null;
}

/** What follows, over the comm (section 7). `packs`: each the JSON of a pack. */
export interface CommPacks {
	readonly packs: readonly string[];
	/** Where a reader of all of it is now. */
	readonly cursor: string;
	/** How often the kernel has gone back for some page. */
	readonly backs: number;
}

export interface FeedReport {
	/** As in `status`: the kernel ignores what is older than what it knows. */
	readonly n: number;
	readonly state: State;
	readonly transport: Transport;
	readonly latency_ms: number | null;
	readonly foreign?: ForeignBatch;
}

export interface FeedAnswer {
	readonly cursor: string;
	readonly resume: boolean;
	/** The last batch taken; null: another page leads. */
	readonly foreign?: number | null;
}

export const DEFAULT_SILENCE_S = 40;
export const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** A proxy in front of Jupyter's server that nobody has tuned (nginx) takes 1 MiB. */
export const MAX_PROXIED_BODY_BYTES = 900_000;
/** Over the comm a body is a text within JSON, which may double it, and Jupyter's server closes a websocket at 10 MiB. */
export const MAX_COMM_BODY_BYTES = 1024 * 1024;
export const HIGH_WATER_BYTES = 32 * 1024 * 1024;
export const LOW_WATER_BYTES = 8 * 1024 * 1024;

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A parsed JSON object, or null for everything else. */
export function asObject(value: unknown): Record<string, unknown> | null {
	return isObject(value) ? value : null;
}

/** Parse text that comes over the network: null instead of an exception. */
export function parseObject(text: string): Record<string, unknown> | null {
	try {
		return asObject(JSON.parse(text));
	} catch {
		return null;
	}
}

function textOf(value: unknown): string {
	return typeof value === "string" ? value : "";
}

function numberOf(value: unknown, otherwise: number): number {
	return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

function wishOf(value: unknown): Wish {
	return value === "direct" || value === "jupyter" || value === "comm" ? value : "auto";
}

function foreignOf(value: unknown): ForeignSource | null {
	const object = asObject(value);
	if (object === null || typeof object.url !== "string") return null;
	const types = Array.isArray(object.types) ? object.types : [];
	return {
		url: object.url,
		types: types.filter((type) => typeof type === "string"),
		credentials: object.credentials === true,
	};
}

/** The kernel's `welcome`; null if it lacks something without which nothing works. */
export function asWelcome(value: unknown): Welcome | null {
	const object = asObject(value);
	if (object?.kind !== "welcome") return null;
	const { url, server, bearer, key, feed, channel } = object;
	const needed = [url, server, bearer, key, feed, channel];
	if (needed.some((part) => typeof part !== "string" || part === "") || !URL.canParse(textOf(url)))
		return null;
	return {
		kind: "welcome",
		url: textOf(url).replace(/\/+$/, ""),
		server: textOf(server),
		bearer: textOf(bearer),
		key: textOf(key),
		feed: textOf(feed),
		channel: textOf(channel),
		transport: wishOf(object.transport),
		kernel_id: textOf(object.kernel_id),
		start: textOf(object.start),
		count: numberOf(object.count, 0),
		lost: numberOf(object.lost, 0),
		trouble: textOf(object.trouble),
		foreign: foreignOf(object.foreign),
		heartbeat_s: numberOf(object.heartbeat_s, 15),
		silence_s: numberOf(object.silence_s, DEFAULT_SILENCE_S),
	};
}

/** The kernel's `packs`. */
export function asPacks(object: Record<string, unknown>): CommPacks {
	const packs = Array.isArray(object.packs) ? object.packs : [];
	return {
		packs: packs.filter((text) => typeof text === "string"),
		cursor: textOf(object.cursor),
		backs: numberOf(object.backs, 0),
	};
}

/** A pack whose frame is sound. Its events are the server's word: checking each one again would cost as much as parsing. */
export function asPack(value: unknown): Pack | null {
	const object = asObject(value);
	if (object === null || !Array.isArray(object.events)) return null;
	const { channel, epoch, first } = object;
	if (typeof channel !== "string" || typeof epoch !== "string") return null;
	if (typeof first !== "number" || !Number.isSafeInteger(first) || first < 1) return null;
	const gap = object.gap === true ? { gap: true } : {};
	const unsure = object.unsure === true ? { unsure: true } : {};
	return { channel, epoch, first, events: object.events, ...gap, ...unsure };
}

/** The `channels` of `open` and `heartbeat`: name to cursor. */
export function asCursors(value: unknown): Map<string, string> | null {
	const channels = asObject(asObject(value)?.channels);
	if (channels === null) return null;
	return new Map(Object.entries(channels).map(([name, cursor]) => [name, textOf(cursor)]));
}
