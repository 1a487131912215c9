"""What a real browser makes of reports: of phantom readers, of real cases, of physicians, of a synthetic run."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from medsyn.analysis import BASELINE, conditions_table, main_table, models, sensitivity_table
from medsyn.report import write_report
from medsyn.report.cases import MARKS
from medsyn.report.figures import conditions_figure, gap_figure
from medsyn.run.types import Result
from report_runs import BLIND, GOOD, GUESSES, medpix_run, phantom_run
from synthetic import CONDITIONS, HOSTILE, SyntheticRun, synthetic_run


def written(make, folder: Path) -> SimpleNamespace:
    """Make a run, and write its report; in a thread, since the browser's loop may run in this one."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(make).result()
    write_report([run], folder / "report")
    return SimpleNamespace(run=run, folder=folder / "report")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    return written(lambda: synthetic_run(folder / "book", rotations=2), folder)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    return written(lambda: phantom_run(folder), folder)


@pytest.fixture(scope="module")
def medpix(tmp_path_factory, shared):
    folder = tmp_path_factory.mktemp("medpix")
    return written(lambda: medpix_run(folder, shared / "data/case_reports/medpix2_sample"), folder)


@pytest.fixture(params=["synthetic", "phantom", "medpix"])
def any_report(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def visit(browser):
    """Open pages; nothing may fail, and whatever is asked from outside is refused and counts as a fault."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def allow(route):
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            faults.append(f"from outside: {route.request.url}")
            route.abort()

    context.route("**/*", allow)
    # an image that is still loading when the reader goes on is given up, and has not failed
    failed = lambda r: None if r.failure == "net::ERR_ABORTED" else faults.append(f"failed: {r.url}")  # noqa: E731
    context.on("requestfailed", failed)
    context.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    context.on("weberror", lambda e: faults.append(str(e.error)))

    def open_page(report, name: str, width: int = 1280):
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        path, _, anchor = name.partition("#")
        page.goto((report.folder / path).as_uri() + (f"#{anchor}" if anchor else ""))
        return page

    yield open_page
    context.close()
    assert faults == []


def number(text: str) -> float:
    """Read a number as the page writes it, without the lines below it."""
    return float(re.sub(r"\s*(%|bits).*", "", text.split("\n")[0].replace("−", "-")))


def head(table, row: int) -> list[str]:
    return table.locator("tbody tr").nth(row).locator("th, td").all_inner_texts()


def test_pages_load_offline_without_errors_and_show_all_images(visit, any_report):
    pages = ["index.html", "cases.html", *(f"cases/{case.id}.html" for case in any_report.run.book)]
    for path in pages:
        page = visit(any_report, path)
        page.evaluate("document.querySelectorAll('img').forEach((i) => (i.loading = 'eager'))")
        page.wait_for_function("[...document.images].every((i) => i.complete)")
        assert page.evaluate("[...document.images].filter((i) => i.src && !i.naturalWidth).length") == 0
        if path.startswith("cases/"):
            case = any_report.run.book[path.removeprefix("cases/").removesuffix(".html")]
            assert page.locator("#evidence img").count() == len(case.images)
        assert "broken" not in page.title()
        links = page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.href.split('#')[0])")
        assert [link for link in links if not Path(link.removeprefix("file://")).is_file()] == []
        page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen(visit, any_report, width):
    first = next(iter(any_report.run.book)).id
    for name in ("index.html", "cases.html", f"cases/{first}.html"):
        page = visit(any_report, name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.close()


def test_main_numbers_on_the_page_are_those_of_the_api(visit, any_report):
    page = visit(any_report, "index.html")
    expected = main_table(any_report.run).filter(pl.col("language") == "all")
    table = page.locator("#table-main > .scroll table")
    columns = table.locator("thead tr").last.locator("th").all_inner_texts()
    assert table.locator("tbody tr").count() == len(expected)
    for place, row in enumerate(expected.iter_rows(named=True)):
        cells = head(table, place)
        assert cells[0].split("\n")[0] == row["model"]
        for name, column in (("coverage", "Coverage"), ("accuracy", "Accuracy"), ("gap", "Points")):
            shown = cells[columns.index(column)]
            if row[name] is None:
                assert shown.startswith("–")
            else:
                assert math.isclose(number(shown), row[name], abs_tol=0.0501), (row["model"], name)
                low, high = (f"{row[f'{name}_{end}']:.1f}".replace("-", "−") for end in ("low", "high"))
                assert low in shown, shown
                assert high in shown, shown
        counts = [cells[i] for i, column in enumerate(columns) if column == "Cases"]
        assert [number(text) for text in counts] == [row[f"{name}_cases"] for name in ("ddx", "fdx", "gap")]
        for name, text in zip(("ddx", "fdx"), counts, strict=False):
            assert (f"{row[f'{name}_missing']} missing" in text) == bool(row[f"{name}_missing"])


def test_numbers_by_condition_are_those_of_the_api(visit, any_report):
    page = visit(any_report, "index.html")
    frame = conditions_table(any_report.run).filter(pl.col("language") == "all", pl.col("task") == "fdx")
    table = page.locator("#table-conditions-fdx > .scroll table")
    names = [name.replace(" + ", "+") for name in table.locator("thead th").all_inner_texts()[1:]]
    assert names[0] == BASELINE
    for place, model in enumerate(models(any_report.run)):
        for name, text in zip(names, head(table, place)[1:], strict=True):
            row = frame.filter(pl.col("condition") == name, pl.col("model") == model).row(0, named=True)
            assert math.isclose(number(text), row["value"], abs_tol=0.0501), (model, name)


def test_planted_differences_between_phantom_readers_can_be_read_off_the_page(visit, phantom):
    page = visit(phantom, "index.html")
    shown = {}
    for row in page.locator("#table-main > .scroll tbody tr").all():
        cells = row.locator("th, td").all_inner_texts()
        shown[cells[0].split("\n")[0]] = number(cells[4])
    assert shown[GOOD] > shown[GUESSES] + 20
    words = page.locator("section.answer").inner_text()
    blamed = [line for line in words.split("\n") if "Microscopy" in line]
    assert blamed
    assert all(BLIND in line for line in blamed), "only the reader who does not see microscopy is said to"
    table = sensitivity_table(phantom.run).filter(pl.col("type") == "microscopy", pl.col("model") == BLIND)
    row = table.row(0, named=True)
    text = page.locator("#sensitivity").inner_text()
    assert f"{row['nmse']:.2f}" in text
    # in a case with microscopy, leaving it out changes nothing for the blind reader, and something for the good
    case = next(case.id for case in phantom.run.book if "microscopy" in case.evidence_types)
    page = visit(phantom, f"cases/{case}.html")
    bars = {}
    for place, model in ((0, GOOD), (1, BLIND)):
        section = page.locator("details.model").nth(place)
        assert section.locator("h3").inner_text() == model
        section.locator("summary", has_text="One evidence type left out").first.click()
        for title in ("images", "without-microscopy"):
            card = section.locator(".card").filter(has=page.get_by_role("heading", name=title, exact=True))
            bars[model, title] = card.locator(".bar").all_inner_texts()
    assert bars[BLIND, "images"] == bars[BLIND, "without-microscopy"] != []
    assert bars[GOOD, "images"] != bars[GOOD, "without-microscopy"]


def test_physicians_stand_beside_a_baseline_on_real_cases(visit, medpix):
    page = visit(medpix, "index.html")
    text = page.locator("#table-main > .scroll").inner_text()
    for name in ("baseline:lexical", "human:Dr Ada Lund", "human:李医生"):
        assert name in text
    assert "2 missing" in text
    book = list(medpix.run.book)
    page = visit(medpix, f"cases/{book[2].id}.html")
    page.locator("summary", has_text="Reasoning").first.click()
    assert "ambiguous: No contrast was given." in page.locator("#views").inner_text()
    page = visit(medpix, f"cases/{book[1].id}.html")
    empty = page.locator(".card", has_text="human:Dr Ada Lund")
    assert "refused: the reader left it empty" in empty.inner_text()
    page = visit(medpix, f"cases/{book[-1].id}.html")
    assert "missing" in page.locator(".card", has_text="human:李医生").locator(".mark").first.inner_text()
    # the figures name them too, although a drawing has no fonts of its own
    assert "human:李医生" in (medpix.folder / "figures" / "gap.svg").read_text(encoding="utf-8")


def outcome(results: list[Result]) -> str | None:
    """The letter that the list must show, found again from the answers."""
    if not results:
        return "s"
    values = set()
    for r in results:
        scores = [v.score for v in r.verdicts.values() if v.score is not None]
        if r.status == "missing" or (r.task != "fdx" and r.status == "answered" and not scores):
            continue
        if r.status != "answered":
            values.add("f")
        elif r.task == "fdx":
            values.add("r" if r.right else "w")
        else:
            values.add("r" if scores[0] >= 4 else "w")
    if not values:
        return "m"
    if len(values) == 1:
        return values.pop()
    return "p" if "r" in values else "w"


def test_filters_of_the_case_narrow_the_list(visit, synthetic):
    book = synthetic.run.book
    page = visit(synthetic, "cases.html")
    rows = page.locator("#cases tbody tr:visible")
    clear = page.get_by_role("button", name="Clear")

    def shown() -> set[str]:
        return set(rows.locator("th a").all_inner_texts())

    assert shown() == {case.id for case in book}
    for field, value, fits in (
        ("language", "zh", lambda case: case.language == "zh"),
        ("type", "mri", lambda case: "mri" in case.evidence_types),
        ("specialty", "haematology", lambda case: case.specialty == "haematology"),
    ):
        page.select_option(f"select[name={field}]", value)
        expected = {case.id for case in book if fits(case)}
        assert shown() == expected != set()
        assert page.locator("#shown").inner_text() == f"{len(expected)} of {len(book)} cases"
        clear.click()
    for text in ("case-004", "LYMPH", book["case-002"].diagnosis.name, "haematology"):
        page.fill("input[name=text]", text)
        assert 0 < len(shown()) < len(book)
        clear.click()
    page.fill("input[name=text]", "no such case")
    assert rows.count() == 0
    assert page.locator("#none").is_visible()


def test_filters_by_model_condition_and_outcome_find_what_the_answers_say(visit, synthetic):
    run = synthetic.run
    answers = defaultdict(list)
    for r in run.results:
        answers[r.task, r.condition, r.model, r.case].append(r)
    page = visit(synthetic, "cases.html")
    rows = page.locator("#cases tbody tr:visible")
    select = page.locator("select[name=question] option")
    offered = [
        (option.evaluate("(o) => o.parentElement.label"), option.inner_text().replace(" + ", "+"))
        for option in select.all()
    ]
    seen = set()
    for title, task, condition in (
        ("Final diagnosis", "fdx", "images"),
        ("Final diagnosis", "fdx", "question-only"),
        ("Final diagnosis", "fdx", "findings"),
        ("Differential diagnosis", "ddx", "findings"),
    ):
        page.select_option("select[name=question]", index=offered.index((title, condition)))
        for place, model in enumerate(models(run)):
            page.select_option("select[name=model]", str(place))
            letters = {case.id: outcome(answers[task, condition, model, case.id]) for case in run.book}
            for letter in set(letters.values()):
                page.select_option("select[name=outcome]", letter)
                expected = {case for case, found in letters.items() if found == letter}
                assert set(rows.locator("th a").all_inner_texts()) == expected
                signs = {"r": "✓", "w": "✗", "p": "◐", "f": "∅", "m": "?", "s": "–"}
                texts = rows.locator(".outcome").all_inner_texts()
                assert all(signs[letter] in text for text in texts)
                seen.add(letter)
            page.select_option("select[name=outcome]", "")
    assert seen >= {"r", "w", "p", "f", "s"}
    # with any model, a case is listed where at least one has the outcome
    page.select_option("select[name=model]", "")
    page.select_option("select[name=outcome]", "w")
    expected = {
        case.id
        for case in run.book
        for model in models(run)
        if outcome(answers[task, condition, model, case.id]) == "w"
    }
    assert set(rows.locator("th a").all_inner_texts()) == expected


def test_missing_answers_are_found_by_the_filter(visit, medpix):
    page = visit(medpix, "cases.html")
    page.select_option("select[name=model]", label="human:李医生")
    page.select_option("select[name=outcome]", "m")
    rows = page.locator("#cases tbody tr:visible th a").all_inner_texts()
    assert rows == [case.id for case in medpix.run.book][-2:]


def test_an_outcome_in_the_list_leads_to_its_answer(visit, synthetic):
    page = visit(synthetic, "cases.html")
    page.select_option("select[name=model]", "1")
    page.locator("#cases a.mark").nth(2).click()
    card = page.locator(".card:focus")
    card.wait_for()
    assert "case-002" in page.url
    assert card.locator("h4").inner_text() == "images"
    assert card.locator("xpath=ancestor::details").first.locator("h3").first.inner_text() == "openai:beta"
    # and so does a mark of the tables at a glance, also in the other arrangement
    page.get_by_label("the models under each condition").check()
    page.locator(".overview").nth(1).locator("tbody tr").nth(2).locator("a.mark").nth(1).click()
    assert page.locator(".card:focus h4").inner_text() == "baseline:random"
    assert page.locator("details.model[open] > summary h3").all_inner_texts() == ["findings"]


def test_every_mark_at_a_glance_is_that_of_the_answers(visit, synthetic):
    answers = defaultdict(list)
    for r in synthetic.run.results:
        answers[r.task, r.condition, r.model, r.case].append(r)
    letters = {"✓": "r", "✗": "w", "◐": "p", "∅": "f", "?": "m", "–": "s"}
    for case in synthetic.run.book:
        page = visit(synthetic, f"cases/{case.id}.html")
        for task, table in zip(("ddx", "fdx", "open-fdx"), page.locator(".overview").all(), strict=True):
            conditions = table.locator("thead th").all_inner_texts()[1:]
            for model, row in zip(models(synthetic.run), table.locator("tbody tr").all(), strict=True):
                for condition, cell in zip(conditions, row.locator("td").all(), strict=True):
                    mark = cell.inner_text().strip()[:1]
                    assert letters[mark] == outcome(answers[task, condition, model, case.id])
        page.close()


def test_a_case_page_shows_evidence_posteriors_grades_and_raw_answers(visit, synthetic):
    case = synthetic.run.book["case-002"]
    page = visit(synthetic, "cases/case-002.html")
    text = page.locator("main").inner_text()
    assert case.history in text
    assert case.examination in text
    captions = page.locator("#evidence figcaption").all_inner_texts()
    assert captions == [
        f"{i}" + (f" · {image.time}" if image.time else "")
        for item in case.evidence
        for i, image in enumerate(item.images, 1)
    ]
    page.locator("details.findings summary").first.click()
    assert page.locator("details.findings .prose").first.inner_text() == case.evidence[0].findings
    section = page.locator("details.model").first
    card = section.locator(".card").first
    asked = [r for r in synthetic.run.results if r.case == "case-002" and r.model == "openai:alpha"]
    given = [r for r in asked if (r.task, r.condition) == ("fdx", "images")]
    posteriors = [r.posterior for r in given if r.posterior]
    means = [sum(p.probabilities[i] for p in posteriors) / len(posteriors) for i in range(len(case.options))]
    for bar, mean in zip(card.locator(".bar").all(), means, strict=True):
        assert abs(float(bar.inner_text().removesuffix(" %")) - 100 * mean) <= 0.55
        wide = bar.evaluate("(bar) => getComputedStyle(bar, '::before').width")
        assert float(wide.removesuffix("px")) >= 1
    mass = min(p.option_mass for p in posteriors)
    assert f"Posterior: exact, option mass {mass:.2f}" in card.inner_text()
    listed = next(r for r in asked if (r.task, r.condition) == ("ddx", "images"))
    for judge, verdict in listed.verdicts.items():
        expected = f"{verdict.score}/5 {judge}: {verdict.reason}" if verdict.missing is None else verdict.missing
        assert expected in card.inner_text()
    assert listed.text not in card.inner_text()
    assert card.locator("pre").count() == 0, "raw answers are made when they are unfolded"
    card.locator("summary", has_text="Raw answer").first.click()
    assert card.locator("pre").first.inner_text() == listed.text
    # right and wrong are told apart by sign and word
    marks = page.locator(".card .mark.wrong").all_text_contents()
    assert marks
    assert all("✗" in mark and len(mark) > 3 for mark in marks)


def test_the_models_under_each_condition_stand_side_by_side(visit, synthetic):
    page = visit(synthetic, "cases/case-000.html")
    assert page.locator("details.model > summary h3").all_inner_texts() == models(synthetic.run)
    page.get_by_label("the models under each condition").check()
    assert page.locator("details.model > summary h3").all_inner_texts() == list(CONDITIONS)
    section = page.locator("details.model").nth(1)
    section.locator("summary").first.click()
    assert section.locator(".card h4").all_inner_texts() == models(synthetic.run)
    text = section.locator(".card").first.inner_text()
    results = [r for r in synthetic.run.results if (r.case, r.condition) == ("case-000", "findings")]
    listed = next(r for r in results if r.model == "openai:alpha" and r.task == "ddx")
    assert all(name in text for name in listed.diagnoses)


def test_views_with_several_types_left_out_are_not_laid_out_before_they_are_asked_for(visit, tmp_path, synthetic):
    book = synthetic.run.book
    case = book["case-002"]
    kinds = list(case.evidence_types)
    names = ["images"] + ["+".join(f"without-{k}" for k in kinds[:n]) for n in range(1, len(kinds) + 1)]
    answers = [
        Result("m", "fdx", name, case.id, "zh", option=i % 2, right=i % 2 == 1, text=f"answer {i}")
        for i, name in enumerate(names)
    ]
    run = SyntheticRun(answers, (), replace(book, cases=(case,)))
    report = written(lambda: run, tmp_path)
    page = visit(report, f"cases/{case.id}.html")
    assert page.locator(".overview thead th").all_inner_texts() == ["Model", "images"]
    assert page.locator(".card h4").all_inner_texts() == ["images"]
    page.get_by_text(f"Several evidence types left out ({len(kinds) - 1} views)").click()
    assert page.locator(".card").count() == 1
    page.locator("details.one summary").last.click()
    assert page.locator("details.one .card h4").inner_text() == names[-1].replace("+", " + ")
    assert page.locator("details.one .mark").last.inner_text().startswith("✓" if answers[-1].right else "✗")
    # an address leads there at once
    places = page.evaluate("JSON.parse(document.getElementById('answers-data').textContent).conditions")
    last = next(place for place, name, _ in places if name == names[-1])
    page = visit(report, f"cases/{case.id}.html#v-0-{last}")
    assert page.locator(".card:focus h4").inner_text() == names[-1].replace("+", " + ")
    page = visit(report, "cases.html")
    offered = page.locator("select[name=question] option").all_inner_texts()
    assert offered == ["images", names[1]]


def test_no_answer_and_no_case_becomes_markup(visit, synthetic):
    page = visit(synthetic, "cases/case-001.html")
    for one in page.locator("details.left-out > summary, details.raw > summary").all():
        one.click()
    page.locator("summary", has_text="Raw answer").first.click()
    assert HOSTILE in page.locator("#evidence").inner_text()
    assert HOSTILE in page.locator("#views").inner_text()
    assert "broken" not in page.title()
    assert page.locator("#views script").count() == 0


def test_cases_can_be_walked_by_keyboard(visit, synthetic):
    page = visit(synthetic, "cases/case-001.html")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/case-002.html")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/case-001.html")
    # inside a table that scrolls, the keys scroll it
    page.locator("div.scroll").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    assert "case-001" in page.url
    summary = page.locator("details.model > summary").first
    opened = page.locator("details.model").first.evaluate("(d) => d.open")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.model").first.evaluate("(d) => d.open") is not opened


def test_an_image_is_enlarged_and_closed_by_keyboard(visit, synthetic):
    page = visit(synthetic, "cases/case-001.html")
    page.locator("a.zoom").first.focus()
    page.keyboard.press("Enter")
    viewer = page.locator("dialog.viewer")
    assert viewer.is_visible()
    first = viewer.locator("img").get_attribute("src")
    page.keyboard.press("ArrowRight")
    assert viewer.locator("img").get_attribute("src") != first
    assert viewer.locator("img").get_attribute("alt")
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert "case-001" in page.url


UNNAMED = """() => {
  const named = (e) => e.textContent.trim() || e.alt || e.ariaLabel || e.labels?.[0]?.textContent.trim() ||
    [...e.querySelectorAll('img')].some((i) => i.alt);
  return [...document.querySelectorAll('a, button, input, select, summary, img, [role=region]')]
    .filter((e) => !e.closest('dialog') && !named(e)).map((e) => e.outerHTML.slice(0, 120));
}"""
FAINT = """() => {
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(c)) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = new Set();
  for (const e of document.querySelectorAll('main *, header *, footer *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.add(`${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`);
  }
  return [...found];
}"""


@pytest.mark.parametrize("name", ["index.html", "cases.html", "cases/case-002.html"])
def test_pages_are_readable_by_screen_readers_and_weak_eyes(visit, synthetic, name):
    page = visit(synthetic, name)
    assert page.evaluate(UNNAMED) == [], "every control and image has a name"
    assert page.evaluate(FAINT) == [], "contrast of at least 4.5 to 1"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), "no level of heading is skipped"
    assert (
        page.evaluate(
            "[...document.querySelectorAll('th:not([scope])')].filter((h) => h.textContent.trim()).length"
        )
        == 0
    )


def test_without_its_script_a_page_still_says_what_is_right(browser, synthetic):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((synthetic.folder / "cases" / "case-000.html").as_uri())
    assert page.locator(".overview .mark").count() > 10
    assert "answers.csv" in page.locator("noscript").inner_text()
    page.goto((synthetic.folder / "cases.html").as_uri())
    assert re.search(r"\d of \d right", page.locator(".outcome").first.inner_text())
    context.close()


WIDEST = """() => Math.max(...[...document.querySelectorAll('table, figure, pre, .card')]
  .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect().right))"""


@pytest.mark.parametrize("name", ["index.html", "cases.html", "cases/case-002.html"])
def test_nothing_is_cut_off_on_paper(visit, synthetic, name):
    width = 680  # A4 less its margins, in CSS pixels
    page = visit(synthetic, name, width)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(WIDEST) <= width + 1
    assert page.locator("details.more:not([open]), details.findings:not([open])").count() == 0
    if name.startswith("cases/"):
        assert page.locator(".print-note").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.more[open], details.findings[open]").count() == 0


def test_signs_are_one_for_each_outcome():
    signs = [sign for sign, _ in MARKS.values()]
    assert len(set(signs)) == len(signs)


def test_figures_name_chinese_readers_without_a_warning(medpix, recwarn):
    """A drawing library without Chinese fonts warned on the terminal, and gave such names half of their room."""
    assert conditions_figure(conditions_table(medpix.run), "fdx") is None, "one condition needs no panels"
    svg = gap_figure(main_table(medpix.run))
    assert "human:李医生" in svg
    assert [str(one.message) for one in recwarn if "Glyph" in str(one.message)] == []
