"""How many cases still name their diagnosis after each level of masking.

    .venv/bin/python benchmarks/leakage.py [--shared ../shared] [--ontology INDEX] [--show LEVEL]

Inputs are the 46 reports of F1000Research (their case sections and captions) and half of MedR-Bench's diagnosis
part, on which the finder was improved; the other half, which was not read before; and the MedPix sample before its
importer masks it. The search for names is not the masker's: `tests/leak_inputs.py`. ``--show`` prints what the
search still finds after a level, for reading.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from leak_inputs import Told, f1000_cases, medpix_cases, medrbench_cases, search, shown  # noqa: E402
from medsyn.case import Case  # noqa: E402
from medsyn.leakage import case_leaks, clues_of, mask_case  # noqa: E402
from medsyn.measure import wilson  # noqa: E402


def words(text: str) -> int:
    return len(re.findall(r"\w+", text))


def measure(title: str, told: list[Told], ontology, show: int | None) -> None:
    print(f"\n{title}: {len(told)} cases")
    print("| level | a name is found | a name, part or giveaway is found | the finder finds | words kept |")
    print("| --- | --- | --- | --- | --- |")
    before = sum(words(shown(one.case)) for one in told)
    clues = {one.case.id: clues_of(one.case, ontology) for one in told}
    start = time.process_time()
    for level in (0, 1, 2, 3):
        masked: dict[str, Case] = {
            one.case.id: mask_case(one.case, clues[one.case.id], level)[0] if level else one.case for one in told
        }
        texts = {key: shown(case) for key, case in masked.items()}
        named = [one for one in told if search(texts[one.case.id], one.names)]
        wide = [one for one in told if search(texts[one.case.id], one.names + one.also)]
        finder = [one for one in told if case_leaks(masked[one.case.id], clues[one.case.id], 3)]
        cells = [share(len(found), len(told)) for found in (named, wide, finder)]
        kept = sum(words(text) for text in texts.values()) / before
        print(f"| {level or 'before'} | {' | '.join(cells)} | {kept:.1%} |")
        if show == level:
            for one in wide:
                found = search(texts[one.case.id], one.names + one.also)
                print(f"    {one.case.id} ({one.case.diagnosis.name}): {', '.join(found)}")
                for name in found:
                    for hit in list(re.finditer(re.escape(name), texts[one.case.id], re.IGNORECASE))[:3]:
                        print(f"        ...{texts[one.case.id][max(0, hit.start() - 80) : hit.end() + 60]!r}")
    print(f"{time.process_time() - start:.1f} s of processor time")


def share(found: int, cases: int) -> str:
    estimate = wilson(found, cases)
    return f"{found} of {cases}: {estimate.value:.1%} [{estimate.low:.1%}, {estimate.high:.1%}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--ontology", type=Path)
    parser.add_argument("--show", type=int)
    options = parser.parse_args()
    ontology = None
    if options.ontology:
        from medsyn.ontology import Ontology

        ontology = Ontology.open(options.ontology)
    measure("F1000Research reports", f1000_cases(options.shared), ontology, options.show)
    for unread, half in ((False, "first half"), (True, "other half, unread")):
        measure(
            f"MedR-Bench, {half}",
            medrbench_cases(options.shared, unread=unread),
            ontology,
            None if unread else options.show,
        )
    measure("MedPix sample", medpix_cases(options.shared), ontology, options.show)


if __name__ == "__main__":
    main()
