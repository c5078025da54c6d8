/** Numbers and times as the reader's language writes them. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function formatCount(count: number): string {
	return whole.format(count);
}

/** Events a second. */
export function formatRate(rate: number): string {
	if (rate === 0) return "0";
	return rate < 10 ? oneDigit.format(rate) : whole.format(rate);
}

export function plural(count: number, one: string, many: string): string {
	return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Local time, HH:MM:SS.mmm: always twelve characters, so that rows line up. */
export function formatTime(timeMs: number): string {
	const date = new Date(timeMs);
	const two = (value: number): string => String(value).padStart(2, "0");
	const millis = String(date.getMilliseconds()).padStart(3, "0");
	return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

export function formatGap(lost: number | null): string {
	if (lost === null) return "An unknown number of events was lost – they were already gone from the history";
	const verb = lost === 1 ? "it was" : "they were";
	return `${plural(lost, "event", "events")} lost – ${verb} already gone from the history`;
}
