"""model.1, the part that a check sees: the files that specify the model stand in version control, unchanged."""

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.trials import find_revision
from trimtab.nouns import State


def check_review(ground: Ground) -> Found:
    """Ask git about the project's folder; the contract must be the one that the champion was fitted under."""
    version, contract = ground.champion[1], ground.wheel.contract.id
    if version.contract != contract:
        said = f"contract.toml is {contract}; {version.name} was fitted under {version.contract}"
        return Found(State.FAIL, said, "train under the contract as it stands, or take the edit back")
    revision = find_revision(ground.project.folder)
    if not revision:
        return Found(State.CANNOT_TELL, "the project's folder is in no git repository", "keep its files in git")
    if revision.endswith("+"):
        said = f"files differ from commit {revision[:12]}"
        return Found(State.FAIL, said, "commit what is in use, so that it can be reviewed")
    return Found(State.PASS, f"all files are those of commit {revision[:12]}", "", (f"commit {revision[:12]}",))


CHECK = Check("model.1", "the specification in version control", check_review)
