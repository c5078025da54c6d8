import { hmacSha256 } from "./sha256.ts";

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
	const pairs = hex.match(/../g) ?? [];
	return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function hexOf(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** HMAC-SHA256 of the UTF-8 text under the bytes that `keyHex` spells, as lower-case hexadecimal digits. */
export async function hmacHex(keyHex: string, text: string): Promise<string> {
	const [bytes, message] = [bytesOf(keyHex), new TextEncoder().encode(text)];
	// A page that is not a secure context has none, whatever the types say.
	const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
	if (subtle === undefined) return hexOf(hmacSha256(bytes, message));
	const algorithm = { name: "HMAC", hash: "SHA-256" };
	const key = await subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
	return hexOf(new Uint8Array(await subtle.sign("HMAC", key, message)));
}
