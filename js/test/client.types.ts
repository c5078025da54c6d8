/** What users of client.js write, for tsc and not to be run: what the declarations allow, and what they must refuse. */

import {
	type Gap,
	handleRequest,
	type Json,
	type Outcome,
	RequestError,
	type ServerEvent,
	type State,
	subscribe,
} from "../../sse_widget/static/client.js";

const kernel = { server: "http://127.0.0.1:40123", bearer: "…" };
const equal = <A, B extends A>(_a: A, _b: B): void => undefined;

export async function allowed(): Promise<void> {
	const outcome: Outcome = await handleRequest("/countdown/5", (data) => console.log(data), kernel);
	equal<number | null, typeof outcome.lost>(outcome.lost, outcome.lost);
	await handleRequest<{ left: number }>(
		"/countdown/5",
		({ left }, event) => equal(left + 1, event.data.left),
		kernel,
	);
	await handleRequest(
		new URL("http://127.0.0.1:40123/x"),
		(data: Json, event: ServerEvent) => {
			console.log(data, event.id.length, event.type, event.time.toFixed(), event.channel);
		},
		kernel,
	);
	await subscribe("prices", () => undefined, { ...kernel, after: "oldest", types: ["trade"] });
	await subscribe(["a", "b"] as const, () => undefined, {
		...kernel,
		after: { a: "e-1" },
		signal: AbortSignal.timeout(1000),
		onGap: ({ channel, lost }: Gap) => console.log(channel, lost ?? "?"),
		onState: (state: State, text) => console.log(state === "open", text.length),
	});
}

export function failed(error: unknown): string {
	if (!(error instanceof RequestError)) return "";
	return error.kind === "raised" ? `${error.class}: ${error.text}` : error.message;
}

export function refused(): void {
	// @ts-expect-error a bearer is needed
	void handleRequest("/x", () => undefined, { server: kernel.server });
	// @ts-expect-error options are needed: the bearer is in them
	void handleRequest("/x", () => undefined);
	// @ts-expect-error a path is text
	void handleRequest(5, () => undefined, kernel);
	// @ts-expect-error a request has no place to begin after
	void handleRequest("/x", () => undefined, { ...kernel, after: "oldest" });
	// @ts-expect-error an event id is text
	void subscribe("prices", () => undefined, { ...kernel, after: 5 });
	// @ts-expect-error an unknown option
	void subscribe("prices", () => undefined, { ...kernel, afer: "oldest" });
	// @ts-expect-error data may be anything that is JSON
	void subscribe("prices", (data) => data.price, kernel);
	// @ts-expect-error an event stays as it came
	void subscribe("prices", (_, event) => (event.data = 1), kernel);
	// @ts-expect-error no such state
	void subscribe("prices", () => undefined, { ...kernel, onState: (state) => state === "opened" });
}
