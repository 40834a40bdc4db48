"""The assembly: the table of routes onto one FastAPI app, each handler guarded in the same way."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trimtab.errors import TrimtabError
from trimtab.serve import events
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import Problem, problem_for
from trimtab.serve.routes import ROUTES, Route

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
    handler, requests, path = route.handler, desk.meters.requests, route.path

    async def endpoint(request: Request) -> Response:
        try:
            response = await handler(desk, request)
        except Problem as problem:
            response = problem.response()
        except ClientDisconnect:
            response = Response(status_code=499)  # nobody reads it; the counter does
        except TrimtabError as error:
            events.tell("refused", route=path, error=events.place(error))
            response = problem_for(error).response()
        except Exception as error:  # noqa: BLE001 - a bug must neither stop the worker nor print a row in a traceback
            events.tell("bug", route=path, error=events.place(error))
            response = Problem("internal").response()
        requests.labels(path, str(response.status_code)).inc()
        return response

    return endpoint


def _refuser(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return the answer to a path or a method that is not in the table."""

    async def refuse(_request: Request, error: Exception) -> Response:
        problem = Problem("not_found")
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = sorted((error.headers or {}).get("Allow", "").split(", "))
            problem = Problem("method_not_allowed", headers={"allow": ", ".join(allowed)})
        desk.meters.requests.labels("other", str(problem.kind.status)).inc()
        return problem.response()

    return refuse
