// Builds sse_widget/static/. Line 1 of each file is the hash of js/src as tools/check_bundle.py computes it.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const tsc = join(here, "node_modules", "typescript", "bin", "tsc");
const target = join(here, "..", "sse_widget", "static");

async function filesOf(directory) {
	const entries = await readdir(directory, { withFileTypes: true, recursive: true });
	return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Paths and contents with their lengths, so that no two trees have the same text. */
async function hashOf(directory) {
	const hash = createHash("sha256");
	const names = (await filesOf(directory)).map((file) => relative(directory, file).split(sep).join("/"));
	for (const name of names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
		const text = (await readFile(join(directory, name), "utf8")).replaceAll("\r\n", "\n");
		const bytes = Buffer.from(text);
		hash.update(`${name}\n${bytes.length}\n`).update(bytes);
	}
	return hash.digest("hex");
}

/** What TypeScript says of client.ts: all that is public is in that one file, so its declarations need no others. */
async function declarations() {
	const folder = await mkdtemp(join(tmpdir(), "sse-widget-"));
	try {
		const options = ["--project", join(here, "tsconfig.client.json"), "--outDir", folder];
		await promisify(execFile)(process.execPath, [tsc, ...options]);
		const text = await readFile(join(folder, "client.d.ts"), "utf8");
		if (/^(import|export .* from) /m.test(text))
			throw new Error("client.d.ts imports from other files: make client.ts whole");
		return text;
	} finally {
		await rm(folder, { recursive: true });
	}
}

const hash = await hashOf(source);
const shared = { bundle: true, minify: true, write: false, legalComments: "none", logLevel: "warning" };
const script = {
	...shared,
	format: "esm",
	target: "es2022",
	charset: "utf8",
	banner: { js: `// source sha256: ${hash}` },
};
const style = {
	...shared,
	// Nesting is written out: hosts embed browsers (VS Code's) of very different ages.
	target: ["chrome109", "firefox115", "safari16"],
	banner: { css: `/* source sha256: ${hash} */` },
};
// Long names of ours that no page, no server and no browser knows: in client.js every byte is waited for.
const ours =
	/^(adopt|afterMiss|afterRefusal|afterTrouble|brings|deliver|joined|lacks|needsSecret|openMs|openSource|retryAfterS|rotated|servedBy|serves|shown|silenceMs|streamUrl|synced)$/;
const built = {
	"widget.js": build({ ...script, entryPoints: [join(source, "widget.ts")] }),
	"widget.css": build({ ...style, entryPoints: [join(source, "views", "views.css")] }),
	"client.js": build({ ...script, entryPoints: [join(source, "client.ts")], mangleProps: ours }),
	"page.js": build({ ...script, entryPoints: [join(source, "page.ts")] }),
	"page.css": build({ ...style, entryPoints: [join(source, "page.css")] }),
};
await mkdir(target, { recursive: true });
for (const [name, result] of Object.entries(built)) {
	const [file] = (await result).outputFiles;
	await writeFile(join(target, name), file.contents);
	console.log(
		`${name}: ${file.contents.length} bytes, ${gzipSync(file.contents, { level: 9 }).length} zipped`,
	);
}
// uPlot is in the bundle; its licence wants to be beside it.
await copyFile(join(here, "node_modules", "uplot", "LICENSE"), join(target, "uPlot.LICENSE"));
await writeFile(join(target, "client.d.ts"), `// source sha256: ${hash}\n${await declarations()}`);
