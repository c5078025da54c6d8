/** A scrolled element that shows its newest end, until the reader looks at something else. */

const AT_BOTTOM_PX = 8;

export class Follower {
	following = true;
	readonly #el: HTMLElement;
	readonly #changed: () => void;
	#scrollTop = 0;
	/** Something was opened or moved to: that it is at the bottom does not mean the reader wants to go on. */
	#reading = false;

	/** `changed`: the reader has gone away from the end, or come back. */
	constructor(el: HTMLElement, changed: () => void) {
		this.#el = el;
		this.#changed = changed;
		el.addEventListener("scroll", () => this.#onScroll(), { passive: true });
	}

	/** Stand still from now on. */
	hold(): void {
		this.following = false;
		this.#reading = true;
		this.#changed();
	}

	toEnd(): void {
		this.#el.scrollTop = this.#el.scrollHeight;
		this.#scrollTop = this.#el.scrollTop;
	}

	#onScroll(): void {
		const { scrollHeight, scrollTop, clientHeight } = this.#el;
		const atBottom = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
		const wentUp = scrollTop < this.#scrollTop;
		this.#scrollTop = scrollTop;
		if (!atBottom) this.#reading = false;
		const following = atBottom ? !this.#reading : this.following && !wentUp;
		// What is in it may turn out higher than the browser had thought: then the bottom went down, and not the reader up.
		if (following && !atBottom) this.toEnd();
		if (following === this.following) return;
		this.following = following;
		this.#changed();
	}
}
