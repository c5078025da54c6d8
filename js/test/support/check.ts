import { expect } from "vitest";

/** The events of `taken` in order, each hole between them announced with its size. */
export function expectNothingSilent(taken: readonly string[], start: string, end: string): void {
	const at = (id: string): [string, number] => [id.split("-")[0] ?? "", Number(id.split("-")[1])];
	let [epoch, next] = at(start);
	let unknown = false;
	for (const item of taken) {
		if (item === "gap ?") unknown = true;
		else if (item.startsWith("gap ")) next += Number(item.slice(4));
		else {
			const [itsEpoch, sequence] = at(item);
			if (unknown) expect(itsEpoch > epoch).toBe(true);
			else expect([itsEpoch, sequence]).toEqual([epoch, next + 1]);
			[epoch, next, unknown] = [itsEpoch, sequence, false];
		}
	}
	if (!unknown) expect(`${epoch}-${next}`).toBe(end);
}
