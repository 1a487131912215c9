"""A casebook as a task of lmms-eval: a YAML file, the Python that it names, and a dataset folder beside them.

Only the choice among options (task ``fdx``) can be scored there; cases that lack options are left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import yaml

from medsyn.case import Casebook
from medsyn.export import Written
from medsyn.export.asked import Asked, ask_selection, export_name
from medsyn.export.huggingface import SPLIT, card, write_data
from medsyn.source.drafting import draft_of

TOKENS = 4096
"""The most tokens to generate, as in medsyn's own studies."""


def write(book: Casebook, out: Path, *, seed: int = 0, each: Callable[[], None] = lambda: None) -> Written:
    """Write the task; arguments and errors as in `medsyn.export.export_cases`."""
    name = export_name(book, seed)
    asked = {case.id: ask_selection(case, seed) for case in book}
    cases = [case for case in book if isinstance(asked[case.id], Asked)]
    with draft_of(out / name) as draft:
        write_data(cases, draft / "dataset", seed, each)
        (draft / "dataset" / "README.md").write_text(card(book, seed), encoding="utf-8")
        (draft / "utils.py").write_text(
            files("medsyn.export.harness").joinpath("lmms_eval_utils.py").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        task = _task(name, book, (out / name / "dataset").resolve())
        (draft / f"{name}.yaml").write_text(task, encoding="utf-8")
    left_out = {case: why for case, why in asked.items() if isinstance(why, str)}
    return Written(out / name, (Path(f"{name}.yaml"),), {"cases": len(cases)}, left_out)


def _task(name: str, book: Casebook, dataset: Path) -> str:
    metrics = [
        {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("accuracy", "answered")
    ]
    plain = {
        "task": name,
        "dataset_path": str(dataset),
        "test_split": SPLIT,
        "output_type": "generate_until",
        "doc_to_target": "answer",
        "generation_kwargs": {"max_new_tokens": TOKENS, "temperature": 0, "do_sample": False, "until": []},
        "metric_list": metrics,
        "metadata": {"version": book.version, "casebook": book.name, "casebook_digest": book.digest},
    }
    functions = ("doc_to_visual", "doc_to_text", "doc_to_messages", "process_results")
    return (
        f"# {book.name} {book.version}, content hash {book.digest}. Written by medsyn; for research only.\n"
        f"# Run: lmms_eval --include_path THIS_FOLDER --tasks {name} --model ...\n"
        "# If the folder moves, change dataset_path.\n"
        + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
        + "".join(f"{function}: !function utils.{function}\n" for function in functions)
    )
