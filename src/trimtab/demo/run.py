"""The story: learn two months, then serve, measure, judge and act, month by month; at the end, the same in a replay."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from trimtab.demo.lines import NAMES
from trimtab.demo.place import heed_term, take_place
from trimtab.demo.project import copy_project, settle_planes
from trimtab.demo.report import Shown, tell_story
from trimtab.demo.sample import choose_asked, cut_requests, read_month
from trimtab.demo.story import PLANTER, Month, Stopwatch, Story
from trimtab.demo.upstream import World
from trimtab.errors import UsageError
from trimtab.loop.challenge import propose_shuffled
from trimtab.loop.cycle import ingest, train
from trimtab.loop.drill import drill_when_due
from trimtab.loop.known import resolve
from trimtab.loop.replay import Replay, replay
from trimtab.loop.state import open_wheel
from trimtab.loop.tick import tick
from trimtab.nouns import Decision
from trimtab.serve.child import Server

FIRST = datetime(2013, 3, 1, tzinfo=UTC)
"""The first month that is asked; what came before is learnt."""
MONTHS = 10
PLANT = 4
"""The month whose end brings the planted challenger, counted from 1: June; in a shorter run the last one."""
INSTANT = timedelta(seconds=1)
"""The world's times are whole seconds: a month ends this much before the next one begins."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """What every step of the story needs: the folder, the world beside it, and who is told how far it is."""

    folder: Path
    world: World
    watch: Stopwatch
    tell: Tell
    seed: int
    kept: bool
    drills: bool


def run_demo(
    *, keep: Path | None, seed: int, months: int, tell: Tell, share: float = 1.0, drills: bool = False
) -> Shown:
    """Return what the wheel did with a year of flights; the project stays in `keep`, or in no place at all.

    `drills`: after the last turn the drills of readiness run, where they are due by the project's settings. `share`
    thins out the world's flights, for tests. Raises UsageError where `keep` holds other things or `months` is not 1 to
    10, Busy where a demonstration runs there, HostError where the machine cannot carry it.
    """
    if not 1 <= months <= MONTHS:
        raise UsageError(f"--months {months}: there are 1 to {MONTHS} months, March to December 2013.")
    watch = Stopwatch()
    with heed_term(), take_place(keep, tell=tell) as folder:
        (folder / "upstream").mkdir()
        with World(folder / "upstream", seed=seed, share=share) as world:
            story = live(Stage(folder, world, watch, tell, seed, keep is not None, drills), months)
        with watch.measure("replay"):
            replayed = replay_months(story, tell)
        if story.kept:
            settle_planes(story.wheel)
        return tell_story(story, replayed, watch)


def live(stage: Stage, months: int) -> Story:
    """Return what happened with the real server, month by month."""
    story = begin(stage)
    with stage.watch.measure("server"):
        server = Server(stage.folder, stage.folder / "server.log").start()
    with server:
        stage.tell("the server is ready; every answer is logged before it is given")
        for number, (start, end) in enumerate(list_months(months), start=1):
            drills = stage.drills and number == months
            month = live_month(stage, story, server, start, end, planted=number == min(PLANT, months), drills=drills)
            story.months.append(month)
            stage.tell(f"{draw_bar(number, months)} {tell_line(story)}")
    story.microseconds = server.microseconds
    return story


def begin(stage: Stage) -> Story:
    """Return the story with its first Version: two months pass, ingest from the three sources, and train."""
    watch, tell = stage.watch, stage.tell
    with watch.measure("world"):
        passed = stage.world.advance(FIRST - INSTANT)
    tell(f"January and February pass: {passed.flights:,} flights, {passed.landings:,} landings")
    copy_project(stage.folder, stage.world.environment, seed=stage.seed)
    wheel = open_wheel(stage.folder)
    with watch.measure("ingest"):
        read = ingest(wheel, tell=silence)
    tell(f"ingested from a database, a file drop and an API: {read.accepted:,} rows, {read.quarantined:,} quarantined")
    with watch.measure("train"):
        trained = train(wheel, tell=silence)
    tell(f"trained on {trained.rows:,} labelled flights: {trained.version.name}, {trained.choice.chosen}")
    return Story(stage.folder, wheel, stage.kept, stage.seed)


def live_month(
    stage: Stage, story: Story, server: Server, start: datetime, end: datetime, *, planted: bool, drills: bool
) -> Month:
    """Return one month: its flights come in, some are asked, the truth arrives, the wheel turns."""
    wheel, watch = story.wheel, stage.watch
    with watch.measure("world"):
        stage.world.advance(end - INSTANT)
    with watch.measure("ingest"):
        ingest(wheel, tell=silence, role="rows")
        rows = read_month(wheel, start, end, stage.seed)
    with watch.measure("ask"):
        version = ask(story, server, rows)
    with watch.measure("ingest"):
        ingest(wheel, tell=silence, role="outcomes")
    with watch.measure("tick"):
        proposed = propose(stage, story) if planted else None
        turned = tick(wheel, drills=False, tell=silence)
    if drills:
        with watch.measure("drills"):
            stage.tell("the drills of readiness are due: they run on a copy of the project, for some minutes")
            stage.tell(drill_when_due(wheel, tell=silence))
    with watch.measure("server"):
        followed = server.wait_epoch(turned.epoch)
    return Month(f"{start:%Y-%m}", start, end, len(rows), version, proposed, turned, followed)


def propose(stage: Stage, story: Story) -> Decision:
    """Propose a challenger that must be refused: the champion's recipe, fitted on shuffled labels."""
    stage.tell("planted by this demonstration: a challenger fitted on shuffled labels; it must be refused")
    return propose_shuffled(story.wheel, resolve(story.wheel, None), seed=stage.seed, by=PLANTER, tell=silence)


def ask(story: Story, server: Server, rows: list[dict[str, object]]) -> str:
    """Ask the rows over HTTP, keep what was acknowledged, and return the Version that answered."""
    version = ""
    for request in cut_requests(rows):
        for reply in server.predict(request):
            if "error" in reply or "prediction_id" not in reply:
                story.failed += 1
                continue
            story.answers[reply["prediction_id"]] = reply["probability"]
            version = reply.get("version", version)
    return version


def replay_months(story: Story, tell: Tell) -> Replay:
    """Return the same months with a turned clock and without HTTP, for every policy."""
    chooser = partial(choose_asked, seed=story.seed)
    tell("the same months again, in a replay: governed, never retrained, retrained every month, one Version at a time")
    return replay(story.wheel, policies=tuple(NAMES.values()), batch="month", start=FIRST, asked=chooser, tell=silence)


def list_months(months: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield beginning and end of each month that is asked."""
    start = FIRST
    for _ in range(months):
        end = (start + timedelta(days=31)).replace(day=1)
        yield start, end
        start = end


def draw_bar(done: int, whole: int) -> str:
    """Return how far the months are.

    >>> draw_bar(3, 10)
    '[###-------]'
    """
    return f"[{'#' * done}{'-' * (whole - done)}]"


def tell_line(story: Story) -> str:
    """Return the newest month in a line."""
    month = story.months[-1]
    events = "; ".join(story.tell_month(month)) or "calm"
    return f"{month.name}: {month.asked:,} asked, {month.version} answered; {events}"


def silence(line: str) -> None:
    """Drop a progress line of a part: the demonstration tells its own."""
