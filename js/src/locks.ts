/** Locks that all tabs of one origin share: a tab that goes gives its own back, however it goes. */

export type Release = () => void;

function request(locks: LockManager, name: string): Promise<Release | null> {
	return new Promise((resolve) => {
		const held = locks.request(name, { ifAvailable: true }, (lock) => {
			if (lock === null) {
				resolve(null);
				return undefined;
			}
			return new Promise<void>((release) => resolve(release));
		});
		held.catch(() => resolve(null));
	});
}

/**
 * Take the first of these locks that is free; null if none is.
 *
 * A page that is not a secure context has no Web Locks. Then it takes the first one, and knows of itself only.
 */
export function locksOf(
	locks: LockManager | undefined,
): (names: readonly string[]) => Promise<Release | null> {
	const own = new Set<string>();
	async function one(name: string): Promise<Release | null> {
		if (locks !== undefined) return request(locks, name);
		if (own.size > 0) return null;
		own.add(name);
		return () => void own.delete(name);
	}
	return async (names) => {
		for (const name of names) {
			const release = await one(name);
			if (release !== null) return release;
		}
		return null;
	};
}
