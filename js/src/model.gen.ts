// Written by `python -m tools.gen_types` from the synced traits of SSEWidget.

/** The widget's synced traits. */
export interface Model {
	/** True while Python listens, so that the page connects. */
	_listening: boolean;
	/** Height of the log, in CSS. */
	height: string;
	/** How many rows the log shows at the most. */
	max_rows: number;
	/** True while the views stand still; events still arrive. */
	paused: boolean;
	/** Shown above the log. */
	title: string;
}
