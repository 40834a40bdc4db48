"""The story: learn, serve, measure, notice the planted fault, retrain, judge, replace."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from trimtab import clock
from trimtab.demo import digits
from trimtab.demo.digits import Scan
from trimtab.demo.report import Shown, tell_story
from trimtab.demo.server import Server
from trimtab.demo.story import Step, Story, pair_answers
from trimtab.errors import UsageError
from trimtab.loop.begin import begin
from trimtab.loop.cycle import train
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import tick
from trimtab.nouns import Version

LEARNT = 900
"""Labelled rows that the first Version is made of."""
CALM = 200
"""Rows that are answered before the tray slips."""
STEP = 100
"""Rows between two ticks; also the length of a window."""
ALONE = 10
"""Rows of each step that are asked one by one; the others go in batches."""
BATCH = 45

Tell = Callable[[str], None]
SETTINGS = """
[monitor]   # the position in the file is the time, so windows count rows
window = 100
min_rows = 100
min_labels = 100

[retrain]
cooldown = "1 windows"

[train]
seed = {seed}
threads = 1   # a thousand rows: more threads only wait for one another
"""


def run_demo(*, keep: Path | None, seed: int, tell: Tell) -> Shown:
    """Return what the wheel did with the digits; the project stays in `keep`, or in no place at all.

    Raises UsageError where `keep` is not empty, HostError where the server cannot run.
    """
    started = clock.monotonic_ns()
    with project_folder(keep) as folder:
        scans = digits.read_scans()
        wheel, first = prepare_project(folder, scans[:LEARNT], seed, tell)
        story = Story(folder, wheel, first, kept=keep is not None)
        with Server(folder, folder / "server.log") as server:
            tell("serve: the server is ready; every answer is logged before it is given.")
            refuse_nonsense(story, server)
            for start in range(LEARNT, len(scans), STEP):
                tell(turn_once(story, server, start, scans[start : start + STEP]))
            story.microseconds = server.microseconds
        return tell_story(story, (clock.monotonic_ns() - started) / 1e9)


@contextmanager
def project_folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder of the project: `keep`, which must be new or empty, or a passing one."""
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="trimtab-demo-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there already and not empty.", hint="give --keep a new folder")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def prepare_project(folder: Path, scans: Sequence[Scan], seed: int, tell: Tell) -> tuple[Wheel, Version]:
    """Return a project and its first Version: `init` and `train` on the scans, with windows short enough to watch."""
    data = folder / "scans.csv"
    digits.write_scans(scans, data)
    tell(f"init: {len(scans)} scanned digits, {len(digits.FEATURES)} columns of ink; is the digit odd or even?")
    begin(folder, data, target=digits.TARGET, order="file", tell=_silence)
    settings = folder / "trimtab.toml"
    kept = settings.read_text(encoding="utf-8").split("[monitor]", maxsplit=1)[0]
    settings.write_text(kept.rstrip() + "\n" + SETTINGS.format(seed=seed), encoding="utf-8")
    wheel = open_wheel(folder)
    trained = train(wheel, tell=_silence)
    tell(f"train: {trained.version.name}, {trained.choice.chosen}, answers from now on.")
    return wheel, trained.version


def refuse_nonsense(story: Story, server: Server) -> None:
    """Send a row with a word where a number belongs; it has to be refused, and nothing predicted."""
    row = dict.fromkeys(digits.FEATURES, 40)
    status, _ = server.post("/predict", {**row, digits.FEATURES[0]: "dark"})
    story.refused += status == 422


def turn_once(story: Story, server: Server, start: int, scans: Sequence[Scan]) -> str:
    """Add the next step to the story: rows asked over HTTP, their truth sent back, one tick. Return it in a line."""
    planted = start >= LEARNT + CALM
    scans = [digits.slip(scan) for scan in scans] if planted else scans
    replies = ask(server, [digits.measure_ink(scan) for scan in scans])
    answers = pair_answers(scans, replies)
    server.post("/outcomes", {"outcomes": [{"prediction_id": a.id, "value": a.truth} for a in answers]})
    turned = tick(story.wheel, tell=_silence)
    followed = server.wait_epoch(turned.epoch)
    step = Step(start + 1, start + len(scans), planted, replies[0]["version"], answers, turned, followed)
    story.steps.append(step)
    return f"rows {step.first}-{step.last}: {story.tell_step(step) or 'calm'}"


def ask(server: Server, rows: Sequence[Mapping[str, int]]) -> list[dict[str, Any]]:
    """Return the replies to rows, in order: the first ten one by one, the rest in batches."""
    bounds = [*range(ALONE), *range(ALONE, len(rows), BATCH), len(rows)]
    return [reply for first, end in pairwise(bounds) for reply in server.predict(rows[first:end])]


def _silence(line: str) -> None:
    """Drop a progress line of a part: the demonstration tells its own."""
