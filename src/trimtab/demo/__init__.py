"""The demonstration: a year of real flights through the whole wheel, with the real server, lake and catalog.

data/       the flights, carried in the package
upstream/   the world that the rows come from: a database, a file drop, an API
place.py    the folder that it happens in, for one demonstration at a time
project.py  the project of examples/flights in that folder, with its addresses filled in
sample.py   which flights are asked over HTTP, and their rows as a client sends them
run.py      the story: learn, serve, measure month by month, replay
story.py    what happened, kept while it happens
lines.py    how good the answers were: as given, and as each policy would have given them
report.py   what it showed: facts, table, chart, sentences
"""
