"""Step 6, second half: what a challenger must pass (gates), and what then follows (decide)."""

from trimtab.promote.decide import decide, first
from trimtab.promote.gates import Gate, judge, open_gates

__all__ = ["Gate", "decide", "first", "judge", "open_gates"]
