"""Many cleaned rows answered at once by a Trim, with the bits of one row online. Loads the frame library."""

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
        answers, present = zip(*(self._ask(model, clean, raw) for model in blended.models), strict=True)
        whole = np.array(present)
        blend = blended.blend.answer_rows(answers, None if whole.all() else whole)
        short = np.flatnonzero(~whole.all(axis=0))
        warnings = {clean["_row"][place]: blended.left_out(whole[:, place].tolist()) for place in short.tolist()}
        return blend, warnings

    def _ask(self, model: Model, clean: pl.DataFrame, raw: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return a Version's answers, and whether it answers at all: its own Contract may refuse a row."""
        contract = self._contracts.get(model.contract.id)
        if contract is None:
            return model.package.predict(clean), np.ones(clean.height, dtype=bool)
        try:
            own = contract.apply(raw).clean
        except DataError:  # a required column is not there at all: none of the rows can be read
            own = clean.clear()
        present = clean["_row"].is_in(own["_row"].implode()).to_numpy()
        task, classes = model.package.task, len(model.package.classes)
        answers = np.full((clean.height, classes) if task == "multiclass" else clean.height, np.nan)
        if present.any():
            answers[present] = model.package.predict(clean.select("_row").join(own, on="_row", maintain_order="left"))
        return answers, present
