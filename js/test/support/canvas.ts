import { vi } from "vitest";

/** happy-dom draws nothing: a context that takes every call. What is drawn is seen in a browser only (tests/e2e). */
export function givesCanvas(): void {
	vi.stubGlobal(
		"Path2D",
		class {
			moveTo(): void {}
			lineTo(): void {}
			arc(): void {}
			rect(): void {}
			closePath(): void {}
		},
	);
	const context = new Proxy({} as Record<string, unknown>, {
		get: (target, name: string) => {
			if (name === "measureText") return () => ({ width: 10 });
			return name in target ? target[name] : () => undefined;
		},
	});
	vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(context as never);
}
