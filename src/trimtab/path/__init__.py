"""The path: four stages to becoming an ML engineer, each with a test that is a program.

stages.py        the four stages: tests in words, tools, hours
entry.py         what a person types about what they did
record.py        a person's own record: what was logged, tried and told (record_file.py: its SQLite file)
standing.py      where the person stands, and what comes next
board.py         the board: in a terminal, as plain lines, as JSON
gate.py          which tests there are, and when one may be taken
sitting.py       an exam from its paper to its result
fit.py           is this the right role? (roles.py: what is said about each)
plan.py          dated ranges, corrected by what was logged (calendar.py: the same as iCalendar)
traps.py         habits that look like progress, each with its way out, said once
exam/            the papers, their solutions, the grader and its sandbox
"""
