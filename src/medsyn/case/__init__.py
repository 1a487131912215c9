"""Clinical cases: what a model is shown and what is known to be right, and the folder that holds them.

Example:
    >>> from medsyn.case import Case, Diagnosis, Option
    >>> case = Case(id="a1", language="en", history="Fever.", diagnosis=Diagnosis(name="Influenza"),
    ...             options=(Option(text="Influenza", right=True), Option(text="Measles")))
    >>> case.right_option.text
    'Influenza'
"""

from medsyn.case.book import Casebook, CasebookError, digest
from medsyn.case.describe import Description, describe
from medsyn.case.faults import Fault, InputError
from medsyn.case.images import ImageError, inspect_image, place_image, read_image, verify_images
from medsyn.case.types import (
    Case,
    Diagnosis,
    Evidence,
    Image,
    ImagePart,
    Option,
    Part,
    Provenance,
    Relation,
    TextPart,
    Track,
    TrackItem,
)

__all__ = [
    "Case",
    "Casebook",
    "CasebookError",
    "Description",
    "Diagnosis",
    "Evidence",
    "Fault",
    "Image",
    "ImageError",
    "ImagePart",
    "InputError",
    "Option",
    "Part",
    "Provenance",
    "Relation",
    "TextPart",
    "Track",
    "TrackItem",
    "describe",
    "digest",
    "inspect_image",
    "place_image",
    "read_image",
    "verify_images",
]
