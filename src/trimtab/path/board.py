"""The board: one look says where I am, what I have to show for it, and what comes next.

In a terminal it is drawn (`draw`), elsewhere it is plain lines that grep finds (`as_lines`), for programs it is facts
(`as_facts`). Every mark has its word beside it, so that no colour and no sign carries meaning alone.
"""

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from trimtab.path.standing import StageStanding, Standing, say_age, say_count
from trimtab.path.traps import Trap

TITLE = "Your path to ML engineer"
WIDEST = 78  # a board is read in one look; wider lines are harder to read
FRAME = 6  # columns that the frame and its padding take
MARKS = {"passed": "✔", "open": "▶", "locked": "·"}
PLAIN_MARKS = {"passed": "*", "open": ">", "locked": "-"}
STYLES = {"passed": "green", "open": "bold cyan", "locked": "dim"}
BARS = " ▁▂▃▄▅▆▇█"
PLAIN_BARS = " .:-=+*#@"


def draw(standing: Standing, told: Sequence[str], console: Console) -> None:
    """Print the board on a terminal, at most 78 columns wide."""
    options = console.options
    width = min(options.max_width, WIDEST)
    parts: list[RenderableType] = [_trail(standing, width, options), Text()]
    parts += [_draw_stage(one, options) for one in standing.stages]
    parts.append(_draw_hours(standing.weeks, options))
    frame = box.ASCII if options.ascii_only else box.ROUNDED
    console.print(Panel(Group(*parts), title=TITLE, box=frame, width=width, padding=(1, 2), border_style="cyan"))
    for sentence in told:
        console.print(Text(sentence, style="yellow"), width=width)
    console.print(_draw_next(standing), width=width)


def as_lines(standing: Standing, told: Sequence[str]) -> list[str]:
    """Return the board as lines for a pipe or a file."""
    lines = [TITLE]
    for one in standing.stages:
        lines.append(f"{one.stage.number} {one.stage.name}: {_say_state(one)}, {say_count(one.attempts, 'attempt')}")
        lines += [f"  {line}" for line in _details(one)]
    lines.append(f"Hours logged this week: {standing.weeks[-1]:g}; in eight weeks: {sum(standing.weeks):g}")
    lines += told
    lines.append(f"Next: {standing.next}{f' trimtab {standing.command}' if standing.command else ''}")
    return lines


def as_facts(standing: Standing, traps: Sequence[Trap], notices: Sequence[str]) -> dict[str, object]:
    """Return the board as facts: `stages[]`, `next`, what is running, and the traps that stand."""
    return {
        "stages": [_stage_facts(one) for one in standing.stages],
        "next": {"text": standing.next, "command": _command(standing.command)},
        "running": [
            {"what": one.what, "purpose": one.purpose, "folder": one.folder, "began": one.at}
            for one in standing.sittings
        ],
        "hours_by_week": standing.weeks,
        "fit": standing.fit,
        "traps": [{"name": one.name, "seen": one.seen, "fix": one.fix, "told": one.told} for one in traps],
        "notices": notices,
    }


def _stage_facts(one: StageStanding) -> dict[str, object]:
    return {
        "number": one.stage.number,
        "name": one.stage.name,
        "state": one.state,
        "attempts": one.attempts,
        "diagnostics": one.diagnostics,
        "evidence": one.evidence,
        "age_days": one.age_days,
        "stale": one.stale,
        "next": one.next,
        "command": _command(one.command),
        "test": one.stage.test,
    }


def _command(words: str) -> str | None:
    return f"trimtab {words}" if words else None


def _say_state(one: StageStanding) -> str:
    return f"{one.state}, stale" if one.stale else one.state


def _details(one: StageStanding) -> list[str]:
    """Return what stands below a stage's name: its evidence, or what its test asks."""
    if one.evidence:
        return [f"{piece.what}, {say_age(piece.age_days)}{', stale' if piece.stale else ''}" for piece in one.evidence]
    return [one.stage.test] if one.state == "open" else []


def _trail(standing: Standing, width: int, options: ConsoleOptions) -> Text:
    """Return the way from the first stage to the last, as far as it has been walked."""
    walked, ahead, joint = ("=", "-", "o") if options.ascii_only else ("━", "─", "●")
    score = f"{sum(one.state == 'passed' for one in standing.stages)} of 4 passed"
    room = (width - FRAME - len(score) - 20) // 4
    step, score = (min(6, room), score) if room > 0 else (1, f"\n{score}")
    trail = Text()
    for one in standing.stages:
        style = STYLES[one.state]
        trail.append(f"{joint} {one.stage.number} {(walked if one.state == 'passed' else ahead) * step} ", style)
    return trail.append(score, "bold")


def _draw_stage(one: StageStanding, options: ConsoleOptions) -> RenderableType:
    mark = (PLAIN_MARKS if options.ascii_only else MARKS)[one.state]
    head = Table.grid(expand=True)
    head.add_column(ratio=1)
    head.add_column(justify="right")
    tries = Text(f"  {say_count(one.attempts, 'attempt')}" if one.attempts else "", style="dim")
    state = Text(_say_state(one), style="yellow" if one.stale else STYLES[one.state])
    head.add_row(Text(f"{mark} {one.stage.number}  {one.stage.name}", style=STYLES[one.state]), state + tries)
    body = [Padding(Text(line, style="" if one.evidence else "dim"), (0, 0, 0, 5)) for line in _details(one)]
    return Group(head, *body, Text())


def _draw_hours(weeks: Sequence[float], options: ConsoleOptions) -> RenderableType:
    """Return the last eight weeks as bars; a week without hours is an empty place, no reproach."""
    if not any(weeks):
        return Text("No hours logged yet:  trimtab path log study --hours 2", style="dim")
    bars, most = (PLAIN_BARS if options.ascii_only else BARS), max(weeks)
    line = "".join(bars[0] if not hours else bars[max(1, round(hours / most * 8))] for hours in weeks)
    return Text.assemble(("Hours in eight weeks  ", "dim"), ("|" + line + "|", "cyan"), f"  {weeks[-1]:g} this week")


def _draw_next(standing: Standing) -> RenderableType:
    """Return the one next step, its command below it, so that it can be copied."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold cyan")
    grid.add_column()
    grid.add_row("Next", Text(standing.next))
    if standing.command:
        grid.add_row("", Text(f"trimtab {standing.command}", style="bold"))
    if standing.fit is None:
        grid.add_row("", Text("Not sure that this is your role?  trimtab path fit", style="dim"))
    return grid
