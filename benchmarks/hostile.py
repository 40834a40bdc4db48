"""What a worker answers to hostile requests, written to docs/hostile.md. Run: `make bench-hostile`."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.serve.conftest import CONTRACT, Server, build_world, launch  # noqa: E402 - the tests' own small world
from tests.serve.hostile import write_page  # noqa: E402


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        world = build_world(Path(folder), CONTRACT, "binary", ["first"])
        servers: list[Server] = []
        for name, serve in (("patient", ""), ("hurried", "limits = { seconds = 0.3 }")):
            world.make_project(Path(folder) / "projects" / name, serve=serve)
            servers.append(launch(Path(folder) / "projects" / name))
        try:
            page = write_page(servers[0].url, servers[1].url)
        finally:
            for server in servers:
                server.stop()
    (ROOT / "docs" / "hostile.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
