"""A client that asks again under its own id gets the first answer again, and nothing is logged twice."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b

from trimtab import clock
from trimtab.serve.answer import Done
from trimtab.serve.ladder import Problem
from trimtab.store.claims import Claim, Claims
from trimtab.store.index import Index
from trimtab.store.spool import Spool, find_spooled, is_living

PATIENCE_NS = 5_000_000_000
"""How long a repeat waits for the first request under its id, which is being answered right now."""
PAUSE = 0.02

LayOut = Callable[[Done], bytes]


class Repeats:
    """The ids that this worker, another one, or one before it answered, and with what: see `store.claims`."""

    def __init__(self, claims: Claims, spool: Spool, index: Index) -> None:
        self._claims = claims
        self._spool = spool
        self._index = index

    async def settle(self, done: Sequence[Done | Problem], lay_out: LayOut) -> list[Done | Problem]:
        """Return the answers that stand: new ones, claimed durably, or those that were given before under their ids.

        Another question under a known id becomes the Problem id_reused. Raises SpoolFull where no claim can be kept.
        """
        settled = list(done)
        asked = [(place, one) for place, one in enumerate(done) if isinstance(one, Done) and one.client_id is not None]
        claims = [self._claim(one, lay_out) for _, one in asked]
        try:
            standing = await asyncio.wrap_future(self._claims.put(claims))
            for (place, one), own, claim in zip(asked, claims, standing, strict=True):
                settled[place] = await self._settle_one(one, own, claim)
        except BaseException:
            self._claims.release(claims)
            raise
        return settled

    def release(self, done: Sequence[Done | Problem]) -> None:
        """Free the ids of answers that are not given after all."""
        new = [one for one in done if isinstance(one, Done) and one.client_id is not None and one.record is not None]
        self._claims.release([Claim(one.client_id or "", b"", one.prediction_id, b"", "") for one in new])

    def _claim(self, one: Done, lay_out: LayOut) -> Claim:
        question = blake2b(one.raw.encode(), digest_size=16, person=b"explained" if one.explained else b"").digest()
        return Claim(one.client_id or "", question, one.prediction_id, lay_out(one), self._spool.holder)

    async def _settle_one(self, one: Done, own: Claim, claim: Claim) -> Done | Problem:
        until = clock.monotonic_ns() + PATIENCE_NS
        while claim.prediction_id != own.prediction_id:
            if claim.question != own.question:
                return Problem("id_reused", "Choose a new id for each new row.")
            living, logged = await asyncio.to_thread(self._look, claim)
            if logged:
                return Done(claim.prediction_id, one.given, one.epoch, None, one.raw, one.client_id, said=claim.reply)
            if not living:
                (claim,) = await asyncio.wrap_future(self._claims.replace(claim, own))
                continue
            if clock.monotonic_ns() > until:
                return Problem("id_in_use", "Ask again in a moment.")
            await asyncio.sleep(PAUSE)
            (claim,) = await asyncio.wrap_future(self._claims.put([own]))
        one.said = own.reply
        return one

    def _look(self, claim: Claim) -> tuple[bool, bool]:
        """Return whether the worker of a claim lives, and whether the record of its answer is kept.

        In this order: what a dead worker has not kept by now it never will. The spool before the index, because that is
        the way a record goes.
        """
        folder = self._spool.folder.parent
        living = is_living(folder, claim.holder)
        spooled = find_spooled(folder, "prediction", claim.prediction_id) is not None
        return living, spooled or self._index.knows_prediction(claim.prediction_id)
