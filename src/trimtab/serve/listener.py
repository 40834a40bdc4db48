"""The sockets that requests come in by: one per worker, all on the port of the folder.

The workers of `trimtab up` listen with SO_REUSEPORT: the kernel deals new connections out evenly (with one socket for
all, the worker that woke first took every long-lived connection), and only to those that are ready and alive.
"""

import errno
import ipaddress
import socket

from trimtab.errors import HostError, NotBuiltYet, UsageError

BACKLOG = 2048


def refuse_open_host(host: str) -> None:
    """Raise NotBuiltYet for an address that is not this machine's own: there are no keys yet."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise NotBuiltYet(
            f"Serving on '{host}' needs keys, and keys are not built yet.",
            hint="bind 127.0.0.1, and put a proxy that asks for a key in front of it",
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; early clients wait in its queue until the worker is ready."""
    listener = _bind(host, port)
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _no_port(host, port, error) from error
    return listener


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that keeps a free port for workers that will share it."""
    with bind(host, port) as alone:  # fails where anybody listens already, also one who would share
        port = alone.getsockname()[1]
    return share(host, port)


def share(host: str, port: int) -> socket.socket:
    """Return a socket on a port that others of this user share. It does not listen yet: its worker is not ready yet."""
    return _bind(host, port, socket.SO_REUSEPORT)


def _bind(host: str, port: int, *options: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise UsageError(f"{port} is no port.", hint="choose one from 1 to 65535, or 0 for any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _no_port(host, port, error) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of a listening socket as clients write it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _no_port(host: str, port: int, error: OSError) -> HostError:
    if error.errno == errno.EADDRINUSE:
        what = f"Port {port} on {host} is in use by another program."
    elif error.errno == errno.EACCES:
        what = f"Port {port} on {host} may not be opened by this user."
    else:
        what = f"Port {port} on {host} cannot be opened: {error.strerror}."
    return HostError(what, hint="choose another with --port N; 0 takes a free one")
