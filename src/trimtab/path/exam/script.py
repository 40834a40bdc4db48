"""A candidate's script as text: a `.py` file as it is, or the code cells of a notebook in their order."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from trimtab.errors import DataError

MAX_BYTES = 4 * 1024 * 1024
NOTEBOOK = ".ipynb"


@dataclass(frozen=True, slots=True)
class Script:
    """Python text, and the first line of each notebook cell in it (none for a plain script)."""

    text: str
    cells: tuple[int, ...] = ()

    def say_line(self, line: object) -> str:
        """Return where a line of the text is for the person who wrote it."""
        if not isinstance(line, int) or not 0 < line <= self.text.count("\n") + 1:
            return "an unknown line"
        begun = [first for first in self.cells if first <= line]
        return f"line {line - begun[-1] + 1} of code cell {len(begun)}" if begun else f"line {line}"


def read_script(path: Path) -> Script:
    """Return the script of a file; DataError where it cannot be read as one."""
    try:
        if not path.is_file():
            raise DataError(f"{path.name} is no file.", hint="hand in a .py or .ipynb file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be read: {error.strerror}.", hint="hand in a .py or .ipynb file"
        ) from error
    if len(content) > MAX_BYTES:
        raise DataError(
            f"{path.name} is larger than 4 MB.", hint="clear the outputs of the notebook (Edit, Clear All Outputs)"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not UTF-8 text.", hint="save it again with the encoding UTF-8") from None
    return _read_notebook(path.name, text) if path.suffix == NOTEBOOK else Script(text)


def _read_notebook(name: str, text: str) -> Script:
    """Return the code cells one below the other; what only Jupyter understands becomes a comment."""
    try:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        codes = ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(
            f"{name} is no notebook: its text is not what Jupyter writes.",
            hint="save it again in Jupyter, or hand in a .py file",
        ) from None
    lines: list[str] = []
    firsts: list[int] = []
    for code in codes:
        firsts.append(len(lines) + 1)
        lines += code.splitlines() if _is_python(code) else [_calm(line) for line in code.splitlines()]
    if not "".join(lines).strip():
        raise DataError(f"{name} has no code in it.", hint="write the answers into code cells, and save the notebook")
    return Script("\n".join(lines) + "\n", tuple(firsts))


def _is_python(code: str) -> bool:
    """Whether a cell is Python as it stands: then a line that begins with % continues a calculation."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _calm(line: str) -> str:
    return f"# {line}" if line.lstrip().startswith(("%", "!")) else line
