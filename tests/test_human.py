"""Readers' answers as they come from a spreadsheet, and as requests get them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from medsyn.case import InputError, TextPart
from medsyn.model import Request, Response, Sampling, open_models

HEADER = "case,reader,differential,option,flag,reason\n"
OPTIONS = ("Mumps", "Influenza A", "Measles")


def readers(folder: Path, text: str | bytes) -> dict[str, object]:
    file = folder / "readers.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {model.name: model for model in open_models(f"human:{file}")}


def ask(model: object, task: str = "fdx", options: tuple[str, ...] = OPTIONS, **fields: object) -> Response:
    fields = {"case": "c1", "condition": "images", "language": "en", **fields}
    request = Request(parts=(TextPart("?", "question"),), task=task, options=options, **fields)
    response = asyncio.run(model.respond(request))
    assert response.key == request.key(model.identity)
    return response


def test_each_reader_is_a_model_that_answers_from_its_rows(tmp_path):
    text = HEADER + 'c1,Dr A,"Measles, influenza A",measles,ambiguous,no serology\nc1,李医生,麻疹，流感,Mumps,,\n'
    models = readers(tmp_path, text)
    assert list(models) == ["human:Dr A", "human:李医生"]
    first = models["human:Dr A"]
    assert (ask(first).text, ask(first).status) == ("C", "ok")
    assert ask(first).reasoning == "ambiguous: no serology"
    assert ask(first, "ddx", ()).text == "Measles, influenza A"
    assert ask(models["human:李医生"]).text == "A"
    assert ask(models["human:李医生"]).reasoning is None


def test_the_chosen_option_is_found_in_whatever_order_it_is_shown(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,,  influenza   a ,,\n")["human:R"]
    for shift in range(3):
        shown = OPTIONS[shift:] + OPTIONS[:shift]
        assert shown[ord(ask(model, options=shown).text) - ord("A")] == "Influenza A"


def test_options_that_differ_in_spaces_alone_are_told_apart_by_the_exact_text(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,,type 1,,\nc2,R,,TYPE 1,,\n")["human:R"]
    assert ask(model, options=("type  1", "type 1")).text == "B"
    assert ask(model, options=("type  1", "type 1"), case="c2").failure.kind == "input"


def test_an_option_that_was_not_shown_is_an_input_failure_with_what_was(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,,B,,\n")["human:R"]
    response = ask(model)
    assert (response.status, response.failure.kind) == ("failed", "input")
    for words in ("R", "c1", "found 'B'", "Mumps; Influenza A; Measles"):
        assert words in response.failure.message


def test_a_legal_option_such_as_none_or_na_is_text(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,NA,None,,\n")["human:R"]
    assert ask(model, options=("None", "NA")).text == "A"
    assert ask(model, "ddx", ()).text == "NA"


def test_an_empty_cell_is_the_readers_failure_and_no_row_is_a_missing_answer(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,,,tired,\n")["human:R"]
    for response in (ask(model), ask(model, "ddx", ()), ask(model, "open-fdx", ())):
        assert (response.status, response.text, response.reasoning) == ("refused", "", "tired")
    missing = ask(model, case="c2")
    assert (missing.status, missing.failure.kind) == ("failed", "input")
    assert missing.failure.message == "no answer of reader R for case c2 under images"


@pytest.mark.parametrize(
    ("differential", "first"),
    [
        ("Measles, mumps", "Measles"),
        ("Lymphoma (large cell, diffuse), measles", "Lymphoma (large cell, diffuse)"),
        ("麻疹，流感", "麻疹"),
        ("麻疹、流感", "麻疹"),
        ("Measles", "Measles"),
    ],
)
def test_the_one_diagnosis_is_the_first_of_the_differential(tmp_path, differential, first):
    model = readers(tmp_path, HEADER + f'c1,R,"{differential}",,,\n')["human:R"]
    assert ask(model, "open-fdx", ()).text == first


def test_answers_belong_to_the_condition_that_was_shown(tmp_path):
    text = "condition," + HEADER + ",c1,R,x,Mumps,,\nfindings,c1,R,y,Measles,,\n"
    model = readers(tmp_path, text)["human:R"]
    assert ask(model).text == "A"
    assert ask(model, condition="findings").text == "C"
    assert "under remove-text" in ask(model, condition="remove-text").failure.message


def test_a_reader_has_no_probabilities_and_says_so(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,x,Mumps,,\n")["human:R"]
    assert "no probabilities" in ask(model, sampling=Sampling(posterior=True)).posterior_missing
    assert ask(model).posterior_missing is None


def test_a_spreadsheets_byte_order_mark_quotes_and_line_ends_do_not_matter(tmp_path):
    plain = readers(tmp_path, HEADER + 'c1,R,"a, b",Mumps,,"two\nlines"\n')["human:R"]
    sheet = readers(
        tmp_path,
        ("\ufeff" + HEADER + 'c1,R,"a, b",Mumps,,"two\nlines"\n')
        .replace(",\n", ",\r\n")
        .replace("reason\n", "reason\r\n")
        .encode(),
    )["human:R"]
    assert plain.identity == sheet.identity
    assert ask(sheet).reasoning == "two\nlines"


def test_identity_is_the_readers_own_rows(tmp_path):
    one = readers(tmp_path, HEADER + "c1,R,x,Mumps,,\nc2,R,x,Mumps,,\n")["human:R"].identity
    more = readers(tmp_path, HEADER + "c2,R,x,Mumps,,\nc1,Q,y,,,\nc1,R,x,Mumps,,\n")["human:R"].identity
    other = readers(tmp_path, HEADER + "c1,R,x,Mumps,,\nc2,R,x,Measles,,\n")["human:R"].identity
    assert one == more  # the order of rows and another reader's rows do not matter
    assert one != other


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case,reader,differential,flag,reason\nc1,R,,,\n", ["line 1", "no column option"]),
        ("conditon," + HEADER, ["line 1", "did you mean 'condition'"]),
        ("case;reader;differential;option;flag;reason\n", ["line 1", "case;reader"]),
        (HEADER.replace("flag", "flag,flag"), ["line 1", "a column twice"]),
        (HEADER + "c1,R,,,,\nc1,,,,,\n", ["line 3", "c1", "reader", "an empty cell"]),
        (HEADER + ",R,,,,\n", ["line 2", "case", "an empty cell"]),
        (HEADER + "c1,R,,,,\nc2,R,,,,\nc1,R,x,,,\n", ["line 4", "c1", "second answer of R", "line 2"]),
        (HEADER + "c1,R,a, b,Mumps,,\n", ["line 2", "too many cells", "quotes"]),
        (HEADER + "c1,R\n", ["line 2", "too few cells"]),
        (HEADER + 'c1,R,"open\n', ["found no table"]),
        (HEADER, ["no rows"]),
        ("", ["no column case"]),
        (HEADER.encode() + "c1,R,é,,,".encode("latin-1"), ["not UTF-8"]),
    ],
)
def test_a_faulty_file_is_refused_with_file_line_and_what_is_expected(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        readers(tmp_path, text)
    for word in ("readers.csv", *words):
        assert word in str(caught.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        open_models("human:nowhere.csv")
