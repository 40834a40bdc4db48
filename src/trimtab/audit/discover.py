"""Finds out how to ask a service: its document, its predict route, the shape of a request, and a valid one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from trimtab.audit.client import Client, Reply
from trimtab.audit.document import Candidate, Document, choose, example_of, find_candidates, find_document, match
from trimtab.audit.document import route_url as locate
from trimtab.audit.payload import build_tensors, build_value, detect_shape
from trimtab.audit.repair import MOST, find_complaints, repair
from trimtab.audit.schema import find_fields
from trimtab.audit.service import FULL, JSON, Budget, Declared, Service, encode
from trimtab.audit.shape import Shape
from trimtab.errors import HostError, UsageError

Origin = Literal["example", "document", "guess", "repair"]
Tell = Callable[[str], None]

_HELP = "name its route and a valid request: --predict-url URL --example body.json"
_EXAMPLE = "give a valid request: --example body.json"
_NOBODY = {
    "refused": "cannot be reached",
    "no trust": "speaks no TLS, or its certificate is not trusted (SSL_CERT_FILE names your own authority)",
    "timeout": "does not answer in time",
    "dropped": "hangs up",
}
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*\s*\Z")
_OIP = re.compile(r"(.*/v2/models/[^/]+(?:/versions/[^/]+)?)/infer\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says about where and how to ask; every part may be left out."""

    openapi: str = ""
    route: str = ""
    predict_url: str = ""
    example: Any = None
    declared: Declared = field(default_factory=Declared)
    budget: Budget = FULL
    quick: bool = False


def discover(client: Client, asked: Asked, tell: Tell) -> Service:
    """Return the service behind a client, with a valid request to it.

    Raises HostError where nothing answers, and UsageError where the user has to say more; nothing is judged.
    """
    _greet(client)
    document = find_document(client, asked.openapi)
    tell(f"OpenAPI document: {document.url}" if document is not None and document.tree else "No OpenAPI document.")
    path, candidate = _find_route(client, document, asked)
    tell(f"Predict route: POST {path}")
    operation = candidate.operation if candidate is not None else {}
    payload, origin = _first_payload(client, asked, candidate, path)
    seed, shape, first, origin = _make_valid(client, path, payload, origin)
    tell(f"A valid request ({origin}): {len(encode(seed))} bytes, {first.told}")
    return Service(
        client=client,
        openapi=document.tree if document is not None and document.tree else None,
        openapi_problems=document.problems if document is not None else (),
        openapi_path=document.url if document is not None else "",
        path=first.landed or path,
        route=candidate.path if candidate is not None else "",
        operation=operation,
        shape=shape,
        seed=seed,
        seed_from=origin,
        fields=find_fields(candidate.schema if candidate is not None else {}, shape, shape.read(seed)),
        first=first,
        framework=recognise(document, first),
        quick=asked.quick,
        budget=asked.budget,
        declared=asked.declared,
    )


def _greet(client: Client) -> Reply:
    """Return the reply to a first GET. Raises HostError where there is none."""
    reply = client.send("GET", "", fresh=False)
    if reply.failure in _NOBODY:
        raise HostError(f"{client.base} {_NOBODY[reply.failure]}.", hint="start the service, or check the URL")
    return reply


def _find_route(client: Client, document: Document | None, asked: Asked) -> tuple[str, Candidate | None]:
    """Return the predict route's path or URL, and what the document says about it."""
    if asked.predict_url:
        return asked.predict_url, match(document, _path_below(document, asked.predict_url)) if document else None
    if asked.route:
        candidate = match(document, asked.route) if document is not None else None
        return (locate(document, asked.route, client.base) if document is not None else asked.route), candidate
    if document is None or not document.tree:
        return _without_document(client, document)
    candidates = find_candidates(document)
    chosen = _at_url(candidates, client.base) or choose(candidates)
    if chosen is None:
        raise UsageError(_explain_choice(candidates, document), hint="name it: --route /predict")
    return locate(document, chosen.path, client.base), chosen


def _at_url(candidates: list[Candidate], base: str) -> Candidate | None:
    """Return the route that the URL itself ends with."""
    path = urlsplit(base).path
    return next((candidate for candidate in candidates if candidate.path == path), None)


def _path_below(document: Document, url: str) -> str:
    path = urlsplit(url).path
    for candidate in find_candidates(document):
        if path.endswith(candidate.path):
            return candidate.path
    return path


def _without_document(client: Client, document: Document | None) -> tuple[str, None]:
    if document is None and _is_mlflow(client):
        return "/invocations", None
    if document is not None:
        raise UsageError(f"The OpenAPI document at {document.url} cannot be used: {document.problems[0]}.", hint=_HELP)
    page = client.history[0]
    if "html" in page.headers.get("content-type", ""):
        what = "answers with a web page, and no OpenAPI document was found"
    elif page.failure == "redirected" or page.told.startswith("HTTP 3"):
        what = "only redirects, and no OpenAPI document was found"
    elif page.status in {401, 403}:
        raise UsageError(f"{client.base} needs a key ({page.told}).", hint="--header 'Authorization: Bearer ...'")
    else:
        what = "has no OpenAPI document at the usual places"
    raise UsageError(f"{client.base} {what}.", hint=_HELP)


def _is_mlflow(client: Client) -> bool:
    """Whether MLflow's scoring server answers: it has a version, as plain text, and /ping."""
    told = client.send("GET", "/version", fresh=False)
    return bool(told.accepted and _VERSION.match(told.text)) and client.send("GET", "/ping", fresh=False).accepted


def _explain_choice(candidates: list[Candidate], document: Document) -> str:
    if not candidates:
        return f"{document.url} describes no POST route with a JSON body."
    told = ", ".join(f"{candidate.path} ({candidate.score})" for candidate in candidates[:6])
    return f"It is not clear which route predicts; likeness: {told}."


def _first_payload(client: Client, asked: Asked, candidate: Candidate | None, path: str) -> tuple[Any, Origin]:
    """Return the best payload known before anything was sent. Raises UsageError where there is none."""
    if asked.example is not None:
        return asked.example, "example"
    served = _OIP.match(path)
    if served:
        metadata = client.send("GET", served.group(1), fresh=False).json()
        inputs = metadata.get("inputs") if isinstance(metadata, Mapping) else None
        if isinstance(inputs, list) and inputs and all(isinstance(part, Mapping) for part in inputs):
            return build_tensors(inputs), "document"
    shown = example_of(candidate.operation) if candidate is not None else None
    if shown is not None and detect_shape(shown) is not None:
        return shown, "document"
    built = build_value(candidate.schema) if candidate is not None else None
    if built is None or detect_shape(built) is None:
        raise UsageError(f"The document does not say what POST {path} takes.", hint=_EXAMPLE)
    return built, "guess"


def _make_valid(client: Client, path: str, payload: Any, origin: Origin) -> tuple[Any, Shape, Reply, Origin]:
    """Return a payload that is answered with 2xx, mended where the service says how."""
    attempts = 1 if origin == "example" else MOST + 1
    for attempt in range(attempts):
        shape = detect_shape(payload)
        if shape is None:
            raise UsageError("The example holds no field: it is no row, list of rows or tensor.", hint=_EXAMPLE)
        headers, patience = {"Content-Type": JSON}, 3 * client.patience  # the first call may be a cold start
        reply = client.send("POST", path, body=encode(payload), headers=headers, timeout=patience)
        if reply.accepted:
            return payload, shape, reply, origin if attempt == 0 else "repair"
        mended = repair(payload, shape, reply) if reply.rejected and attempt < attempts - 1 else None
        if mended is None or reply.status in {401, 403, 404, 405}:
            break
        payload = mended
    raise _explain_refusal(path, reply, own=origin == "example")


def _explain_refusal(path: str, reply: Reply, *, own: bool) -> UsageError | HostError:
    if reply.failure:
        return HostError(f"POST {path} gave no whole answer: {reply.told}.", hint="check the service, then repeat")
    if reply.status in {401, 403}:
        return UsageError(f"POST {path} needs a key ({reply.told}).", hint="--header 'Authorization: Bearer ...'")
    if reply.status in {404, 405}:
        return UsageError(f"POST {path} answers {reply.told}.", hint="check --route or --predict-url")
    said = "; ".join(f"{name}: {text}" if name else text for name, text in list(find_complaints(reply))[:3])[:300]
    whose = "the example" if own else "every request that could be made"
    return UsageError(f"POST {path} refuses {whose} ({reply.told}): {said}", hint=_EXAMPLE)


def recognise(document: Document | None, first: Reply) -> str:
    """Return the name of what answers, as far as it shows without asking more, else ''."""
    text = str(document.tree)[:200_000] if document is not None else ""
    server = first.headers.get("server", "").lower()
    seen = f"{text} {server}"
    if "/v2/models/" in text and "/v2/health/" in text:
        return "MLServer"
    if "bentoml" in seen.lower():
        return "BentoML"
    if first.exchange.url.endswith("/invocations"):
        return "MLflow"
    if "HTTPValidationError" in text:
        return "FastAPI"
    if "werkzeug" in server:
        return "Flask"
    return "Litestar" if "litestar" in text.lower() else ""
