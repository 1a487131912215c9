"""What lmms-eval calls for a casebook that medsyn exported: the prompt as medsyn shows it, and the score.

Models of lmms-eval that take messages see texts and images in medsyn's order. For its older ("simple") models the
harness puts all images before the text, so their numbers are not comparable with medsyn's.

Example:
    >>> [read_letter(reply, 5) for reply in ("B", "**Answer: (C)**", "E. coli sepsis", "F", "A man")]
    ['B', 'C', None, None, None]
"""

import re

# the prompt asks for the letter alone on the first line; what follows a letter here must end it
_LETTER = re.compile(
    r"\W*(?:(?i:(?:the\s)?(?:(?:final|correct|best)\s)?(?:answer|option|choice)(?:\sis)?)\W*|(?:答案|选项|选)(?:是|为)?\W*)?"
    r"(?P<letter>[A-Z])(?:[)\]*_.:,。：、）】]|\s*$)(?P<rest>.*)"
)
_THOUGHT = re.compile(r"^.*?</think>", re.DOTALL)


def doc_to_visual(doc):
    """Return the images in the order of the prompt."""
    return [doc["images"][part["image"]].convert("RGB") for part in doc["fdx_prompt"] if part["type"] == "image"]


def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    """Return the system prompt and the prompt's texts."""
    texts = [part["text"] for part in doc["fdx_prompt"] if part["type"] == "text"]
    return doc["system"] + "\n\n" + "".join(texts)


def doc_to_messages(doc, lmms_eval_specific_kwargs=None):
    """Return the system prompt, and texts and images in their order."""
    content = [
        {"type": "text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "image", "url": doc["images"][part["image"]].convert("RGB")}
        for part in doc["fdx_prompt"]
    ]
    system = {"role": "system", "content": [{"type": "text", "text": doc["system"]}]}
    return [system, {"role": "user", "content": content}]


def process_results(doc, results):
    """Score a reply; one that names no option is wrong, and counted as not answered."""
    letter = read_letter(results[0], len(doc["options"]))
    return {"accuracy": float(letter == doc["answer"]), "answered": float(letter is not None)}


def read_letter(reply, options):
    """Return the letter on the first line that says something, or None."""
    lines = [line.strip() for line in _THOUGHT.sub("", reply).splitlines() if line.strip()]
    found = _LETTER.match(lines[0]) if lines else None
    if found is None or ord(found["letter"]) - ord("A") >= options:
        return None
    # "E. coli sepsis" is the text of an option, whose letter is another one
    return None if re.match(r"\s*[a-z]", found["rest"]) else found["letter"]
