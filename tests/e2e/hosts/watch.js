// What the rig knows about the widget in any page: `watch.…`. Loaded into every document before its own scripts.
// Some hosts put the view into a shadow root, or into one inside another.
globalThis.watch = (() => {
	const find = (root) => {
		const direct = root.querySelector("[data-transport][data-count]");
		if (direct !== null) return direct;
		for (const element of root.querySelectorAll("*")) {
			const found = element.shadowRoot && find(element.shadowRoot);
			if (found) return found;
		}
		return null;
	};

	// [when, count] each time the count has changed: "first visible" is looked up, not caught by chance.
	const samples = [];
	let view = null;
	const look = () => {
		if (!view?.isConnected) view = find(document);
		if (view === null) return;
		const count = Number(view.dataset.count);
		if (samples.at(-1)?.[1] !== count) samples.push([Date.now() / 1000, count]);
	};
	setInterval(look, 20);

	// All that a feed of this page takes from now on, after what it still has: [sequence, type, data] or ["gap", lost].
	const record = (feed) => {
		const records = [];
		const take = (each) =>
			records.push(
				each.kind === "gap" ? ["gap", each.lost] : [Number(each.id.split("-")[1]), each.type, each.data],
			);
		const { ring } = feed.tally;
		for (let at = ring.start; at < ring.end; at += 1) take(ring.at(at));
		feed.tap(take);
		return records;
	};
	const page = () => globalThis[Symbol.for("sse_widget")]?.["1"];
	let records = null;

	return {
		samples,
		record() {
			const feeds = [...page().feeds.values()];
			if (feeds.length !== 1) throw new Error(`expected one feed, found ${feeds.length}`);
			records = record(feeds[0]);
		},
		records() {
			return records;
		},
		view() {
			look();
			return view && { ...view.dataset };
		},
		stats() {
			return page()?.stats() ?? null;
		},
	};
})();
