"""An exam from its paper to its result, with the real papers and the real grader: what counts, and what does not."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import Refused, UsageError
from trimtab.nouns import State
from trimtab.path.exam.planted import write_reference, write_wrong
from trimtab.path.exam.tasks import ask
from trimtab.path.exam.world import make_world
from trimtab.path.gate import check_rested
from trimtab.path.record import Purpose, Record, Sitting
from trimtab.path.sitting import (
    Marked,
    check,
    close_forgotten,
    find_script,
    find_sitting,
    hand_in,
    hand_out,
    skills_of,
)
from trimtab.path.standing import stand

Solved = Callable[..., Path]


@pytest.fixture
def begun(opened: Any, tmp_path: Path) -> Callable[[Purpose], Sitting]:
    """Hand out a paper at noon."""
    return lambda purpose: hand_out(opened(), "1", purpose, tmp_path / purpose, None)[0]


def solve(sitting: Sitting, wrong: str = "") -> Path:
    """Write the reference script into a paper's folder, or one that is wrong in one way."""
    questions = ask(make_world(sitting.seed))
    script = Path(sitting.folder) / "exam.py"
    script.write_text(write_wrong(wrong, questions) if wrong else write_reference(questions))
    return script


def submit(record: Record, sitting: Sitting, wrong: str = "") -> Marked:
    return hand_in(record, sitting, solve(sitting, wrong), None)


def test_all_right_in_time_passes_the_stage(opened: Any, begun: Any) -> None:
    marked = submit(opened(minutes=29), begun("exam"))
    assert marked.passed
    first, second, *_ = stand(opened(days=3)).stages
    assert (first.state, first.attempts, first.age_days) == ("passed", 1, 2)
    assert second.state == "open"
    kept = opened().attempts()[0]
    assert len(kept.submission) == 64
    assert kept.seconds == 29 * 60
    assert opened().sittings() == ()


def test_all_right_but_late_does_not_count(opened: Any, begun: Any) -> None:
    marked = submit(opened(minutes=33), begun("exam"))
    assert marked.graded.passed
    assert not marked.passed
    assert "3 minutes after the clock" in marked.sentences[-1]
    assert stand(opened()).stages[0].state == "open"


def test_clock_turned_back_during_an_exam_cannot_be_told(opened: Any, begun: Any) -> None:
    marked = submit(opened(hours=-5), begun("exam"))
    assert marked.attempt
    assert marked.attempt.state is State.CANNOT_TELL
    assert marked.attempt.seconds == 0
    assert "turned back" in marked.sentences[-1]


@pytest.mark.parametrize("purpose", ["diagnose", "practice"])
def test_all_right_in_another_way_passes_nothing(opened: Any, begun: Any, purpose: Purpose) -> None:
    marked = submit(opened(minutes=5), begun(purpose))
    assert marked.passed
    assert stand(opened()).stages[0].state == "open"


def test_miss_is_told_by_skill_and_in_practice_explained(opened: Any, begun: Any) -> None:
    sitting = begun("practice")
    marked = submit(opened(minutes=5), sitting, "mean for median")
    missed = [skill for skill, state in marked.skills.items() if state is not State.PASS]
    assert missed == ["concluding"]
    assert "mean and median were mixed up" in marked.graded.results[-1].message
    assert opened().sittings()[0].number == sitting.number


def test_public_checks_record_nothing_and_claim_nothing(opened: Any, begun: Any) -> None:
    sitting = begun("exam")
    marked = check(sitting, solve(sitting, "mean for median"), None)
    assert marked.passed
    assert marked.attempt is None
    assert "looked at when you hand in" in " ".join(marked.sentences)
    assert opened().attempts() == ()


def test_next_exam_waits_a_day_from_the_beginning_of_the_last(opened: Any, begun: Any, tmp_path: Path) -> None:
    sitting = begun("exam")
    record = opened(minutes=20)
    record.finish(sitting)
    with pytest.raises(Refused, match="may begin in 24 hours"):
        hand_out(record, "1", "exam", tmp_path / "again", None)
    assert not (tmp_path / "again").exists()
    check_rested(opened(hours=24))
    hand_out(record, "1", "diagnose", tmp_path / "d", None)
    hand_out(record, "1", "practice", tmp_path / "p", 7)


def test_wait_ends_also_where_the_clock_was_turned_back(opened: Any, begun: Any) -> None:
    opened().finish(begun("exam"))
    with pytest.raises(Refused, match="24 hours"):
        check_rested(opened(days=-300))
    check_rested(opened(days=-299, minutes=1))


def test_running_exam_is_not_begun_twice(opened: Any, begun: Any, tmp_path: Path) -> None:
    begun("exam")
    with pytest.raises(UsageError, match="running already") as caught:
        hand_out(opened(minutes=10), "1", "exam", tmp_path / "again", None)
    assert "20 minutes left" in str(caught.value)


def test_paper_that_was_forgotten_becomes_a_try(opened: Any, begun: Any) -> None:
    begun("exam")
    close_forgotten(opened(hours=24))
    assert opened().attempts() == ()
    record = opened(hours=25)
    close_forgotten(record)
    assert [one.note for one in record.attempts()] == ["never handed in"]
    assert "counts as a try" in record.notices[0]
    assert record.sittings() == ()


def test_practice_lies_open_for_ever(opened: Any, begun: Any) -> None:
    begun("practice")
    record = opened(days=500)
    close_forgotten(record)
    assert len(record.sittings()) == 1


def test_file_belongs_to_the_paper_in_whose_folder_it_lies(opened: Any, tmp_path: Path) -> None:
    record = opened()
    first, _ = hand_out(record, "1", "practice", tmp_path / "one", 1)
    second, _ = hand_out(record, "1", "practice", tmp_path / "two", 2)
    assert find_sitting(record, "1", "practice", tmp_path / "one" / "exam.py").seed == first.seed
    assert find_sitting(record, "1", "practice", tmp_path / "elsewhere.py").seed == second.seed


def test_script_is_found_alone_in_its_folder_and_asked_for_among_several(begun: Any, tmp_path: Path) -> None:
    sitting = begun("practice")
    assert find_script(sitting, None).name == "exam.py"
    (Path(sitting.folder) / "other.ipynb").write_text("{}")
    with pytest.raises(UsageError, match=r"2 scripts \(exam.py, other.ipynb\)"):
        find_script(sitting, None)


@pytest.mark.parametrize(("name", "said"), [("absent.py", "There is no file"), ("paper.md", "neither a script")])
def test_file_that_cannot_be_handed_in_keeps_the_exam_open(opened: Any, begun: Any, name: str, said: str) -> None:
    sitting = begun("exam")
    with pytest.raises(UsageError, match=said):
        find_script(sitting, Path(sitting.folder) / name)
    assert len(opened().sittings()) == 1


def test_each_exam_has_a_seed_of_its_own(opened: Any, tmp_path: Path) -> None:
    record = opened()
    seeds = {hand_out(record, "1", "practice", tmp_path / str(n), None)[0].seed for n in range(4)}
    assert len(seeds) == 4
    assert timedelta(0) <= record.since(record.sittings()[0].at)


def test_skill_of_several_tasks_is_missed_with_one_of_them() -> None:
    from trimtab.path.exam import Result

    results = [Result("a", "joining", State.PASS, ""), Result("b", "joining", State.CANNOT_TELL, "")]
    assert skills_of(results) == {"joining": State.CANNOT_TELL}
    assert skills_of([*results, Result("c", "joining", State.FAIL, "")]) == {"joining": State.FAIL}
