// Builds sse_widget/static/. Line 1 of widget.js and of widget.css is the hash of js/src as tools/check_bundle.py computes it.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
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

const hash = await hashOf(source);
const shared = { bundle: true, minify: true, write: false, legalComments: "none", logLevel: "warning" };
const [script, style] = await Promise.all([
	build({
		...shared,
		entryPoints: [join(source, "widget.ts")],
		format: "esm",
		target: "es2022",
		charset: "utf8",
		banner: { js: `// source sha256: ${hash}` },
	}),
	build({
		...shared,
		entryPoints: [join(source, "views", "views.css")],
		// Nesting is written out: hosts embed browsers (VS Code's) of very different ages.
		target: ["chrome109", "firefox115", "safari16"],
		banner: { css: `/* source sha256: ${hash} */` },
	}),
]);
await mkdir(target, { recursive: true });
for (const [name, result] of [
	["widget.js", script],
	["widget.css", style],
]) {
	const [file] = result.outputFiles;
	await writeFile(join(target, name), file.contents);
	console.log(`${name}: ${file.contents.length} bytes`);
}
