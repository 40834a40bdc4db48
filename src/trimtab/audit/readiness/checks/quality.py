"""monitor.7: realised quality is measured by window, no alarm stands, and the alarm is proved to sound."""

from dataclasses import replace

from trimtab import plugins
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import LOOP, Found, Ran
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.known import resolve
from trimtab.loop.tick import measure
from trimtab.nouns import Evidence, Interval, Judgement, Project, State

DRILL = 20
"""Batches of the drill; a true alarm for answers that cost twice as much needs far fewer."""


def check_quality(ground: Ground) -> Found:
    """Measure as a turn does, and let the same trigger judge answers that cost twice what was promised."""
    wheel = ground.wheel
    measured = measure(wheel, resolve(wheel, None))
    told = [one for one in measured.windows if one.judgement.state is not State.CANNOT_TELL]
    alarm = sound_alarm(ground.project, wheel.package(ground.champion[1].id).risk)
    standing = [finding.subject for finding in measured.findings if finding.fires and finding.subject == "risk"]
    numbers = {"windows": len(told), "labelled": measured.answers.height, "alarms": len(standing)}
    newest = told[-1].judgement.reasons[0] if told else "no window has enough outcomes since the last promotion"
    heard = "sounds" if alarm.state is State.FAIL else "stays silent"
    said = f"{len(told)} windows measured; newest: {newest}; for answers that cost twice the alarm {heard}"
    evidence = tuple(f"Finding {one.subject}: {one.judgement.state}" for one in measured.findings)
    if alarm.state is not State.FAIL:
        return Found(State.FAIL, said, "the trigger risk does not see a doubled loss", evidence, numbers)
    if standing:
        return Found(
            State.FAIL, said, "an alarm stands: quality has regressed, see `trimtab status`", evidence, numbers
        )
    if "risk" not in ground.project.triggers.use:
        return Found(State.FAIL, said, 'put "risk" into [triggers] use', evidence, numbers)
    if not told:
        return _judge_before(ground, said)
    return Found(State.PASS, said, "", evidence, numbers)


def _judge_before(ground: Ground, said: str) -> Found:
    """Judge by what the loop measured before the present champion came: a true alarm that it acted on by itself."""
    alarms = [one for one in ground.journal if one.finding is not None and one.finding.subject == "risk"]
    acted = [one for one in alarms if one.action == "retrain"]
    if not acted:
        return Found(State.CANNOT_TELL, said, "outcomes have to arrive, and `trimtab tick` to join them")
    last = acted[-1]
    before = f"{said}; before it, Decision {last.number}: {last.reasons[0]}"
    evidence = (f"Decision {last.number}",)
    return Found(State.PASS, before, "", evidence, {"alarms": len(acted)}, Ran(last.at, LOOP))


def sound_alarm(project: Project, risk: Interval) -> Judgement:
    """Return what the trigger `risk` says of answers that cost twice what the champion's hold-out promised."""
    size = project.monitor.min_labels
    losses = [min(1.0, 2.0 * risk.value)] * (size * DRILL)
    evidence = Evidence(losses=losses, batches=[size] * DRILL, reference=risk)
    judgement: Judgement = plugins.load("triggers", "risk")(project).judge(evidence)
    return replace(judgement, name="drill")


CHECK = Check("monitor.7", "realised quality, and an alarm drill", check_quality)
