"""What ``judge: ontology`` grades, what it cannot grade and why, and how it agrees with other judges.

Run: ``python benchmarks/ontology_judge.py [--shared FOLDER] [--index FILE]``. Prints the tables of
``docs/judging.md``. Nothing leaves the machine: the judge that is a model is simulated on a local server.

* MedPix: the differentials that the sample's own authors wrote, and a model that says what the author of this
  script graded each list with by hand, before the ontology graded any.
* Phantom: differentials of phantom readers, with an ontology made of the clinic's own diseases, and a model that
  knows the truth but slips by one grade in one list of ten.
* Pairs: single diagnoses that the author of this script graded against another by hand, beforehand as well.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from ontology_evaluation import open_index  # noqa: E402

from fake_server import FakeServer  # noqa: E402
from medsyn.analysis import agreement_table  # noqa: E402
from medsyn.case import Casebook, Diagnosis  # noqa: E402
from medsyn.judge import COVERED, SCORES, Subject, open_judge  # noqa: E402
from medsyn.measure.agreement import weighted_kappa  # noqa: E402
from medsyn.ontology.build import build  # noqa: E402
from medsyn.phantom.clinic import make_clinic  # noqa: E402
from medsyn.phantom.world import DISEASES  # noqa: E402
from medsyn.run import Run, Study, run_study  # noqa: E402
from medsyn.source.medpix import import_medpix  # noqa: E402
from phantom_ontology import write_phantom_obo  # noqa: E402

HAND = {
    **{"MPX1043": 3, "MPX1086": 5, "MPX1154": 2, "MPX1274": 5, "MPX1366": 5, "MPX1387": 4, "MPX1429": 5},
    **{"MPX1458": 5, "MPX1544": 5, "MPX1609": 2, "MPX1690": 4, "MPX1960": 5, "MPX2001": 3, "MPX2288": 5},
    **{"MPX2450": 5, "MPX2518": 5},
}
"""Grades given by hand to the differentials of the MedPix sample, on the scale of differentials."""

_BULLET = re.compile(r"^\s*(?:[•*-]+|\d+[.)])\s*")


def asked(text: str) -> dict[str, Any]:
    """Return what a judge was asked to grade: the last JSON document between its tags."""
    return json.loads(re.findall(r"<data>\n(.*)\n</data>", text)[-1])


def graded(answer: Callable[[str, list[str]], int], study: dict[str, object], index: Path) -> Run:
    """Run a study and have it graded by exact names, by the ontology and by a simulated model."""

    def reply(received) -> str:
        data = asked(received.text)
        return json.dumps(
            {"score": answer(data["true_diagnosis"], list(data["list"].values())), "reason": "simulated"}
        )

    with FakeServer() as server:
        server.answer = reply
        judge = {"name": "openai:simulated", "base_url": server.url}
        return run_study(Study(**study, task="ddx", judge=["exact", f"ontology:{index}", judge])).run


def medpix(folder: Path, shared: Path, index: Path) -> Run:
    """Grade the differentials that the sample's authors wrote."""
    source = shared / "data" / "case_reports" / "medpix2_sample"
    import_medpix(source, folder / "book")
    book = Casebook.load(folder / "book")
    cases = json.loads((source / "Case_topic.json").read_text(encoding="utf-8"))
    lists = {case["U_id"]: case["Case"]["Differential Diagnosis"] for case in cases}
    with (folder / "readers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "reader", "differential", "option", "flag", "reason"])
        for case in book:
            lines = (_BULLET.sub("", line).strip() for line in lists[case.id].splitlines())
            entries = [line for line in lines if line and not line.endswith(":")]
            # a single line names several, separated by commas
            joined = "\n".join(entries) if len(entries) > 1 else entries[0]
            writer.writerow([case.id, "author", joined, "", "", ""])
    truth = {case.diagnosis.name: HAND[case.id] for case in book}
    study = {"cases": folder / "book", "out": folder / "run", "model": [f"human:{folder / 'readers.csv'}"]}
    return graded(lambda name, _: truth[name], study, index)


def phantom(folder: Path, cases: int = 60) -> Run:
    """Grade the differentials of phantom readers, one of which sees images badly."""
    make_clinic(folder / "book", cases=cases)
    index = build(write_phantom_obo(folder / "phantom.obo"), (), folder / "phantom.json.gz").path
    family = {name: d.family for d in DISEASES for name in (*d.names.values(), *sum(d.aliases.values(), ()))}

    def answer(truth: str, named: list[str]) -> int:
        right = 5 if truth in named else 3 if family[truth] in {family.get(name) for name in named} else 0
        slip = random.Random(f"{truth} {named}")
        near = [score for score in SCORES["ddx"] if score != right]
        return min(near, key=lambda score: abs(score - right)) if slip.random() < 0.1 else right

    study = {
        "cases": folder / "book",
        "out": folder / "run",
        "model": ["phantom:reader", "phantom:reader,images=0.1"],
    }
    return graded(answer, study, index)


def pairs(index: Path) -> None:
    """Print how the ontology, and exact names, grade single diagnoses that were graded by hand."""
    with (ROOT / "tests" / "data" / "graded_pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in (f"ontology:{index}", "exact"):
        judge = open_judge(name)
        scale, table = SCORES["ddx"], Counter[tuple[int, int | None]]()
        both = []
        for row in rows:
            subject = Subject(row["diagnosis"], "en", "ddx", Diagnosis(name=row["diagnosis"]), (row["named"],))
            verdict, grade = judge.verdict(subject, None), int(row["grade"])
            table[grade, verdict.score] += 1
            if verdict.score is not None:
                both.append((grade, verdict.score, row["diagnosis"]))
            if verdict.score != grade and judge.name == "ontology":
                why = verdict.missing or f"{verdict.score} ({verdict.reason})"
                print(f"{row['diagnosis']} / {row['named']}: {grade} by hand, {why}")
        print(f"\n## Pairs graded by hand, and by {judge.name}\n\n| by hand | 0 | 2 | 3 | 4 | 5 | missing |")
        print(f"|{' --- |' * 7}")
        for grade in scale:
            print(f"| {grade} | {' | '.join(str(table[grade, given]) for given in (*scale, None))} |")
        hand, given, cases = zip(*both, strict=True)
        kappa = weighted_kappa(hand, given, scale, cases=cases)
        same = sum((a >= COVERED) == (b >= COVERED) for a, b, _ in both)
        print(f"\nquadratic kappa {kappa.rounded(2)}; covered or not alike in {same} of {len(both)}")


def show(title: str, run: Run) -> None:
    """Print agreement, and what could not be graded."""
    print(f"\n## {title}: {len(run.results)} lists\n")
    print("| judges | lists | quadratic kappa | alpha | mean difference | same grade % | covered or not alike % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in agreement_table(run).to_dicts():
        if row["other"] is not None:
            kappa, alpha = (
                f"{row[name]:.2f} ({row[name + '_low']:.2f} to {row[name + '_high']:.2f})"
                for name in ("kappa", "alpha")
            )
            print(
                f"| {row['judge']}, {row['other']} | {row['lists']} | {kappa} | {alpha} "
                f"| {row['difference']:+.2f} | {row['same']:.0f} | {row['same_coverage']:.0f} |"
            )
    print("\n| not graded, and why | lists |\n| --- | --- |")
    lost = Counter(
        f"{judge}: {verdict.missing}"
        for result in run.results
        for judge, verdict in result.verdicts.items()
        if verdict.missing is not None
    )
    for reason, count in lost.most_common():
        print(f"| {reason} | {count} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--index", type=Path, help="an index that is already made")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        index = open_index(options.index, options.shared, folder)
        run = medpix(folder / "medpix", options.shared, index)
        for result in run.results:
            given = ", ".join(
                f"{judge} {verdict.missing or verdict.score}" for judge, verdict in result.verdicts.items()
            )
            print(f"{result.case}: {given}; {result.verdicts['ontology'].reason}")
        show("MedPix", run)
        show("Phantom", phantom(folder / "phantom"))
        pairs(index)


if __name__ == "__main__":
    main()
