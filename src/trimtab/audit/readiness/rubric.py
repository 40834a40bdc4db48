"""The 28 tests of the ML Test Score, as this project asks them.

Source: Breck, Cai, Nielsen, Salib & Sculley (2017), The ML Test Score: A rubric for ML production readiness.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

RUBRIC = 1
"""Version of the rubric: raised where a test, a check or a rule of scoring changes."""

Kind = Literal["automatic", "partly", "attested"]
Reach = Literal["no", "partly", "fully"]


class Section(StrEnum):
    """One of the four sections; the final score is that of the weakest."""

    DATA = "data"
    MODEL = "model"
    INFRASTRUCTURE = "infrastructure"
    MONITORING = "monitoring"


@dataclass(frozen=True, slots=True)
class Test:
    """One of the 28 tests.

    kind     automatic: a check decides it; partly: a check sees a part, a person answers for the rest; attested: only a
             person can
    person   what the person answers for; empty where nobody has to
    outside  how much of it somebody sees who only has the service's URL
    """

    id: str
    section: Section
    title: str
    kind: Kind = "automatic"
    person: str = ""
    outside: Reach = "no"


def _data() -> tuple[Test, ...]:
    section = Section.DATA
    return (
        Test("data.1", section, "Feature expectations are captured in a schema", outside="partly"),
        Test("data.2", section, "All features are beneficial"),
        Test("data.3", section, "No feature's cost is too much", "partly", "that no source costs more than it gives"),
        Test("data.4", section, "Features adhere to requirements", "partly", "which columns must never be a feature"),
        Test("data.5", section, "Privacy controls are in place", "partly", "on which legal basis the rows are kept"),
        Test("data.6", section, "New features can be added quickly", "attested", "how long a new feature takes"),
        Test("data.7", section, "All input feature code is tested"),
    )


def _model() -> tuple[Test, ...]:
    section = Section.MODEL
    return (
        Test("model.1", section, "Model specs are reviewed", "partly", "that somebody else read the specification"),
        Test("model.2", section, "Offline and online metrics correlate", "partly", "which business figure moves along"),
        Test("model.3", section, "All hyperparameters have been tuned"),
        Test("model.4", section, "The impact of staleness is known"),
        Test("model.5", section, "A simpler model is not better"),
        Test("model.6", section, "Quality is sufficient on important slices"),
        Test("model.7", section, "Inclusion was considered", "attested", "whom the answers touch, and which groups"),
    )


def _infrastructure() -> tuple[Test, ...]:
    section = Section.INFRASTRUCTURE
    return (
        Test("infra.1", section, "Training is reproducible"),
        Test("infra.2", section, "Model specs are unit tested"),
        Test("infra.3", section, "The pipeline is integration tested"),
        Test("infra.4", section, "Quality is validated before serving"),
        Test("infra.5", section, "The model is debuggable", outside="partly"),
        Test("infra.6", section, "Models are tried as a canary before serving"),
        Test("infra.7", section, "Models can be rolled back", outside="partly"),
    )


def _monitoring() -> tuple[Test, ...]:
    section = Section.MONITORING
    return (
        Test("monitor.1", section, "Dependency changes are notified", "partly", "who hears of a changed dependency"),
        Test("monitor.2", section, "Data invariants hold for inputs", outside="fully"),
        Test("monitor.3", section, "Training and serving are not skewed", outside="partly"),
        Test("monitor.4", section, "Models are not too stale", outside="fully"),
        Test("monitor.5", section, "The model is numerically stable", outside="fully"),
        Test("monitor.6", section, "Computing performance has not regressed", outside="fully"),
        Test("monitor.7", section, "Prediction quality has not regressed", outside="partly"),
    )


TESTS: tuple[Test, ...] = (*_data(), *_model(), *_infrastructure(), *_monitoring())
BY_ID: Mapping[str, Test] = {test.id: test for test in TESTS}


def visible_from_outside() -> tuple[Test, ...]:
    """Return the tests of which somebody sees something who only has the URL of a service: four fully, five partly.

    From them no ML Test Score can be told: nineteen tests are not seen at all.
    """
    return tuple(test for test in TESTS if test.outside != "no")
