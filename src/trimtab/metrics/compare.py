"""Estimates with their 95 % intervals: of a mean, of a metric, and of the difference between two models' answers.

Every built-in metric says how much each row moves it, so its interval is Student's on those parts: microseconds, no
chance, and the same numbers on every run. A stranger's metric that cannot say so gets a percentile bootstrap with a
seed (Efron 1979).
"""

from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, Metric, SmoothMetric
from trimtab.nouns import Interval

# 200 resamples put the ends of a 95 % interval on the 5th value from either side: steady to about a tenth of its width.
RESAMPLES = 200
# More rows than this only cost time: the spread of a smaller resample is known to shrink with the root of its size.
RESAMPLE_ROWS = 20_000
NORMAL_975 = 1.959963984540054


def mean_interval(losses: Losses, many: int = 1) -> Interval:
    """Return the mean with Student's 95 % interval; NaN ends for fewer than two rows.

    Rows count as independent. The interval has no width where all rows are equal, so read it with `rows` beside it.
    Of `many` such intervals all hold together with 95 % (Bonferroni); then NaN ends for fewer than five rows.

    >>> mean_interval(np.array([0.1, 0.2, 0.3, 0.4]))
    Interval(value=0.25, low=0.04457..., high=0.45542..., rows=4)
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    mean, reach = float(values.mean()), _quantile(values.size - 1, many) * standard_error(values)
    return Interval(mean, mean - reach, mean + reach, int(values.size))


def standard_error(losses: Losses) -> float:
    """Return the standard error of the mean of independent rows; NaN for fewer than two."""
    values = np.asarray(losses, dtype=np.float64)
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("nan")


def paired_difference(a: Losses, b: Losses) -> Interval:
    """Return the mean of a - b with its 95 % interval; row i of both belongs to the same row of data.

    Pairing removes what makes a row hard for everybody, so it sees differences that two separate intervals hide.
    """
    return mean_interval(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))


def metric_interval(metric: Metric, labels: Labels, answers: Answers, seed: int) -> Interval:
    """Return the metric over all rows with its 95 % interval; NaN where the metric is undefined."""
    if isinstance(metric, SmoothMetric):
        return _cut(mean_interval(metric.parts(labels, answers)), metric)
    value = metric.score(labels, answers)
    return _bootstrap(value, len(labels), seed, lambda rows: metric.score(labels[rows], answers[rows]))


def metric_improvement(metric: Metric, labels: Labels, better: Answers, worse: Answers, seed: int) -> Interval:
    """Return by how much `better` beats `worse` on the same rows, positive where it does, whatever the direction."""
    sign = 1.0 if metric.bigger_is_better else -1.0
    if isinstance(metric, SmoothMetric):
        return paired_difference(sign * metric.parts(labels, better), sign * metric.parts(labels, worse))

    def gain(rows: Labels | slice) -> float:
        change = metric.score(labels[rows], better[rows]) - metric.score(labels[rows], worse[rows])
        return sign * change

    return _bootstrap(gain(slice(None)), len(labels), seed, gain)


def _cut(interval: Interval, metric: SmoothMetric) -> Interval:
    """Return the interval without what lies beyond a perfect score."""
    if metric.bigger_is_better:
        return replace(interval, high=min(interval.high, metric.perfect))
    return replace(interval, low=max(interval.low, metric.perfect))


def _bootstrap(value: float, rows: int, seed: int, measure: Callable[[Labels], float]) -> Interval:
    """Return `value` with the percentile interval of `measure` over resamples of the rows."""
    if not np.isfinite(value) or rows < 2:
        return Interval(value, float("nan"), float("nan"), rows)
    chance, drawn = np.random.default_rng(seed), min(rows, RESAMPLE_ROWS)
    scores = np.array([measure(chance.integers(0, rows, drawn)) for _ in range(RESAMPLES)])
    scores = scores[np.isfinite(scores)]  # a resample may hold one class only
    if scores.size == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    low, high = value + np.sqrt(drawn / rows) * (np.quantile(scores, (0.025, 0.975)) - value)
    return Interval(value, float(min(low, value)), float(max(high, value)), rows)


def _quantile(freedom: int, many: int = 1) -> float:
    """Return the 1 - .025 / many point of Student's t: exact up to 3 degrees of freedom, else to 0.04 % by expansion.

    Of several it is NaN up to 3 degrees of freedom; of 200 right to 0.06 % from 10 on.

    Source: Abramowitz & Stegun (1964), 26.7.5. SciPy knows it too, but costs a serving worker 40 MB.
    """
    if freedom < 4:
        exact = (float("nan"), 12.706204736432095, 4.302652729696142, 3.182446305284263)[freedom]
        return exact if many == 1 else float("nan")
    z = NORMAL_975 if many == 1 else NormalDist().inv_cdf(1.0 - 0.025 / many)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / pow(float(freedom), power) for power, term in enumerate(terms, start=1))
