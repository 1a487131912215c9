"""A model's tokenizer, read from its ``tokenizer.json``, so that random text has as many tokens as the text.

Needs the extra ``medsyn[tokenizer]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medsyn.case import InputError


class FileTokenizer:
    """A tokenizer of the `tokenizers` package as conditions need it (`medsyn.condition.Tokenizer`)."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()

    def encode(self, text: str) -> Sequence[int]:
        """Return the token ids of a text, special tokens left out."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    @property
    def size(self) -> int:
        """Number of tokens in the vocabulary."""
        return self._tokenizer.get_vocab_size()


def open_tokenizer(file: str | Path) -> FileTokenizer:
    """Read a ``tokenizer.json``.

    Raises:
        InputError: the extra is not installed, or the file is missing or no tokenizer.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise InputError(
            f"tokenizer {file}: needs a further package; install it with: pip install 'medsyn[tokenizer]'"
        ) from None
    expected = "expected a model's tokenizer.json"
    try:
        text = Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"tokenizer {file}: found no text, {expected}") from None
    except OSError as error:
        raise InputError(f"tokenizer {file}: cannot be read ({error.strerror}), {expected}") from None
    try:
        return FileTokenizer(Tokenizer.from_str(text))
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise InputError(f"tokenizer {file}: found no tokenizer ({error}), {expected}") from None
