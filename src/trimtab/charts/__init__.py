"""Line charts from plain numbers: SVG and PNG for pages, plain text for a terminal. One definition, three outlets.

chart = line_chart({"champion": [(0, 0.21), (1, 0.24)]}, title="Loss", x_title="window", y_title="Brier score")
chart.svg() · chart.png(scale=2) · chart.text(width=60)
"""

from trimtab.charts.chart import Chart, Mark, line_chart

__all__ = ["Chart", "Mark", "line_chart"]
