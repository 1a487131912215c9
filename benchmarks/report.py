"""How long the report of a large run takes: 20 models, 452 cases, 10 conditions, two tasks, a judge.

    make bench                                     # all benchmarks that need no model
    .venv/bin/python benchmarks/report.py          # this one
    .venv/bin/python benchmarks/report.py --small  # seconds, to see that it works

The run folder is written as `medsyn run` writes it: 171,760 answers with posteriors (``fdx``) and lists of
diagnoses (``ddx``), 80,000 verdicts, in two languages, some refused, cut off, lost or not graded. `medsyn report`
then reads it in a process of its own. Its time is that of the whole command; below stands the processor
time of the parts that it calls, by the function's name, and of the templates.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any

from browse import browse
from PIL import Image as PILImage

from medsyn.case import Case, Casebook, Diagnosis, Evidence, Option, digest, place_image
from medsyn.judge import Subject
from medsyn.model import Posterior, Response, Usage
from medsyn.run.folder import open_folder
from medsyn.run.grading import subject_key
from medsyn.run.store import Store
from medsyn.task.fdx import base_order
from medsyn.taxonomy import Specialty

TYPES = ("ct", "microscopy", "xray", "laboratory")
WHOLE = ("images", "findings", "remove-text", "findings+remove-text", "random-text", "question-only")
CONDITIONS = (*WHOLE, *(f"{form}without-{kind}" for kind in TYPES[:2] for form in ("", "findings+")))
JUDGE = "openai:judge"
SETTINGS = {"temperature": 0.0, "max_tokens": 4096, "top_p": None, "seed": 0}
DISEASES = {
    "en": ("lymphoma", "abscess", "infarction", "vasculitis", "fibrosis", "sarcoma", "amyloidosis", "haemorrhage"),
    "zh": ("淋巴瘤", "脓肿", "梗死", "血管炎", "纤维化", "肉瘤", "淀粉样变性", "出血"),
}
PLACES = {
    "en": ("of the lung", "of the liver", "of the spleen", "of the kidney", "of the brain", "of the bowel"),
    "zh": ("肺", "肝", "脾", "肾", "脑", "肠"),
}
TEXT = {
    "en": "A patient of middle age with fever, weight loss and a cough of three weeks. " * 12,
    "zh": "中年患者，发热、消瘦、咳嗽三周。" * 12,
}
WHY = {"en": " The nodules and the course fit it best." * 6, "zh": "结节及病程与之最为符合。" * 6}


def names_of(number: int, language: str) -> list[str]:
    """Return the 48 diagnoses that lists of a case are drawn from; no two cases of a hundred share them."""
    first = number % 100
    if language == "zh":
        return [f"{place}{what}{first}型" for what in DISEASES["zh"] for place in PLACES["zh"]]
    return [f"Type {first} {what} {place}" for what in DISEASES["en"] for place in PLACES["en"]]


def write_casebook(folder: Path, cases: int) -> Casebook:
    """Save a casebook with two evidence types or more a case, an image or two for each."""
    made = []
    for number in range(cases):
        draw = random.Random(number)
        language = "zh" if number % 3 == 2 else "en"
        names = draw.sample(names_of(number, language), 5)
        evidence = []
        for place, kind in enumerate(TYPES[: 2 + number % 3]):
            pictures = []
            for index in range(1 + number % 2):
                data = BytesIO()
                colour = (number % 256, place * 60 + index * 20, number // 256)
                PILImage.new("RGB", (64, 64), colour).save(data, "PNG")
                pictures.append(place_image(data.getvalue(), folder, f"c{number}/{kind}-{index}"))
            evidence.append(Evidence(type=kind, images=tuple(pictures), findings=TEXT[language][:200]))
        made.append(
            Case(
                id=f"c{number:03}",
                language=language,
                specialty=list(Specialty)[number % len(Specialty)],
                history=TEXT[language],
                examination=TEXT[language],
                evidence=tuple(evidence),
                diagnosis=Diagnosis(name=names[0]),
                options=tuple(Option(text=name, right=place == 0) for place, name in enumerate(names)),
            )
        )
    Casebook("bench", "1", tuple(made)).save(folder)
    return Casebook.load(folder)


def write_run(folder: Path, book: Casebook, models: int) -> int:
    """Write a run folder as `medsyn run` and `medsyn grade` do; return the number of answers."""
    open_folder(folder, book, SETTINGS)
    answers = 0
    graded: set[str] = set()
    with Store(folder) as store:
        store.append("judges", {"name": JUDGE, "identity": {"name": "judge"}})
        for place in range(models):
            name, identity = f"openai:model-{place:02}", {"name": f"model-{place:02}"}
            head = {"model": name, "identity": digest(identity)}
            store.append("models", {"name": name, "identity": identity, "digest": head["identity"]})
            skill = 0.8 - 0.5 * place / max(1, models - 1)
            for case in book:
                for condition in CONDITIONS:
                    for task in ("fdx", "ddx"):
                        if (task, condition) == ("ddx", "question-only"):
                            record = {"model": name, "task": task, "condition": condition, "case": case.id}
                            store.append("skipped", record | {"reason": "no evidence is shown"}, flush=False)
                            continue
                        answers += 1
                        _answer(store, head, case, condition, task, skill, graded)
    return answers


def _answer(
    store: Store, head: dict[str, str], case: Case, condition: str, task: str, skill: float, graded: set[str]
) -> None:
    key = hashlib.sha256(f"{head['model']} {task} {condition} {case.id}".encode()).hexdigest()
    draw = random.Random(key)
    order = base_order(case, SETTINGS["seed"]) if task == "fdx" else ()
    item = head | {"task": task, "asked": task, "condition": condition, "case": case.id}
    item |= {"language": case.language, "rotation": 0, "replicate": 0, "step": 1, "final": True}
    store.append("items", item | {"order": list(order), "prompt": key[::-1], "key": key}, flush=False)
    chance = draw.random()
    if chance < 0.01:
        _store(store, Response.failed(key, "timeout", "no answer within 600 s"))
        return
    if chance < 0.02:
        _store(store, Response(key, "refused" if chance < 0.015 else "cut-off", "I cannot"))
        return
    skill -= 0 if condition == "images" else 0.1
    if task == "fdx":
        weights = [draw.random() ** 2 for _ in case.options]
        weights[0] += skill * draw.random() * 2
        total = sum(weights)
        shown = tuple(weights[index] / total for index in order)
        letter = chr(65 + max(range(len(shown)), key=shown.__getitem__))
        text = letter + "\n\n" + WHY[case.language]
        _store(store, Response(key, text=text, posterior=Posterior(shown, "exact", 0.98)))
        return
    named = draw.sample(names_of(int(case.id[1:]), case.language), 10)
    if draw.random() < skill and case.diagnosis.name not in named:
        named[draw.randrange(10)] = case.diagnosis.name
    text = "\n".join(f"{rank}. {name}" for rank, name in enumerate(named, 1))
    _store(store, Response(key, text=text))
    subject = Subject(case.id, case.language, "ddx", case.diagnosis, tuple(named))
    about = subject_key(subject)
    if about in graded:
        return
    graded.add(about)
    record: dict[str, Any] = {"judge": JUDGE, "subject": about, "case": case.id}
    record |= {"truth": case.diagnosis.name, "diagnoses": named, "key": about}
    if chance > 0.99:
        record |= {"missing": "the judge's answer holds no grade"}
    elif case.diagnosis.name in named:
        record |= {"score": 5, "rank": 1 + named.index(case.diagnosis.name), "reason": "It is in the list."}
    else:
        record |= {"score": draw.choice((0, 2, 3)), "reason": "Related to what was found, but another disease."}
    store.append("verdicts", record, flush=False)


def _store(store: Store, response: Response) -> None:
    record = {name: value for name, value in vars(response).items() if value not in (None, "")}
    record["usage"] = vars(Usage(1800, 120))
    for name in ("posterior", "failure"):
        if name in record:
            record[name] = vars(record[name])
    store.append("responses", record | {"seconds": 2.5}, flush=False)


# --- measuring -------------------------------------------------------------------------------------------

_spent: dict[str, float] = defaultdict(float)
_inside: list[float] = []


def _timed(name: str, function: Callable) -> Callable:
    """Add a function's own processor time, without that of timed functions inside it, to what is spent."""

    @wraps(function)
    def wrapper(*args: Any, **named: Any) -> Any:
        began = time.process_time()
        _inside.append(0.0)
        try:
            return function(*args, **named)
        finally:
            whole = time.process_time() - began
            _spent[name] += whole - _inside.pop()
            if _inside:
                _inside[-1] += whole

    return wrapper


def _pages(pages: Callable) -> Callable:
    """Time a generator, page by page."""

    def wrapper(*args: Any) -> Iterator[Any]:
        found = pages(*args)
        step = _timed(pages.__name__, lambda: next(found, None))
        while (page := step()) is not None:
            yield page

    return wrapper


def report(run: Path, out: Path, times: Path) -> None:
    """Call the command with its parts timed; write the times."""
    import jinja2

    from medsyn.cli import app
    from medsyn.report import write
    from medsyn.run import Run

    Run.load = staticmethod(_timed("Run.load", Run.load))
    for name, module in list(sys.modules.items()):
        if not name.startswith("medsyn.report"):
            continue
        for attribute, value in list(vars(module).items()):
            home = getattr(value, "__module__", None) or ""
            if callable(value) and not isinstance(value, type) and home.startswith("medsyn.analysis"):
                setattr(module, attribute, _timed(attribute, value))
    write.case_pages = _pages(write.case_pages)
    write._write = _timed("write files", write._write)
    render = jinja2.Template.render
    jinja2.Template.render = lambda self, *args, **named: _timed(self.name, render)(self, *args, **named)
    whole = _timed("rest", app)
    whole(["report", str(run), "--out", str(out)], standalone_mode=False)
    times.write_text(json.dumps(_spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="2 models, 12 cases")
    parser.add_argument("--report", nargs=3, type=Path, metavar="PATH", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.report:
        report(*chosen.report)
        return
    models, cases = (2, 12) if chosen.small else (20, 452)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        began = time.perf_counter()
        answers = write_run(folder / "run", write_casebook(folder / "book", cases), models)
        print(f"{models} models, {cases} cases, {len(CONDITIONS)} conditions: {answers:,} answers "
              f"(written in {time.perf_counter() - began:.0f} s)")  # fmt: skip
        measure(folder)


def measure(folder: Path) -> None:
    """Report the run in a folder by the command, and print what it took; then once more with its parts timed."""
    times = folder / "times.json"
    plain = [sys.executable, "-c", "from medsyn.cli import main; main()", "report", folder / "run", "-o"]
    began = time.perf_counter()
    subprocess.run([*map(str, plain), str(folder / "report")], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [Path(at) / name for at, _, names in os.walk(folder / "report") for name in names]
    size = sum(file.stat().st_size for file in files)
    pages = sum(file.suffix == ".html" for file in files)
    processor, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"medsyn report: {wall:.1f} s wall, {processor:.1f} s processor, {peak:,.0f} MiB of memory at most")
    print(f"  {len(files):,} files, {pages} pages, {size / 2**20:,.0f} MiB")
    timed = [sys.executable, __file__, "--report", folder / "run", folder / "timed", times]
    subprocess.run([*map(str, timed)], check=True, stdout=subprocess.DEVNULL)
    print("  processor time of the parts in this process, which takes a little longer for being timed:")
    spent = json.loads(times.read_text())
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        if seconds >= 0.05:
            print(f"  {seconds:7.2f} s  {name}")
    browse(folder / "report")


if __name__ == "__main__":
    main()
