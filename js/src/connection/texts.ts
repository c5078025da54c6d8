/** What the reader of the notebook is told: what is wrong, and what to do. */

import { asRaised } from "./subscriber.ts";

export const KERNEL_GONE = "The kernel has restarted or stopped. Run this cell again to go on.";
export const REFUSED =
	"The kernel's server does not accept this page any more. Run this cell again to go on.";
export const ASKING_AGAIN =
	"The kernel's server does not know this page's key. Asking the kernel for a new one.";
export const HELD = "Events come faster than Python takes them. Reading goes on as soon as it has caught up.";
export const WAITING_FOR_KERNEL =
	"Waiting for the kernel to answer. If a cell is running, that may be when it has ended.";
export const CLOSED = "The widget is closed.";

export const NOT_JUPYTER = "This page does not come from the Jupyter server that runs the kernel.";
export const NO_SLOT = "Other tabs of this browser use Jupyter's connections already.";

/** `error`: what fed the channel has failed. */
export function ended(error: unknown): string {
	const raised = asRaised(error);
	return raised === null ? "The channel is closed." : `It has failed. ${raised.class}: ${raised.text}.`;
}

export function unreachable(url: string): string {
	return (
		`This page cannot reach the kernel's server at ${url}. It tries again by itself. ` +
		"If the kernel was restarted, run this cell again; if it is on another machine, forward that port to this one."
	);
}

export function wrong(url: string): string {
	return (
		`Something else than this notebook's kernel answers at ${url}, so this page sends nothing there. ` +
		"If the kernel was restarted, run this cell again; if it is on another machine, forward that port to this one."
	);
}

export function slow(url: string): string {
	return `The kernel's server at ${url} does not answer in time. This page tries again by itself.`;
}

export function answered(url: string, status: number): string {
	return `The kernel's server at ${url} answered with status ${status}. This page tries again by itself.`;
}

/** One event, on its way back to Python. */
export function tooLarge(url: string): string {
	return `Something on the way to ${url} does not let large events back to Python; nginx needs a larger client_max_body_size.`;
}

/** Requests are answered, but the stream's first message has not come. */
export function silent(url: string): string {
	return `The stream from ${url} does not begin: something on the way may hold it back.`;
}

export function noExtension(url: string): string {
	return `Jupyter's server knows no way to the kernel at ${url}. Install sse_widget where Jupyter's server runs, too, and start it anew.`;
}

export function wrongBehindJupyter(url: string): string {
	return `Something else than this notebook's kernel answers at ${url}. If the kernel was restarted, run this cell again.`;
}

export function barred(url: string): string {
	return `Jupyter's server does not let this page in at ${url}. Reload the page, and log in.`;
}

export function jupyterUnreachable(url: string): string {
	return `This page cannot reach Jupyter's server at ${url}. It tries again by itself.`;
}
