/** The widget's synced traits. */

export interface Model {
	/** Python listens: an observer, a callback, a loop. The page then connects without a view, too. */
	_listening: boolean;
	/** The view stands still; events still count and go back to Python. */
	paused: boolean;
	/** What is shown: the channel's name. */
	title: string;
	/** The most rows of the log in the page. */
	max_rows: number;
	/** CSS height of the log. */
	height: string;
}

/** What of anywidget's model is in use; some hosts have no more than this. */
export interface WidgetModel {
	get<K extends keyof Model>(name: K): Model[K];
	set<K extends keyof Model>(name: K, value: Model[K]): void;
	on(name: string, callback: (message: unknown) => void): void;
	off(name: string, callback: (message: unknown) => void): void;
	save_changes(): void;
	send(content: object): void;
}

/** Write a trait. Without a kernel there is nobody to tell: the view goes on with what the model says. */
export function writeTrait<K extends keyof Model>(model: WidgetModel, name: K, value: Model[K]): void {
	model.set(name, value);
	try {
		model.save_changes();
	} catch {
		// ipywidgets throws "Cannot send" once the comm is dead.
	}
}
