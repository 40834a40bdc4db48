"""The assembly: the table of routes onto one FastAPI app, each handler guarded in the same way."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from trimtab import clock, events
from trimtab.errors import TrimtabError
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import Problem, problem_for
from trimtab.serve.routes import ROUTES, Route
from trimtab.serve.trace import read_trace

PROBES = frozenset({"/livez", "/readyz"})
"""Asked every few seconds: that one says no is a state, and has its own events."""


class App(FastAPI):
    """FastAPI, with the endpoints of plain paths found first.

    What FastAPI's layers guard against, an Endpoint has guarded already. They are left to what is no such path and
    method: a path with an id in it, another method, another path.
    """

    def __init__(self, endpoints: Mapping[tuple[str, str], "Endpoint"]) -> None:
        super().__init__(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        for (method, path), endpoint in endpoints.items():
            self.router.routes.append(StarletteRoute(path, endpoint, methods=[method]))
        self._plain = {known: endpoint for known, endpoint in endpoints.items() if "{" not in known[1]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["app"] = self
        found = self._plain.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (super().__call__ if found is None else found)(scope, receive, send)


class Endpoint:
    """One route's handler. Its every failure is an answer of the ladder, and its every answer is counted."""

    def __init__(self, desk: Desk, route: Route) -> None:
        self._desk, self._route = desk, route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begin, trace = clock.monotonic_ns(), read_trace(scope["headers"])
        with events.within(trace.facts()):
            response, code = await _answer(self._desk, self._route, Request(scope, receive))
            _note(self._desk, self._route.path, response.status_code, code, begin)
        response.raw_headers.extend(trace.headers())
        await response(scope, receive, send)


def build_app(desk: Desk) -> App:
    """Return the app that answers with what `desk` holds."""
    routes = tuple(route for route in ROUTES if route.path != "/docs" or desk.project.serve.docs)
    app = App({(route.method, route.path): Endpoint(desk, route) for route in routes})
    app.state.routes = routes
    app.add_exception_handler(HTTPException, _refuser(desk))
    return app


async def _answer(desk: Desk, route: Route, request: Request) -> tuple[Response, str]:
    """Return the answer, and the code of the problem that it tells of, if any."""
    try:
        return await route.handler(desk, request), ""
    except Problem as known:
        problem = known
    except ClientDisconnect:
        return Response(status_code=499), "disconnected"  # nobody reads it; counter and log do
    except TrimtabError as error:
        problem = problem_for(error)
        events.tell("refused", route=route.path, error=events.place(error))
    except Exception as error:  # noqa: BLE001 - a bug must neither stop the worker nor print a row in a traceback
        problem = Problem("internal")
        events.tell("bug", route=route.path, error=events.place(error))
    return problem.response(), problem.code


def _note(desk: Desk, path: str, status: int, code: str, begin: int) -> None:
    """Count a request, and write its line where the project wants one. `path` is the table's, never the client's."""
    spent = clock.monotonic_ns() - begin
    desk.meters.count_request(path, status, code, spent)
    wanted = desk.project.serve.access_log
    if wanted == "all" or (wanted == "failed" and status >= 400 and path not in PROBES):
        events.tell("request", route=path, status=status, problem=code, milliseconds=round(spent / 1e6, 3))


def _refuser(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return the answer to a path or a method that is not in the table."""

    async def refuse(request: Request, error: Exception) -> Response:
        problem = Problem("not_found")
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = sorted((error.headers or {}).get("Allow", "").split(", "))
            problem = Problem("method_not_allowed", headers={"allow": ", ".join(allowed)})
        response, trace = problem.response(), read_trace(request.scope["headers"])
        with events.within(trace.facts()):
            _note(desk, "other", response.status_code, problem.code, clock.monotonic_ns())
        response.raw_headers.extend(trace.headers())
        return response

    return refuse
