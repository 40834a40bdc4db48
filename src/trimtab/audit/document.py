"""The OpenAPI document of a service: where it is, what is wrong with it, and which of its routes predicts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from trimtab.audit.answer import split_words
from trimtab.audit.client import Client, Reply
from trimtab.audit.schema import Resolver, property_names, simplify

PLACES = (
    "/openapi.json",
    "/docs.json",  # BentoML
    "/swagger.json",
    "/api/openapi.json",
    "/v1/openapi.json",
    "/schema/openapi.json",  # Litestar
    "/v2/docs/dataplane.json",  # MLServer
)
LARGEST = 5 << 20
"""Bytes of a document that are read."""

_PAGES = ("/docs", "/")
_LINK = re.compile(r"""(?:url\s*:|spec-url=|data-url=)\s*["']([^"']+\.json)["']""")
_METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace", "query"}
_STRONG = {"predict", "predictions", "prediction"}
_GOOD = {"infer", "inference", "score", "scoring", "classify", "invocations", "forecast", "recommend", "estimate"}
_BAD = {
    "auth", "login", "logout", "token", "upload", "feedback", "train", "reload", "outcome", "outcomes", "label",
    "labels", "user", "users", "register", "load", "unload", "delete", "retrain", "key", "keys", "admin",
}  # fmt: skip
_REPLY_WORDS = {"probability", "probabilities", "prediction", "predictions", "score", "label", "class", "predicted"}
_ENOUGH = 4


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI document: its tree ({} where it cannot be read), its problems, and the URL it was found at."""

    tree: Mapping[str, Any]
    url: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A POST route with a JSON body, and how much it looks like a prediction."""

    path: str
    score: int
    operation: Mapping[str, Any]

    @property
    def schema(self) -> Any:
        """Return the schema of its body."""
        return json_content(self.operation.get("requestBody")).get("schema")


def find_document(client: Client, given: str = "") -> Document | None:
    """Return the document at the given URL, or at one of the usual places; None where there is none."""
    bases = dict.fromkeys((client.base, _origin(client.base)))
    for url in (given,) if given else (f"{base}{place}" for base in bases for place in PLACES):
        document = _read(client.send("GET", url, most=LARGEST, fresh=False), given=bool(given))
        if document is not None:
            return document
    return None if given else _follow_page(client)


def _follow_page(client: Client) -> Document | None:
    """Return the document that a documentation page names."""
    for page in _PAGES:
        found = _LINK.search(client.send("GET", page, fresh=False).text)
        target = found and urljoin(client.url(page), found.group(1))
        if target and urlsplit(target).netloc == urlsplit(client.base).netloc:
            return _read(client.send("GET", target, most=LARGEST, fresh=False), given=False)
    return None


def _read(reply: Reply, *, given: bool) -> Document | None:
    """Return the document in a reply; something that only looks like one is returned with its problems."""
    url = reply.landed or reply.exchange.url
    if reply.failure == "too large":
        return Document({}, url, (f"it is larger than {LARGEST >> 20} MB and was not read",))
    if not reply.accepted:
        return Document({}, url, (f"it cannot be had: {reply.told}",)) if given else None
    tree = reply.json()
    if isinstance(tree, dict) and {"openapi", "swagger", "paths"} & tree.keys():
        return Document(tree, url, tuple(_problems(tree)))
    if given or (tree is None and "json" in reply.headers.get("content-type", "")):
        return Document({}, url, ("it is no JSON",) if tree is None else ("it is no OpenAPI document",))
    return None


def _problems(tree: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a document, as far as an audit needs it."""
    version = str(tree.get("openapi", ""))
    if not re.match(r"3\.[012]\.\d+\Z", version):
        yield f"'openapi' is {version[:20] or 'missing'}, not 3.0, 3.1 or 3.2"
    info = tree.get("info")
    if not isinstance(info, Mapping) or not info.get("title") or not info.get("version"):
        yield "'info' has no title or no version"
    paths = tree.get("paths")
    if not isinstance(paths, Mapping):
        yield "'paths' is missing"
        return
    yield from _path_problems(paths)
    resolver = Resolver(tree)
    resolver.inline(paths)
    yield from (f"'{reference[:80]}' leads nowhere" for reference in sorted(resolver.broken)[:5])


def _path_problems(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, item in paths.items():
        if not path.startswith("/") or not isinstance(item, Mapping):
            yield f"'{path[:60]}' is no path"
            continue
        for method, operation in item.items():
            if method in _METHODS and not (isinstance(operation, Mapping) and operation.get("responses")):
                yield f"{method.upper()} {path[:60]} has no 'responses'"


def find_candidates(document: Document) -> list[Candidate]:
    """Return the POST routes with a JSON body, the likeliest first; paths with variables are left out."""
    found = [route for route in every_route(document) if "{" not in route.path]
    return sorted(found, key=lambda candidate: -candidate.score)


def every_route(document: Document) -> Iterator[Candidate]:
    """Yield the POST routes with a JSON body, references resolved."""
    paths = document.tree.get("paths")
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        operation = item.get("post") if isinstance(item, Mapping) else None
        if isinstance(operation, Mapping):
            whole = Resolver(document.tree).inline(operation)
            yield Candidate(path, _score(path, whole), whole)


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the one that predicts, None where none or more than one looks like it."""
    good = [candidate for candidate in candidates if candidate.score >= _ENOUGH]
    return good[0] if len(good) == 1 or (good and good[0].score > good[1].score) else None


def match(document: Document, path: str) -> Candidate | None:
    """Return the route of a path, also where the document writes it with variables."""
    for route in every_route(document):
        pattern = "/".join("[^/]+" if "{" in step else re.escape(step) for step in route.path.split("/"))
        if re.fullmatch(pattern, path):
            return route
    return None


def _score(path: str, operation: Mapping[str, Any]) -> int:
    tags = operation.get("tags")
    told = (path, operation.get("operationId"), operation.get("summary"), *(tags if isinstance(tags, list) else ()))
    words = {word for text in told if isinstance(text, str) for word in split_words(text)}
    last = split_words(path.rstrip("/").rpartition("/")[2])
    schema = simplify(json_content(operation.get("requestBody")).get("schema"))
    properties = schema.get("properties")
    score = 5 if words & _STRONG else 4 if words & _GOOD else 0
    score += 1 if last in (["predict"], ["invocations"], ["infer"]) else 0
    score -= 1 if words & {"batch", "bulk", "async", "stream"} else 0
    score += 3 if _REPLY_WORDS & {word for name in _reply_names(operation) for word in split_words(name)} else 0
    score += 2 if isinstance(properties, Mapping) and len(properties) >= 3 else 0
    return score - (6 if set(split_words(path)) & _BAD else 0)


def _reply_names(operation: Mapping[str, Any]) -> Iterator[str]:
    replies = operation.get("responses")
    for status, reply in replies.items() if isinstance(replies, Mapping) else ():
        if str(status).startswith("2"):
            yield from property_names(json_content(reply).get("schema"))


def json_content(part: Any) -> Mapping[str, Any]:
    """Return the JSON part of a request body or a response: its schema and examples."""
    content = part.get("content") if isinstance(part, Mapping) else None
    for name, media in content.items() if isinstance(content, Mapping) else ():
        if "json" in str(name) and isinstance(media, Mapping):
            return media
    return {}


def route_url(document: Document, path: str, base: str) -> str:
    """Return the whole URL of a route: behind the first server of the document, if that is on the same host."""
    servers = document.tree.get("servers")
    first = servers[0].get("url") if isinstance(servers, list) and servers and isinstance(servers[0], dict) else None
    origin, target = _origin(base), urlsplit(urljoin(document.url, first)) if isinstance(first, str) else None
    if target is not None and target.netloc == urlsplit(base).netloc and "{" not in target.path:
        return f"{origin}{target.path.rstrip('/')}{path}"
    prefix = urlsplit(base).path.rstrip("/")
    return f"{origin}{path}" if not document.url.startswith(base) or path.startswith(f"{prefix}/") else f"{base}{path}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def example_of(operation: Mapping[str, Any]) -> Any:
    """Return an example of the body that the document gives, None where it gives none."""
    media = json_content(operation.get("requestBody"))
    named, schema = media.get("examples"), media.get("schema")
    every = named.values() if isinstance(named, Mapping) else ()
    shown = [item.get("value") for item in every if isinstance(item, Mapping)]
    more: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    listed = more.get("examples")
    told = (media.get("example"), *shown, more.get("example"), *(listed if isinstance(listed, list) else ()))
    return next((value for value in told if value is not None), None)
