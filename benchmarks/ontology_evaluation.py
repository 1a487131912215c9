"""How well free-text diagnoses are normalised: hand-labelled diagnoses, and texts that are no diseases.

Run: ``python benchmarks/ontology_evaluation.py [--lot 3] [--errors] [--reworded A] [--chinese]
[--shared FOLDER] [--index FILE]``.
Prints the tables of ``docs/ontology.md`` for the rules as they are. The labels are in ``tests/data``, in the lots
in which they were drawn; the texts are read in place from the shared folder, and so are the files that the index
is made of where none is given. Errors of the last two lots are never printed: a look at them ends their use as
a test, and so does one at ``tests/data/reworded_diagnoses.csv``.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from diagnosis_texts import texts

from medsyn.measure import Estimate, wilson
from medsyn.ontology import Concept, Found, Ontology
from medsyn.ontology.build import build
from medsyn.run.rewording import concept_of

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
LOTS = ("1", "2", "3", "4", "5", "6", "7", "8")
HELD_OUT = ("7", "8")
"""The lots whose errors nobody has looked at."""


@dataclass(frozen=True)
class Labelled:
    """A free-text diagnosis, and the concepts that it may be taken for."""

    lot: str
    source: str
    record: str
    text: str
    concepts: frozenset[str]
    """Ids such as ``DOID:820``; empty where no concept is that disease."""


@dataclass(frozen=True)
class Score:
    """What came of a list of labelled texts."""

    right: int
    """Texts that were given one of their concepts."""
    given: int
    """Texts that were given any concept."""
    having: int
    """Texts that have a concept."""
    texts: int

    @property
    def precision(self) -> Estimate:
        """The share of right concepts among those given, with Wilson's interval."""
        return wilson(self.right, self.given)

    @property
    def recall(self) -> Estimate:
        """The share of texts with a concept that were given it, with Wilson's interval."""
        return wilson(self.right, self.having)


def read_labels() -> list[tuple[str, str, str, frozenset[str]]]:
    """Return lot, source, record and concepts of each label."""
    with (DATA / "diagnosis_labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        (row["lot"], row["source"], row["record"], frozenset(row["concepts"].split("|")) - {"none"})
        for row in rows
    ]


def labelled(shared: Path, lots: Container[str] = LOTS) -> list[Labelled]:
    """Return the labels of some lots with their texts."""
    known = texts(shared)
    labels = (label for label in read_labels() if label[0] in lots)
    return [Labelled(lot, source, record, known[source, record], ids) for lot, source, record, ids in labels]


def non_diseases() -> list[str]:
    """Return texts that name no disease."""
    return (DATA / "non_diseases.txt").read_text(encoding="utf-8").splitlines()


def ids_of(concept: Concept) -> set[str]:
    """Return a concept's ids in both sources."""
    codes = {f"{system}:{code}" for system in ("DOID", "ORPHA") for code in concept.codes.get(system, ())}
    return codes | {concept.id}


def is_right(found: Found, label: Labelled) -> bool:
    """Whether the concept found is one of the label's."""
    return found.concept is not None and not label.concepts.isdisjoint(ids_of(found.concept))


Said = Mapping[tuple[str, str], tuple[str, ...]]
"""What a language model said terminologies call a text, by its source and record."""


def read_rewordings(model: str) -> Said:
    """Return what a language model said of the texts of lots 7 and 8 that have no concept."""
    return {(row["source"], row["record"]): _said(row) for row in _rows("reworded") if row["model"] == model}


def in_chinese(labels: Iterable[Labelled]) -> tuple[list[Labelled], Said]:
    """Return the labels whose texts were put into Chinese, with those, and what a model said of them."""
    rows = {(row["source"], row["record"]): row for row in _rows("chinese")}
    known = [label for label in labels if (label.source, label.record) in rows]
    put = [replace(label, text=rows[label.source, label.record]["text"]) for label in known]
    return put, {key: _said(row) for key, row in rows.items()}


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}_diagnoses.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _said(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filter(None, row["said"].split(" | ")))


def score(
    ontology: Ontology,
    labels: Iterable[Labelled],
    reworded: Said = MappingProxyType({}),
) -> tuple[Score, list[tuple[Labelled, Found]]]:
    """Return how many labels were met, and every error: a wrong concept, one too many, one not found.

    A text without a concept has that of its rewording, where there is one.
    """

    def find(label: Labelled) -> Found:
        found = ontology.find(label.text)
        said = reworded.get((label.source, label.record), ()) if found.concept is None else ()
        concept = concept_of(said, ontology)
        return found if concept is None else Found(concept, 0.95, "reworded", concept.name)

    pairs = [(label, find(label)) for label in labels]
    right = sum(is_right(found, label) for label, found in pairs)
    given = sum(found.concept is not None for _, found in pairs)
    having = sum(bool(label.concepts) for label, _ in pairs)
    wrong = [
        (label, found)
        for label, found in pairs
        if not is_right(found, label) and (label.concepts or found.concept is not None)
    ]
    return Score(right, given, having, len(pairs)), wrong


def row(name: str, counted: Score) -> str:
    """Return a row of the table in the documentation."""

    def share(estimate: Estimate) -> str:
        value, low, high = (f"{100 * number:.1f}" for number in estimate[:3])
        return f"{value} ({low} to {high})"

    return (
        f"| {name} | {counted.texts} | {counted.having} | {counted.given} | {counted.right} "
        f"| {share(counted.precision)} | {share(counted.recall)} |"
    )


def open_index(given: Path | None, shared: Path, folder: Path) -> Path:
    """Return the index that was given, or one made of the shared files in a folder."""
    if given is not None:
        return given
    doid, orphanet = (shared / "data" / "ontologies" / name for name in ("doid", "orphanet"))
    files = sorted(orphanet.glob("orphanet*"))
    return build(next(doid.glob("*.obo.gz")), files, folder / "ontology.json.gz").path


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and the errors where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lot", choices=LOTS, help="one lot of labels alone")
    parser.add_argument("--errors", action="store_true", help="print each text that is not given its concept")
    parser.add_argument("--reworded", choices=("A", "B"), help="with what a language model said of lots 7 and 8")
    parser.add_argument("--chinese", action="store_true", help="texts put into Chinese, with what a model said")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument(
        "--index", type=Path, help="an index that is already made; default: made of the shared files"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        ontology = Ontology.open(open_index(options.index, options.shared, Path(folder)))
    labels = labelled(options.shared, options.lot or (HELD_OUT if options.reworded else LOTS))
    reworded = read_rewordings(options.reworded) if options.reworded else {}
    if options.chinese:
        labels, reworded = in_chinese(labels)
    counted, wrong = score(ontology, labels, reworded)
    for label, found in wrong if options.errors else ():
        if label.lot in HELD_OUT:
            continue
        said = "nothing" if found.concept is None else f"{found.concept.id} {found.concept.name}"
        expected = "|".join(sorted(label.concepts)) or "none"
        print(
            f"{label.source} {label.record}: {label.text!r}\n  found {said} ({found.reason}), expected {expected}"
        )
    print("\n| texts | n | have a concept | given one | right | precision % | recall % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(row("all", counted))
    for lot in LOTS:
        if of_it := [label for label in labels if label.lot == lot]:
            print(row(f"lot {lot}", score(ontology, of_it, reworded)[0]))
    for source in sorted({label.source for label in labels}):
        of_it = [label for label in labels if label.source == source]
        print(row(source, score(ontology, of_it, reworded)[0]))
    plain = [(text, ontology.find(text)) for text in non_diseases()]
    named = [(text, found) for text, found in plain if found.concept is not None]
    for text, found in named:
        print(f"no disease: {text!r} gave {found.concept.id} {found.concept.name} ({found.reason})")
    print(f"\n{len(named)} of {len(plain)} texts that are no diseases gave a concept")


if __name__ == "__main__":
    main()
