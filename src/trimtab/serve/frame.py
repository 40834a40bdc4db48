"""Many cleaned rows answered at once by a Trim, with the bits of one row online. Loads the frame library."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from trimtab.contract.clean import FrameContract, compile_frame
from trimtab.errors import DataError
from trimtab.serve.model import Live, Model


class FrameAnswers:
    """Answers frames with what is live; `text` is whether every value of the raw rows is text, as in a CSV file."""

    def __init__(self, live: Live, *, text: bool) -> None:
        self._live = live
        self._contracts: dict[str, FrameContract] = {}
        if live.blended is not None:
            others = {model.contract.id: model.contract for model in live.blended.models}
            others.pop(live.model.contract.id)
            self._contracts = {id_: compile_frame(contract, text=text) for id_, contract in others.items()}

    def answer(self, clean: pl.DataFrame, raw: pl.DataFrame) -> tuple[np.ndarray, dict[int, list[str]]]:
        """Return the answers of clean rows, in order, and the warnings `left_out:...` of some of them by `_row`.

        `clean` is what the champion's Contract made of `raw`; both have `_row`, and `raw` has `_arrived_at`.
        """
        blended = self._live.blended
        if not clean.height:
            return np.empty(0), {}
        if blended is None:
            return self._live.model.package.predict(clean), {}
        columns = [self._ask(model, clean, raw) for model in blended.models]
        rows = list(zip(*columns, strict=True))
        answers = np.array([blended.blend.answer_row(row) for row in rows], dtype=np.float64)
        warnings = {
            number: blended.left_out(row) for number, row in zip(clean["_row"], rows, strict=True) if None in row
        }
        return answers, warnings

    def _ask(self, model: Model, clean: pl.DataFrame, raw: pl.DataFrame) -> Sequence[object]:
        """Return a Version's answers, None for each row that its own Contract refuses."""
        contract = self._contracts.get(model.contract.id)
        if contract is None:
            return _predict(model, clean)
        try:
            own = contract.apply(raw).clean
        except DataError:  # a required column is not there at all: none of the rows can be read
            own = clean.clear()
        known = dict(zip(own["_row"], _predict(model, own), strict=True))
        return [known.get(number) for number in clean["_row"]]


def _predict(model: Model, clean: pl.DataFrame) -> list[object]:
    answers: list[object] = model.package.predict(clean).tolist() if clean.height else []
    return answers
