import { expect, test } from "vitest";
import { hmacHex } from "../src/connection/proof.ts";

test("the HMAC is that of RFC 4231, test case 2", async () => {
	const key = "4a656665"; // "Jefe"
	expect(await hmacHex(key, "what do ya want for nothing?")).toBe(
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	);
});
