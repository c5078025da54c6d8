/** One server, as all calls of a page that name it and its bearer share it. */

import { type Basics, whenBack } from "../basics.ts";
import { BearerWay } from "./bearer.ts";
import { Line } from "./line.ts";

export class Kernel {
	readonly env: Basics;
	readonly way: BearerWay;
	readonly line: Line;

	constructor(env: Basics, server: string, bearer: string) {
		this.env = env;
		this.way = new BearerWay(env, server, bearer);
		this.line = new Line(env, this.way, env.nonce(32));
		whenBack(() => this.line.poke());
	}
}
