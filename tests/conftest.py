"""For every test: training tries its plain settings only, unless a test asks for a search itself."""

import os

# Set before anything reads it, and inherited by every process that a test starts.
os.environ.setdefault("TRIMTAB_TRAIN__BUDGET", "0s")
