/**
 * The kernel's server, for any web page: `import { handleRequest, subscribe } from "http://127.0.0.1:PORT/client.js"`.
 *
 * `sse_widget.allow_origin("http://localhost:8000")` in the kernel lets the pages of that origin in, and prints the lines
 * to paste. Everything that is public is in this file: its declarations are client.d.ts.
 */

import { browserBasics } from "./basics.ts";
import { Call, type CallHost, type Failure } from "./client/call.ts";
import { Kernel } from "./client/kernel.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ServerEvent<T = Json> {
	readonly data: T;
	/** "message" unless Python says otherwise. */
	readonly type: string;
	/** `"<epoch>-<sequence>"`; `after` takes it. */
	readonly id: string;
	/** When it was pushed [s since 1970]. */
	readonly time: number;
	readonly channel: string;
}

/** Events that this page will never get. */
export interface Gap {
	readonly channel: string;
	/** How many; null if nobody can know. */
	readonly lost: number | null;
}

export type State = "connecting" | "open" | "reconnecting" | "ended" | "closed" | "failed";

export interface Options {
	/** `"http://127.0.0.1:PORT"`; default: where this module was imported from. */
	readonly server?: string;
	/** The kernel's secret, as `allow_origin` prints it. */
	readonly bearer: string;
	/** Call back for events of these types only. */
	readonly types?: readonly string[];
	/** Aborting it ends the call; nothing else does. */
	readonly signal?: AbortSignal;
	/** Told of events that were lost, in their place; default: a warning on the console. */
	readonly onGap?: (gap: Gap) => void;
	/** Told of every change; `text` says what is wrong, "" while all is well. */
	readonly onState?: (state: State, text: string) => void;
}

export interface SubscribeOptions extends Options {
	/** `"newest"` (default): with the next event; `"oldest"`: with the oldest there is; or after an event id, one for all or by channel. */
	readonly after?: string | Readonly<Record<string, string>>;
}

/** How a call has ended. */
export interface Outcome {
	/** Events received, of all types. */
	readonly count: number;
	/** Events announced as lost; null if nobody can know how many. */
	readonly lost: number | null;
}

export type Callback<T = Json> = (data: T, event: ServerEvent<T>) => void;

/** Why a call has failed. What only takes its time (no network, a busy server) is no failure: it is tried again. */
export class RequestError extends Error {
	/**
	 * `raised`: the handler did; `missing`: no such route or channel; `invalid`: not these parameters; `refused`: not with
	 * this bearer; `gone`: the kernel has forgotten the run.
	 */
	readonly kind: "raised" | "missing" | "invalid" | "refused" | "gone";
	/** Class of the handler's exception in Python, such as `"ValueError"`; "" if it was none. */
	readonly class: string;
	/** What it says, as far as a page may know. */
	readonly text: string;

	constructor(kind: RequestError["kind"], className: string, text: string) {
		super(className === "" ? text : `${className}: ${text}`);
		this.name = "RequestError";
		this.kind = kind;
		this.class = className;
		this.text = text;
	}
}

/**
 * Ask a route for a run, and call back with the JSON of each event: once, in order, however often the connection is cut.
 * The handler runs once.
 *
 * @param url - path and query, such as `"/countdown/5?x=1"`; or the whole address there
 * @returns resolves when the run has ended; rejects with a `RequestError`, or with the signal's reason
 */
export function handleRequest<T = Json>(
	url: string | URL,
	callback: Callback<T>,
	options: Options,
): Promise<Outcome> {
	const server = serverOf(options);
	const { origin, pathname, search } = new URL(url, server);
	if (origin !== server) throw new TypeError(`expected a path of ${server}, got ${url}`); // the bearer is for no other
	return start(callback, options, (call) => call.run(pathname + search));
}

/**
 * Read one or several channels, over one connection: call back with the JSON of each event, once, in order.
 *
 * @returns resolves when all the channels have been closed in Python; rejects with a `RequestError`, or with the signal's reason
 */
export function subscribe<T = Json>(
	channels: string | readonly string[],
	callback: Callback<T>,
	options: SubscribeOptions,
): Promise<Outcome> {
	const names = typeof channels === "string" ? [channels] : [...new Set(channels)];
	const { after = "newest" } = options;
	const place = (channel: string): string =>
		typeof after === "string" ? after : (after[channel] ?? "newest");
	return start(callback, options, (call) => call.subscribe(names, place));
}

function serverOf(options: Options): string {
	return new URL(options.server ?? import.meta.url).origin;
}

const kernels = new Map<string, Kernel>();

function kernelOf(options: Options): Kernel {
	const server = serverOf(options);
	if (typeof options.bearer !== "string" || options.bearer === "")
		throw new TypeError("expected a bearer; sse_widget.allow_origin(…) in the kernel prints one");
	const key = `${server} ${options.bearer}`;
	const kernel = kernels.get(key) ?? new Kernel(browserBasics(), server, options.bearer);
	kernels.set(key, kernel);
	return kernel;
}

function warn({ channel, lost }: Gap): void {
	console.warn(
		`[sse_widget] ${lost ?? "an unknown number of"} events of ${JSON.stringify(channel)} were lost`,
	);
}

function start<T>(
	callback: Callback<T>,
	options: Options,
	go: (call: Call) => Promise<void>,
): Promise<Outcome> {
	const { signal, types, onGap = warn, onState } = options;
	const wanted = types === undefined ? null : new Set(types);
	const kernel = kernelOf(options);
	let count = 0;
	let lost: number | null = 0;
	const promise = new Promise<Outcome>((resolve, reject) => {
		const host: CallHost = {
			event([timeUs, type, data], id, channel) {
				count += 1;
				if (wanted !== null && !wanted.has(type)) return;
				guard(() => callback(data as T, { data: data as T, type, id, time: timeUs / 1e6, channel }));
			},
			gap(channel, missing) {
				lost = lost === null || missing === null ? null : lost + missing;
				guard(() => onGap({ channel, lost: missing }));
			},
			state: (state, text) => guard(() => onState?.(state, text)),
			done: () => resolve({ count, lost }),
			failed: ({ kind, class: name, text }: Failure) => reject(new RequestError(kind, name, text)),
		};
		const call = new Call(kernel, host);
		const stop = (): void => {
			call.close();
			// Who ends a call knows that it has ended: no "Uncaught (in promise)" for those who do not look.
			promise.catch(() => undefined);
			reject(signal?.reason);
		};
		if (signal?.aborted) queueMicrotask(stop);
		else {
			signal?.addEventListener("abort", stop, { once: true });
			void go(call);
		}
	});
	return promise;
}

/** One callback that raises must not keep the next event from anybody. */
function guard(call: () => void): void {
	try {
		call();
	} catch (error) {
		console.error("[sse_widget] a callback raised", error);
	}
}
