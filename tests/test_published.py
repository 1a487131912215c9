"""The paper's printed results: they are the printed ones, names are found, and the audit finds what is wrong."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from medsyn.published import (
    CHECKS,
    GROUPS,
    Catalogue,
    Facts,
    audit,
    case_counts,
    load_facts,
    parse_facts,
    printed,
    printed_value,
)
from medsyn.published import results as packaged
from medsyn.taxonomy import EvidenceType, Specialty, SpecialtyGroup

SPECIALTIES = {
    "Cardio.": "cardiology",
    "Clin. Gen.": "clinical-genetics",
    "Emerg. Med.": "emergency",
    "Endo. & Diab.": "endocrinology",
    "Gastro.": "gastroenterology",
    "Gen. Med.": "general-internal",
    "Gen. Psych.": "general-psychiatry",
    "Haem.": "haematology",
    "Infect. Dis.": "infectious",
    "Med. Oncol.": "medical-oncology",
    "Neuro.": "neurology",
    "Obs. & Gyn.": "obstetrics-gynaecology",
    "Paed.": "paediatrics",
    "Renal Med.": "renal",
    "Resp. Med.": "respiratory",
    "Rheum.": "rheumatology",
    "Trop. Med.": "tropical",
}
GROUP_NAMES = {
    "Gen. & Emergency": "general-emergency",
    "Infectious & Trop.": "infectious-tropical",
    "Haemato- Oncol.": "haemato-oncology",
    "Endo, Rheum & Genetics": "endocrinology-rheumatology-genetics",
    "Neuro. & Psych.": "neurology-psychiatry",
    "Cardio. & Resp.": "cardiology-respiratory",
    "Renal & Gastro.": "renal-gastrointestinal",
    "Obst., Gyn. & Paed.": "obstetrics-paediatrics",
}
TWO = {
    f"{language}_{column}": (measure, part)
    for language, part in (("en", "en"), ("zh", "zh"), ("overall", "all"))
    for column, measure in (
        ("ddx_coverage_pct", "coverage"),
        ("fdx_accuracy_pct", "accuracy"),
        ("fdx_rank", "rank"),
    )
}
CONDITIONS = {
    "Baseline": "images",
    "Remove-Text": "remove-text",
    "Random-Text": "random-text",
    "General SFT": "general-sft",
    "Targeted SFT": "targeted-sft",
}
TYPES = {
    "Laboratory": "laboratory",
    "CT": "ct",
    "MRI": "mri",
    "X-ray": "xray",
    "Microscopy": "microscopy",
    "Clinical Photography": "photography",
    "Average": "average",
}
BY_MODEL = {  # tables with a row a model
    "table2_main": TWO,
    "table3_images_vs_findings": {
        "fdx_accuracy_pct_images": ("accuracy", "images"),
        "fdx_accuracy_pct_findings": ("accuracy", "findings"),
    },
    "table5_average_nmse": {"average_nmse": ("nmse", "average"), "fdx_accuracy_pct": ("accuracy", "images")},
    "table6_prompt_refinement": {
        "baseline_pct": ("accuracy", "images"),
        "prompt_refinement_pct": ("accuracy", "refined-prompt"),
    },
    "table8_ddx_mean_score": {
        part: ("ddx-grade", "all" if part == "overall" else part) for part in ("en", "zh", "overall")
    },
    "table9_open_fdx_mean_score_en": {"mean_score": ("open-fdx-grade", "en")},
    "table10_fdx_by_specialty_en": {name: ("accuracy", part) for name, part in SPECIALTIES.items()},
    "table11_fdx_by_specialty_group_en": {name: ("accuracy", part) for name, part in GROUP_NAMES.items()},
}
BY_SETTING = {  # tables with a column a model, or with a row a setting of one model
    "table4_text_ablations": ("accuracy", CONDITIONS, None),
    "table7_sft_qwen25vl7b": ("accuracy", CONDITIONS, "Qwen2.5-VL (7B)"),
    "table12_nmse_by_evidence_type": ("nmse", TYPES, None),
    "table13_microscopy_nmse_prompt_refinement": (
        "nmse",
        {"baseline": "microscopy", "prompt refinement": "microscopy, refined-prompt"},
        None,
    ),
    "table14_sft_lingshu": ("accuracy", CONDITIONS, "Lingshu (7B)"),
}


def transcription(folder, name):
    """Yield (model as spelt, measure, part, text) of a transcribed table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            label = row.pop(next(iter(row)))
            if name in BY_MODEL:
                for column, text in row.items():
                    if text:
                        yield label, *BY_MODEL[name][column], text
            else:
                measure, parts, model = BY_SETTING[name]
                for column, text in row.items():
                    yield model or column, measure, parts[label], text


@pytest.mark.parametrize("name", [*BY_MODEL, *BY_SETTING])
def test_the_packaged_numbers_are_those_of_the_transcribed_tables(shared, name):
    number = int(name.removeprefix("table").partition("_")[0])
    facts = load_facts()
    expected = {}
    for model, measure, part, text in transcription(shared / "published", name):
        expected[facts.find(model).name, measure, part] = text
    assert expected
    assert {(one.model, one.measure, one.part): one.text for one in printed(number)} == expected


def test_all_tables_with_numbers_are_there():
    assert {one.table for one in printed()} == set(range(2, 15))
    keys = [(one.table, one.model, one.measure, one.part) for one in printed()]
    assert len(keys) == len(set(keys))


def test_names_of_specialties_groups_and_types_are_those_of_the_taxonomy():
    english = {count.specialty: count for count in case_counts() if count.language == "en"}
    assert set(english) == {one.value for one in Specialty}
    assert all(Specialty(name).group == count.group for name, count in english.items())
    assert {one.part for one in printed(10)} == set(english)
    assert {one.part for one in printed(11)} == {one.value for one in SpecialtyGroup}
    assert {one.part for one in printed(12)} - {"average"} <= {one.value for one in EvidenceType}
    assert sum(count.cases for count in english.values()) == 398
    assert sum(count.cases for count in case_counts()) == 452


def test_every_printed_model_has_facts_under_its_own_name():
    names = {one.model for one in printed()}
    assert names == {one.name for one in load_facts().facts}
    assert len(names) == 19
    by_group = {group: sum(one.group == group for one in load_facts().facts) for group in GROUPS}
    assert by_group == {
        "proprietary": 5,
        "medical": 3,
        "open-70b": 2,
        "open-30b": 3,
        "open-7b": 3,
        "open-3b": 2,
        "human": 1,
    }


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Gemini 2.5 pro", "Gemini 2.5 Pro"),
        ("HuatuoGPT-V (7B)", "HuatuoGPT-Vision (7B)"),
        ("HuatuoGPT-Vision", "HuatuoGPT-Vision (7B)"),
        ("openai:o3", "GPT-O3"),
        ("openai:gpt-5.2[image_max_side=512]", "GPT-5.2"),
        ("openai:Qwen/Qwen2.5-VL-72B-Instruct", "Qwen2.5-VL (72B)"),
        ("hf:OpenGVLab/InternVL3_5-8B-HF", "InternVL3.5 (8B)"),
        ("deepseek-ai/deepseek-vl2-tiny", "DeepSeek-VL2 (3B)"),
    ],
)
def test_a_model_is_found_by_any_spelling(spelling, name):
    assert load_facts().find(spelling).name == name


@pytest.mark.parametrize(
    "name", ["Qwen2.5-VL", "Qwen2.5-VL-7B-tuned", "InternVL3 (8B)", "openai:gpt-5", "", ":", "()"]
)
def test_another_model_is_not_taken_for_a_printed_one(name):
    assert load_facts().find(name) is None


def test_a_users_facts_add_and_replace():
    more = parse_facts(
        'model,kind,size,cutoff,aliases\r\nours,medical,4,2025-03,"our; O"\r\nGPT-5.2,open,70,,\r\n'
    )
    catalogue = load_facts().extended(more)
    assert catalogue.find("openai:our") == Facts("ours", "medical", 4.0, "2025-03", ("our", "O"))
    assert catalogue.find("gpt-5.2").group == "open-70b"
    assert load_facts().find("gpt-5.2").group == "proprietary"
    assert len(catalogue.facts) == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected model, kind"),
        ("name,kind\na,open\n", "found the columns name, kind"),
        ("model,kind\na,big\n", "line 2, kind: found 'big', expected one of"),
        ("model,kind,size\na,open,7B\n", "line 2, size: found '7B'"),
        ("model,kind,size\na,open,0\n", "line 2, size"),
        ("model,kind,cutoff\na,open,2025-13\n", "line 2, cutoff: found '2025-13'"),
        ("model,kind\n,open\n", "line 2, model"),
        ("model,kind\na,open,7\n", "line 2: found more fields"),
        ("model,kind\na\n", "line 2, kind: found ''"),
    ],
)
def test_a_fault_in_a_file_of_facts_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_facts(text)


def test_a_name_belongs_to_one_model():
    with pytest.raises(ValueError, match="'A b' is a name of 'a-b' and of 'c'"):
        Catalogue([Facts("a-b", "open"), Facts("c", "open", aliases=("A b",))])


def found(check):
    return [(one.table, one.model, one.measure, one.part) for one in audit() if one.check == check]


def test_the_audit_finds_the_overall_coverages_that_do_not_pool():
    pooled = {"Claude Opus 4.5", "GPT-O3", "Gemini 2.5 Pro", "GPT-5.2", "Qwen3-VL (32B)"}
    wrong = {one.model for one in printed(2, "coverage", "all")} - pooled
    assert len(wrong) == 13
    assert {model for _, model, _, _ in found("pooling")} == wrong
    assert {(table, measure) for table, _, measure, _ in found("pooling")} == {(2, "coverage")}


def test_the_audit_finds_the_total_that_no_specialties_give():
    models = {model for _, model, _, _ in found("total")}
    assert models == {"DeepSeek-VL2 (27B)", "Qwen3-VL (32B)"}
    finding = next(one for one in audit() if one.check == "total" and one.model == "DeepSeek-VL2 (27B)")
    assert finding.low < 31.03 < finding.high
    assert finding.printed == 32.91


def test_the_audit_finds_the_grade_that_is_below_what_the_coverage_implies():
    assert found("bound") == [(8, "DeepSeek-VL2 (3B)", "ddx-grade", "en")]
    finding = next(one for one in audit() if one.check == "bound")
    assert finding.low == pytest.approx(4 * 0.51885)


def test_the_audit_finds_shares_that_are_none():
    notes = {(one.table, one.model, one.measure, one.part): one.note for one in audit() if one.check == "share"}
    assert "49 of 84 cases" in notes[10, "GPT-5.2", "accuracy", "infectious"]
    assert "37 of 84 cases" in notes[10, "Qwen3-VL (32B)", "accuracy", "infectious"]
    assert "240 of 397 cases" in notes[2, "GPT-5.2", "accuracy", "en"]
    assert "35 of 53 cases" in notes[2, "GPT-5.2", "coverage", "zh"]
    assert "24 of 50 cases" in notes[2, "Qwen3-VL (32B)", "coverage", "zh"]
    halves = [key for key in notes if key[0] == 10 and key[1] == "DeepSeek-VL2 (27B)"]
    assert len(halves) == 9
    assert all("two answers a case" in notes[key] for key in halves)
    assert (10, "Gemini 2.5 Pro", "accuracy", "general-internal") in notes
    assert (2, "Claude Opus 4.5", "coverage", "en") not in notes


@pytest.mark.parametrize("check", ["group", "average", "repeated", "rank"])
def test_the_audit_finds_nothing_where_the_tables_agree(check):
    assert found(check) == []


@pytest.mark.parametrize(
    ("check", "key", "text"),
    [
        ("pooling", (2, "GPT-5.2", "accuracy", "all"), "59.89"),
        ("pooling", (8, "GPT-O3", "ddx-grade", "all"), "4.41"),
        ("group", (11, "GPT-5.2", "accuracy", "infectious-tropical"), "59.77"),
        ("total", (2, "Claude Opus 4.5", "accuracy", "en"), "64.82"),
        ("average", (12, "Lingshu (7B)", "nmse", "average"), "0.94"),
        ("repeated", (3, "GPT-O3", "accuracy", "images"), "64.08"),
        ("repeated", (5, "Lingshu (7B)", "nmse", "average"), "0.96"),
        ("repeated", (13, "Lingshu (7B)", "nmse", "microscopy"), "0.64"),
        ("rank", (2, "GPT-5.2", "rank", "zh"), "2"),
        ("bound", (8, "Med-Mantis (8B)", "ddx-grade", "zh"), "3.20"),
        ("share", (7, "Qwen2.5-VL (7B)", "accuracy", "targeted-sft"), "35.44"),
    ],
)
def test_the_audit_finds_a_planted_error(monkeypatch, check, key, text):
    before = set(map(str, audit()))
    index = dict(packaged._index())
    index[key] = replace(index[key], text=text)
    monkeypatch.setattr(packaged, "_index", lambda: index)
    monkeypatch.setattr(packaged, "_all", lambda: tuple(index.values()))
    new = [one for one in audit() if str(one) not in before]
    assert check in {one.check for one in new}
    assert any((one.table, one.model, one.measure, one.part) == key for one in new if one.check == check)


DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "published.md"


def test_the_document_says_what_the_audit_finds():
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    counts = {
        row[0].strip("`"): int(row[2].partition(" ")[0].strip(",")) for row in rows if row[0].strip("`") in CHECKS
    }
    assert counts == {check: len(found(check)) for check in CHECKS}
    overall = {one.model: one for one in audit() if one.check == "pooling"}
    told = {row[0]: [float(cell) for cell in row[1:]] for row in rows if row[0] in overall}
    assert set(told) == set(overall)
    for model, (english, chinese, whole, pooled, implied) in told.items():
        values = [printed_value(2, model, "coverage", part).value for part in ("en", "zh", "all")]
        assert [english, chinese, whole] == values
        assert overall[model].low - 0.005 <= pooled <= overall[model].high + 0.005
        assert (398 * implied + 54 * chinese) / 452 == pytest.approx(whole, abs=0.01)


def test_sixteen_english_coverages_are_shares_of_397_cases():
    shares = [one for one in audit() if (one.check, one.measure, one.part) == ("share", "coverage", "en")]
    assert sum("of 397 cases" in one.note for one in shares) == 16
    others = {one.model for one in shares if "of 397 cases" not in one.note}
    assert others == {"Senior Physician", "GPT-5.2"}


def test_rounding_alone_is_no_finding():
    # Table 12: 5.74 / 6 is 0.957, which the six roundings allow to be the 0.95 in print
    types = [one.value for one in printed(12, "nmse") if one.model == "Lingshu (7B)" and one.part != "average"]
    assert round(sum(types) / 6, 2) == 0.96
    assert printed_value(12, "Lingshu (7B)", "nmse", "average").text == "0.95"
    assert found("average") == []


def run(*words):
    done = subprocess.run([sys.executable, "-m", "medsyn", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_shows_the_findings():
    findings = json.loads(run("published", "audit", "--json"))
    assert findings == [one.as_dict() for one in audit()]
    text = run("published", "audit")
    assert all(f"{check}: {expects}" in text for check, expects in CHECKS.items())
    assert all(str(one) in text for one in audit())
    assert f"{len(findings)} printed numbers" in text
