/** Where a view finds its values: dotted paths into an event's data. Whatever an event holds, nothing here throws. */

import type { Json } from "../protocol.ts";
import type { EventRecord } from "../ring.ts";

export type Read = (record: EventRecord) => Json | undefined;

/** What an event has beside its data, for paths that its data lacks; the time in seconds since 1970. */
const OWN: Readonly<Record<string, Read>> = {
	time: (record) => record.timeMs / 1000,
	type: (record) => record.type,
	id: (record) => record.id,
};

/** Own keys only: `constructor` is no field of `{}`. */
function step(value: Json | undefined, key: string): Json | undefined {
	if (typeof value !== "object" || value === null) return undefined;
	if (Array.isArray(value)) return /^\d+$/.test(key) ? value[Number(key)] : undefined;
	return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** `""` is the whole data; `"quote.price"` a key in a key (or the key of that very name); `"bids.0"` an item of a list. */
export function readerOf(path: string): Read {
	if (path === "") return (record) => record.data;
	const keys = path.split(".");
	const own = Object.hasOwn(OWN, path) ? OWN[path] : undefined;
	return (record) => {
		const whole = step(record.data, path);
		if (whole !== undefined) return whole;
		if (keys.length === 1) return own?.(record);
		let value: Json | undefined = record.data;
		for (const key of keys) value = step(value, key);
		return value;
	};
}

/** The paths that data offers: its keys, and those of objects in it. */
export function pathsIn(data: Json): string[] {
	if (typeof data !== "object" || data === null || Array.isArray(data)) return [];
	return Object.entries(data).flatMap(([key, value]) => {
		const inner = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
		const names = Object.keys(inner).map((name) => `${key}.${name}`);
		return names.length > 0 ? names : [key];
	});
}
