"""Runs that reports are tested on: phantom readers, real cases with a baseline, and physicians."""

from __future__ import annotations

import csv
from pathlib import Path

from medsyn import Study, run_study
from medsyn.case import Casebook
from medsyn.phantom.clinic import make_clinic
from medsyn.run import Run
from medsyn.source.medpix import import_medpix

GOOD, BLIND, GUESSES = (
    "phantom:reader",
    "phantom:reader,microscopy.images=0",
    "phantom:reader,history=0,examination=0,images=0,findings=0",
)
"""A good reader, one who does not see microscopy, and one who uses no evidence at all."""


def phantom_run(folder: Path, cases: int = 12) -> Run:
    """Ask three phantom readers with planted differences."""
    make_clinic(folder / "book", cases=cases)
    return run_study(
        Study(
            cases=folder / "book",
            model=[GOOD, BLIND, GUESSES],
            task="ddx,fdx",
            condition="images,findings,remove-text,leave-one-out,findings+leave-one-out",
            judge="exact",
            out=folder / "run",
        )
    ).run


def medpix_run(folder: Path, sample: Path) -> Run:
    """Ask ``baseline:lexical`` and two physicians about the real cases of the MedPix sample."""
    import_medpix(sample, folder / "book")
    book = Casebook.load(folder / "book")
    return run_study(
        Study(
            cases=folder / "book",
            model=["baseline:lexical", f"human:{readers(folder, book)}"],
            task="ddx,fdx",
            condition="images",
            judge="exact",
            out=folder / "run",
        )
    ).run


def readers(folder: Path, book: Casebook) -> Path:
    """Write the answers of two physicians who differ.

    Dr Ada Lund is right in all cases but each fourth, leaves one row empty and flags another. 李医生 is right in
    each second and says nothing about the last two, which are therefore missing.
    """
    file = folder / "readers.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        write = csv.writer(out).writerow
        write(("case", "reader", "differential", "option", "flag", "reason"))
        for place, case in enumerate(book):
            right = next(option.text for option in case.options if option.right)
            wrong = next(option.text for option in case.options if not option.right)
            chosen = wrong if place % 4 == 3 else right
            if place == 1:
                write((case.id, "Dr Ada Lund", "", "", "", ""))
            else:
                note = ("ambiguous", "No contrast was given.") if place == 2 else ("", "")
                write((case.id, "Dr Ada Lund", f"{chosen}; {wrong}", chosen, *note))
            if place < len(book) - 2:
                second = right if place % 2 else wrong
                write((case.id, "李医生", f"{wrong}; {second}", second, "", ""))
    return file
