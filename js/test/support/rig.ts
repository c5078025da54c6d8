import { Page } from "../../src/connection/page.ts";
import { Feed } from "../../src/feed.ts";
import { FakeEnv, settle } from "./env.ts";
import { FakeKernel } from "./kernel.ts";
import { FakeModel } from "./model.ts";
import { FakeServer } from "./server.ts";

/** A page, a server, and feeds between them. */
export class Rig {
	readonly env = new FakeEnv();
	readonly server = new FakeServer(this.env);
	readonly page = new Page(this.env);

	/** A widget with what it takes, as text: `a-1`, `gap 3`, `gap ?`. */
	widget(name: string, channel = "prices", more: object = {}): Widget {
		return this.start(this.server.welcome(name, channel, more));
	}

	/** Null: the kernel is busy and does not answer `hello`. */
	start(welcome: object | null): Widget {
		const model = new FakeModel();
		model.welcome = welcome;
		const feed = new Feed(model, this.page);
		const taken: string[] = [];
		feed.tap((record) => taken.push(record.kind === "event" ? record.id : `gap ${record.lost ?? "?"}`));
		feed.start();
		return { model, feed, taken, hide: () => undefined };
	}

	/** One that is shown. */
	shown(name: string, channel = "prices", more: object = {}): Widget {
		const widget = this.widget(name, channel, more);
		return { ...widget, hide: widget.feed.show(() => undefined) };
	}

	/** One that is shown, with the kernel's half of its comm. */
	carried(name: string, more: object = {}): Widget & { readonly kernel: FakeKernel } {
		const widget = this.widget(name, "prices", more);
		const kernel = new FakeKernel(this.server, name);
		kernel.attach(widget.model);
		kernel.begin();
		return { ...widget, kernel, hide: widget.feed.show(() => undefined) };
	}

	/** All is well again: let everything come that will. */
	async heal(): Promise<void> {
		this.server.down = false;
		this.server.loseAnswers = false;
		for (let round = 0; round < 8; round += 1) {
			await this.env.advance(11_000);
			await this.server.deliver();
			await this.server.heartbeat();
			await this.server.deliver();
		}
		await settle();
	}
}

export interface Widget {
	readonly model: FakeModel;
	readonly feed: Feed;
	readonly taken: string[];
	/** The view goes. */
	readonly hide: () => void;
}
