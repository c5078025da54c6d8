// The rig's hand inside the page: `rig.…`, on top of `window.jupyterapp` (JupyterLab's --expose-app-in-browser).
// Loaded into every document before its own scripts, so it is there again after a reload.
globalThis.rig = (() => {
	const runs = [];
	const watched = new WeakSet();
	const executing = new Set();

	// Which cells run, by what the kernel publishes about each. Its status alone does not tell: it is that of the last
	// message of any kind, and ipykernel 7 answers comm messages, with busy and idle, on another thread than the cell's.
	const watch = (session) => {
		if (watched.has(session)) return;
		watched.add(session);
		session.iopubMessage.connect((_, message) => {
			const request = message.parent_header.msg_id;
			if (message.header.msg_type === "execute_input") executing.add(request);
			if (message.header.msg_type === "status" && message.content.execution_state === "idle") executing.delete(request);
		});
		session.statusChanged.connect((_, status) => {
			if (["restarting", "autorestarting", "dead"].includes(status)) executing.clear();
		});
	};

	const panel = (path) => {
		const app = globalThis.jupyterapp;
		for (const widget of app?.shell?.widgets("main") ?? []) {
			if (widget.context?.path === path) return widget;
		}
		return undefined;
	};

	// Lab's commands act on the current notebook.
	const current = (path) => {
		const found = panel(path);
		if (found === undefined) throw new Error(`${path} is not open in this tab`);
		globalThis.jupyterapp.shell.activateById(found.id);
		return found;
	};

	const command = (path, id, args) => {
		current(path);
		const { commands } = globalThis.jupyterapp;
		if (!commands.isEnabled(id, args)) throw new Error(`the command ${id} is not enabled`);
		return commands.execute(id, args);
	};

	return {
		status(path) {
			const found = panel(path);
			const kernel = found?.sessionContext?.session?.kernel;
			return {
				loaded: Boolean(found?.context.isReady && found.sessionContext.isReady),
				kernel: kernel?.status ?? "none",
				connection: kernel?.connectionStatus ?? "none",
			};
		},

		ready(path, idle) {
			const { loaded, kernel, connection } = this.status(path);
			if (!loaded || connection !== "connected") return false;
			watch(panel(path).sessionContext);
			return !idle || (kernel === "idle" && executing.size === 0);
		},

		busy() {
			return executing.size > 0;
		},

		command,

		// Starts a command and returns its number at once; `finished` says how it went. The page may be
		// reloaded in between, so nobody holds a promise over it.
		start(path, id, args) {
			const run = { done: false, error: null };
			runs.push(run);
			Promise.resolve(command(path, id, args)).then(
				() => { run.done = true; },
				(error) => { run.done = true; run.error = String(error); },
			);
			return runs.length - 1;
		},

		finished(number) {
			return runs[number].done ? runs[number] : null;
		},

		select(path, index) {
			const notebook = current(path).content;
			notebook.deselectAll();
			notebook.activeCellIndex = index;
			notebook.mode = "command";
			if (notebook.activeCellIndex !== index) throw new Error(`there is no cell ${index}`);
		},

		addCell(path, source) {
			const { sharedModel } = panel(path).content.model;
			sharedModel.addCell({ cell_type: "code", source });
			return sharedModel.cells.length - 1;
		},

		outputs(path, index) {
			return panel(path).content.model.cells.get(index).outputs?.toJSON() ?? [];
		},

		cellCount(path) {
			return panel(path).content.model.cells.length;
		},

		content(path) {
			return panel(path)?.content.model.toJSON() ?? null;
		},

		save(path) {
			return panel(path).context.save();
		},

		closePanel(path) {
			panel(path).close();
		},
	};
})();
