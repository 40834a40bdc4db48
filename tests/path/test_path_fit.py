"""Eight answers tell three roles apart, with reasons, filters said plainly, and facts with their sources."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import UsageError
from trimtab.path.fit import QUESTIONS, judge, missing, read_answers
from trimtab.path.roles import FACTS, ROLES

KEYS = [question.key for question in QUESTIONS]


def answered(letters: str) -> dict[str, str]:
    return dict(zip(KEYS, letters, strict=True))


@pytest.mark.parametrize(
    ("letters", "role"),
    [("aaaaaaaa", "ml_engineer"), ("bbbbbbbb", "data_scientist"), ("ccccccac", "ai_product_manager")],
)
def test_whoever_answers_like_one_role_is_told_that_role(letters: str, role: str) -> None:
    found = judge(answered(letters))
    assert found.role == role
    assert found.reasons


def test_answers_in_between_cannot_tell() -> None:
    assert judge(answered("abcbabad")).role is None


@pytest.mark.parametrize(
    ("letters", "said"),
    [("aaaaadaa", "Three months"), ("aaacaaaa", "without touching it"), ("aaaaaaca", "fewer than eight hours")],
)
def test_filter_is_said_plainly_whatever_the_points_are(letters: str, said: str) -> None:
    found = judge(answered(letters))
    assert found.role == "ml_engineer"
    assert len(found.filters) == 1
    assert said in found.filters[0]


def test_nobody_without_a_filter_is_warned() -> None:
    assert judge(answered("aaaaaaaa")).filters == ()


def test_who_has_three_months_is_shown_the_analyst_first() -> None:
    titles = [one.title for one in judge(answered("aaaaadaa")).neighbours]
    assert titles == ["data analyst", "DevOps engineer"]


def test_who_likes_systems_but_no_mathematics_is_shown_devops_first() -> None:
    assert judge(answered("aaaacaaa")).neighbours[0].title == "DevOps engineer"


def test_timelines_are_those_of_the_roles() -> None:
    assert [role.months for role in ROLES] == [(12, 24), (9, 18), (6, 12)]


def test_every_fact_has_source_and_date() -> None:
    assert all(fact.source and fact.date for fact in FACTS)


def test_pay_is_said_with_what_could_not_be_found() -> None:
    pay = FACTS[-1]
    assert "130,000 to 180,000 USD" in pay.answer
    assert "No primary source" in pay.answer
    assert "second-hand" in pay.source


def test_letters_and_named_answers_can_be_mixed_the_named_one_counts() -> None:
    answers = read_answers("A, b", ["day=c", "from=d"])
    assert answers == {"day": "c", "proud": "b", "from": "d"}
    assert [question.key for question in missing(answers)] == KEYS[2:-1]


def test_all_mistakes_are_told_at_once_with_the_nearest_key() -> None:
    with pytest.raises(UsageError) as caught:
        read_answers("x," + "a," * 9, ["dya=a", "nonsense", "maths=ab"])
    told = str(caught.value)
    assert len(caught.value.mistakes) == 5
    assert "did you mean 'day'?" in told
    assert "'x' is none of a, b, c" in told


def test_missing_answers_are_named_with_their_letters() -> None:
    with pytest.raises(UsageError) as caught:
        judge({"day": "a"})
    assert [mistake.where for mistake in caught.value.mistakes] == KEYS[1:]


@settings(deadline=None, max_examples=200)
@given(st.tuples(*(st.sampled_from(question.letters) for question in QUESTIONS)))
def test_every_answer_gets_a_whole_reply(letters: tuple[str, ...]) -> None:
    found = judge(answered("".join(letters)))
    assert len(found.neighbours) == 2
    assert len(found.roles) == 3
    leading = sorted(found.points.values())[-2:]
    assert (found.role is None) == (leading[1] - leading[0] < 2)
    assert found.role is None or found.points[found.role] == leading[1]
