/** What a view shows, for other programs: through the clipboard, or as a file. */

import { element, ICONS, icon } from "./dom.ts";
import { toolButton } from "./toolbar.ts";

const SAID_MS = 1_500;

/** A field as RFC 4180 has it. A text that a spreadsheet would take for a formula is marked as text. */
function field(text: string): string {
	const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(rows: readonly (readonly string[])[]): string {
	return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

export interface Content {
	readonly name: string;
	readonly mime: string;
	readonly text: string;
}

/** A button that says for a moment what came of it. */
function speaking(name: string, path: string, label: string, act: () => Promise<string>): HTMLButtonElement {
	const button = toolButton(name, path, label, () => {
		void act().then((said) => {
			button.replaceChildren(element("span", "said", { role: "status" }, said));
			setTimeout(() => button.replaceChildren(icon(path)), SAID_MS);
		});
	});
	return button;
}

export function copyButton(label: string, text: () => string): HTMLButtonElement {
	return speaking("copy-all", ICONS.copy, label, async () => {
		try {
			await navigator.clipboard.writeText(text());
			return "Copied";
		} catch {
			return "Not allowed here"; // by the browser, or the page is not secure
		}
	});
}

export function saveButton(label: string, content: () => Content): HTMLButtonElement {
	return speaking("save", ICONS.save, label, async () => {
		const { name, mime, text } = content();
		const url = URL.createObjectURL(new Blob([text], { type: mime }));
		const link = element("a", "", { href: url, download: name.replaceAll(/[^\w.-]+/g, "_") });
		link.click();
		setTimeout(() => URL.revokeObjectURL(url), SAID_MS);
		return "Saved";
	});
}
