/** Whether a number is good, a warning or bad: told by colour, by sign and by word. */

import { ICONS } from "./dom.ts";

export type Level = "good" | "warning" | "bad";
export type Thresholds = readonly (readonly [from: number, level: Level])[];

/** The level of the last threshold that the value has reached; null below all of them. */
export function levelOf(value: number, thresholds: Thresholds): Level | null {
	let found: Level | null = null;
	for (const [from, level] of thresholds) if (value >= from) found = level;
	return found;
}

/** Three shapes that are told apart without their colours. */
export const SIGNS: Readonly<Record<Level, string>> = {
	good: ICONS.good,
	warning: ICONS.warning,
	bad: ICONS.bad,
};
