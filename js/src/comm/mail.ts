/**
 * `received` messages and their answers (docs/protocol.md, section 7): a POST over the comm, for an `Uplink`.
 *
 * A kernel that runs a cell may answer only when that has ended. What was said is not lost then, so what is large is not
 * said again: from time to time a message without packs asks whether the kernel listens. Its answer, without that of the
 * message before it, means that the latter was lost.
 */

import { Timer } from "../connection/timer.ts";
import type { Answer } from "../connection/way.ts";
import type { Env } from "../env.ts";

const ANSWER_MS = 10_000;
/** The kernel may answer out of order: a comm message may run on another of its threads. */
const ORDER_MS = 1_000;

/** What every message says. */
export interface Said {
	readonly carry: boolean;
	readonly cursor: string;
	readonly back: boolean;
	/** How often the kernel had gone back, by the newest of its messages; null before the first. */
	readonly backs: number | null;
}

export interface MailHost {
	readonly page: string;
	/** Asked for when a message leaves. */
	says(): Said;
	/** A body without packs. */
	emptyBody(): string;
	/** False: the comm is dead. */
	send(content: object): boolean;
}

interface Flight {
	readonly n: number;
	resolve(answer: Answer): void;
}

const LOST: Answer = { kind: "unreachable" };

export class Mail {
	readonly #host: MailHost;
	readonly #askTimer: Timer;
	readonly #lostTimer: Timer;
	#n = 0;
	/** The newest message that the kernel has answered. */
	heard = 0;
	#flight: Flight | null = null;

	constructor(env: Env, host: MailHost) {
		this.#host = host;
		this.#askTimer = new Timer(env, () => this.#ask());
		this.#lostTimer = new Timer(env, () => this.#land(LOST));
	}

	/** The number of the newest message. */
	get said(): number {
		return this.#n;
	}

	/** A message with packs has not been answered yet. */
	get waiting(): boolean {
		return this.#flight !== null;
	}

	/** One at a time. */
	post(body: string): Promise<Answer> {
		return new Promise((resolve) => {
			this.#flight = { n: this.#n + 1, resolve };
			this.#askTimer.start(ANSWER_MS);
			if (!this.#say(body)) this.#land(LOST);
		});
	}

	/** Say how things are, now, whatever is under way. */
	tell(): void {
		this.#say(this.#host.emptyBody());
	}

	/** The kernel's `answer` to message `n` of this page. */
	answered(n: number, feeds: unknown): void {
		this.heard = Math.max(this.heard, n);
		const flight = this.#flight;
		if (flight === null || n < flight.n) return;
		if (n === flight.n) this.#land({ kind: "answer", status: 200, body: { feeds } });
		else if (!this.#lostTimer.running) this.#lostTimer.start(ORDER_MS);
	}

	close(): void {
		this.#land(LOST);
	}

	#ask(): void {
		this.tell();
		this.#askTimer.start(ANSWER_MS);
	}

	#say(body: string): boolean {
		this.#n += 1;
		const { page } = this.#host;
		return this.#host.send({ kind: "received", page, n: this.#n, ...this.#host.says(), body });
	}

	#land(answer: Answer): void {
		const flight = this.#flight;
		this.#flight = null;
		this.#askTimer.cancel();
		this.#lostTimer.cancel();
		flight?.resolve(answer);
	}
}
