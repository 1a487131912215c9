"""Writing a report: a static folder that needs no server and no network.

::

    report/
      index.html       the answer, tables and figures
      cases.html       all cases, with filters
      cases/ID.html    a page a case: its evidence, and the answers under each condition
      images/          each image once, named by its content
      tables/*.csv     every table, unrounded; *.tex the same as LaTeX, rounded
      figures/*.svg
      assets/          one style sheet, one script
      report.json      what was reported, for programs

Runs on several casebooks have such a folder for each casebook, and an ``index.html`` above them.
The same runs give the same bytes.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from medsyn import __version__
from medsyn.analysis import Evaluated, condition_order, judges, models, sensitivities
from medsyn.case import Image, InputError
from medsyn.published import Catalogue
from medsyn.report.cases import MARKS, case_list, case_pages, mark_cells
from medsyn.report.cautions import cautions
from medsyn.report.drawing import Drawing
from medsyn.report.joined import Joined, join
from medsyn.report.latex import latex
from medsyn.report.overview import overview_view
from medsyn.report.reliable import footnote
from medsyn.report.sections import Found, Section, make_sections
from medsyn.report.tables import Table, count, number, safe
from medsyn.report.words import summary

MARK = "report.json"
"""The file by which an older report is known."""
_OWN = ("index.html", "cases.html", "cases", "images", "tables", "figures", "assets", MARK)


def write_report(
    runs: Sequence[Evaluated],
    out: Path,
    *,
    cutoff: datetime.date | None = None,
    facts: Catalogue | None = None,
    tell: Callable[[str], None] = lambda stage: None,
) -> Path:
    """Write the report of one or more runs.

    Runs of one casebook stand side by side in one report (`medsyn.report.joined`). Runs of several casebooks get
    a report for each casebook, and a page above them.

    Args:
        runs: at least one, with ``results``, ``skipped`` and ``book``.
        out: the folder; made if need be. An older report in it is replaced, anything else is left alone.
        cutoff: a date that parts older from newer cases, to look for contamination.
        facts: what is known of models (`medsyn.analysis.read_facts`); by default what ships with the package.
        tell: called with what is being done, such as ``case pages: 12 of 452``, for a progress display.

    Returns:
        The page to open, ``out/index.html``.

    Raises:
        InputError: no run, the same run twice, a folder that holds something else, an image that is gone or has
            changed.
        OSError: the folder cannot be written.
    """
    if not runs:
        raise InputError("report: found no run, expected at least one")
    out = Path(out)
    by_book: dict[str, list[Evaluated]] = {}
    for run in runs:
        by_book.setdefault(run.book.digest, []).append(run)
    joined = [group[0] if len(group) == 1 else join(group) for group in by_book.values()]
    _clear(out)
    if len(joined) == 1:
        _write_one(joined[0], out, cutoff, facts, tell)
        return out / "index.html"
    names = _folders(joined)
    about = {"medsyn": __version__, "folders": names, "casebooks": [_book(run) for run in joined]}
    _mark(out, about)
    found = []
    for name, run in zip(names, joined, strict=True):
        _clear(out / name)
        found.append(_write_one(run, out / name, cutoff, facts, tell, below=True))
    table = overview_view(joined, [one.main for one in found])
    _write_table(table, out / "tables")
    page = _templates(about, below=False).get_template("overview.html.j2")
    _write(out / "index.html", page.render(table=table, books=list(zip(names, joined, strict=True)), root=""))
    return out / "index.html"


def _write_one(
    run: Evaluated,
    out: Path,
    cutoff: datetime.date | None,
    facts: Catalogue | None,
    tell: Callable[[str], None],
    below: bool = False,
) -> Found:
    """Write the report of one casebook."""
    with Drawing(sensitivities(run)) as drawing:
        return _write_with(drawing, run, out, cutoff, facts, tell, below)


def _write_with(
    drawing: Drawing,
    run: Evaluated,
    out: Path,
    cutoff: datetime.date | None,
    facts: Catalogue | None,
    tell: Callable[[str], None],
    below: bool,
) -> Found:
    tell("reading answers")
    about = _about(run)
    _mark(out, about)
    images = _Images(out / "images")
    pages = _templates(about, below)
    pages.globals["place"] = images.place
    case = pages.get_template("case.html.j2")
    for number_of, page in enumerate(case_pages(run), start=1):
        tell(f"case pages: {number_of} of {len(run.book)}")
        images.owner = page.case.id
        _write(out / "cases" / f"{page.case.id}.html", case.render(page=page, root="../"))
    listing = pages.get_template("cases.html.j2").render(list=case_list(run), root="")
    _write(out / "cases.html", listing)
    tell("tables and figures")
    sections, found = make_sections(run, drawing, cutoff, facts)
    for section in sections:
        _write_section(section, out)
    shown = {"sections": sections, "words": summary(run, found), "cautions": cautions(run, found), "root": ""}
    _write(out / "index.html", pages.get_template("index.html.j2").render(**shown))
    return found


def _write_section(section: Section, out: Path) -> None:
    for table in section.tables:
        if table.rows:
            _write_table(table, out / "tables")
    for figure in section.figures:
        if figure.svg is not None:
            _write(out / "figures" / f"{figure.name}.svg", figure.svg)
    for name, frame in section.frames.items():
        _csv(frame, out / "tables" / f"{name}.csv")


def _write_table(table: Table, folder: Path) -> None:
    _csv(table.frame, folder / f"{table.name}.csv")
    _write(folder / f"{table.name}.tex", latex(table, footnote() if table.unreliable else ""))


def _mark(out: Path, about: Mapping[str, Any]) -> None:
    _write(out / MARK, json.dumps(about, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    for name in ("style.css", "report.js"):
        _write(out / "assets" / name, files("medsyn.report").joinpath("pages", name).read_text(encoding="utf-8"))


def _folders(runs: Sequence[Evaluated]) -> list[str]:
    """A folder name for each casebook."""
    names: list[str] = []
    for run in runs:
        name = safe(f"{run.book.name}-{run.book.version}").strip("-") or "casebook"
        name = f"book-{name}" if name in _OWN else name
        numbered = (f"{name}-{number}" for number in range(2, len(runs) + 2))
        names.append(next(one for one in (name, *numbered) if one.casefold() not in map(str.casefold, names)))
    return names


def _book(run: Evaluated) -> dict[str, Any]:
    return {
        "name": run.book.name,
        "version": run.book.version,
        "digest": run.book.digest,
        "source": run.book.source,
        "licence": run.book.licence,
        "cases": len(run.book),
    }


def _about(run: Evaluated) -> dict[str, Any]:
    used = {result.case for result in run.results}
    tokens = [(r.usage.input_tokens or 0, r.usage.output_tokens or 0) for r in run.results]
    return {
        "medsyn": __version__,
        "casebook": _book(run),
        "cases_asked": len(used),
        "models": models(run),
        "judges": judges(run),
        "tasks": list(dict.fromkeys(result.task for result in run.results)),
        "conditions": condition_order(result.condition for result in run.results),
        "answers": len(run.results),
        "input_tokens": sum(first for first, _ in tokens),
        "output_tokens": sum(second for _, second in tokens),
        "runs": list(run.labels) if isinstance(run, Joined) else [],
        "joined": list(run.notes) if isinstance(run, Joined) else [],
    }


def _templates(about: Mapping[str, Any], below: bool) -> Environment:
    """Load the pages; `below` says that they lie in a folder below the page of all casebooks."""
    environment = Environment(
        loader=PackageLoader("medsyn.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "about": about,
        "marks": MARKS,
        "mark_cells": mark_cells,
        "below": below,
        "footnote": footnote(),
    }
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
    for folder in _below(out):
        _clear(folder)
        if not any(folder.iterdir()):
            folder.rmdir()
    # the mark goes last, so that an interrupted removal can be taken up again
    for name in _OWN:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _below(out: Path) -> list[Path]:
    """The folders of an older report that hold reports of single casebooks."""
    try:
        about = json.loads((out / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    names = about.get("folders", []) if isinstance(about, dict) else []
    known = [name for name in names if isinstance(name, str) and name == safe(name)]
    return [out / name for name in known if (out / name / MARK).is_file() and not (out / name).is_symlink()]


def _csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame; texts are quoted, so that "NA" and "None" stay texts and an empty field is a null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, quote_style="non_numeric", float_precision=6)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
