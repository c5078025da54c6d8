// source sha256: a2db9271169ef6141b9e16ac7aee16b22769d6f3c188c80e5eb73ff821f5d711
/**
 * The kernel's server, for any web page: `import { handleRequest, subscribe } from "http://127.0.0.1:PORT/client.js"`.
 *
 * `sse_widget.allow_origin("http://localhost:8000")` in the kernel lets the pages of that origin in, and prints the lines
 * to paste. Everything that is public is in this file: its declarations are client.d.ts.
 */
export type Json = null | boolean | number | string | Json[] | {
    [key: string]: Json;
};
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
export declare class RequestError extends Error {
    /**
     * `raised`: the handler did; `missing`: no such route or channel; `invalid`: not these parameters; `refused`: not with
     * this bearer; `gone`: the kernel has forgotten the run.
     */
    readonly kind: "raised" | "missing" | "invalid" | "refused" | "gone";
    /** Class of the handler's exception in Python, such as `"ValueError"`; "" if it was none. */
    readonly class: string;
    /** What it says, as far as a page may know. */
    readonly text: string;
    constructor(kind: RequestError["kind"], className: string, text: string);
}
/**
 * Ask a route for a run, and call back with the JSON of each event: once, in order, however often the connection is cut.
 * The handler runs once.
 *
 * @param url - path and query, such as `"/countdown/5?x=1"`; or the whole address there
 * @returns resolves when the run has ended; rejects with a `RequestError`, or with the signal's reason
 */
export declare function handleRequest<T = Json>(url: string | URL, callback: Callback<T>, options: Options): Promise<Outcome>;
/**
 * Read one or several channels, over one connection: call back with the JSON of each event, once, in order.
 *
 * @returns resolves when all the channels have been closed in Python; rejects with a `RequestError`, or with the signal's reason
 */
export declare function subscribe<T = Json>(channels: string | readonly string[], callback: Callback<T>, options: SubscribeOptions): Promise<Outcome>;
