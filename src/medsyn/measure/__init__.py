"""Pure numerics on arrays: divergences, evidence sensitivity, attention, intervals. Seeded; no input or output.

The definitions, with their sources, are in ``docs/measures.md``.

Example:
    >>> round(float(jsd([0.9, 0.1], [0.5, 0.5])), 3)
    0.147
    >>> wilson(8, 10).rounded(2)
    Estimate(value=0.8, low=0.49, high=0.94, n=10)
"""

from medsyn.measure.attention import rapt
from medsyn.measure.divergence import entropy, jsd
from medsyn.measure.interval import (
    Estimate,
    cluster_means,
    mean,
    paired_difference,
    percentile,
    ratio,
    resampled_means,
    wilson,
)
from medsyn.measure.sampled import Moments, moments, sampled_jsd
from medsyn.measure.sampled_sensitivity import (
    Withheld,
    answers_for_mean,
    exact_moments,
    sampled_nmse,
    sampled_share_below,
)
from medsyn.measure.sensitivity import average_nmse, average_ratio, nmse, share_below
from medsyn.measure.shapley import interactions, shapley

__all__ = [
    "Estimate",
    "Moments",
    "Withheld",
    "answers_for_mean",
    "average_nmse",
    "average_ratio",
    "cluster_means",
    "entropy",
    "exact_moments",
    "interactions",
    "jsd",
    "mean",
    "moments",
    "nmse",
    "paired_difference",
    "percentile",
    "rapt",
    "ratio",
    "resampled_means",
    "sampled_jsd",
    "sampled_nmse",
    "sampled_share_below",
    "shapley",
    "share_below",
    "wilson",
]
