"""medsyn: measure how well multimodal language models put clinical evidence together.

Research software, never for the care of patients. The parts are loaded when used:

    >>> import medsyn
    >>> medsyn.Casebook.__name__, medsyn.Study.__name__
    ('Casebook', 'Study')
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Casebook": "medsyn.case",
    "Case": "medsyn.case",
    "InputError": "medsyn.case",
    "Run": "medsyn.run",
    "Study": "medsyn.run",
    "load_study": "medsyn.run",
    "run_study": "medsyn.run",
    "grade_run": "medsyn.run",
    "main_table": "medsyn.analysis",
    "sensitivity_table": "medsyn.analysis",
    "write_report": "medsyn.report",
}


def __dir__() -> list[str]:
    return ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'medsyn' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
