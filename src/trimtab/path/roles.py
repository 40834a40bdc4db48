"""What is said about each role, its neighbours, and the facts that people ask for, each with where it comes from.

Nothing here is measured by trimtab. Where a figure has a source, its address and date stand beside it; where a sentence
is this project's own judgement, it says so.
"""

from dataclasses import dataclass
from typing import Literal

RoleName = Literal["ml_engineer", "data_scientist", "ai_product_manager"]


@dataclass(frozen=True, slots=True)
class Role:
    """One of the three roles: its day, how people get in, and how many months that takes."""

    name: RoleName
    title: str
    day: str
    entry: str
    months: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A role beside the three, and for whom it is the better door."""

    title: str
    suits: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that people ask: the answer, where it comes from, and as of when."""

    question: str
    answer: str
    source: str
    date: str


ROLES = (
    Role(
        "ml_engineer",
        "ML engineer",
        "builds and repairs the system that a model runs inside: data in, answers out, logs, tests, and what breaks",
        "by showing systems that run: four stages, each with a test (trimtab path)",
        (12, 24),
    ),
    Role(
        "data_scientist",
        "data scientist",
        "finds out what data can and cannot say, and explains it so that a decision changes",
        "by showing analyses with a question, a method and an honest limit; often from an analyst's desk",
        (9, 18),
    ),
    Role(
        "ai_product_manager",
        "AI product manager",
        "decides what is worth building with the people who will use it, and what may go wrong with it",
        "by showing a product that you steered; mostly from product work or from deep knowledge of one field",
        (6, 12),
    ),
)

NEIGHBOURS = {
    "data_analyst": Neighbour(
        "data analyst",
        "the shortest way to paid work with data: SQL, a spreadsheet, clear pictures; many data scientists began there",
    ),
    "devops": Neighbour(
        "DevOps engineer",
        "systems and containers, and being there when they break, without statistics; a door to ML engineering later",
    ),
}

OWN = "a judgement of this project, not a measurement"

FACTS = (
    Fact(
        "Do I need a degree?",
        "No rule asks for one, but many advertisements do. Without one, evidence has to speak: running systems, tests, "
        "explanations. That is what the four stages collect.",
        f"{OWN}; career guides say the same, e.g. tealhq.com/education/machine-learning-engineer",
        "2026",
    ),
    Fact(
        "How much mathematics?",
        "A floor, not a wall: operations on matrices, distributions, and the intuition of gradient descent. More only "
        "where your work asks for it.",
        OWN,
        "2026",
    ),
    Fact(
        "Which languages?",
        "Python first. SQL and the shell at the boundary of stages 2 and 3 (trimtab path exam sql --practice).",
        OWN,
        "2026",
    ),
    Fact(
        "What does it pay in the United States?",
        "This project works with 130,000 to 180,000 USD a year, for people in the work, not for a first job. No "
        "primary source for exactly this range was found. Near it: a guide of November 2025 lists averages of 123,678 "
        "to 181,556 USD by source, and about 102,000 at entry. Official statistics have no such occupation; their "
        "medians are 112,590 USD for data scientists and 133,080 USD for software developers. Check figures for your "
        "own place.",
        "artificial-intelligence-wiki.com, machine-learning-engineer-pay-scale; US Bureau of Labor Statistics as "
        "quoted by resumegeni.com, salary guide 2026 (both second-hand)",
        "November 2025; 2026",
    ),
)
