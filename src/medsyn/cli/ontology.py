"""``medsyn ontology``: make the index of diseases, look diagnoses up, and check casebooks by it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medsyn.cli import show
from medsyn.cli.run import Concurrency, Retries, Timeout, read_temperature

if TYPE_CHECKING:
    from medsyn.ontology import Ontology

app = typer.Typer(
    no_args_is_help=True,
    help="""
Diseases: an index of the Disease Ontology and Orphanet, made once from files that you get yourself.

`doid.obo` (CC0) is at https://github.com/DiseaseOntology/HumanDiseaseOntology, Orphadata's XML (CC BY 4.0) at
https://sciences.orphadata.com. See docs/ontology.md.
""",
    rich_markup_mode="markdown",
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
_Folder = Annotated[Path, typer.Argument(help="The casebook's folder.", metavar="CASEBOOK")]
_Index = Annotated[
    Path | None,
    typer.Option("--ontology", help="The index; by default the one in the cache directory.", metavar="PATH"),
]


@app.command()
def build(
    doid: Annotated[Path | None, typer.Option(help="doid.obo, may be compressed.", metavar="FILE")] = None,
    orphanet: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file of Orphadata, such as en_product1.xml, en_product3_146.xml, en_product6.xml or "
            "en_product9_prev.xml; may be given several times.",
            metavar="FILE",
        ),
    ] = None,
    names: Annotated[
        list[Path] | None,
        typer.Option(
            help="Your own names: CSV with the columns text, concept (see `reword`); may be given several times.",
            metavar="FILE",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write, instead of the cache directory.", metavar="PATH")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Make the index from the Disease Ontology, Orphanet's data, or both.

    Example: `medsyn ontology build --doid doid.obo --orphanet en_product1.xml --orphanet en_product9_prev.xml`
    """
    from medsyn.ontology.build import build as make

    with show.progress("reading terms") as advance:
        made = make(doid, orphanet or [], out, each=advance, names=names or [])
    if as_json:
        show.plain({**asdict(made), "path": str(made.path)})
        return
    typer.echo(
        f"wrote {made.path}: {made.concepts:,} concepts with {made.names:,} names, from {made.doid:,} terms of "
        f"the Disease Ontology and {made.orphanet:,} of Orphanet; {made.with_prevalence:,} with a prevalence "
        f"class{f'; {made.own:,} names of your own' if names else ''} ({made.digest[:12]})"
    )


@app.command()
def find(
    texts: Annotated[list[str] | None, typer.Argument(help="Diagnoses in free text.", metavar="TEXT...")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one diagnosis a line.", metavar="FILE")] = None,
    ontology: _Index = None,
    as_json: _Json = False,
) -> None:
    """Say which disease a free-text diagnosis names, how surely, and by which rule.

    Example: `medsyn ontology find "Lt. renal cell carcinoma, stage III" "Wegener's"`
    """
    from medsyn.case import InputError
    from medsyn.ontology.own import read_lines

    asked = list(texts or [])
    if file is not None:
        asked += [line for line in read_lines(file) if line.strip()]
    if not asked:
        raise InputError("ontology find: no text; give diagnoses, or --file FILE with one a line")
    opened = _open(ontology)
    rows: list[dict[str, Any]] = []
    with show.progress("looking up") as advance:
        for text in asked:
            found = opened.find(text)
            concept = found.concept
            rows.append(
                {
                    "text": text,
                    "concept": concept.id if concept else None,
                    "name": concept.name if concept else None,
                    "codes": {system: list(codes) for system, codes in concept.codes.items()} if concept else {},
                    "prevalence": concept.prevalence if concept else None,
                    "confidence": found.confidence,
                    "reason": found.reason,
                    "matched": found.matched,
                }
            )
            advance()
    if as_json:
        show.plain(rows)
        return
    for row in rows:
        said = f"{row['concept']} {row['name']} ({row['confidence']:.2f})" if row["concept"] else "no concept"
        typer.echo(f"{row['text']}: {said}: {row['reason']}")


@app.command()
def reword(
    source: Annotated[
        Path, typer.Argument(help="A file with one diagnosis a line, a run, or a casebook.", metavar="SOURCE")
    ],
    out: Annotated[Path, typer.Argument(help="The file of names, made or gone on with.", metavar="OUT")],
    model: Annotated[str, typer.Option(help="The model that is asked, such as openai:MODEL.")],
    base_url: Annotated[str | None, typer.Option(help="Address of the model's server.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the key.")] = None,
    temperature: Annotated[
        str | None,
        typer.Option(help="By default 0; 'server' sends none, for models that take none.", metavar="NUMBER"),
    ] = None,
    cases: Annotated[Path | None, typer.Option(help="The run's casebook, if it has moved.")] = None,
    concurrency: Concurrency = None,
    timeout: Timeout = None,
    retries: Retries = None,
    ontology: _Index = None,
    as_json: _Json = False,
) -> None:
    """Have a language model say what terminologies call the diagnoses that have no concept, also Chinese ones.

    Only names that the ontology knows count. Look the file through (strike what is wrong, write `none` where a
    text is no disease), then build the index again with `--names`: from there on nothing is asked any more.

    Example: `medsyn ontology reword runs/first names.csv --model openai:MODEL`
    """
    import asyncio

    from medsyn.judge import open_reader
    from medsyn.model import ModelSettings
    from medsyn.run.rewording import diagnoses_in
    from medsyn.run.rewording import reword as ask

    degrees = read_temperature(temperature, "--temperature")
    texts, opened = diagnoses_in(source, cases), _open(ontology)
    reach = {"base_url": base_url, "api_key_env": api_key_env, "concurrency": concurrency}
    reach |= {"timeout_s": timeout, "retries": retries}
    settings = ModelSettings(**{name: value for name, value in reach.items() if value is not None})
    asked = open_reader(model, settings, f"--model {model!r}", "reword", "a model, such as openai:MODEL")
    with show.progress("asking") as advance:
        made = asyncio.run(ask(texts, opened, asked, out, advance, temperature=degrees))
    if as_json:
        show.plain({"out": str(out), "diagnoses": len(texts), **asdict(made)})
    else:
        typer.echo(
            f"{len(texts)} diagnoses: {made.known} are known, {made.before} stood in {out}; of the others "
            f"{made.found} now have a concept, {made.unknown} none"
        )
        if made.torn:
            typer.echo(f"the last line of {out} was not whole, and lies in {made.torn} now")
        show.reasons(made.failed)
        if made.failed:
            typer.echo("the same command asks those that failed again")
        if made.unasked:
            typer.echo(f"stopped: the server failed one after the other; {made.unasked} were not asked")
        if made.found:
            typer.echo(f"next: look {out} through, then build the index again, with --names {out}")
    if made.unasked:
        raise typer.Exit(3)
    if made.failed and not (made.found or made.unknown):
        raise typer.Exit(1)


@app.command()
def align(folder: _Folder, ontology: _Index = None, as_json: _Json = False) -> None:
    """List the rare diseases of a casebook: each case's entry in Orphanet, with its prevalence class.

    Example: `medsyn ontology align casebook/ --json`
    """
    from medsyn.case import Casebook
    from medsyn.ontology.align import align as one

    book, opened = Casebook.load(folder), _open(ontology)
    rows = [one(opened, case.id, *_names(case)) for case in book]
    if as_json:
        show.plain([asdict(row) for row in rows])
        return
    for row in rows:
        entry = (
            f"{row.orpha} {row.name}, {row.prevalence or 'prevalence unknown'}" if row.orpha else "not in Orphanet"
        )
        reason = row.reason.removesuffix("; not in Orphanet")
        typer.echo(f"{row.id}: {row.diagnosis or 'no diagnosis'}: {entry} ({row.confidence:.2f}): {reason}")
    there = sum(row.orpha is not None for row in rows)
    typer.echo(f"{there} of {len(rows)} cases are in Orphanet, {sum(row.concept is None for row in rows)} nowhere")


@app.command()
def distractors(folder: _Folder, ontology: _Index = None, as_json: _Json = False) -> None:
    """Find options that are the answer under another name, or a direct parent or child of it.

    Ends with status 1 where there are any.

    Example: `medsyn ontology distractors casebook/`
    """
    from medsyn.case import Casebook
    from medsyn.ontology.align import check_distractors

    book, opened = Casebook.load(folder), _open(ontology)
    checked = []
    for case in book:
        wrong = [option.text for option in case.options if not option.right]
        if wrong:
            names, codes = _names(case)
            names = names or (case.right_option.text,)
            checked.append(check_distractors(opened, case.id, names, wrong, codes))
    faults = [
        {
            "case": found.id,
            "answer": found.answer,
            "option": one.option,
            "is": one.relation,
            "concept": one.concept.id,
            "name": one.concept.name,
            "reason": one.reason,
        }
        for found in checked
        for one in found.unfair
    ]
    unknown = [{"case": found.id, "option": option} for found in checked for option in found.unknown]
    if as_json:
        show.plain({"cases": len(checked), "faults": faults, "unknown": unknown})
    else:
        said = {"same": "the answer", "parent": "a parent of the answer", "child": "a child of the answer"}
        for fault in faults:
            typer.echo(
                f"{fault['case']}: option {fault['option']!r} ({fault['name']}) is {said[fault['is']]} "
                f"{fault['answer']!r}"
            )
        options = sum(found.checked for found in checked)
        typer.echo(
            f"{len(faults)} faults in {options} distractors of {len(checked)} cases; "
            f"{len(unknown)} texts have no concept"
        )
    if faults:
        raise typer.Exit(1)


def _names(case: Any) -> tuple[tuple[str, ...], dict[str, str]]:
    return (case.diagnosis.names, case.diagnosis.codes) if case.diagnosis else ((), {})


def _open(path: Path | None) -> Ontology:
    from medsyn.ontology import Ontology

    return Ontology.open(path)
