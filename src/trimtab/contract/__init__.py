"""The agreement about a row, kept: guessed from data, compiled for a frame and for one row, and reported on.

infer.py    a table -> a Contract with a note for everything guessed     guess.py   one column of it
reading.py  one value -> its cleaned form, or the code that says why not  times.py   the same for times and dates
row.py      Contract -> a function on one row (no polars, no numpy)       labels.py  the label
clean.py    Contract -> clean rows and quarantine                         fast.py    the shortcuts over whole columns
check.py    what a check found, in sentences
"""
