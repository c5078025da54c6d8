/** HMAC-SHA256 for pages without `crypto.subtle`: those that come by plain http from another machine. FIPS 180-4, RFC 2104. */

const BLOCK_BYTES = 64;

function firstPrimes(count: number): number[] {
	const primes: number[] = [];
	for (let each = 2; primes.length < count; each += 1) {
		if (primes.every((prime) => each % prime !== 0)) primes.push(each);
	}
	return primes;
}

/** The first 32 bits of the fractional part. */
function fraction(value: number): number {
	return Math.floor((value - Math.floor(value)) * 0x1_0000_0000);
}

const PRIMES = firstPrimes(64);
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const ROUNDS = PRIMES.map((prime) => fraction(Math.cbrt(prime)));

function rotated(word: number, by: number): number {
	return (word >>> by) | (word << (32 - by));
}

function padded(message: Uint8Array): DataView {
	const blocks = Math.ceil((message.length + 9) / BLOCK_BYTES);
	const bytes = new Uint8Array(blocks * BLOCK_BYTES);
	bytes.set(message);
	bytes[message.length] = 0x80;
	const view = new DataView(bytes.buffer);
	view.setUint32(bytes.length - 8, Math.floor(message.length / 0x2000_0000));
	view.setUint32(bytes.length - 4, message.length << 3);
	return view;
}

function schedule(view: DataView, at: number): number[] {
	const words = Array.from({ length: 16 }, (_, word) => view.getUint32(at + word * 4));
	for (let word = 16; word < 64; word += 1) {
		const [old, early, late] = [words[word - 16] ?? 0, words[word - 15] ?? 0, words[word - 2] ?? 0];
		const mixed = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
		const other = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
		words.push((old + mixed + (words[word - 7] ?? 0) + other) | 0);
	}
	return words;
}

type State = [number, number, number, number, number, number, number, number];

function compressed(words: readonly number[], state: readonly number[]): number[] {
	let [a, b, c, d, e, f, g, h] = state as State;
	for (let round = 0; round < 64; round += 1) {
		const high = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
		const choice = (e & f) ^ (~e & g);
		const first = (h + high + choice + (ROUNDS[round] ?? 0) + (words[round] ?? 0)) | 0;
		const low = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
		const majority = (a & b) ^ (a & c) ^ (b & c);
		[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + low + majority) | 0];
	}
	return [a, b, c, d, e, f, g, h].map((word, at) => (word + (state[at] ?? 0)) | 0);
}

export function sha256(message: Uint8Array): Uint8Array {
	const view = padded(message);
	let state: readonly number[] = START;
	for (let at = 0; at < view.byteLength; at += BLOCK_BYTES) state = compressed(schedule(view, at), state);
	const digest = new DataView(new ArrayBuffer(32));
	state.forEach((word, at) => {
		digest.setUint32(at * 4, word);
	});
	return new Uint8Array(digest.buffer);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
	const block = new Uint8Array(BLOCK_BYTES);
	block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
	const inner = sha256(
		joined(
			block.map((byte) => byte ^ 0x36),
			message,
		),
	);
	return sha256(
		joined(
			block.map((byte) => byte ^ 0x5c),
			inner,
		),
	);
}
