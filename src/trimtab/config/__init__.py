"""Configuration: trimtab.toml, contract.toml and the environment, checked as a whole and turned into nouns.

The only room that reads the environment. Every mistake of a file is reported at once, by dotted key; a setting whose
feature is not built yet is refused, never ignored.
"""

from trimtab.config.contract_file import contract_text, load_contract, parse_contract
from trimtab.config.machine import calm_threads, cores, environment, quiet_mlflow
from trimtab.config.project_file import load, project_text

__all__ = [
    "calm_threads",
    "contract_text",
    "cores",
    "environment",
    "load",
    "load_contract",
    "parse_contract",
    "project_text",
    "quiet_mlflow",
]
