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

from medsyn.leakage.masking import Cleaned, Removed, drop_sentences
from medsyn.leakage.names import Match, Reason, find_names
from medsyn.leakage.sentences import Sentence, split_sentences
from medsyn.leakage.words import disease_words, fold, is_abbreviation, names_disease, telling_words

__all__ = [
    "Cleaned",
    "Match",
    "Reason",
    "Removed",
    "Sentence",
    "disease_words",
    "drop_sentences",
    "find_names",
    "fold",
    "is_abbreviation",
    "names_disease",
    "split_sentences",
    "telling_words",
]
