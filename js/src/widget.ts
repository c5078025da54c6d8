/** What anywidget loads: once for every model of every page. */

import type { InitializeProps, RenderProps } from "@anywidget/types";
import { thisPage } from "./connection/page.ts";
import { Feed } from "./feed.ts";
import type { Model, WidgetModel } from "./model.ts";
import { PREFIX } from "./views/dom.ts";
import { type MakeView, makerOf } from "./views/views.ts";

/** Older anywidgets give no signal; then the returned cleanup does its work. */
type Initialize = Omit<InitializeProps<Model>, "signal"> & { signal?: AbortSignal };
type Render = Omit<RenderProps<Model>, "signal"> & { signal?: AbortSignal };

/** Call `fn` when the host's signal aborts, or when the returned cleanup is called. */
function lifetime(signal: AbortSignal | undefined): AbortController {
	const controller = new AbortController();
	if (signal?.aborted) controller.abort();
	signal?.addEventListener("abort", () => controller.abort());
	return controller;
}

export default () => {
	let feed: Feed | null = null;
	let makeView: MakeView | null = null;
	const over = new AbortController();

	/** What views are made with; it and the feed are there once for the model, before the first event. */
	function prepare(model: WidgetModel): MakeView {
		if (makeView === null) {
			feed = new Feed(model, thisPage());
			makeView = makerOf(model.get("_view"))({ model, feed, signal: over.signal });
			feed.start();
		}
		return makeView;
	}

	return {
		/** Returns at once: hosts drop a widget whose `initialize` takes more than two seconds. */
		initialize({ model, signal }: Initialize) {
			const life = lifetime(signal);
			life.signal.addEventListener("abort", () => {
				feed?.stop();
				over.abort();
			});
			try {
				prepare(model);
			} catch (error) {
				console.error("[sse_widget] the feed could not start", error);
			}
			return () => life.abort();
		},
		render({ model, el, signal }: Render) {
			const life = lifetime(signal);
			el.classList.add(`${PREFIX}host`);
			el.append(prepare(model)(life.signal));
			return () => life.abort();
		},
	};
};
