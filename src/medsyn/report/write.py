"""Writing a report: a static folder that needs no server and no network.

::

    report/
      index.html       the answer, tables and figures
      cases.html       all cases, with filters
      cases/ID.html    a page a case: its evidence, and the answers under each condition
      images/          each image once, named by its content
      tables/*.csv     every table, unrounded
      figures/*.svg
      assets/          one style sheet, one script
      report.json      what was reported, for programs

The same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from medsyn import __version__
from medsyn.analysis import (
    Evaluated,
    answers,
    case_mix_table,
    cases_table,
    condition_order,
    conditions_table,
    contributions,
    contributions_by_type,
    evidence_table,
    grade_distribution,
    grades_table,
    judges,
    kinds_table,
    leaderboard,
    main_table,
    missing_table,
    models,
    sensitivities,
    sensitivity,
    specialty_group_table,
    specialty_table,
    synergies,
    synergies_by_pair,
)
from medsyn.analysis.rapt import rapt_summary, rapt_table
from medsyn.case import Image, InputError
from medsyn.report.cases import MARKS, case_list, case_pages
from medsyn.report.figures import conditions_figure, gap_figure
from medsyn.report.judges import judge_views
from medsyn.report.paper import case_views, distribution_views, kinds_view, ranks_view, specialty_views
from medsyn.report.rapt_figure import rapt_figure, rapt_view
from medsyn.report.sensitivity import contribution_views, sensitivity_views
from medsyn.report.sensitivity_figures import (
    contribution_figure,
    difference_figure,
    mean_figure,
    nmse_figure,
    scatter_figure,
)
from medsyn.report.tables import (
    Table,
    condition_views,
    count,
    grade_views,
    main_view,
    missing_view,
    number,
)
from medsyn.report.words import summary

MARK = "report.json"
"""The file by which an older report is known."""
_OWN = ("index.html", "cases.html", "cases", "images", "tables", "figures", "assets", MARK)


def write_report(runs: Sequence[Evaluated], out: Path) -> Path:
    """Write the report of a run.

    Args:
        runs: one run, with ``results``, ``skipped`` and ``book``; several are refused for now.
        out: the folder; made if need be. An older report in it is replaced, anything else is left alone.

    Returns:
        The page to open, ``out/index.html``.

    Raises:
        InputError: no run or several, a folder that holds something else, an image that is gone or has changed.
        OSError: the folder cannot be written.
    """
    if len(runs) != 1:
        raise InputError(f"report: one run is expected, not {len(runs)}; give each run a report of its own")
    (run,) = runs
    out = Path(out)
    _clear(out)
    about = _about(run)
    _write(out / MARK, json.dumps(about, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    for name in ("style.css", "report.js"):
        _write(out / "assets" / name, files("medsyn.report").joinpath("pages", name).read_text(encoding="utf-8"))
    images = _Images(out / "images")
    pages = _templates(about, images)
    case = pages.get_template("case.html.j2")
    for page in case_pages(run):
        images.owner = page.case.id
        _write(out / "cases" / f"{page.case.id}.html", case.render(page=page, root="../"))
    listing = pages.get_template("cases.html.j2").render(list=case_list(run), root="")
    _write(out / "cases.html", listing)
    _write(out / "index.html", pages.get_template("index.html.j2").render(**_index(run, out), root=""))
    return out / "index.html"


def _index(run: Evaluated, out: Path) -> dict[str, Any]:
    """Compute and write tables and figures; return what the first page shows."""
    main, conditions, per_case = main_table(run), conditions_table(run), sensitivities(run)
    types = sensitivity.by_type(per_case)
    sections: list[dict[str, Any]] = []

    def section(anchor: str, title: str, tables: list[Table], pictures: list[tuple[str, str, str | None]]) -> None:
        shown = [table for table in tables if table.rows]
        drawn = []
        for name, alt, svg in pictures:
            if svg is not None:
                _write(out / "figures" / f"{name}.svg", svg)
                drawn.append({"file": f"figures/{name}.svg", "alt": alt})
        for table in shown:
            _csv(table.frame, out / "tables" / f"{table.name}.csv")
        if shown:
            sections.append({"anchor": anchor, "title": title, "tables": shown, "figures": drawn})

    section(
        "main",
        "Main result",
        [main_view(main)],
        [
            (
                "gap",
                "Coverage and accuracy of each model with 95 % intervals, as in the table below",
                gap_figure(main),
            )
        ],
    )
    section(
        "conditions",
        "Conditions side by side",
        condition_views(conditions),
        [
            (
                f"conditions-{task}",
                f"{what} under each condition, as in the tables below",
                conditions_figure(conditions, task),
            )
            for task, what in (("fdx", "Accuracy"), ("ddx", "Coverage"))
        ],
    )
    section("ranks", "Ranks and kinds of models", [ranks_view(leaderboard(run)), kinds_view(kinds_table(run))], [])
    section("specialties", "Specialties", specialty_views(specialty_table(run), specialty_group_table(run)), [])
    section(
        "grades", "Grades", [*grade_views(grades_table(run)), *distribution_views(grade_distribution(run))], []
    )
    section("judges", "Judges", judge_views(run), [])
    section(
        "sensitivity",
        "Evidence sensitivity",
        sensitivity_views(types, sensitivity.average(per_case)),
        [
            (
                "sensitivity",
                "Mean sensitivity to images and findings by type, as in the table below",
                mean_figure(types),
            ),
            ("nmse", "NMSE of each evidence type, as in the table below", nmse_figure(types)),
            *_by_model(
                per_case,
                (
                    (
                        "sensitivity-scatter",
                        "Sensitivity to images against that to findings, a point a case",
                        scatter_figure,
                    ),
                    (
                        "sensitivity-difference",
                        "How far cases lie above and below the line of equal sensitivity",
                        difference_figure,
                    ),
                ),
            ),
        ],
    )
    of_types, of_pairs = contributions(run), synergies(run)
    by_type = contributions_by_type(of_types)
    section(
        "contributions",
        "Contributions",
        contribution_views(by_type, synergies_by_pair(of_pairs)),
        [
            (
                "contributions",
                "Contribution of each evidence type, as in the table below",
                contribution_figure(by_type),
            )
        ],
    )
    by_layer = rapt_table(run)
    section(
        "rapt",
        "Where models look",
        [rapt_view(rapt_summary(run))],
        [
            (
                f"rapt-{place}",
                f"Relative attention per token of {model} by layer and section, under each condition",
                rapt_figure(by_layer, model),
            )
            for place, model in enumerate(by_layer.get_column("model").unique(maintain_order=True), 1)
        ],
    )
    section("book", "Cases", case_views(cases_table(run), evidence_table(run), case_mix_table(run)), [])
    section("missing", "Missing and skipped", [missing_view(missing_table(run))], [])
    _csv(answers(run), out / "tables" / "answers.csv")
    for name, frame in (
        ("sensitivities", per_case),
        ("contributions-by-case", of_types),
        ("synergies-by-case", of_pairs),
    ):
        if len(frame):
            _csv(frame, out / "tables" / f"{name}.csv")
    if len(by_layer):
        _csv(by_layer, out / "tables" / "rapt-by-layer.csv")
    return {"words": summary(run, main, types), "sections": sections, "per_case": bool(len(per_case))}


def _by_model(per_case: pl.DataFrame, figures: Any) -> list[tuple[str, str, str | None]]:
    """Draw figures that have a model each."""
    names = per_case["model"].unique(maintain_order=True)
    return [
        (f"{stem}-{place}", f"{model}: {alt}", draw(per_case, model))
        for place, model in enumerate(names, 1)
        for stem, alt, draw in figures
    ]


def _about(run: Evaluated) -> dict[str, Any]:
    used = {result.case for result in run.results}
    tokens = [(r.usage.input_tokens or 0, r.usage.output_tokens or 0) for r in run.results]
    return {
        "medsyn": __version__,
        "casebook": {
            "name": run.book.name,
            "version": run.book.version,
            "digest": run.book.digest,
            "source": run.book.source,
            "licence": run.book.licence,
            "cases": len(run.book),
        },
        "cases_asked": len(used),
        "models": models(run),
        "judges": judges(run),
        "tasks": list(dict.fromkeys(result.task for result in run.results)),
        "conditions": condition_order(result.condition for result in run.results),
        "answers": len(run.results),
        "input_tokens": sum(first for first, _ in tokens),
        "output_tokens": sum(second for _, second in tokens),
    }


def _templates(about: dict[str, Any], images: _Images) -> Environment:
    environment = Environment(
        loader=PackageLoader("medsyn.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"about": about, "place": images.place, "marks": MARKS}
    environment.filters |= {"number": number, "count": count}
    return environment


class _Images:
    """The report's images: each content is copied once, and checked against its recorded hash."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.names: dict[str, str] = {}
        self.owner = ""
        """The case whose page is being written, for messages."""

    def place(self, image: Image) -> str:
        """Copy an image if need be; return its path inside the report."""
        if image.sha256 not in self.names:
            suffix = Path(image.file).suffix.lower()
            name = f"{image.sha256}{suffix if suffix[1:].isalnum() else ''}"
            try:
                data = image.path.read_bytes()
            except OSError as error:
                raise InputError(
                    f"{image.path}: case {self.owner}: found {error.strerror}, expected the casebook's image"
                ) from error
            if hashlib.sha256(data).hexdigest() != image.sha256:
                raise InputError(
                    f"{image.path}: case {self.owner}: found other content than the casebook records, "
                    f"expected hash {image.sha256[:12]}…"
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
            self.names[image.sha256] = f"images/{name}"
        return self.names[image.sha256]


def _clear(out: Path) -> None:
    """Make the folder, and remove an older report from it; refuse a folder that holds something else."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: found a file, expected a folder for the report")
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise InputError(f"{out}: found a folder with other content, expected an empty one or an older report")
    out.mkdir(parents=True, exist_ok=True)
    # the mark goes last, so that an interrupted removal can be taken up again
    for name in _OWN:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame; texts are quoted, so that "NA" and "None" stay texts and an empty field is a null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, quote_style="non_numeric", float_precision=6)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
