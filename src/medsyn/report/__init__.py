"""Reports: from runs to one static folder that is read offline.

Example (needs a run)::

    from pathlib import Path
    from medsyn.report import write_report
    from medsyn.run import Run
    print(write_report([Run.load("runs/first")], Path("report")))
"""

from medsyn.report.write import write_report

__all__ = ["write_report"]
