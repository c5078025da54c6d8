/** What a view shows: a widget's feed, or anything else that reads a channel. */

import type { Feed } from "../feed.ts";

export type Viewed = Pick<
	Feed,
	| "channel"
	| "drawing"
	| "now"
	| "problemCount"
	| "problems"
	| "show"
	| "state"
	| "tally"
	| "tap"
	| "text"
	| "transport"
>;
