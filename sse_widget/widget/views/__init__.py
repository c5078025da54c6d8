"""The views: each shows a feed in its own way, and is an `SSEWidget` with all that this can do."""

from __future__ import annotations

from sse_widget.widget.views.line_chart import LineChart
from sse_widget.widget.views.log import Log
from sse_widget.widget.views.metric import Metric
from sse_widget.widget.views.progress import Progress
from sse_widget.widget.views.state import State
from sse_widget.widget.views.table import Table
from sse_widget.widget.views.text import Text

__all__ = ["VIEWS", "LineChart", "Log", "Metric", "Progress", "State", "Table", "Text"]

VIEWS = (LineChart, Log, Metric, Progress, State, Table, Text)
