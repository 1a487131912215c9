"""The printed results of the MEDSYN paper (arXiv 2602.21950): as data, with facts on its models, and an audit.

Numbers are as printed: shares in percent, grades on the judge's scale, NMSE without a unit. They have no
intervals, for the paper gives none. The audit recomputes what can be recomputed from the printed tables and
lists what does not agree; ``docs/published.md`` says what it finds.

Example:
    >>> printed_value(2, "GPT-5.2", "accuracy", "en").value
    60.45
    >>> load_facts().find("hf:Qwen/Qwen2.5-VL-7B-Instruct").name
    'Qwen2.5-VL (7B)'
    >>> audit()[0].check
    'pooling'
"""

from medsyn.published.audit import CHECKS, Finding, audit
from medsyn.published.facts import GROUPS, KINDS, Catalogue, Facts, load_facts, parse_facts
from medsyn.published.results import CaseCount, Printed, case_counts, printed, printed_value

__all__ = [
    "CHECKS",
    "GROUPS",
    "KINDS",
    "CaseCount",
    "Catalogue",
    "Facts",
    "Finding",
    "Printed",
    "audit",
    "case_counts",
    "load_facts",
    "parse_facts",
    "printed",
    "printed_value",
]
