"""The reference script, and ten wrong ones, each with one mistake: what the exam must pass, and what it must catch."""

from collections.abc import Mapping

from trimtab.path.exam.data import FOLDER
from trimtab.path.exam.sandbox import Outcome
from trimtab.path.exam.tasks import Questions

HARD_CODED = "hard-coded answers"
CAUGHT_BY: Mapping[str, str] = {
    HARD_CODED: "load",
    "off-by-one filter": "filter",
    "mean for median": "conclusion",
    "nulls dropped": "load",
    "wrong group key": "group",
    "duplicates kept": "load",
    "units not mended": "join",
    "picture pasted": "plot",
    "wrong separator read silently": "load",
    "sentinel age averaged in": "group",
}
"""The ten mistakes by name, each with a task that must miss because of it."""

EDITS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "off-by-one filter": (('(table["age"] >= ', '(table["age"] > '), ('(table["age"] <= ', '(table["age"] < ')),
    "mean for median": (('["fare"].median()', '["fare"].mean()'),),
    "nulls dropped": (
        ('table = table.drop_duplicates("passenger")', 'table = table.dropna().drop_duplicates("passenger")'),
    ),
    "wrong group key": (("table.groupby(keys)", 'table.assign(**{keys[1]: table["survived"]}).groupby(keys)'),),
    "duplicates kept": (('table = table.drop_duplicates("passenger")\n', ""),),
    "units not mended": (('table["fare"] / 100', 'table["fare"]'),),
    "picture pasted": (
        ("plt.hist(ages, bins=range(0, 91, ", "plt.imshow([[0, 1], [1, 0]], extent=(0, 90, 0, "),
        (', edgecolor="white")', ")"),
    ),
    "wrong separator read silently": (
        ('sep=about["separator"]', 'sep=";", names=list(meanings["meaning"]), header=0'),
    ),
    "sentinel age averaged in": (('table["age"] = table["age"].where(table["age"].between(0, 100))\n', ""),),
}
"""Each mistake as replacements in the reference script; the tenth, hard-coded answers, needs the answers themselves."""


def write_reference(questions: Questions) -> str:
    """Return the reference script for the questions of a seed."""
    q = questions
    pairs = {"filter": q.filter_by, "among": q.among, "drawn": q.drawn, "rate": q.rate_of}
    values = {f"{name}_{part}": repr(pair[place]) for name, pair in pairs.items() for place, part in _PARTS}
    text = (FOLDER / "solution.txt").read_text(encoding="utf-8")
    return text.format(
        **values,
        side=">=" if q.at_least else "<=",
        border=q.border,
        first=repr(q.keys[0]),
        second=repr(q.keys[1]),
        top=q.top,
        width=q.width,
        median_of=q.median_of,
    )


def write_wrong(name: str, questions: Questions, right: Outcome | None = None) -> str:
    """Return the wrong script of that name; it differs from the reference by one mistake.

    `right` is what the reference left on the first list: hard-coded answers are copied from it.
    """
    if name == HARD_CODED and right:
        return _write_hard_coded(right)
    text = write_reference(questions)
    wrong = text
    for care, mistake in EDITS[name]:
        wrong = wrong.replace(care, mistake)
    if wrong == text:
        raise ValueError(f"the mistake '{name}' does not fit the reference script any more")
    return wrong


def _write_hard_coded(outcome: Outcome) -> str:
    """Return a script that repeats what a right one left on one list, figure included, without reading anything."""
    bars = outcome.figures[-1]["axes"][0]["bars"]
    files = {name: content.decode() for name, content in outcome.files.items() if not name.endswith(".png")}
    return f"""
import matplotlib.pyplot as plt

for name, text in {files!r}.items():
    with open(name, "w") as file:
        file.write(text)
for left, right, height in {bars!r}:
    plt.bar(left, height, width=right - left, align="edge")
plt.title("How old the passengers were")
plt.xlabel("age in years")
plt.ylabel("passengers")
plt.savefig("plot.png")
"""


_PARTS = ((0, "column"), (1, "value"))
