"""Versions compiled for single rows, alone or blended: what one epoch's Trim is made of while it answers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from trimtab.contract.pii import compile_hide_row
from trimtab.contract.row import RowContract, compile_row, row_key
from trimtab.errors import VersionError
from trimtab.nouns import Contract, Trim, Version
from trimtab.store.record import Value
from trimtab.train.artefact import Answer, Output, Package
from trimtab.trim.blend import Blend

Encoded = Sequence[float]


@dataclass(frozen=True, slots=True)
class Model:
    """One Version, compiled: its row contract, its encoder, its single-row answer, and the output that this becomes."""

    version: Version
    package: Package
    contract: Contract
    columns: tuple[str, ...]
    row: RowContract
    hide: Callable[[Mapping[str, object]], Mapping[str, object]]
    encode: Callable[[list[Value]], Encoded]
    answer: Callable[[Encoded], Answer]
    output: Callable[[Answer], Output]
    key: Callable[[list[Value]], str | None]
    threshold: float | None
    reach: float | None
    base: Answer

    @property
    def id(self) -> str:
        """The Version's id."""
        return self.version.id

    @property
    def name(self) -> str:
        """The Version's running name."""
        return self.version.name

    def at(self, trim: Trim) -> "Model":
        """Return the same Version as the champion of a Trim: at its threshold, with its intervals."""
        threshold, reach = _settle(self.package, trim)
        if (threshold, reach) == (self.threshold, self.reach):
            return self
        return replace(self, output=self.package.compile_output(threshold, reach), threshold=threshold, reach=reach)

    def warm(self) -> None:
        """Let the calling thread make its own native handle now, so that its first request need not wait for it."""
        with suppress(Exception):  # a model that cannot answer zeros may still answer rows
            self.answer([0.0] * len(self.package.encoder.names))


def compile_model(version: Version, package: Package, trim: Trim | None = None, *, text: bool = False) -> Model:
    """Return an opened Version ready to answer, as the champion of `trim`; None leaves it all its own.

    `text`: it reads rows whose every value is text, as in a CSV file.
    """
    contract = package.contract
    threshold, reach = _settle(package, trim)
    return Model(
        version=version,
        package=package,
        contract=contract,
        columns=tuple(column.name for column in contract.columns),
        row=compile_row(contract, text=text),
        hide=compile_hide_row(contract),
        encode=package.encoder.compile_row(),
        answer=package.predictor.predict_row,
        output=package.compile_output(threshold, reach),
        key=lambda values: row_key(contract, values),
        threshold=threshold,
        reach=reach,
        base=package.base,
    )


def _settle(package: Package, trim: Trim | None) -> tuple[float | None, float | None]:
    """Return threshold and reach: the Trim's, or where it has none the Version's own."""
    threshold, reach = (None, None) if trim is None else (trim.threshold, trim.reach)
    return (
        package.threshold if threshold is None else threshold,
        package.interval_quantile if reach is None else reach,
    )


class Blended:
    """The Versions of a Trim that is more than one plain Version, the champion's Contract speaking for all of them.

    A Version with another Contract cleans the row by its own. Where that refuses a row which the champion's accepts,
    the Version is left out of this answer, and the answer says so: nobody is refused for a newcomer's sake.
    Raises VersionError where the Versions do not answer the same question.
    """

    def __init__(self, trim: Trim, champion: Model, models: Mapping[str, Model]) -> None:
        target = champion.contract.target
        try:
            self.blend = Blend(target.task, trim.members)
        except ValueError as error:
            raise VersionError(f"The Trim of epoch {trim.epoch} cannot answer: {error}.") from error
        self.models = tuple(models[version] for version in self.blend.versions)
        for model in self.models:
            if (model.package.task, model.package.classes) != (champion.package.task, champion.package.classes):
                raise VersionError(f"{model.name} does not answer the same question as {champion.name}.")
        self._readers = tuple(_compile_reader(model, champion.contract) for model in self.models)

    def encode(self, mapping: Mapping[str, object], values: list[Value]) -> list[Encoded | None]:
        """Return a row as each Version reads it, None for one that is left out; `values` are the champion's."""
        return [read(mapping, values) for read in self._readers]

    def answer(self, rows: Sequence[Encoded | None]) -> Answer:
        """Return the blend of the Versions' answers."""
        answers = [None if row is None else model.answer(row) for model, row in zip(self.models, rows, strict=True)]
        answer: Answer = self.blend.answer_row(answers)
        return answer

    def left_out(self, present: Sequence[bool]) -> list[str]:
        """Return the warnings of a row for the Versions that are not present in its answer."""
        return [f"left_out:{model.name}" for model, answers in zip(self.models, present, strict=True) if not answers]


def _compile_reader(model: Model, spoken: Contract) -> Callable[[Mapping[str, object], list[Value]], Encoded | None]:
    """Return how a Version reads a row that the Contract `spoken` accepted."""
    encode, row = model.encode, model.row
    if model.contract.id == spoken.id:
        return lambda _, values: encode(values)

    def read(mapping: Mapping[str, object], _: list[Value]) -> Encoded | None:
        clean = row(mapping)
        return None if clean.reasons else encode(clean.values)

    return read


@dataclass(frozen=True, slots=True)
class Live:
    """What answers at one epoch. A request takes one of these and keeps it: no reply mixes two.

    `model` is the champion; its Contract and name stand for the Trim. `blended` is None for a Trim of one
    plain Version, which so costs nothing more.
    """

    epoch: int
    model: Model
    previous: Model | None = None
    blended: Blended | None = None

    @property
    def models(self) -> tuple[Model, ...]:
        """Every Version that may answer, the previous one too."""
        members = (self.model,) if self.blended is None else self.blended.models
        return members if self.previous is None else (*members, self.previous)

    def warm(self) -> None:
        """Let the calling thread make the native handles of all of them now."""
        for model in self.models:
            model.warm()


def compile_live(trim: Trim, find: Callable[[str], Model], previous: Model | None = None) -> Live:
    """Return what answers for a Trim; `find` gives the Model of a Version's id.

    Raises VersionError for a Trim whose Versions cannot answer together.
    """
    models = {version: find(version) for version in dict.fromkeys(member.version for member in trim.members)}
    champion = models[trim.champion] = models[trim.champion].at(trim)
    blended = Blended(trim, champion, models)
    return Live(trim.epoch, champion, previous, None if blended.blend.is_plain else blended)
