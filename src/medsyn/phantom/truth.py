"""What a phantom reader's posteriors and sensitivities must be, in closed form.

This path shares nothing with the reader but the world's tables and the planted weights: it knows the findings
that the clinic drew from ``truth.jsonl``, and sees neither prompts nor texts nor pixels. Divergences are
computed here, apart from `medsyn.measure`, so that each checks the other.

Example:
    >>> truth = CaseTruth("a", "thalvia-1", ("thalvia-1", "artrexia-2"), {EvidenceType.CT: "ring"})
    >>> sensitivity(truth, EvidenceType.CT, "images", Weights.parse("ct.images=0"))
    0.0
    >>> sensitivity(truth, EvidenceType.CT, "findings", Weights()) > 0
    True
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from medsyn.case import InputError
from medsyn.phantom.weights import Weights
from medsyn.phantom.world import DISEASES, PRIOR, Finding, Kind, likelihood
from medsyn.taxonomy import EvidenceType, TextKind

FILE = "truth.jsonl"
"""The file beside a casebook of the phantom clinic; no part of any view."""

_INDEX = {disease.id: index for index, disease in enumerate(DISEASES)}


@dataclass(frozen=True)
class CaseTruth:
    """What the clinic drew for a case."""

    case: str
    disease: str
    """The disease's id."""
    options: tuple[str, ...]
    """The options as disease ids, in the case's own order."""
    findings: Mapping[Kind, str]
    """The name of the finding of each kind of evidence that the case has."""


def write_truth(folder: Path, truths: Iterable[CaseTruth]) -> None:
    """Write ``truth.jsonl`` into a casebook's folder, one case a line."""
    lines = [
        json.dumps(
            {
                "case": truth.case,
                "disease": truth.disease,
                "options": truth.options,
                "findings": {str(kind): name for kind, name in truth.findings.items()},
            }
        )
        for truth in truths
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def read_truth(folder: Path) -> dict[str, CaseTruth]:
    """Return what the clinic drew, by case.

    Raises:
        InputError: there is no ``truth.jsonl``, or it is damaged.
    """
    path = folder / FILE
    truths = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            data = json.loads(line)
            findings = {_kind(kind): name for kind, name in data["findings"].items()}
            truth = CaseTruth(data["case"], data["disease"], tuple(data["options"]), findings)
            truths[truth.case] = truth
    except OSError as error:
        raise InputError(f"{path}: found no readable file, expected a phantom clinic's truth") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: found a damaged line ({error}), expected one case as JSON") from error
    return truths


def _kind(name: str) -> Kind:
    return TextKind(name) if name in set(TextKind) else EvidenceType(name)


def posterior(
    truth: CaseTruth,
    form: Literal["images", "findings"],
    weights: Weights,
    *,
    without: Sequence[Kind] = (),
) -> np.ndarray:
    """Return p(disease | evidence) over the case's options, in the case's own order.

    Args:
        form: the form in which all visual evidence is shown.
        weights: what is planted in the reader.
        without: kinds of evidence that are left out, textual ones too.
    """
    chosen = [_INDEX[option] for option in truth.options]
    belief = np.asarray(PRIOR)[chosen]
    for kind, name in truth.findings.items():
        if kind not in without:
            weight = weights.of(kind, "text" if isinstance(kind, TextKind) else form)
            belief = belief * np.asarray(likelihood(Finding(kind, name)))[chosen] ** weight
    return belief / belief.sum()


def sensitivity(
    truth: CaseTruth,
    kind: EvidenceType,
    form: Literal["images", "findings"],
    weights: Weights,
    *,
    text: bool = True,
) -> float:
    """Return S_m = JSD(p(y|E) || p(y|E without m)) in bits, from 0 to 1, over the case's options.

    All visual evidence is shown in ``form``; ``text`` says whether textual evidence is shown.

    Raises:
        ValueError: the case has no evidence of this kind.
    """
    if kind not in truth.findings:
        raise ValueError(f"case {truth.case} has no {kind}")
    hidden: tuple[Kind, ...] = () if text else tuple(TextKind)
    whole = posterior(truth, form, weights, without=hidden)
    rest = posterior(truth, form, weights, without=(*hidden, kind))
    middle = (whole + rest) / 2
    divergence = (whole * np.log2(whole / middle) + rest * np.log2(rest / middle)).sum() / 2
    return max(0.0, float(divergence))


def nmse(truths: Iterable[CaseTruth], kind: EvidenceType, weights: Weights, *, text: bool = True) -> float:
    """Return sum (S_image - S_text)^2 / sum S_text^2 over the cases that have this type of evidence.

    It is NaN where no such case has a sensitivity to the findings, since it is not defined then.
    """
    pairs = [
        [sensitivity(truth, kind, form, weights, text=text) for form in ("images", "findings")]
        for truth in truths
        if kind in truth.findings
    ]
    if not pairs:
        return float("nan")
    image, findings = np.asarray(pairs).T
    scale = float((findings**2).sum())
    return float(((image - findings) ** 2).sum()) / scale if scale > 0 else float("nan")
