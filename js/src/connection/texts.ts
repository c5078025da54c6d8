/** What the reader of the notebook is told: what is wrong, and what to do. */

import type { Answer } from "./proof.ts";

export const KERNEL_GONE = "The kernel has restarted or stopped. Run this cell again to go on.";
export const REFUSED =
	"The kernel's server does not accept this page any more. Run this cell again to go on.";
export const ASKING_AGAIN =
	"The kernel's server does not know this page's key. Asking the kernel for a new one.";
export const HELD = "Events come faster than Python takes them. Reading goes on as soon as it has caught up.";
export const WAITING_FOR_KERNEL =
	"Waiting for the kernel to answer. If a cell is running, that may be when it has ended.";
export const ENDED = "The channel is closed.";
export const CLOSED = "The widget is closed.";

export function unreachable(url: string): string {
	return (
		`This page cannot reach the kernel's server at ${url}. It tries again by itself. ` +
		"If the kernel was restarted, run this cell again; if it is on another machine, forward that port to this one."
	);
}

function wrong(url: string): string {
	return (
		`Something else than this notebook's kernel answers at ${url}, so this page sends nothing there. ` +
		"If the kernel was restarted, run this cell again; if it is on another machine, forward that port to this one."
	);
}

export function troubleOf(answer: Answer, url: string): string {
	if (answer.kind === "unproven" && answer.proof === "wrong") return wrong(url);
	if (answer.kind === "unproven" && answer.proof === "slow") {
		return `The kernel's server at ${url} does not answer in time. This page tries again by itself.`;
	}
	if (answer.kind === "answer") {
		return `The kernel's server at ${url} answered with status ${answer.status}. This page tries again by itself.`;
	}
	return unreachable(url);
}
