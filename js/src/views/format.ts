/** Numbers and times as the reader's language writes them. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
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

const fixed = new Map<number, Intl.NumberFormat>();

/** With so many digits after the point, always: a number that moves must not dance. */
export function formatFixed(value: number, digits: number): string {
	let format = fixed.get(digits);
	if (format === undefined) {
		format = new Intl.NumberFormat(undefined, {
			minimumFractionDigits: digits,
			maximumFractionDigits: digits,
		});
		fixed.set(digits, format);
	}
	return format.format(value);
}

/** With its sign, a real minus; zero has none. */
export function formatSigned(value: number, digits: number): string {
	const text = formatFixed(Math.abs(value), digits);
	if (Number(Math.abs(value).toFixed(digits)) === 0) return text;
	return value > 0 ? `+${text}` : `−${text}`;
}

/** How many digits after the point a number of this size is shown with; none if there were never any. */
export function digitsFor(value: number, fractions: boolean): number {
	if (!fractions) return 0;
	const size = Math.abs(value);
	if (size >= 1000) return 1;
	if (size >= 1 || size === 0) return 2;
	return Math.min(Math.ceil(-Math.log10(size)) + 2, 12);
}

/** `0.4 s`, `12 s`, `3:05`, `2:03:07`. */
export function formatDuration(ms: number): string {
	if (ms < 9_950) return `${oneDigit.format(ms / 1000)} s`;
	const seconds = Math.round(ms / 1000);
	if (seconds < 60) return `${seconds} s`;
	const two = (value: number): string => String(value).padStart(2, "0");
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
	return `${formatCount(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** Three digits that mean something, for what is an estimate. */
export function formatShort(value: number): string {
	return Math.abs(value) >= 1000 ? whole.format(value) : short.format(value);
}

/** Local date and time to the second. */
export function formatDate(timeMs: number): string {
	const date = new Date(timeMs);
	const two = (value: number): string => String(value).padStart(2, "0");
	return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${formatTime(timeMs).slice(0, 8)}`;
}
