"""The card of a Version, in plain words: what it answers, how good that is, where it is wrong, how to make it again.

It is written from the Version's other files, so the same files give the same card, and every number in it can be made
again from the record. With the rows of the Snapshot it also shows what concrete mistakes hold, which no file keeps.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab import config
from trimtab.errors import VersionError
from trimtab.metrics.evaluation import Evaluation
from trimtab.train.card_facts import Facts, in_order
from trimtab.train.card_limits import tell_limits
from trimtab.train.card_sections import tell_worth
from trimtab.train.sheet import Block, tame, write_markdown

# Names under which the Hugging Face Hub knows a metric; others keep ours.
_HUB_NAMES = {"brier": "brier_score"}


def render_card(files: Mapping[str, str | bytes], rows: Any = None) -> str:
    """Return card.md of a Version's other files: Markdown with the front matter of a Hugging Face model card.

    With `rows`, the frame that the Version was judged on, it is the card as it is shown.
    Source of the front matter: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
    """
    facts = read_facts(files, rows)
    return write_markdown(_front_matter(facts), (*tell_worth(facts), *tell_limits(facts)))


def list_blocks(files: Mapping[str, str | bytes], rows: Any = None) -> Sequence[Block]:
    """Return the same card as blocks, with its pictures."""
    facts = read_facts(files, rows)
    return *tell_worth(facts), *tell_limits(facts)


def read_facts(files: Mapping[str, str | bytes], rows: Any = None) -> Facts:
    """Return what a card tells. Raises VersionError where the files do not hold it."""
    if "account.json" not in files:
        raise VersionError("This Version has no account.json: it was made by an older trimtab.", hint="train again")
    texts = {name: one.decode() if isinstance(one, bytes) else one for name, one in files.items() if name in _READ}
    try:
        account = json.loads(texts["account.json"])
        return Facts(
            contract=config.parse_contract(texts["contract.toml"], "contract.toml"),
            choice=json.loads(texts["metrics.json"]),
            account=account,
            evaluation=Evaluation.from_plain(account["evaluation"]),
            cost=json.loads(texts["threshold.json"])["cost"],
            environment=json.loads(texts["environment.json"]),
            rows=rows,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VersionError(f"The files of the card cannot be read: {error}", hint="train again") from error


_READ = frozenset({"account.json", "contract.toml", "metrics.json", "threshold.json", "environment.json"})


def _front_matter(facts: Facts) -> dict[str, Any]:
    kind = "tabular-regression" if facts.contract.target.task == "regression" else "tabular-classification"
    measured = dict(in_order({**facts.evaluation.metrics, **facts.evaluation.decisions}))
    names = {metric: _HUB_NAMES.get(metric, metric) for metric in measured}
    return {
        "library_name": "trimtab",
        "pipeline_tag": kind,
        "tags": ["trimtab", kind, tame(facts.choice["recipe"]["family"])],
        "metrics": list(names.values()),
        "model-index": [
            {
                "name": tame(facts.account["name"]),
                "results": [
                    {
                        "task": {"type": kind, "name": tame(facts.contract.target.column)},
                        "dataset": {
                            "type": tame(facts.account["name"]),
                            "name": f"Snapshot {tame(facts.account['snapshot']['fingerprint'])}",
                            "split": "test",
                        },
                        "metrics": [
                            {"type": names[metric], "value": float(f"{one.value:.4g}"), "name": metric}
                            for metric, one in measured.items()
                        ],
                    }
                ],
            }
        ],
    }
