import { expect, test } from "vitest";
import { locksOf } from "../src/locks.ts";

type Callback = (lock: object | null) => Promise<void> | undefined;

/** Web Locks, shared by all who have this object. */
class FakeLocks {
	readonly held = new Set<string>();

	async request(name: string, options: { ifAvailable: boolean }, callback: Callback): Promise<void> {
		expect(options).toEqual({ ifAvailable: true });
		if (this.held.has(name)) {
			await callback(null);
			return;
		}
		this.held.add(name);
		await callback({ name });
		this.held.delete(name);
	}
}

const NAMES = ["a", "b"];

test("tabs share two locks; one that is given back is free again", async () => {
	const locks = new FakeLocks();
	const [one, two, three] = [1, 2, 3].map(() => locksOf(locks as unknown as LockManager));
	const first = await one?.(NAMES);
	expect(await two?.(NAMES)).not.toBeNull();
	expect(await three?.(NAMES)).toBeNull();
	first?.();
	await new Promise((resolve) => setTimeout(resolve));
	expect(await three?.(NAMES)).not.toBeNull();
	expect(locks.held).toEqual(new Set(["a", "b"]));
});

test("without Web Locks there is one for each page", async () => {
	const lock = locksOf(undefined);
	const first = await lock(NAMES);
	expect(first).not.toBeNull();
	expect(await lock(NAMES)).toBeNull();
	first?.();
	expect(await lock(NAMES)).not.toBeNull();
});

test("locks that cannot be asked for are none", async () => {
	const locks = {
		request: () => Promise.reject(new DOMException("no", "SecurityError")),
	} as unknown as LockManager;
	expect(await locksOf(locks)(NAMES)).toBeNull();
});
