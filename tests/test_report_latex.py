"""Tables as LaTeX: what they hold, and that LaTeX could read it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from medsyn.report import write_report
from medsyn.report.latex import LONG, escape, latex
from medsyn.report.tables import Cell, Row, Table, named
from synthetic import synthetic_run

NASTY = r"a&b_{c}%$#~^\x [1]*<>|" + '"\n% \u2212 \u2013 \u0394'


def table(rows: int, groups=(("", 1), ("Both", 2))) -> Table:
    cells = (named(NASTY, "one [line]", "* two"), Cell("3.1", ("1.0 to 5.2†",)), Cell("–"))
    body = (Row("A heading & more"), *(Row(None, cells) for _ in range(rows)))
    frame = pl.DataFrame({"x": [1.0], "x_reliable": [False]})
    return Table("t-1", "Title_1", "100 % of cases.", groups, ("Name", "Value", "Other"), body, frame)


def arguments(text: str) -> str:
    """Empty all balanced braces, so that what stands inside cannot be taken for columns."""
    text = re.sub(r"\\[\\&%$#_{}]", "", text.replace(r"\textbackslash{}", ""))
    while (bare := re.sub(r"\{[^{}]*\}", "", text)) != text:
        text = bare
    assert not set("{}") & set(text), text
    return text


def check(text: str) -> None:
    """Environments close in order, braces balance, and every row has as many columns as there are."""
    assert text.isprintable() or all(letter.isprintable() or letter == "\n" for letter in text)
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    (align,) = re.findall(r"\\begin\{(?:tabular|longtable)\}\{@\{\}([lrc]+)@\{\}\}", text)
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) > 1
    for line in rows:
        spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", line)]
        line = line.removesuffix(r" \\")
        outside = arguments(line)
        assert "&" not in re.sub(r" & ", "", outside)
        columns = len(outside.split(" & ")) + sum(spans) - len(spans)
        assert columns == len(align), line
    assert not re.search(r"(?<!\\)%", "\n".join(text.splitlines()[1:]))


@pytest.mark.parametrize("rows", [1, LONG + 1])
def test_hostile_texts_stay_texts_and_rows_have_all_columns(rows):
    text = latex(table(rows), "† of all")
    check(text)
    assert r"\label{tab:t-1}" in text
    assert r"\multicolumn{1}{c}{} & \multicolumn{2}{c}{Both}" in text
    assert r"\cmidrule(lr){2-3}" in text
    assert r"\makecell[tr]{3.1\\\scriptsize 1.0 to 5.2$^{\dagger}$}" in text
    assert ("longtable" in text) == (rows > LONG)
    for rule in ("toprule", "midrule", "bottomrule"):
        assert rf"\{rule}" in text


def test_nothing_after_a_line_break_is_taken_for_its_argument():
    assert not re.search(r"\\\\\s*(\\scriptsize\s*)?[\[*]", latex(table(3)))


def test_escaping_loses_no_letter():
    plain = "Lupus 结节病 café 12 °C"
    assert escape(plain) == plain.replace("°", r"$^{\circ}$")
    assert escape("a\nb\x07c") == "a b c"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("latex") / "report"
    write_report([synthetic_run(None, cases=6, rotations=2)], out)
    return out


def test_every_table_of_a_report_is_there_as_csv_and_latex_and_linked(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'id="table-([\w-]+)"', page)
    assert len(names) == len(set(names)) > 15
    for name in names:
        for suffix in ("csv", "tex"):
            assert f'href="tables/{name}.{suffix}"' in page
            assert (report / "tables" / f"{name}.{suffix}").is_file()
        text = (report / "tables" / f"{name}.tex").read_text(encoding="utf-8")
        check(text)
        assert rf"\label{{tab:{name}}}" in text
    figures = re.findall(r'<img src="(figures/[\w-]+\.svg)"', page)
    assert len(figures) >= 5
    assert all(f'href="{figure}" download' in page and (report / figure).is_file() for figure in figures)
    assert {path.name for path in (report / "figures").iterdir()} == {Path(figure).name for figure in figures}


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="no LaTeX here")
def test_latex_compiles_every_table(report, tmp_path):
    inputs = "\n".join(rf"\input{{{path.as_posix()}}}" for path in sorted((report / "tables").glob("*.tex")))
    document = (
        r"\documentclass{article}\usepackage{booktabs,makecell,longtable}"
        rf"\begin{{document}}{inputs}\end{{document}}"
    )
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    subprocess.run(["xelatex", "-halt-on-error", "all.tex"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
