/** Sizes, as the reader's language writes them. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const few = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

/** With three digits: `1.24 MB`. */
export function formatBytes(bytes: number): string {
	let unit = 0;
	let value = bytes;
	while (value >= 999.5 && unit < UNITS.length - 1) {
		value /= 1000;
		unit += 1;
	}
	return `${few.format(unit === 0 ? Math.round(value) : value)} ${UNITS[unit]}`;
}
