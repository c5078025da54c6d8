import type { Desk } from "./way.ts";

const TICKET_TIMEOUT_MS = 10_000;

export type TicketAnswer =
	| { readonly kind: "ticket"; readonly ticket: string }
	/** These channels are closed for good. */
	| { readonly kind: "gone"; readonly channels: readonly string[] }
	/** The secret is not valid any more. */
	| { readonly kind: "refused" }
	/** Try again later; `text` is for the reader of the notebook. */
	| { readonly kind: "trouble"; readonly text: string };

/** Fetch a ticket for one stream of these channels, after proof. */
export async function askForTicket(
	way: Desk,
	client: string,
	channels: readonly string[],
): Promise<TicketAnswer> {
	const answer = await way.post("/tickets", JSON.stringify({ client, channels }), TICKET_TIMEOUT_MS);
	if (answer.kind === "answer") {
		const { status, body } = answer;
		if (status === 200 && typeof body?.ticket === "string") return { kind: "ticket", ticket: body.ticket };
		if (way.needsSecret && (status === 401 || status === 403)) return { kind: "refused" };
		const named = status === 404 ? body?.channels : undefined;
		const gone = Array.isArray(named) ? channels.filter((channel) => named.includes(channel)) : [];
		if (gone.length > 0) return { kind: "gone", channels: gone };
	}
	return { kind: "trouble", text: way.explain(answer) };
}
