// @vitest-environment happy-dom
import { expect, test, vi } from "vitest";
import { thisPage } from "../src/connection/page.ts";
import makeWidget from "../src/widget.ts";
import { FakeModel } from "./support/model.ts";

type Props = Parameters<ReturnType<typeof makeWidget>["render"]>[0];

function props(model: FakeModel, signal?: AbortSignal): Props {
	const el = document.createElement("div");
	document.body.append(el);
	return { model, el, ...(signal ? { signal } : {}) } as unknown as Props;
}

test("initialize returns at once, and the view stands in the element", () => {
	const widget = makeWidget();
	const model = new FakeModel();
	const life = new AbortController();
	const shown = props(model, life.signal);
	widget.initialize(shown);
	expect(model.sent[0]).toMatchObject({ kind: "hello", page: thisPage().id });
	widget.render(shown);
	expect(shown.el.querySelector(".sse-widget-log")?.getAttribute("data-state")).toBe("connecting");
	life.abort();
	expect(model.listeners()).toBe(0);
});

test("without signals, the returned cleanups do the same", () => {
	const widget = makeWidget();
	const model = new FakeModel();
	const shown = props(model);
	const forget = widget.initialize(shown);
	const hide = widget.render(shown);
	hide();
	forget();
	expect(model.listeners()).toBe(0);
});

test("initialize never throws", () => {
	const model = new FakeModel();
	model.on = () => {
		throw new Error("a host without on");
	};
	const shout = vi.spyOn(console, "error").mockImplementation(() => undefined);
	expect(() => makeWidget().initialize(props(model))).not.toThrow();
	expect(shout).toHaveBeenCalledOnce();
});

test("copies of the module share the page", () => {
	const pages = (globalThis as unknown as Record<symbol, Record<string, unknown>>)[Symbol.for("sse_widget")];
	expect(pages?.["1"]).toBe(thisPage());
});
