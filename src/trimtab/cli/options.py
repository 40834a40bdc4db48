"""Arguments that several verbs share, with their help."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

HERE = Path()

Folder = Annotated[Path, Parameter(name="DIR", help="Project folder.")]
ProjectFolder = Annotated[Path, Parameter(name="--project", help="Project folder.")]
Flag = Parameter(negative=(), show_default=False)
AsJson = Annotated[bool, Parameter(name="--json", help="Print one JSON object and nothing else."), Flag]
DryRun = Annotated[bool, Parameter(name="--dry-run", help="Say what would happen; change nothing."), Flag]
