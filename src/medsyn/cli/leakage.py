"""``medsyn cases leaks`` and ``medsyn cases mask``: what a casebook gives away, and a copy that does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medsyn.cli import show

if TYPE_CHECKING:
    from medsyn.leakage import CaseLeaks
    from medsyn.ontology import Ontology

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
_Folder = Annotated[Path, typer.Argument(help="The casebook's folder.", metavar="CASEBOOK")]
_Aliases = Annotated[
    Path | None,
    typer.Option(help="CSV with the columns case, alias: more names of diagnoses.", metavar="FILE"),
]
_Index = Annotated[
    Path | None,
    typer.Option(help="Index of `medsyn ontology build`: synonyms, abbreviations and genes.", metavar="PATH"),
]
_LEVELS = "1 names, 2 abbreviations too, 3 what gives it away too: genes, pathology, other wordings."


def leaks(
    folder: _Folder,
    level: Annotated[int, typer.Option(min=1, max=3, help=f"What is looked for: {_LEVELS}")] = 3,
    ontology: _Index = None,
    aliases: _Aliases = None,
    as_json: _Json = False,
) -> None:
    """Say where the texts that a model is shown give the diagnosis away.

    Example: `medsyn cases leaks casebook/ --level 2`
    """
    from medsyn.case import Casebook
    from medsyn.leakage import find_leaks
    from medsyn.source.masked import read_aliases

    book = Casebook.load(folder)
    names = read_aliases(aliases, book) if aliases else {}
    with show.progress("looking") as advance:
        found = find_leaks(book, level, ontology=_open(ontology), aliases=names, each=advance)
    if as_json:
        show.plain({"casebook": book.name, "version": book.version, "level": level, **_summary(found, level)})
    else:
        _print(found, level)


def mask(
    folder: _Folder,
    out: Annotated[Path, typer.Argument(help="The masked copy's folder, made anew.", metavar="OUT")],
    level: Annotated[int, typer.Option(min=1, max=3, help=f"What is masked: {_LEVELS}")],
    ontology: _Index = None,
    aliases: _Aliases = None,
    as_json: _Json = False,
) -> None:
    """Write a copy whose texts no longer give the diagnosis away; the log lies beside it.

    Example: `medsyn cases mask casebook/ masked/ --level 2`
    """
    from medsyn.case import Casebook
    from medsyn.source.masked import read_aliases, write_masked

    book = Casebook.load(folder)
    names = read_aliases(aliases, book) if aliases else {}
    with show.progress("masking") as advance:
        report = write_masked(book, out, level, ontology=_open(ontology), aliases=names, each=advance)
    if as_json:
        show.plain(report.as_dict())
    else:
        typer.echo(report.as_text())


def _open(path: Path | None) -> Ontology | None:
    if path is None:
        return None
    from medsyn.ontology import Ontology

    return Ontology.open(path)


def _summary(found: tuple[CaseLeaks, ...], level: int) -> dict[str, Any]:
    """Return shares by level with 95 % intervals, and what was found in each case, as plain data."""
    from medsyn.leakage import LEVELS
    from medsyn.measure import wilson

    checked = [case for case in found if case.clues is not None]
    levels = []
    for n in range(1, level + 1):
        leaking = sum(case.level is not None and case.level <= n for case in checked)
        share = wilson(leaking, len(checked))
        interval = {"share": share.value, "low": share.low, "high": share.high} if checked else {}
        levels.append({"level": n, "looks_for": LEVELS[n], "cases": leaking, **interval})
    reasons: dict[str, int] = {}
    for case in checked:
        for reason in {match.reason for leak in case.leaks for match in leak.matches}:
            reasons[reason] = reasons.get(reason, 0) + 1
    return {
        "checked": len(checked),
        "unchecked": [case.case for case in found if case.clues is None],
        "levels": levels,
        "cases_by_reason": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "cases": [
            {
                "case": case.case,
                "level": case.level,
                "concept": case.clues.concept if case.clues else None,
                "found": [
                    {
                        "field": leak.field,
                        "start": m.start,
                        "end": m.end,
                        "text": m.text,
                        "name": m.name,
                        "reason": m.reason,
                    }
                    for leak in case.leaks
                    for m in leak.matches
                ],
            }
            for case in checked
            if case.leaks
        ],
    }


def _print(found: tuple[CaseLeaks, ...], level: int) -> None:
    summary = _summary(found, level)
    for case in summary["cases"]:
        for item in case["found"]:
            text = " ".join(item["text"].split())
            text = text if len(text) <= 70 else text[:67] + "..."
            typer.echo(f"{case['case']}, {item['field']}: {item['reason']}: {text}")
    if summary["unchecked"]:
        typer.echo(f"not checked, since no diagnosis is known: {', '.join(summary['unchecked'])}")
    rows = [
        (
            f"{n['level']}: {n['looks_for']}",
            f"{n['cases']} of {summary['checked']}",
            f"{n['share']:.1%} [{n['low']:.0%}, {n['high']:.0%}]" if "share" in n else None,
        )
        for n in summary["levels"]
    ]
    show.table(
        "\nCases whose shown text gives the diagnosis away", ("level", "cases", "share, 95 % interval"), rows
    )
