"""Readers' answers as they come from a spreadsheet, and as requests get them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from books import small_book
from medsyn import Study, run_study
from medsyn.case import Case, Casebook, CasebookError, InputError, Option, TextPart
from medsyn.model import Request, Response, Sampling, open_models
from medsyn.model.human import EMPTY_CELL, check_readers
from medsyn.task.parse import read_diagnosis, read_differential, read_option

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
    assert ask(first, "ddx", ()).text == "1. Measles\n2. influenza A"
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
    assert ask(model, "ddx", ()).text == "1. NA"


def test_an_empty_cell_is_the_readers_failure_and_no_row_is_a_missing_answer(tmp_path):
    model = readers(tmp_path, HEADER + "c1,R,,,tired,\n")["human:R"]
    for response in (ask(model), ask(model, "ddx", ()), ask(model, "open-fdx", ())):
        assert (response.status, response.text, response.reasoning) == ("refused", EMPTY_CELL, "tired")
        for read in (read_differential(response), read_option(response, OPTIONS, (0, 1, 2))):
            assert (read.status, read.reason) == ("refused", "the reader left it empty")
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
        ("Fibromuscular dysplasia, renal infarct; vasculitis", "Fibromuscular dysplasia, renal infarct"),
        ("1. Measles\n2. Mumps", "Measles"),
    ],
)
def test_the_one_diagnosis_is_the_first_of_the_differential(tmp_path, differential, first):
    model = readers(tmp_path, HEADER + f'c1,R,"{differential}",,,\n')["human:R"]
    assert ask(model, "open-fdx", ()).text == first


@pytest.mark.parametrize(
    ("differential", "read"),
    [
        ("Measles, mumps", ("Measles", "mumps")),
        (
            "Fibromuscular dysplasia, renal infarct; vasculitis",
            ("Fibromuscular dysplasia, renal infarct", "vasculitis"),
        ),
        ("Fibromuscular dysplasia, renal infarct;", ("Fibromuscular dysplasia, renal infarct",)),
        ("肾动脉纤维肌发育不良，肾梗死；血管炎", ("肾动脉纤维肌发育不良，肾梗死", "血管炎")),
        ("Lymphoma (large cell; diffuse), measles", ("Lymphoma (large cell; diffuse)", "measles")),
        ("1. Measles, rash\n2) Mumps", ("Measles, rash", "Mumps")),
        ("2型糖尿病、痛风", ("2型糖尿病", "痛风")),
        ("E. coli sepsis", ("E. coli sepsis",)),
    ],
)
def test_a_semicolon_lets_a_comma_belong_to_a_diagnosis(tmp_path, differential, read):
    model = readers(tmp_path, HEADER + f'c1,R,"{differential}",,,\n')["human:R"]
    assert read_differential(ask(model, "ddx", ())).diagnoses == read
    assert read_diagnosis(ask(model, "open-fdx", ())).diagnoses == read[:1]


def book() -> Casebook:
    options = tuple(Option(text=text, right=text == "Mumps") for text in OPTIONS)
    cases = (Case(id="case-1", language="en", options=options), Case(id="case-2", language="en"))
    return Casebook("tiny", "1", cases)


def test_rows_that_fit_the_casebook_have_no_faults(tmp_path):
    rows = "case-1,R,x,  influenza   a,,\ncase-1,Q,x,,,\ncase-2,R,x,,,\n"
    for model in readers(tmp_path, HEADER + rows).values():
        assert model.check(book()) == []
    assert check_readers(tmp_path / "readers.csv", book()) == []


def test_a_letter_that_is_an_options_whole_text_is_no_fault(tmp_path):
    options = (Option(text="A", right=True), Option(text="B"))
    lettered = Casebook("tiny", "1", (Case(id="case-1", language="en", options=options),))
    assert readers(tmp_path, HEADER + "case-1,R,,a,,\n")["human:R"].check(lettered) == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("case1,R,x,Mumps,,", ["line 2", "case case1", "found 'case1'", "did you mean 'case-1'"]),
        ("zzz,R,x,Mumps,,", ["line 2", "found 'zzz'", "expected the id of a case in the casebook"]),
        (
            "case-1,R,x,B,,",
            ["case case-1: option: found 'B'", "the option's text", "other letters", "Mumps; Influenza A"],
        ),
        ("case-1,R,x,(c),,", ["found '(c)'", "other letters"]),
        ("case-1,R,x,Mumps disease,,", ["found 'Mumps disease'", "expected one of: Mumps; Influenza A; Measles"]),
        ("case-2,R,x,Mumps,,", ["case case-2: option: found 'Mumps'", "expected an empty cell"]),
    ],
)
def test_a_row_that_does_not_fit_the_casebook_is_a_fault(tmp_path, row, words):
    model = readers(tmp_path, HEADER + row + "\n")["human:R"]
    (fault,) = model.check(book())
    for word in ("readers.csv", *words):
        assert word in str(fault)


def test_all_rows_that_do_not_fit_are_told_at_once(tmp_path):
    models = readers(tmp_path, HEADER + "case-1,R,x,B,,\ncase-9,Q,x,,,\ncase-2,R,x,Mumps,,\n")
    faults = check_readers(tmp_path / "readers.csv", book())
    assert [fault.file.rpartition(" ")[2] for fault in faults] == ["2", "4", "3"]
    assert faults == [fault for model in models.values() for fault in model.check(book())]
    assert "3 faults" in str(CasebookError(faults))


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


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("image", ["line 2", "case c00: condition: found 'image'", "did you mean 'images'"]),
        ("leave-one-out", ["found 'leave-one-out'", "expected one condition: images, ", "findings+without-ct"]),
        ("remove-text+images", ["found 'remove-text+images'", "expected one condition: remove-text"]),
    ],
)
def test_a_condition_that_no_model_is_shown_is_a_fault_before_anything_is_stored(tmp_path, condition, words):
    small_book(tmp_path / "book")
    rows = f"case,reader,differential,option,flag,reason,condition\nc00,R,gout,,,,{condition}\n"
    (tmp_path / "readers.csv").write_text(rows, encoding="utf-8")
    study = Study(
        cases=tmp_path / "book", model=f"human:{tmp_path / 'readers.csv'}", task="ddx", out=tmp_path / "run"
    )
    with pytest.raises(CasebookError) as caught:
        run_study(study)
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / "run").exists()
