// Written by `python -m tools.gen_types` from the synced traits of SSEWidget and its views.

/** The widget's synced traits. */
export interface Model {
	/** True while Python listens, so that the page connects. */
	_listening: boolean;
	/** Which view the page shows. */
	_view: string;
	/** Height of the log, in CSS. */
	height: string;
	/** How many rows the log shows at the most. */
	max_rows: number;
	/** True while the views stand still; events still arrive. */
	paused: boolean;
	/** Shown above the log. */
	title: string;
}

/** Those of LineChart. */
export interface LineChartModel extends Model {
	/** Path of the name of the line; empty: one line for each path in y. */
	by: string;
	/** How many places on the x axis are kept. */
	points: number;
	/** How many seconds are kept instead; null: as many as points says. */
	seconds: number | null;
	/** Path of the place on the x axis; empty: when the event was pushed. */
	x: string;
	/** Paths of the numbers. */
	y: readonly string[];
}

/** Those of Metric. */
export interface MetricModel extends Model {
	/** True: the change over the span is shown. */
	delta: boolean;
	/** Digits after the decimal point; null: by the number's size. */
	digits: number | null;
	/** Path of the number in an event's data; empty: the data itself. */
	field: string;
	/** What is shown of the numbers. */
	function: "last" | "mean" | "min" | "max" | "sum" | "count" | "rate";
	/** How far change, sparkline and function look back, in seconds. */
	span_s: number;
	/** True: the line is shown. */
	sparkline: boolean;
	/** From which number on the value has which level; ascending. */
	thresholds: readonly (readonly [from: number, level: "good" | "warning" | "bad"])[];
	/** Shown after the number. */
	unit: string;
}

/** Those of Progress. */
export interface ProgressModel extends Model {
	/** Path of the key in an event's data; empty: there is one bar. */
	by: string;
	/** Path of how it is, in a word. */
	status: string;
	/** How far it goes, or the path of that. */
	total: number | string;
	/** Shown after the numbers. */
	unit: string;
	/** Path of how far it is; empty: the data itself. */
	value: string;
}

/** Those of Table. */
export interface TableModel extends Model {
	/** Paths of what is shown of an event's data; empty: all that is found. */
	columns: readonly string[];
	/** How columns are written, by path. */
	formats: { readonly [key: string]: string };
	/** Path of what an event is about; empty: a row per event. */
	key: string;
	/** Path of the column to sort by, with a minus for the largest first. */
	sort: string;
}

/** Those of Text. */
export interface TextModel extends Model {
	/** Path of the token in an event's data; empty: the data itself. */
	field: string;
	/** What stands between two tokens. */
	separator: string;
}
