"""How well free-text diagnoses are normalised: hand-labelled diagnoses, and texts that are no diseases.

Run: ``python benchmarks/ontology_evaluation.py [--half development|heldout] [--shared FOLDER] [--index FILE]``.
Prints the table of ``docs/ontology.md``, and every error of the half ``development``; those of the other half are
never printed, since a look at them ends its use as a test. The labels are in ``tests/data``; the texts are read in
place from the shared folder, and so are the files that the index is made of where none is given.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medsyn.measure import Estimate, wilson
from medsyn.ontology import Concept, Found, Ontology
from medsyn.ontology.build import build

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
HALVES = ("development", "heldout")
SOURCES = ("MedR-Bench", "MedR-Bench treatment", "MedPix", "AgentClinic")

RESULTS = re.compile(
    r"^\W*(?:Final )?Diagnostic Results\W*?:(?P<line>.*)(?P<items>(?:\n[ \t]+\S.*)*)", re.MULTILINE
)
SENTENCE_END = re.compile(r"(?<=[.])\s+(?=[A-Z])")
TESTS = re.compile(
    r"\b(?:biops(?:y|ies)|histopatholog\w*|patholog\w+|cytolog\w*|immunohistochem\w*|surgical|excision|endoscopy"
    r"|colonoscopy|cultures?|genetic testing|EEG|CSF|CT|MRI|X-rays?|radiograph\w*|positive|negative)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Labelled:
    """A free-text diagnosis, and the concepts that it may be taken for."""

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


def stated_diagnosis(summary: str) -> str | None:
    """Return the diagnosis that a case summary of MedR-Bench's treatment file states, or None.

    It is the first sentence of the item "Diagnosis:" below "Diagnostic Results:", or else of what stands first
    there, without markup. There is none where a test or its result is among that sentence's first five words.

    >>> stated_diagnosis("- **Final Diagnostic Results:** Wilson disease. Copper was low.")
    'Wilson disease.'
    >>> stated_diagnosis("- Final Diagnostic Results:\\n  - Liver biopsy: steatosis.") is None
    True
    """
    section = RESULTS.search(summary)
    if section is None:
        return None
    lines = f"{section['line']}\n{section['items']}".replace("*", "").splitlines()
    items = [item for line in lines if (item := line.strip(" \t-"))]
    named = [item.removeprefix("Diagnosis:").strip() for item in items if item.startswith("Diagnosis:")]
    sentence = next((SENTENCE_END.split(item)[0] for item in named or items), None)
    return None if sentence is None or TESTS.search(" ".join(sentence.split()[:5])) else sentence


def texts(shared: Path) -> dict[tuple[str, str], str]:
    """Return all free-text diagnoses of the sources, by source and record."""
    bench, cases = shared / "data" / "benchmarks", shared / "data" / "case_reports"
    found: dict[tuple[str, str], str] = {}
    reports = json.loads((bench / "MedR-Bench" / "demo_diagnosis_100.json").read_text(encoding="utf-8"))
    for record, report in reports.items():
        found["MedR-Bench", record] = report["generate_case"]["diagnosis_results"]
    reports = json.loads((bench / "MedR-Bench" / "demo_treatment_100.json").read_text(encoding="utf-8"))
    for record, report in reports.items():
        if (stated := stated_diagnosis(report["generate_case"]["case_summary"])) is not None:
            found["MedR-Bench treatment", record] = stated
    for case in json.loads((cases / "medpix2_sample" / "Case_topic.json").read_text(encoding="utf-8")):
        found["MedPix", case["U_id"]] = case["Case"]["Case Diagnosis"]
    for name in ("agentclinic_medqa", "agentclinic_medqa_extended"):
        lines = (bench / "AgentClinic" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            found["AgentClinic", f"{name}:{number}"] = json.loads(line)["OSCE_Examination"]["Correct_Diagnosis"]
    return found


def read_labels(half: str) -> list[tuple[str, str, frozenset[str]]]:
    """Return source, record and concepts of each label of a half."""
    with (DATA / f"diagnosis_labels_{half}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["source"], row["record"], frozenset(row["concepts"].split("|")) - {"none"}) for row in rows]


def labelled(half: str, shared: Path) -> list[Labelled]:
    """Return the labels of a half with their texts."""
    known = texts(shared)
    return [Labelled(source, record, known[source, record], ids) for source, record, ids in read_labels(half)]


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


def score(ontology: Ontology, labels: Iterable[Labelled]) -> tuple[Score, list[tuple[Labelled, Found]]]:
    """Return how many labels were met, and every error: a wrong concept, one too many, one not found."""
    pairs = [(label, ontology.find(label.text)) for label in labels]
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
    """Print the table, and the development half's errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument(
        "--index", type=Path, help="an index that is already made; default: made of the shared files"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        ontology = Ontology.open(open_index(options.index, options.shared, Path(folder)))
    labels = labelled(options.half, options.shared)
    _, wrong = score(ontology, labels)
    for label, found in wrong if options.half == "development" else ():
        said = "nothing" if found.concept is None else f"{found.concept.id} {found.concept.name}"
        expected = "|".join(sorted(label.concepts)) or "none"
        print(
            f"{label.source} {label.record}: {label.text!r}\n  found {said} ({found.reason}), expected {expected}"
        )
    print("\n| texts | n | have a concept | given one | right | precision % | recall % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(row(f"all ({options.half})", score(ontology, labels)[0]))
    for source in SOURCES:
        if of_it := [label for label in labels if label.source == source]:
            print(row(source, score(ontology, of_it)[0]))
    plain = [(text, ontology.find(text)) for text in non_diseases()]
    named = [(text, found) for text, found in plain if found.concept is not None]
    for text, found in named:
        print(f"no disease: {text!r} gave {found.concept.id} {found.concept.name} ({found.reason})")
    print(f"\n{len(named)} of {len(plain)} texts that are no diseases gave a concept")


if __name__ == "__main__":
    main()
