"""A plan as an iCalendar file (RFC 5545), to be imported into any calendar.

Each stage that is not passed is an all-day event from the earliest beginning to the latest end, and the earliest day of
its test is another. They do not block the calendar (TRANSPARENT). A UID is the same at each export, so that a new plan
replaces the old one.
"""

from datetime import UTC, datetime, timedelta

from trimtab.path.plan import Days, Plan, Stretch

LINE = 75  # octets, without the line break (section 3.1)


def write_calendar(plan: Plan, owner: str, stamp: datetime) -> str:
    """Return the text of the file. `owner` makes the UIDs this person's own; `stamp` is the moment of writing."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//trimtab//path//EN", "CALSCALE:GREGORIAN"]
    for stretch in plan.stages:
        if stretch.begins and stretch.ends:
            lines += _describe(stretch, stretch.begins, stretch.ends, owner, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{fold(line)}\r\n" for line in lines)


def escape(text: str) -> str:
    r"""Return text as a value may hold it (section 3.3.11).

    >>> escape("tools: a, b; c")
    'tools: a\\, b\\; c'
    """
    return (
        text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\r\n", "\\n").replace("\n", "\\n")
    )


def fold(line: str) -> str:
    """Return a line in pieces of at most 75 octets; each next one begins with a blank, and no character is split."""
    pieces, piece, room = [], b"", LINE
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > room:
            pieces.append(piece)
            piece, room = b"", LINE - 1
        piece += octets
    return b"\r\n ".join([*pieces, piece]).decode()


def _describe(stretch: Stretch, begins: Days, ends: Days, owner: str, stamp: datetime) -> list[str]:
    stage = stretch.stage
    tools = f"Tools: {', '.join(stage.tools)}. Begin with {stage.first}."
    summary = f"Stage {stage.number}: {stage.name} (ends between {ends[0]} and {ends[1]})"
    attempt = f"Stage {stage.number}: try its test"
    return [
        *_event(f"stage-{stage.number}-{owner}", stamp, (begins[0], ends[1]), summary, tools),
        *_event(f"gate-{stage.number}-{owner}", stamp, (ends[0], ends[0]), attempt, stage.test),
    ]


def _event(uid: str, stamp: datetime, days: Days, summary: str, description: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@trimtab",
        f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{days[0]:%Y%m%d}",
        f"DTEND;VALUE=DATE:{days[1] + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escape(summary)}",
        f"DESCRIPTION:{escape(description)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]
