"""Step 6, first half: two Versions compared on the same rows."""

from trimtab.evaluate.verdict import compare

__all__ = ["compare"]
