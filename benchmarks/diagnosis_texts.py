"""Free-text diagnoses as real sources have them, read in place from the shared folder.

Each rule is about the words that a source puts around a diagnosis (headings, questions, verbs), and none is
about diseases.
Records are the sources' own ids, with the number or letter of an item where a record has several.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from lxml import etree

RESULTS = re.compile(
    r"^\W*(?:Final )?Diagnostic Results\W*?:(?P<line>.*)(?P<items>(?:\n[ \t]+\S.*)*)", re.MULTILINE
)
SENTENCE_END = re.compile(r"(?<=[.])\s+(?=[A-Z])")
TESTS = re.compile(
    r"\b(?:biops(?:y|ies)|histopatholog\w*|patholog\w+|cytolog\w*|immunohistochem\w*|surgical|excision|endoscopy"
    r"|colonoscopy|cultures?|genetic testing|EEG|CSF|CT|MRI|X-rays?|radiograph\w*|positive|negative)\b",
    re.IGNORECASE,
)

BOLD = re.compile(r"^[ \t]*(?:(?:[-*•+]|\d+[.)])[ \t]+)*\*\*(?P<words>.+?)\*\*", re.MULTILINE)
BULLET = re.compile(r"^\s*(?:[-–*•+]+|\d+[.)])?\s*")
HEADING = re.compile(
    r"^(?:initial|final|other|for case|role of|link to|focus on|against|exploratory)\b|\bfeatures$"
    r"|\b(?:diagnos\w+|differential\w*|differentiat\w+|rationale|reason\w*|consider\w*|exclu\w+|rul(?:ed|ing)"
    r"|inclu(?:ded|sion)|suspect\w*|suspicions?|hypothes[ei]s|possibilit\w+|potential|alternatives?|support\w*"
    r"|confirm\w*|evidence|findings?|conditions?|causes?|etiolog\w+|factors?|presentation|symptoms?"
    r"|involvement|associations|clinical|assess\w*|evaluat\w+|analysis|work-?up|tests?|testing|imaging|MRI"
    r"|ultrasound|\w*histo(?:chem|path|log)\w*|pathology|sub(?:types|classification)|steps?|management"
    r"|treatment|therapy|conclusion|summary)\b",
    re.IGNORECASE,
)
SMALL_WORD = re.compile(r"an?|and|as|at|by|due|from|in|of|on|or|secondary|the|to|type|versus|vs|with")
LONGEST = 12
"""Words of a differential diagnosis that is not prose."""

ASKS = re.compile(
    r"^(?!.*\btype of\b).*\b(?:(?:what|which) diagnosis\b"
    r"|(?:is|are|represents|describes|select) (?:the|your) "
    r"(?:(?:most|likely|probable|correct|best|suitable|clinical|underlying|genetic) )*diagnosis\b)",
    re.IGNORECASE,
)
DIAGNOSED = re.compile(
    r"\b(?:diagnosed (?:with|as(?: having)?)"
    r"|(?:a|the|our|this|clinical|differential|final|provisional) diagnosis of) (?:an? |the )?(?:case of )?"
    r"(?!this\b|these\b|disease\b|condition\b)(?P<words>(?:\(\S[^)]*\)|[^(])+?)"
    r"(?=[,;:]|\.?$|\.\s|\s[–(—-]\s| \d+ (?:day|week|month|year)s\b"
    r"| (?:was|were|is|are|has|had|have|can|may|should|which|who|that|made|presented|reportedly|based"
    r"|(?<!ed )by|using|after|before|due to this|and (?:to|family)|at \d+"
    r"|in (?:an?|the|our|this|these|his|her|\d+)|and (?:was|were|has|underwent|received|prescribed))\b)"
)
PARAGRAPHS = 10
"""How many paragraphs of a report's body are its first part."""


NO_DIAGNOSIS = re.compile(
    r"^(?:all|none|both|neither)\b|^normal\b|\b(?:mutations?|repeats|binding|abnormality|decreased?|exposure"
    r"|implantation|surgery|pump|tube|clamp|suture|malfunction)\b",
    re.IGNORECASE,
)
"""Options that are an answer, a mechanism or a device."""
ALTERNATIVE = re.compile(
    r"\b(?:differential diagnos[ei]s (?:for (?:\w+ ){1,5}?)?(?:(?:would|should|may|can|must|also) )*"
    r"(?:includ\w+|of|(?:was|were|is|are)(?! \w+ed\b))"
    r"|(?:misdiagnosed|mistaken|confused)(?: and treated)? (?:as|for|with)|mimic(?:s|ked|king)?)\s(?:the )?"
    r"(?:(?:clinical )?(?:manifestations|presentation|features|symptoms|appearance) of )?(?:an? |the )?"
    r"(?!(?:any|all|patients?|cases?|such|these|this|those|crucial|difficult|important|to|not)\b)"
    r"(?P<words>\S[^,;:.]*?)(?=[,;:.]|$|\s\(\s?Fig"
    r"|\s(?:and|or|was|were|is|are|had|has|have|can|may|should|which|that|such|on|in|who|elsewhere|\d+)\b)",
    re.IGNORECASE,
)


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


def words(text: str) -> frozenset[str]:
    """Return a text's words without case, plural and the small ones.

    >>> sorted(words("Carcinomas of the Colon"))
    ['carcinoma', 'colon']
    """
    found = re.findall(r"\w+", text.casefold())
    return frozenset(word.rstrip("s") or word for word in found if SMALL_WORD.fullmatch(word) is None)


def is_other_diagnosis(item: str, diagnosis: str) -> bool:
    """Whether an item is no heading, and neither its words nor the case's own diagnosis lie in the other.

    What stands in parentheses need not lie in the other.
    """
    named, own = (words(re.sub(r"\([^)]*\)", " ", text)) for text in (item, diagnosis))
    same = named <= words(diagnosis) or own <= words(item)
    return bool(named) and not same and HEADING.search(item) is None


def bold_items(differential: str) -> list[str]:
    """Return what is bold at the beginning of each line or list item, without markup and closing colon.

    >>> bold_items("1. **Gout:** likely\\n   - **Sepsis**: ruled out by **cultures**")
    ['Gout', 'Sepsis']
    """
    bold = (BULLET.sub("", found["words"]) for found in BOLD.finditer(differential))
    return [item.strip().rstrip(":").strip() for item in bold]


def line_items(differential: str) -> list[str]:
    """Return the lines of a list without bullets, without headings and without prose.

    >>> line_items("Of the joint:\\n1) Gout\\n--Pseudogout.")
    ['Gout', 'Pseudogout']
    """
    items = [BULLET.sub("", line).strip().rstrip(".") for line in re.split(r"\n|(?=•)", differential)]
    return [item for item in items if item and not item.endswith(":") and len(item.split()) <= LONGEST]


def statements(article: etree._Element, place: str, most: int | None = None) -> Iterator[str]:
    """Yield what a place of a report, its abstract or its first paragraphs, says was diagnosed."""
    for paragraph in islice(article.iterfind(f".//{place}//p"), most):
        for found in DIAGNOSED.finditer(" ".join("".join(paragraph.itertext()).split())):
            yield found["words"]


def diagnosed(article: etree._Element) -> str | None:
    """Return the first diagnosis that a report's abstract states, or else the first part of its body."""
    return next(chain(statements(article, "abstract"), statements(article, "body", PARAGRAPHS)), None)


def asked_diagnosis(question: dict[str, Any]) -> str | None:
    """Return the right option of a MedXpertQA question whose last sentence asks for the diagnosis."""
    asked = " ".join(question["question"].split("\nAnswer Choices")[0].split())
    if question["medical_task"] != "Diagnosis" or ASKS.search(re.split(r"(?<=[.?!]) ", asked)[-1]) is None:
        return None
    return next(option["content"] for option in question["options"] if option["letter"] in question["label"])


def alternatives(article: etree._Element) -> Iterator[str]:
    """Yield the first alternative of each statement of a report, without those that are an abbreviation."""
    for paragraph in chain(article.iterfind(".//abstract//p"), article.iterfind(".//body//p")):
        for found in ALTERNATIVE.finditer(" ".join("".join(paragraph.itertext()).split())):
            if not found["words"].isupper():
                yield found["words"]


STATED = re.compile(
    r"""\b(?:diagnosed\ (?:with|as(?:\ having)?)
         |(?:a|the|final|definitive|confirmed|(?:histo|patho)logic(?:al)?|clinical)\ diagnosis\ of
         |diagnosis\ (?:was|is)
         |(?:a|the|another)\ (?:rare\ |unusual\ |typical\ )?case\ of
         |(?:woman|man|male|female|patient|boy|girl|child|infant|neonate|newborn|adult)\ with(?:\ an?)?
          (?:\ known|\ proven|\ confirmed|\ histologically\ proven|\ biopsy-proven)?)
        \s+(?:an?\ |the\ )?(?P<words>[^.;:\n]+?)
        (?=\s*(?:[.;:\n]|$|,\ (?!(?:and|or)\b)
          |\s(?:was|were|is|are|has|had|have|showing|shows?|demonstrat\w+|reveal\w+|who|which|that|present\w*
            |underwent|after|before|treated|at\ \w+|in\ (?:a|an|the|his|her|this|our)\b|on\ (?:CT|MR|the)|seen
            |arrows?|\(arrow|\((?:[abc]|Fig)\b)))""",
    re.IGNORECASE | re.VERBOSE,
)


def captioned(caption: str) -> str | None:
    """Return what a figure's caption says that a patient was diagnosed with, or is a case of.

    >>> captioned("Axial CT of a 45-year-old man with cystic fibrosis, showing bronchiectasis.")
    'cystic fibrosis'
    """
    found = STATED.search(caption)
    return None if found is None else found["words"].strip(" ,")


def texts(shared: Path) -> dict[tuple[str, str], str]:
    """Return all free-text diagnoses of the sources, by source and record."""
    bench, cases = shared / "data" / "benchmarks", shared / "data" / "case_reports"
    found = dict(
        chain(_medr_bench(bench / "MedR-Bench"), _medpix(cases / "medpix2_sample"), _f1000(cases / "f1000rd"))
    )
    for name in ("agentclinic_medqa", "agentclinic_medqa_extended"):
        lines = (bench / "AgentClinic" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            found["AgentClinic", f"{name}:{number}"] = json.loads(line)["OSCE_Examination"]["Correct_Diagnosis"]
    found.update(_roco(shared / "data" / "figures" / "roco_captions"))
    found.update(_medxpertqa(bench / "MedXpertQA" / "medxpertqa_mm_input.jsonl.gz"))
    found.update(_medqa(bench / "MedXpertQA" / "medqa_test_input.jsonl.gz"))
    found.update(_medec(bench / "MEDEC"))
    return {key: text.strip() for key, text in found.items()}


Entry = tuple[tuple[str, str], str]
"""Source and record, and the text."""


def _medr_bench(folder: Path) -> Iterator[Entry]:
    reports = json.loads((folder / "demo_diagnosis_100.json").read_text(encoding="utf-8"))
    for record, report in reports.items():
        case = report["generate_case"]
        yield ("MedR-Bench", record), case["diagnosis_results"]
        for number, item in enumerate(bold_items(case["differential_diagnosis"]), start=1):
            if is_other_diagnosis(item, case["diagnosis_results"]):
                yield ("MedR-Bench differential", f"{record}:{number}"), item
    reports = json.loads((folder / "demo_treatment_100.json").read_text(encoding="utf-8"))
    for record, report in reports.items():
        if (stated := stated_diagnosis(report["generate_case"]["case_summary"])) is not None:
            yield ("MedR-Bench treatment", record), stated


def _medpix(folder: Path) -> Iterator[Entry]:
    for topic in json.loads((folder / "Case_topic.json").read_text(encoding="utf-8")):
        case = topic["Case"]
        yield ("MedPix", topic["U_id"]), case["Case Diagnosis"]
        for number, item in enumerate(line_items(case["Differential Diagnosis"]), start=1):
            if is_other_diagnosis(item, case["Case Diagnosis"]):
                yield ("MedPix differential", f"{topic['U_id']}:{number}"), item


def _f1000(folder: Path) -> Iterator[Entry]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    for path in sorted(folder.glob("*.nxml")):
        article = etree.parse(str(path), parser).getroot()
        if (said := diagnosed(article)) is not None:
            yield ("F1000Research", path.stem), said
        every = chain(statements(article, "abstract"), statements(article, "body"))
        for number, said in enumerate(every, start=1):
            yield ("F1000Research statement", f"{path.stem}:{number}"), said
        for number, other in enumerate(alternatives(article), start=1):
            yield ("F1000Research differential", f"{path.stem}:{number}"), other


def _medxpertqa(path: Path) -> Iterator[Entry]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for question in map(json.loads, lines):
            if (right := asked_diagnosis(question)) is None:
                continue
            yield ("MedXpertQA", question["id"]), right
            for option in question["options"]:
                text = option["content"].strip().partition("\n")[0]
                if option["letter"] not in question["label"] and NO_DIAGNOSIS.search(text) is None:
                    yield ("MedXpertQA option", f"{question['id']}:{option['letter']}"), text


def _medqa(path: Path) -> Iterator[Entry]:
    """Options, right and wrong, of MedQA's test questions that ask for the diagnosis."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for question in map(json.loads, lines):
            asked, _, answers = question["question"].partition("\nAnswer Choices: ")
            if ASKS.search(SENTENCE_END.split(" ".join(asked.split()))[-1]) is None:
                continue
            for found in re.finditer(r"\((?P<letter>[A-J])\) (?P<words>.+?)(?= \([A-J]\) |$)", answers):
                if NO_DIAGNOSIS.search(found["words"]) is None:
                    yield ("MedQA option", f"{question['id']}:{found['letter']}"), found["words"]


def _medec(folder: Path) -> Iterator[Entry]:
    """The mended sentence of each note whose error is the diagnosis."""
    for part in ("Test", "Validation"):
        path = folder / f"MEDEC-MS-{part}Set-with-GroundTruth-and-ErrorType.csv"
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                if row["Error Type"].casefold() == "diagnosis":
                    yield ("MEDEC", row["Text ID"]), row["Corrected Sentence"]


def _roco(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*captions.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record, _, caption = line.rstrip("\n").partition("\t")
                if (stated := captioned(caption)) is not None:
                    yield ("ROCO", record.strip()), stated
