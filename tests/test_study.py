"""Study files and flags say the same, and bad ones are told clearly."""

from __future__ import annotations

import pytest

from medsyn.case import InputError
from medsyn.run import Study, load_study
from medsyn.run.budget import Budget, Prices

FILE = """
cases: book
out: runs/first
model:
  - baseline:lexical
  - {name: openai:m, base_url: "http://127.0.0.1:1/v1", image_max_side: 512}
task: [ddx, fdx]
condition: images, findings+remove-text
judge: exact
samples: 3
"""


def test_a_study_file_says_what_flags_say(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(FILE)
    study = load_study(path)
    assert study.cases == tmp_path / "book"
    assert study.out == tmp_path / "runs/first"
    assert [model.name for model in study.model] == ["baseline:lexical", "openai:m"]
    assert study.model[1].settings.image_max_side == 512
    assert study.condition == ("images", "findings+remove-text")
    assert study.judge[0].name == "exact"
    assert study.task_settings.sampling.temperature == 1.0
    assert load_study(path, samples=1).task_settings.sampling.temperature == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("task: [open_fdx]", "did you mean 'open-fdx'"),
        ("condition: finding", "did you mean 'findings'"),
        ("condition: without-mrj", "did you mean 'mri'"),
        ("condition: images+findings", "exclude each other"),
        ("permutation: 3", "permutation: an unknown field; did you mean 'permutations'"),
        ("samples: many", "samples: found 'many', expected"),
        ("model: {name: openai:m, base_ur: x}", "did you mean 'base_url'"),
        ("budget: a lot", "budget: found 'a lot'"),
        ("budget: 5 USD", "there are no prices"),
        ("prices: none.yaml", "none.yaml: cannot be read"),
    ],
)
def test_a_mistake_is_told_with_what_was_expected(tmp_path, change, message):
    name = change.split(":")[0]
    kept = [
        line
        for line in FILE.splitlines()
        if line and not line.startswith(f"{name}:") and not (name == "model" and line.startswith("  - "))
    ]
    path = tmp_path / "study.yaml"
    path.write_text("\n".join([*kept, change]))
    with pytest.raises(InputError) as told:
        load_study(path)
    assert message in str(told.value)


def test_a_missing_field_is_named(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("cases: book\n")
    with pytest.raises(InputError, match=r"model: found nothing"):
        load_study(path)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words", "a: [1, 2", ""])
def test_a_file_that_is_no_study_is_told(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"study\.yaml"):
        load_study(path)


def test_names_are_kept_once_and_in_order():
    study = Study(cases="b", out="r", model="baseline:random", task="fdx,ddx,fdx")
    assert study.task == ("fdx", "ddx")


@pytest.mark.parametrize(("text", "tokens"), [("1500", 1500), ("2M", 2_000_000), ("1.5k tokens", 1500)])
def test_budgets_in_tokens(text, tokens):
    assert Budget.parse(text, Prices()).tokens == tokens


def test_a_temperature_can_be_left_to_the_server():
    def temperature(**given):
        study = Study(cases="b", out="r", model="baseline:random", **given)
        return study.task_settings.sampling.temperature

    assert temperature() == 0.0
    assert temperature(temperature="0.7") == 0.7
    assert temperature(temperature="server") is None


def test_every_path_in_a_study_file_is_relative_to_it(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "cases: book\nout: run\nmodel: ['human:readers.csv', {name: 'openai:m', tokenizer: t.json}]\n"
        "judge: [exact]\ntask: 'fdx,'\n"
    )
    study = load_study(path)
    assert study.model[0].name == f"human:{tmp_path / 'readers.csv'}"
    assert study.model[1].tokenizer == str(tmp_path / "t.json")
    assert study.task == ("fdx",)
