"""The command line. One file per verb, imported when that verb is called; `main` is the console script.

app.py        the table of verbs, and the application that cyclopts runs
options.py    arguments that several verbs share
output.py     sentences, tables and JSON on standard output; progress on standard error
failures.py   what an error becomes: its lines and its exit code
"""

from trimtab.cli.app import main

__all__ = ["main"]
