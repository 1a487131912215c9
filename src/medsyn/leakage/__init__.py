"""Leakage: find the names of a diagnosis in a text that is shown, and drop the sentences that hold them.

Two steps that know nothing of each other. *Finding* returns `Match`es: where in the text something gives the
answer away, and why. *Dropping* takes matches, whoever found them, and removes whole sentences, for a visible
gap is a cue too. Another level of masking is another finder.

What counts as a name, most certain first (`Reason`):

* ``name``: the name itself, whatever its case, punctuation, plural, accents, British or American spelling.
* ``abbreviation``: capitals that a name is shortened to: its initials (``CVT``), or initials with inner letters
  where it has several words (``GBM``). Common abbreviations of clinical notes (``MRI``, ``CSF``) do not count.
* ``wording``: all telling words of a name in one sentence, in any order ("absence of the left pericardium" for
  "congenital partial absence of the pericardium").
* ``part``: one word of a name that names the disease by itself ("fasciitis", "gangliogliomas", "Caroli").

Chinese names are looked for as they stand.

Example:
    >>> text = "Headache for a week. Biopsy showed a GBM. No fever."
    >>> drop_sentences(text, find_names(text, ["Glioblastoma multiforme"]))
    Cleaned(text='Headache for a week. No fever.', removed=(Removed(sentence='Biopsy showed a GBM.',
        matches=(Match(start=37, end=40, text='GBM', name='Glioblastoma multiforme', reason='abbreviation'),)),))
"""

from medsyn.leakage.cases import (
    CaseLeaks,
    Leak,
    MaskedText,
    Place,
    case_leaks,
    find_leaks,
    mask_case,
    shown_texts,
)
from medsyn.leakage.clues import LEVEL_OF, LEVELS, Clues, Level, clues_of, find_clues
from medsyn.leakage.confirming import Line, find_lines
from medsyn.leakage.masking import Cleaned, Masking, Removed, drop_sentences, mask_text
from medsyn.leakage.match import Match, Reason
from medsyn.leakage.names import find_names
from medsyn.leakage.sentences import Sentence, split_sentences
from medsyn.leakage.words import disease_words, fold, is_abbreviation, names_disease, telling_words

__all__ = [
    "LEVELS",
    "LEVEL_OF",
    "CaseLeaks",
    "Cleaned",
    "Clues",
    "Leak",
    "Level",
    "Line",
    "MaskedText",
    "Masking",
    "Match",
    "Place",
    "Reason",
    "Removed",
    "Sentence",
    "case_leaks",
    "clues_of",
    "disease_words",
    "drop_sentences",
    "find_clues",
    "find_leaks",
    "find_lines",
    "find_names",
    "fold",
    "is_abbreviation",
    "mask_case",
    "mask_text",
    "names_disease",
    "shown_texts",
    "split_sentences",
    "telling_words",
]
