"""Grading sheets: what is drawn, what readers see, and what becomes of their grades."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pytest

from books import DISEASES, small_book
from medsyn.analysis import main_table, missing_table
from medsyn.analysis.frames import grades
from medsyn.case import InputError
from medsyn.judge import SCORES
from medsyn.run import Run, Study, grade_run, run_study
from medsyn.run.load import NOT_SAMPLED
from medsyn.run.sheet import allocate, draw_sheet, read_sheets, store_sheet
from medsyn.run.sheet_files import COLUMNS, rubric, write_sheet
from medsyn.run.sheet_import import import_grades
from medsyn.run.study import ModelChoice
from test_cli import fails, medsyn

HOSTILE = "</script><script>document.title='broken'</script> & more"


def answer(received) -> str:
    """Two models that answer differently; one refuses some cases."""
    model = received.body["model"]
    number = next((n for n in range(12) if f"patient {n}." in received.text or f"患者{n}的" in received.text), 0)
    if model == "second" and number in (1, 2):
        return "I'm sorry, but I cannot help with that."
    shift = number if model == "first" else number + 1
    listed = [DISEASES[(shift + step) % 4] for step in range(2 if number else 3)]
    return "\n".join(f"{rank}. {name}" for rank, name in enumerate([*listed, f"Other <b> {HOSTILE}"], 1))


@pytest.fixture
def run(tmp_path, fake_server) -> Run:
    small_book(tmp_path / "book", 12)
    fake_server.answer = answer
    models = [
        {"name": f"openai:{name}", "base_url": fake_server.url, "retries": 0} for name in ("first", "second")
    ]
    run_study(Study(cases=tmp_path / "book", out=tmp_path / "run", model=models, task="ddx", judge="exact"))
    return Run.load(tmp_path / "run")


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def fill(path: Path, grade, separator: str = ",") -> Path:
    """Fill a sheet's column of grades by a function of the row."""
    filled = path.with_name("filled.csv")
    with filled.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter=separator)
        table.writeheader()
        table.writerows(row | {"grade": grade(row)} for row in rows(path))
    return filled


def drawn(run: Run, folder: Path, n: int = 5, **more):
    sheet = draw_sheet(run, n, **more)
    table, page = write_sheet(run, sheet, folder)
    store_sheet(run.folder, sheet)
    return sheet, table, page


def test_a_sheet_holds_all_answers_of_its_cases_once_and_hides_whose_they_are(run, tmp_path):
    sheet, table, page = drawn(run, tmp_path / "sheet")
    assert len(sheet.cases) == 5
    expected = {(r.case, r.diagnoses) for r in run.results if r.case in sheet.cases and r.status == "answered"}
    assert len(sheet.answers) == len(expected)
    shown = rows(table)
    assert [row["case"] for row in shown] == [answer.case for answer in sheet.answers]
    assert list(dict.fromkeys(row["case"] for row in shown)) == list(sheet.cases)
    assert {(row["case"], row["list"]) for row in shown} == {
        (case, "; ".join(f"{i}. {name}" for i, name in enumerate(listed, 1))) for case, listed in expected
    }
    for text in (table.read_text("utf-8"), page.read_text("utf-8")):
        for hidden in ("openai", "first", "second", "exact", "probabilit", "strat", sheet.answers[0].subject):
            assert hidden not in text, hidden
    assert HOSTILE not in page.read_text("utf-8")


def test_the_same_draw_is_the_same_sheet_and_other_seeds_draw_every_case_alike(run, tmp_path):
    assert draw_sheet(run, 5) == draw_sheet(run, 5)
    assert draw_sheet(run, 5).id != draw_sheet(run, 5, seed=1).id
    counts = Counter(case for seed in range(600) for case in draw_sheet(run, 4, seed=seed).cases)
    assert set(counts) == {case.id for case in run.book}
    assert all(abs(count - 200) < 5 * (600 * (1 / 3) * (2 / 3)) ** 0.5 for count in counts.values())
    drawn(run, tmp_path / "a")
    drawn(run, tmp_path / "a")
    assert len(read_sheets(run.folder)) == 1
    assert read_sheets(run.folder)[draw_sheet(run, 5).id] == draw_sheet(run, 5)


@pytest.mark.parametrize("stratify", ["language", "grade", "model", "specialty"])
def test_probabilities_are_those_of_the_draw_in_strata(run, stratify):
    sheet = draw_sheet(run, 8, stratify)
    sizes = Counter(sheet.strata.values())
    taken = Counter(sheet.strata[case] for case in sheet.cases)
    assert sheet.probabilities == {stratum: taken[stratum] / size for stratum, size in sizes.items()}
    assert all(taken[stratum] >= min(2, size) for stratum, size in sizes.items())
    assert (
        set(sizes)
        == {
            "language": {"en", "zh"},
            "grade": {"0", "2", "5"},
            "model": {"openai:first", "openai:first | openai:second"},
            "specialty": {"unknown"},
        }[stratify]
    )


def test_shares_of_strata():
    assert allocate({"a": 100, "b": 100}, 20) == {"a": 10, "b": 10}
    assert allocate({"a": 10_000, "b": 100}, 110) == {"a": 100, "b": 10}
    assert allocate({"a": 3, "b": 1}, 60) == {"a": 3, "b": 1}
    with pytest.raises(InputError, match=r"found 5, expected at least 6 \(two cases of each of 3 strata\)"):
        allocate({"a": 9, "b": 9, "c": 9}, 5)


def test_the_rubric_has_words_for_every_grade():
    for scale, scores in SCORES.items():
        for language in ("en", "zh"):
            assert sorted(rubric(scale, language)) == list(scores)


def test_grades_come_back_as_one_more_judge(run, tmp_path):
    sheet, table, _ = drawn(run, tmp_path / "sheet")
    done = import_grades(run, fill(table, lambda row: "4" if "Measles" in row["list"] else "2"), "AB")
    assert (done.judge, done.graded, done.missing) == ("human:AB", len(sheet.answers), ())
    again = Run.load(run.folder)
    assert again.judges == ("exact", "human:AB")
    for result in again.results:
        verdict = result.verdicts["human:AB"]
        if result.case not in sheet.cases:
            assert verdict.missing == NOT_SAMPLED
        elif result.status == "answered":
            assert verdict.score == (4 if "Measles" in result.diagnoses else 2)
        else:
            assert verdict.score == 0
    row = main_table(again).filter(model="openai:second", judge="human:AB", language="all").row(0, named=True)
    assert row["ddx_cases"] == 5
    assert row["ddx_missing"] == 7
    assert NOT_SAMPLED in str(missing_table(again)["reason"].to_list())
    assert len(grades(again).filter(judge="human:AB").drop_nulls("score")) == 10
    # other judges are not touched, and a later judge finds all its answers
    assert grade_run(run.folder, [ModelChoice(name="exact")]).verdicts == 0


def test_missing_grades_stay_missing_and_a_second_import_fills_them(run, tmp_path):
    sheet, table, _ = drawn(run, tmp_path / "sheet")
    done = import_grades(run, fill(table, lambda row: "" if row["answer"] == "2" else "3"), "AB")
    assert done.graded == len(sheet.answers) - 1
    assert len(done.missing) == 1
    assert "line 3: answer 2 (case" in done.missing[0]
    left = [r.verdicts["human:AB"] for r in Run.load(run.folder).results if r.case in sheet.cases]
    assert sum(verdict.missing == "not graded yet" for verdict in left) >= 1
    short = fill(table, lambda row: "5.0" if row["answer"] == "2" else "")
    short.write_text("\n".join(short.read_text("utf-8-sig").splitlines()[:4]), "utf-8")
    done = import_grades(run, short, "AB")
    assert (done.graded, done.changed) == (1, 0)
    assert any("is not in the file" in message for message in done.missing)
    assert all(
        r.verdicts["human:AB"].score is not None for r in Run.load(run.folder).results if r.case in sheet.cases
    )
    done = import_grades(run, fill(table, lambda row: "3"), "AB")
    assert done.changed == 1
    assert {
        r.verdicts["human:AB"].score
        for r in Run.load(run.folder).results
        if r.case in sheet.cases and r.status == "answered"
    } == {3}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_files_of_spreadsheet_programs_are_read(run, tmp_path, separator):
    sheet, table, _ = drawn(run, tmp_path / "sheet")
    assert import_grades(run, fill(table, lambda row: "3,0", separator), "AB").graded == len(sheet.answers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\r\n", "\r\n", 1).replace(",1,c", ",99,c"), r"answer: found '99', expected a"),
        (lambda text: text.replace(",1,c", ",one,c"), "answer: found 'one', expected a number from 1 to"),
        (lambda text: text.replace(",2,c", ",1,c"), "answer 1 stands on line 2 already"),
        (lambda text: text.replace(",3,\r\n", ",1,\r\n", 1), r"grade: found '1', expected one of 0, 2, 3, 4, 5"),
        (lambda text: text.replace(",3,\r\n", ",4.5,\r\n", 1), r"grade: found '4.5', expected one of"),
        (lambda text: text.replace("grade", "mark", 1), "line 1: found no column grade"),
        (lambda text: text.split("\r\n")[0], "found no rows"),
        (lambda text: "", "found no rows"),
    ],
)
def test_a_bad_file_is_refused_as_a_whole_with_its_lines(run, tmp_path, change, message):
    _, table, _ = drawn(run, tmp_path / "sheet")
    filled = fill(table, lambda row: "3")
    filled.write_bytes(change(filled.read_bytes().decode("utf-8-sig")).encode())
    with pytest.raises(InputError, match=message):
        import_grades(run, filled, "AB")
    assert Run.load(run.folder).judges == ("exact",)


def test_a_foreign_sheet_and_other_bad_input_are_refused(run, tmp_path):
    sheet, table, _ = drawn(run, tmp_path / "sheet")
    filled = fill(table, lambda row: "3")
    text = filled.read_text("utf-8-sig")
    filled.write_text(text.replace(sheet.id, "0" * 12), "utf-8")
    with pytest.raises(InputError, match="found '000000000000', expected one of this run"):
        import_grades(run, filled, "AB")
    filled.write_text(text.replace(sheet.id, "0" * 12, 1), "utf-8")
    with pytest.raises(InputError, match="line 3: sheet"):
        import_grades(run, filled, "AB")
    filled.write_bytes(text.encode("utf-16"))
    with pytest.raises(InputError, match="UTF-8"):
        import_grades(run, filled, "AB")
    with pytest.raises(InputError, match="found no name"):
        import_grades(run, filled, " ")
    with pytest.raises(InputError, match="expected one of model, grade"):
        draw_sheet(run, 5, "colour")
    table.write_text("grades are in here")
    with pytest.raises(InputError, match="grades may be in it"):
        write_sheet(run, sheet, tmp_path / "sheet")


def test_the_commands(run, tmp_path):
    out = tmp_path / "sheet"
    shown = medsyn("judge", "sheet", run.folder, "-n", "6", "--stratify", "language", "-o", out).stdout
    assert "6 of 12 cases" in shown
    filled = fill(out / "sheet.csv", lambda row: "" if row["answer"] == "1" else "5")
    done = medsyn("judge", "import", run.folder, filled, "--reader", "AB")
    assert "human:AB:" in done.stdout
    assert "line 2: answer 1" in done.stderr
    assert Run.load(run.folder).judges == ("exact", "human:AB")
    assert "did not" not in medsyn("report", run.folder, "-o", tmp_path / "report").stdout
    assert "expected at least" in fails("judge", "sheet", run.folder, "-n", "3", "--stratify", "language")
    assert "cannot be read" in fails("judge", "import", run.folder, tmp_path / "no.csv", "--reader", "AB")


def test_the_page_grades_by_keyboard_and_mouse_keeps_and_exports_what_import_takes(run, browser, tmp_path):
    sheet, _, path = drawn(run, tmp_path / "sheet")
    faults: list[str] = []
    context = browser.new_context(accept_downloads=True, viewport={"width": 1000, "height": 900})
    context.on("request", lambda r: None if r.url.startswith(("file:", "blob:")) else faults.append(r.url))
    context.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    context.on("weberror", lambda e: faults.append(str(e.error)))
    page = context.new_page()
    page.goto(path.as_uri())
    total = len(sheet.answers)
    assert page.title() == "Grading sheet"
    assert page.locator("#done").inner_text() == f"0 of {total} graded"
    first = sheet.answers[0]
    listed = page.locator("#answer-1 ol li").all_inner_texts()
    truth = run.book[first.case].diagnosis.name
    assert page.locator(".truth").inner_text() == truth
    assert any(HOSTILE in name for name in listed)
    words = page.locator("#answer-1 label").all_inner_texts()
    assert rubric("ddx", run.book[first.case].language)[5] in " ".join(words)
    # the mouse, then the keyboard; 1 is not on the scale
    page.locator("#answer-1 input[value='4']").check()
    page.get_by_role("button", name="Next without grade").click()
    assert page.evaluate("document.activeElement.id") == "answer-2"
    page.keyboard.press("1")
    assert page.locator("#done").inner_text() == f"1 of {total} graded"
    page.keyboard.press("0")
    assert page.locator("#done").inner_text() == f"2 of {total} graded"
    page.locator("#answer-2 textarea").fill('He said "5", I\nsay 0')
    page.reload()
    assert page.locator("#done").inner_text() == f"2 of {total} graded"
    for _ in range(total - 3):
        page.get_by_role("button", name="Next without grade").click()
        page.keyboard.press("3")
    assert page.locator("#done").inner_text() == f"{total - 1} of {total} graded"
    page.locator(".answer.graded").first.get_by_role("button", name="No grade").click()
    assert page.locator("#done").inner_text() == f"{total - 2} of {total} graded"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000
    with page.expect_download() as wanted:
        page.get_by_role("button", name="Save grades as CSV").click()
    assert wanted.value.suggested_filename == f"grades-{sheet.id}.csv"
    wanted.value.save_as(tmp_path / "grades.csv")
    context.close()
    assert faults == []
    done = import_grades(run, tmp_path / "grades.csv", "AB")
    assert done.graded == total - 2
    assert len(done.missing) == 2
    saved = {int(row["answer"]): row["grade"] for row in rows(tmp_path / "grades.csv")}
    given = {(r.case, r.diagnoses): r.verdicts["human:AB"] for r in Run.load(run.folder).results if r.diagnoses}
    assert saved[1] == "4"
    assert given[first.case, tuple(listed)].score == 4
    assert 'He said "5", I\nsay 0' in {verdict.reason for verdict in given.values()}
