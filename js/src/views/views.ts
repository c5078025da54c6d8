/** The views by the names that the trait `_view` has. */

import { chart } from "./chart.ts";
import type { Source } from "./gather.ts";
import { log } from "./log.ts";
import { metric } from "./metric.ts";
import { progress } from "./progress.ts";
import { state } from "./state.ts";
import { table } from "./table.ts";
import { text } from "./text.ts";

/** Makes the element of one view; the signal aborts when it is taken away. */
export type MakeView = (signal: AbortSignal) => HTMLElement;
/** Called once for each model, before its first event. */
export type Maker = (source: Source) => MakeView;

const MAKERS: ReadonlyMap<string, Maker> = new Map([
	["chart", chart],
	["log", log],
	["metric", metric],
	["progress", progress],
	["state", state],
	["table", table],
	["text", text],
]);

/** An unknown view is a log: a page may be older than the kernel. */
export function makerOf(name: string): Maker {
	return MAKERS.get(name) ?? log;
}
