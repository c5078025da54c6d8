import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { hmacHex } from "../src/connection/hmac.ts";
import { hmacSha256, sha256 } from "../src/connection/sha256.ts";

function hex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function text(characters: string): Uint8Array {
	return new TextEncoder().encode(characters);
}

afterEach(() => {
	vi.unstubAllGlobals();
});

test.each([
	["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
	["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
	[
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	],
	["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
])("SHA-256 has the digests of FIPS 180-4: %#", (message, digest) => {
	expect(hex(sha256(text(message)))).toBe(digest);
});

const VECTORS: readonly (readonly [key: string, message: string, mac: string])[] = [
	["0b".repeat(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
	[
		"4a656665",
		"what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	],
	[
		"aa".repeat(131),
		"Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	],
];

test.each(VECTORS)("the HMAC is that of RFC 4231, in a secure context: %#", async (key, message, mac) => {
	expect(await hmacHex(key, message)).toBe(mac);
});

test.each(VECTORS)("and in a page without crypto.subtle: %#", async (key, message, mac) => {
	vi.stubGlobal("crypto", {});
	expect(await hmacHex(key, message)).toBe(mac);
});

test("our HMAC is the browser's, whatever the length", async () => {
	const bytes = fc.uint8Array({ maxLength: 200 });
	await fc.assert(
		fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), bytes, async (key, message) => {
			const algorithm = { name: "HMAC", hash: "SHA-256" };
			const imported = await crypto.subtle.importKey("raw", Uint8Array.from(key), algorithm, false, ["sign"]);
			const mac = await crypto.subtle.sign("HMAC", imported, Uint8Array.from(message));
			expect(hex(hmacSha256(key, message))).toBe(hex(new Uint8Array(mac)));
		}),
	);
});
