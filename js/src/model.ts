/** The widget's model, as far as it is in use. */

import type { Model } from "./model.gen.ts";

export type { Model };

/** What of anywidget's model is in use; some hosts have no more than this. */
export interface WidgetModel<M extends Model = Model> {
	get<K extends keyof M>(name: K): M[K];
	set<K extends keyof M>(name: K, value: M[K]): void;
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
