"""A route that says that the model can answer."""

from trimtab.audit.answer import split_words
from trimtab.audit.probe import About
from trimtab.audit.questions import find_liveness, find_routes
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

_WORDS = {"ready", "readyz", "readiness"}
_USUAL = ("/readyz", "/ready", "/health/ready", "/v2/health/ready")
_MODEL = {"model", "models", "version", "loaded"}


class Readiness:
    """GET at the declared or usual places is answered 200, apart from liveness, and speaks of the model.

    The readiness of the Open Inference Protocol says by definition that all models are loaded.

    WARN where it says nothing about the model, or only liveness does; FAIL where there is none.
    """

    about = About(
        id="operability.readiness",
        number=31,
        category=Category.OPERABILITY,
        severity=Severity.SHOULD,
        weight=2,
        title="Readiness is told apart from liveness, with the model",
        why="During a rollout traffic reaches a process that lives but has not loaded its model yet.",
        mend="`@app.get('/readyz')` that answers 503 until `lifespan` has loaded the model, then its version.",
    )

    def run(self, service: Service) -> Result:
        """Look for it."""
        usual = (service.declared.ready, *_USUAL) if service.declared.ready else _USUAL
        found = next(find_routes(service, _WORDS, usual), None)
        if found is None:
            alive = find_liveness(service)
            if alive is not None and _MODEL & set(split_words(alive.text)):
                return Result(State.WARN, "the liveness route also speaks of the model", alive.exchange)
            return Result(State.FAIL, "none at the usual places")
        if _MODEL & set(split_words(found.text)) or "/v2/" in found.exchange.url:
            return Result(State.PASS, f"{found.exchange.url} answers for the model", found.exchange)
        return Result(State.WARN, f"{found.exchange.url} answers without a word about the model", found.exchange)
