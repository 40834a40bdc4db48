"""Is this the right role? Eight questions that tell ML engineer, data scientist and AI product manager apart.

Each answer gives points to roles, and the points are added: nothing more clever, so that everybody can follow why. Two
answers are filters: they are said plainly whatever the points are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trimtab.errors import Mistake, UsageError, nearest
from trimtab.path.roles import FACTS, NEIGHBOURS, ROLES, Fact, Neighbour, Role, RoleName

CLEAR = 2  # points by which the first role must lead; less is a tie that is said as one
Points = Mapping[RoleName, int]


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer: its words, the points that it gives, and why, as it is told afterwards."""

    text: str
    points: Points = field(default_factory=dict)
    because: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, with its key for scripts and its options: the first is `a`, the second `b`, ..."""

    key: str
    text: str
    options: tuple[Option, ...]

    @property
    def letters(self) -> str:
        """The letters that answer it."""
        return "abcdefgh"[: len(self.options)]


@dataclass(frozen=True, slots=True)
class Fit:
    """What the answers say. `role` is None where two roles are as likely; `filters` are said plainly."""

    role: RoleName | None
    points: dict[RoleName, int]
    reasons: tuple[str, ...]
    filters: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]
    answers: dict[str, str]
    roles: tuple[Role, ...] = ROLES
    facts: tuple[Fact, ...] = FACTS


def _three(key: str, text: str, *options: tuple[str, str]) -> Question:
    """Return a question whose options point to the three roles in order."""
    names = (role.name for role in ROLES)
    rows = zip(options, names, strict=True)
    return Question(key, text, tuple(Option(words, {name: 2}, because) for (words, because), name in rows))


QUESTIONS = (
    _three(
        "day",
        "Which working day would you pick?",
        ("Build and repair a system until it holds.", "you would rather build and repair a system"),
        ("Find out what the data really say, and explain it.", "you would rather find out and explain"),
        ("Decide with others what is worth building.", "you would rather decide what is worth building"),
    ),
    _three(
        "proud",
        "What would you like to show a friend in a year?",
        ("A service that answers, also at night.", "a service that keeps answering would make you proud"),
        ("An analysis that changed somebody's decision.", "an analysis that changed a decision would make you proud"),
        ("A product that people use because of what you chose.", "a product that people use would make you proud"),
    ),
    _three(
        "code",
        "How much of your day may be code?",
        ("Most of it, gladly.", "you want to write code most of the day"),
        ("As much as the question needs.", "code is a tool for you, for the sake of the question"),
        ("I would rather read a little than write it.", "you would rather not write code"),
    ),
    Question(
        "infrastructure",
        "Servers, containers, logs, and something that breaks on a Friday evening?",
        (
            Option("That is part of the craft.", {"ml_engineer": 2}, "infrastructure is part of the craft for you"),
            Option("If it must be.", {"data_scientist": 1}, "you would touch infrastructure where you must"),
            Option(
                "I want to build AI products without touching that.",
                {"ai_product_manager": 2, "data_scientist": 1},
                "you would rather not touch infrastructure",
            ),
        ),
    ),
    Question(
        "maths",
        "And mathematics?",
        (
            Option("Enough to know why a thing works.", {"ml_engineer": 1}, "you want enough mathematics to know why"),
            Option("Statistics is what draws me.", {"data_scientist": 2}, "statistics draws you"),
            Option(
                "I would leave it to others.", {"ai_product_manager": 1}, "you would leave the mathematics to others"
            ),
        ),
    ),
    Question(
        "months",
        "How long may it take until you are hired?",
        (
            Option("One to two years.", {"ml_engineer": 1, "data_scientist": 1}, "you can give it one to two years"),
            Option("Nine to eighteen months.", {"data_scientist": 1}, "you can give it nine to eighteen months"),
            Option("Six to twelve months.", {"ai_product_manager": 1}, "you can give it six to twelve months"),
            Option("About three months."),
        ),
    ),
    Question(
        "hours",
        "How many hours a week, honestly?",
        (Option("15 to 20, or more."), Option("8 to 14."), Option("Fewer than 8.")),
    ),
    Question(
        "from",
        "Where do you come from?",
        (
            Option("Software, IT or operations.", {"ml_engineer": 1}, "software or operations is half of this craft"),
            Option("Analysis, science, finance.", {"data_scientist": 1}, "you have asked questions of data before"),
            Option(
                "Product, business, or one field that I know deeply.", {"ai_product_manager": 1}, "you know a field"
            ),
            Option("Something quite different."),
        ),
    ),
)


def read_answers(letters: str, named: Sequence[str]) -> dict[str, str]:
    """Return answers by key from `a,b,c` in the order of the questions and from `KEY=LETTER`.

    Raises UsageError with every mistake at once. What was not answered is not in the result.
    """
    mistakes: list[Mistake] = []
    pairs = [*_in_order(letters, mistakes), *_by_name(named, mistakes)]
    answers: dict[str, str] = {}
    for key, letter in pairs:
        answers[key] = letter.strip().lower()
    mistakes += [found for key, letter in answers.items() if (found := _check(key, letter))]
    if mistakes:
        raise UsageError("These answers cannot be read:", mistakes=mistakes, hint="trimtab path fit --help lists them")
    return answers


def missing(answers: Mapping[str, str]) -> tuple[Question, ...]:
    """Return the questions that have no answer yet."""
    return tuple(question for question in QUESTIONS if question.key not in answers)


def judge(answers: Mapping[str, str]) -> Fit:
    """Return what the answers say; UsageError where a question has none."""
    unanswered = missing(answers)
    if unanswered:
        raise UsageError(
            f"{len(unanswered)} of {len(QUESTIONS)} questions have no answer.",
            mistakes=[Mistake(one.key, f"{one.text} (one of {', '.join(one.letters)})") for one in unanswered],
            hint="trimtab path fit in a terminal asks them; in a script: --answers a,b,... or --answer KEY=LETTER",
        )
    chosen = [question.options[question.letters.index(answers[question.key])] for question in QUESTIONS]
    points: dict[RoleName, int] = {role.name: sum(one.points.get(role.name, 0) for one in chosen) for role in ROLES}
    first, second, *_ = sorted(points.values(), reverse=True)
    leader = max(points, key=lambda name: points[name])
    role = leader if first - second >= CLEAR else None
    reasons = tuple(one.because for one in chosen if one.because and (role is None or one.points.get(role)))
    return Fit(role, points, reasons, _filters(answers), _neighbours(answers, role), dict(answers))


def _in_order(letters: str, mistakes: list[Mistake]) -> list[tuple[str, str]]:
    given = [letter for letter in letters.replace(" ", "").split(",") if letter] if letters else []
    if len(given) > len(QUESTIONS):
        mistakes.append(Mistake("--answers", f"{len(given)} answers for {len(QUESTIONS)} questions"))
    return [(question.key, letter) for question, letter in zip(QUESTIONS, given, strict=False)]


def _by_name(named: Sequence[str], mistakes: list[Mistake]) -> list[tuple[str, str]]:
    pairs = []
    for one in named:
        key, equals, letter = one.partition("=")
        if equals:
            pairs.append((key.strip().lower(), letter))
        else:
            mistakes.append(Mistake(f"--answer {one[:40]}", "is not KEY=LETTER"))
    return pairs


def _check(key: str, letter: str) -> Mistake | None:
    question = next((one for one in QUESTIONS if one.key == key), None)
    if question is None:
        keys = [one.key for one in QUESTIONS]
        return Mistake(key[:40], f"there is no such question{nearest(key, keys)} (they are {', '.join(keys)})")
    if len(letter) != 1 or letter not in question.letters:
        return Mistake(key, f"'{letter[:40]}' is none of {', '.join(question.letters)}")
    return None


def _filters(answers: Mapping[str, str]) -> tuple[str, ...]:
    said = []
    if answers["months"] == "d":
        said.append(
            "Three months are not enough for any of these roles, and who sells you that they are sells hope. "
            "A data analyst's first job is the nearest thing."
        )
    if answers["infrastructure"] == "c":
        said.append(
            "An ML engineer's work is infrastructure, most days. Who wants to build AI products without touching it "
            "is happier as AI product manager or data scientist."
        )
    if answers["hours"] == "c":
        said.append("With fewer than eight hours a week, count on twice the months that stand here, or more.")
    return tuple(said)


def _neighbours(answers: Mapping[str, str], role: RoleName | None) -> tuple[Neighbour, ...]:
    """Return the neighbours worth a look, the likelier first; always both, because few people have heard of them."""
    systems = answers["infrastructure"] == "a" and (answers["maths"] == "c" or role == "ml_engineer")
    names = ("devops", "data_analyst") if systems and answers["months"] != "d" else ("data_analyst", "devops")
    return tuple(NEIGHBOURS[name] for name in names)
