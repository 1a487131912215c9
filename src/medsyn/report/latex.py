"""Tables as LaTeX, in the style of booktabs, to be put into a paper with ``\\input``.

Needs the packages booktabs and makecell, and longtable for long tables. Text that LaTeX would read as commands is
escaped; for names in Chinese, XeLaTeX or LuaLaTeX with a font that has them.
"""

from __future__ import annotations

from medsyn.report.tables import Cell, Row, Table

LONG = 40
"""Tables with more rows than this may break over pages."""
_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        # after a line break these two would be read as its arguments
        "[": "{[}",
        "*": "{*}",
        "\u2212": "$-$",
        "\u2013": "--",
        "\u2014": "---",
        "\u201c": "``",
        "\u201d": "''",
        "\u2018": "`",
        "\u2019": "'",
        "\u2026": r"\ldots{}",
        "\u0394": r"$\Delta$",
        "\u00d7": r"$\times$",
        "\u00b0": r"$^{\circ}$",
        "\u2020": r"$^{\dagger}$",
        "\u2264": r"$\leq$",
        "\u2265": r"$\geq$",
        "\u00a0": "~",
        "\u202f": "~",
    }
)


def escape(text: str) -> str:
    """Make a text stand in LaTeX as it is; line breaks and control characters become spaces.

    Example:
        >>> escape("50 % of a_b & {c} [d]")
        '50 \\\\% of a\\\\_b \\\\& \\\\{c\\\\} {[}d]'
    """
    plain = "".join(letter if letter.isprintable() or letter == "\u00a0" else " " for letter in text)
    return plain.translate(_ESCAPED)


def latex(table: Table, footnote: str = "") -> str:
    """Write a table with its caption and label; what the page folds away stands below what it shows.

    Args:
        table: as the page has it.
        footnote: a line below the table; none where it is empty.
    """
    rows = [*table.rows, *table.folded]
    long = len(rows) > LONG
    align = "".join("l" if kind == "name" else "r" for kind in table.kinds) or "l" * len(table.columns)
    caption = rf"\caption{{{escape(f'{table.title}. {table.caption}')}}}" rf"\label{{tab:{table.name}}}"
    packages = "booktabs, makecell" + (", longtable" if long else "")
    lines = [f"% Needs the packages {packages}."]
    head = [*_groups(table), " & ".join(map(escape, table.columns)) + r" \\", r"\midrule"]
    if long:
        lines += [r"{\small", rf"\begin{{longtable}}{{@{{}}{align}@{{}}}}", caption + r"\\", r"\toprule", *head]
        lines += [r"\endfirsthead", r"\toprule", *head, r"\endhead"]
    else:
        lines += [r"\begin{table}", r"\centering\small", caption]
        lines += [rf"\begin{{tabular}}{{@{{}}{align}@{{}}}}", r"\toprule", *head]
    lines += [_row(row, len(table.columns)) for row in rows]
    lines.append(r"\bottomrule")
    if footnote:
        lines.append(
            rf"\multicolumn{{{len(table.columns)}}}{{@{{}}l@{{}}}}{{\footnotesize {escape(footnote)}}} \\"
        )
    lines += [r"\end{longtable}", "}"] if long else [r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _groups(table: Table) -> list[str]:
    if not table.groups:
        return []
    cells, rules, place = [], [], 1
    for name, span in table.groups:
        cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escape(name)}}}")
        if name:
            rules.append(rf"\cmidrule(lr){{{place}-{place + span - 1}}}")
        place += span
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _row(row: Row, columns: int) -> str:
    if row.heading is not None:
        return rf"\addlinespace \multicolumn{{{columns}}}{{@{{}}l}}{{\textbf{{{escape(row.heading)}}}}} \\"
    return " & ".join(map(_cell, row.cells)) + r" \\"


def _cell(cell: Cell) -> str:
    if not cell.notes:
        return escape(cell.text)
    place = "tl" if cell.kind == "name" else "tr"
    lines = [escape(cell.text), *(rf"\scriptsize {escape(note)}" for note in cell.notes)]
    return rf"\makecell[{place}]{{" + r"\\".join(lines) + "}"
