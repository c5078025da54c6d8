/** What the reader has to know: no connection, the end, callbacks that raised. */

import { element, ICONS, icon, setAttribute, setShown, setText } from "./dom.ts";
import { plural } from "./format.ts";
import type { Viewed } from "./viewed.ts";

/** A stream that comes back at once is nothing to trouble the reader with. */
const PATIENCE_MS = 1_000;

export class Banners {
	readonly el: HTMLElement;
	readonly #notice = element("div", "notice", { role: "status" });
	readonly #noticeText = element("span", "notice-text");
	readonly #problem: HTMLDetailsElement;
	readonly #summary = element("span", "problem-summary");
	readonly #traceback = element("pre", "traceback", { tabindex: "0" });
	#troubleSince: number | null = null;
	#dismissed = 0;
	#shownProblems = 0;

	constructor() {
		this.#notice.append(icon(ICONS.warning), this.#noticeText);
		const dismiss = element(
			"button",
			"button dismiss",
			{ type: "button", "aria-label": "Dismiss" },
			icon(ICONS.close),
		);
		dismiss.title = "Dismiss";
		dismiss.addEventListener("click", (event) => {
			event.preventDefault(); // a click in a summary also toggles
			this.#dismissed = this.#shownProblems;
			setShown(this.#problem, false);
		});
		const summary = element("summary", "problem-line", {}, icon(ICONS.warning), this.#summary, dismiss);
		this.#problem = element("details", "problem", {}, summary, this.#traceback);
		this.el = element("div", "banners", {}, this.#notice, this.#problem);
		setShown(this.#notice, false);
		setShown(this.#problem, false);
	}

	/** Returns in how many ms to come again, or null. */
	update(feed: Viewed): number | null {
		this.#updateProblem(feed);
		const trouble =
			feed.text !== "" && feed.state !== "ended" && feed.state !== "failed" && feed.state !== "closed";
		if (!trouble) this.#troubleSince = null;
		else this.#troubleSince ??= feed.now();
		const left = this.#troubleSince === null ? 0 : this.#troubleSince + PATIENCE_MS - feed.now();
		setShown(this.#notice, feed.text !== "" && left <= 0);
		setText(this.#noticeText, left <= 0 ? feed.text : "");
		setAttribute(this.#notice, "data-kind", feed.state);
		return left > 0 ? left : null;
	}

	#updateProblem(feed: Viewed): void {
		const { problems, problemCount } = feed;
		const newest = problems.at(-1);
		if (newest === undefined || problemCount === this.#shownProblems) return;
		this.#shownProblems = problemCount;
		const unseen = problemCount - this.#dismissed;
		const line = newest.trimEnd().split("\n").at(-1) ?? "";
		const more = unseen > 1 ? ` (${plural(unseen, "error", "errors")})` : "";
		const brief = !newest.includes("Traceback (most recent call last)"); // no callback's: the kernel says what is wrong with the source
		setText(this.#summary, brief ? `${sentence(line)}${more}` : `A callback raised ${line}${more}`);
		setAttribute(this.#problem, "data-brief", brief && unseen === 1 ? "true" : "false");
		setText(this.#traceback, problems.slice(-unseen).join("\n"));
		setShown(this.#problem, true);
	}
}

function sentence(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
