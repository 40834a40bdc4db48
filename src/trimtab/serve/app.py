"""The assembly: the table of routes onto one FastAPI app, each handler guarded in the same way."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trimtab import clock, events
from trimtab.errors import TrimtabError
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import Problem, problem_for
from trimtab.serve.routes import ROUTES, Route
from trimtab.serve.trace import read_trace

PROBES = frozenset({"/livez", "/readyz"})
"""Asked every few seconds: that one says no is a state, and has its own events."""

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(desk: Desk) -> FastAPI:
    """Return the app that answers with what `desk` holds."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.routes = tuple(route for route in ROUTES if route.path != "/docs" or desk.project.serve.docs)
    for route in app.state.routes:
        app.add_route(route.path, _guard(desk, route), methods=[route.method])
    app.add_exception_handler(HTTPException, _refuser(desk))
    return app


def _guard(desk: Desk, route: Route) -> Endpoint:
    """Return a handler whose every failure is an answer of the ladder, and whose every answer is counted."""

    async def endpoint(request: Request) -> Response:
        begin, trace = clock.monotonic_ns(), read_trace(request.scope["headers"])
        with events.within(trace.facts()):
            response, code = await _answer(desk, route, request)
            _note(desk, route.path, response.status_code, code, begin)
        response.raw_headers.extend(trace.headers())
        return response

    return endpoint


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
    seconds = (clock.monotonic_ns() - begin) / 1e9
    desk.meters.count_request(path, status, code, seconds)
    wanted = desk.project.serve.access_log
    if wanted == "all" or (wanted == "failed" and status >= 400 and path not in PROBES):
        events.tell("request", route=path, status=status, problem=code, milliseconds=round(seconds * 1000, 3))


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
