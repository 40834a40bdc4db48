"""Readiness of a project from inside: the 28 tests of the ML Test Score (Breck et al. 2017), with their evidence.

rubric.py   the tests, and what a person has to say        found.py     what a check found, when, and who ran it
ground.py   copies of the project, which checks may spoil   examine.py   all checks, one after the other
check.py    the role; checks/ one small file for each       sample.py    the project in small, from its own raw rows
record.py   examinations in the project's catalog           attest.py    attestations.toml: signed, expiring
score.py    what counts, and how much                       __main__.py  what the loop starts when drills are due

The project's own catalog, lake and server are read and never changed, except by record.py where somebody asked for it.
"""

from trimtab.audit.readiness.rubric import visible_from_outside

__all__ = ["visible_from_outside"]
