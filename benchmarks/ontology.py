"""How long the ontology takes: to build, to open, to look one diagnosis up, and 10,000.

Run: ``python benchmarks/ontology.py [--shared FOLDER] [--index FILE]``. Times are processor seconds of one
process. The diagnoses are names of the sources with seeded noise (``tests/ontology_noise.py``), 200 texts that
name no disease, clinical phrases, and long texts of many qualifiers, none of them asked twice.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from medsyn.ontology import Ontology  # noqa: E402
from medsyn.ontology.build import build  # noqa: E402
from ontology_noise import noisy, shares  # noqa: E402

TEXTS = 10_000


def main() -> None:
    """Print the times and the shares of right and wrong concepts under noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--index", type=Path, help="an index that is already made")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.index or Path(folder) / "ontology.json.gz"
        if options.index is None:
            data = options.shared / "data" / "ontologies"
            orphanet = [*sorted((data / "orphanet").glob("*.tsv")), *sorted((data / "orphanet").glob("*.gz"))]
            start = time.process_time()
            made = build(next((data / "doid").glob("*.obo*")), orphanet, path)
            print(f"build: {time.process_time() - start:.1f} s, {made.concepts:,} concepts, {made.names:,} names")
        print(f"index: {path.stat().st_size / 1e6:.1f} MB")
        start = time.process_time()
        ontology = Ontology.open(path)
        print(f"open: {time.process_time() - start:.2f} s")
    made_up = noisy(ontology, TEXTS // 6 + 1, options.seed)
    nothing = (ROOT / "tests" / "data" / "non_diseases.txt").read_text(encoding="utf-8").splitlines()
    long = ["acute chronic severe left bilateral recurrent " * 6 + f"unheard-of fever {n}" for n in range(100)]
    with (ROOT / "tests" / "data" / "clinical_phrases.csv").open(encoding="utf-8", newline="") as file:
        phrases = [row["text"] for row in csv.DictReader(file)]
    texts = list(dict.fromkeys([*nothing, *long, *phrases, *(case.text for case in made_up)]))
    took = []
    for text in texts:
        start = time.process_time_ns()
        ontology.find(text)
        took.append((time.process_time_ns() - start) / 1e6)
    times = sorted(took)
    print(f"{len(texts):,} diagnoses: {sum(took) / 1e3:.1f} s")
    print(
        f"one: mean {sum(took) / len(took):.2f} ms, median {times[len(times) // 2]:.2f} ms, "
        f"99 % under {times[int(0.99 * len(times))]:.2f} ms, slowest {times[-1]:.2f} ms"
    )
    print("\n| noise | texts | right % | wrong % |\n| --- | --- | --- | --- |")
    for kind, (right, wrong) in shares(made_up, ontology).items():
        count = sum(kind in ("all", case.kind) for case in made_up)
        print(f"| {kind} | {count} | {100 * right:.1f} | {100 * wrong:.2f} |")


if __name__ == "__main__":
    main()
