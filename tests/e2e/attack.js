// What a foreign page can do to a server whose address it knows: `([url, given]) => {name: what came of it}`.
// `given` holds the secrets, so that nothing but the rules about pages stands between this one and the server.
async ([url, given]) => {
	const done = {};
	const attempt = async (name, act) => {
		try {
			done[name] = String(await act(`${given.query ?? ""}as=${encodeURIComponent(name)}`));
		} catch (error) {
			done[name] = error.name;
		}
	};
	const read = (name, path, init) =>
		attempt(name, async (tag) => {
			const signal = AbortSignal.timeout(4000);
			const answer = await fetch(`${url}${path}${path.includes("?") ? "&" : "?"}${tag}`, { signal, ...init });
			return answer.type === "opaque" ? "opaque" : `${answer.status} ${await answer.text()}`;
		});
	const settles = (act, ms = 4000, otherwise = "nothing came") =>
		new Promise((resolve) => {
			setTimeout(() => resolve(otherwise), ms);
			act(resolve);
		});
	const FRAME_MS = 500; // a frame whose server forbids it never says that it has loaded
	const loads = (element, field, address, ms) =>
		settles((resolve) => {
			element.onload = () => resolve("loaded");
			element.onerror = () => resolve("refused");
			element[field] = address;
			(document.body ?? document.documentElement).append(element);
		}, ms);
	const streams = (address) =>
		settles((resolve) => {
			const source = new EventSource(address);
			const end = (text) => {
				source.close();
				resolve(text);
			};
			source.onerror = () => end("refused");
			for (const name of ["open", "pack", "message", "heartbeat"]) {
				source.addEventListener(name, (event) => "data" in event && end(`heard ${event.data}`));
			}
		});

	const headers = { Authorization: `Bearer ${given.bearer}`, "Content-Type": "application/json" };
	const post = { method: "POST", headers, body: given.body };
	const blind = { mode: "no-cors", credentials: "include" };
	await read("health", "/healthz");
	await read("proof", `/whoami?n=${"0".repeat(32)}`);
	await read("channel", "/channels/c?after=", { headers });
	await read("batch", "/received", post);
	await read("push", "/channels/c", { ...post, body: '"forged"' });
	await read("page", "/", { headers });
	await read("ticket", "/tickets", { ...post, body: '{"client": "p", "channels": ["c"]}' });
	await read("credentials", "/healthz", { credentials: "include" });
	await attempt("packs", (tag) => streams(`${url}/events?channel=c&after=&client=p&ticket=${given.tickets[0]}&${tag}`));
	await attempt("stream", (tag) => streams(`${url}/channels/c?after=&client=p&ticket=${given.tickets[1]}&${tag}`));
	await attempt("image", (tag) => loads(new Image(), "src", `${url}/healthz?${tag}`));
	await attempt("script", (tag) => loads(document.createElement("script"), "src", `${url}/healthz?${tag}`));
	await attempt("module", async (tag) => Object.keys(await import(`${url}/healthz?${tag}`)));
	await attempt("client", async (tag) => Object.keys(await import(`${url}/client.js?${tag}`)));
	await attempt("style", (tag) => {
		const link = Object.assign(document.createElement("link"), { rel: "stylesheet" });
		return loads(link, "href", `${url}/healthz?${tag}`);
	});
	await attempt("frame", async (tag) => {
		const frame = document.createElement("iframe");
		await loads(frame, "src", `${url}/healthz?${tag}`, FRAME_MS);
		return frame.contentDocument?.body?.innerText ?? "unreadable";
	});
	await attempt("socket", (tag) =>
		settles((resolve) => {
			const socket = new WebSocket(`${url.replace("http", "ws")}/events?channel=c&after=&${tag}`, []);
			socket.onopen = () => resolve("open");
			socket.onerror = () => resolve("refused");
		}),
	);
	await read("blind get", "/channels/c?after=", blind);
	await read("blind post", "/received", { ...blind, method: "POST", body: given.body });
	await read("blind push", "/channels/c", { ...blind, method: "POST", body: '"forged"' });
	await read("blind introduction", "/whoami", { ...blind, method: "POST", body: given.overheard });
	await attempt("beacon", (tag) => navigator.sendBeacon(`${url}/received?${tag}`, new Blob([given.body])));
	await attempt("form", (tag) =>
		settles((resolve) => {
			const frame = Object.assign(document.createElement("iframe"), { name: "target" });
			const form = Object.assign(document.createElement("form"), { method: "POST", enctype: "text/plain" });
			form.action = `${url}/received?${tag}`;
			form.target = "target";
			form.append(Object.assign(document.createElement("input"), { name: given.body, value: "" }));
			document.documentElement.append(frame, form);
			frame.onload = () => resolve("sent");
			form.submit();
		}, FRAME_MS, "sent"),
	);
	return done;
};
