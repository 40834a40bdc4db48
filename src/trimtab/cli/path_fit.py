"""`trimtab path fit`."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import AsJson
from trimtab.cli.output import show
from trimtab.cli.path_record import ask, asks_person, open_mine, tell_notices
from trimtab.errors import TrimtabError
from trimtab.path.fit import QUESTIONS, Fit, Question, judge, missing, read_answers
from trimtab.path.roles import Role


def fit(
    *,
    answers: Annotated[str, Parameter(help="Letters in the order of the questions: a,b,c,...")] = "",
    answer: Annotated[tuple[str, ...], Parameter(help="KEY=LETTER, as often as needed.", negative=())] = (),
    as_json: AsJson = False,
) -> int:
    """Is this the right role for you? Eight questions tell three roles apart.

    In a terminal the questions are asked, one by one. The answer comes with its reasons, what speaks against it, the
    neighbouring roles, and the facts that people ask for, with their sources. What you answer stays on this machine.
    """
    given = read_answers(answers, answer)
    if missing(given) and asks_person(as_json=as_json):
        given |= _ask_all(missing(given))
    found = judge(given)
    record = open_mine()
    record.put("fit", found.role or "undecided")
    show(_describe(found), {**_facts(found), "notices": record.notices}, as_json=as_json)
    tell_notices(record)
    return 0


def _ask_all(questions: Sequence[Question]) -> dict[str, str]:
    print(f"{len(questions)} questions. Answer with a letter; there is no wrong one. Enter alone leaves.\n")
    answers = {}
    for number, question in enumerate(questions, 1):
        print(f"{number} of {len(questions)}  {question.text}")
        for letter, option in zip(question.letters, question.options, strict=True):
            print(f"   {letter}  {option.text}")
        answers[question.key] = _ask_one(question)
        print()
    return answers


def _ask_one(question: Question) -> str:
    while letter := ask("   > ").lower():
        if len(letter) == 1 and letter in question.letters:
            return letter
        print(f"   Please one of {', '.join(question.letters)}.")
    raise TrimtabError("Left without an answer; nothing was kept.", hint="trimtab path fit begins again")


def _describe(found: Fit) -> list[str]:
    roles = {role.name: role for role in found.roles}
    lines = [_verdict(found), *(f"  - {reason}" for reason in found.reasons)]
    if found.filters:
        lines += ["", "Said plainly:", *(f"  - {said}" for said in found.filters)]
    ordered = sorted(roles.values(), key=lambda role: -found.points[role.name])
    lines += ["", "The three roles, the nearest to your answers first:"]
    lines += [line for role in ordered for line in _describe_role(role, found.points[role.name])]
    lines += ["", "Neighbours:", *(f"  {one.title}: {one.suits}." for one in found.neighbours)]
    lines += ["", "What people ask:"]
    for fact in found.facts:
        lines += [f"  {fact.question} {fact.answer}", f"    Source: {fact.source} ({fact.date})."]
    following = "trimtab path gate 1 --diagnose tells in half an hour where you stand."
    if found.role not in {"ml_engineer", None}:
        following = f"talk to somebody who does this work. {following}"
    return [*lines, "", f"Next: {following}"]


def _verdict(found: Fit) -> str:
    titles = {role.name: role.title for role in found.roles}
    if found.role:
        return f"Your answers point to {titles[found.role]}, because:"
    most = sorted(found.points, key=lambda name: -found.points[name])[:2]
    return f"Your answers lie between {titles[most[0]]} and {titles[most[1]]}: eight questions cannot tell. You said:"


def _describe_role(role: Role, points: int) -> list[str]:
    months = f"{role.months[0]} to {role.months[1]} months"
    return [f"  {role.title} ({points} points): {role.day}.", f"    In {months}, {role.entry}."]


def _facts(found: Fit) -> dict[str, object]:
    return {
        "role": found.role,
        "state": "pass" if found.role else "cannot_tell",
        "points": found.points,
        "reasons": found.reasons,
        "filters": found.filters,
        "neighbours": found.neighbours,
        "roles": found.roles,
        "facts": found.facts,
        "answers": found.answers,
        "questions": len(QUESTIONS),
    }
