"""The demonstration: the whole wheel on real data, with the real server, lake and catalog.

digits.py   the data: real handwritten digits, and the fault that is planted
server.py   `trimtab serve` in a child process, and a client for it
turn.py     the story, from `init` to the last tick
report.py   what it showed: table, chart, journal, facts
"""

from trimtab.demo.turn import run_demo

__all__ = ["run_demo"]
