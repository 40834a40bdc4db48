"""The exam of stage 1, and practice for the boundary of stages 2 and 3.

world.py      a list of passengers by seed, with its mess          tasks.py     what is asked, in words
solution.py   what is right                                        judge.py     whether an answer is
sandbox.py    where a submission runs (harness.py: what runs it)   grade.py     from a file to a result
sql.py, shell.py   five small tasks each (exercise.py: both)       planted.py   ten wrong scripts that must be caught
"""

from collections.abc import Mapping

from trimtab.path.exam import shell, sql
from trimtab.path.exam.exercise import Exercise
from trimtab.path.exam.grade import check_public, grade
from trimtab.path.exam.paper import Graded, Paper, Result, Task
from trimtab.path.exam.write import write_exam

EXERCISES: Mapping[str, Exercise] = {"sql": sql, "shell": shell}
"""Practice by name."""

__all__ = ["EXERCISES", "Exercise", "Graded", "Paper", "Result", "Task", "check_public", "grade", "write_exam"]
