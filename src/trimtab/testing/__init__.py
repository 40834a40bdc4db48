"""What a part has to keep, as checks that anybody runs against a part of their own.

family.py     check_family: a Family gives the same model again, and its files answer as the fit did
metric.py     check_metric: a Metric has one direction, and the same number for the same rows
source.py     check_source: a Source reads the same twice, goes on where it stopped, and tells no secret
require.py    require: raises where a check said no
"""

from trimtab.testing.family import check_family
from trimtab.testing.metric import check_metric
from trimtab.testing.require import require
from trimtab.testing.source import check_source

__all__ = ["check_family", "check_metric", "check_source", "require"]
