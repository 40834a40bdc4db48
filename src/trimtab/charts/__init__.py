"""Line and interval charts from plain numbers: SVG and PNG for pages, lines as plain text for a terminal too.

chart = line_chart({"champion": [(0, 0.21), (1, 0.24)]}, title="Loss", x_title="window", y_title="Brier score")
chart.svg() · chart.png(scale=2) · chart.text(width=60)
"""

from trimtab.charts.chart import Chart, Mark, line_chart
from trimtab.charts.intervals import IntervalChart, interval_chart

__all__ = ["Chart", "IntervalChart", "Mark", "interval_chart", "line_chart"]
