"""Leakage at three levels: what counts where, what is masked, and that nothing more is found afterwards."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsyn.case import Case, Diagnosis, Evidence, Image, Option, Provenance, TrackItem
from medsyn.leakage import (
    Clues,
    case_leaks,
    clues_of,
    find_clues,
    find_lines,
    find_names,
    mask_case,
    mask_text,
    shown_texts,
)
from medsyn.leakage.confirming import reported_genes
from medsyn.leakage.variants import variants_of
from medsyn.ontology import Concept, Found, OntologyError


class FewDiseases:
    """An ontology of one disease."""

    ecd = Concept(
        "ORPHA:35687",
        "Erdheim-Chester disease",
        synonyms=("Lipogranulomatosis", "Polyostotic sclerosing histiocytosis"),
        abbreviations=("ECD", "MI", "CSF"),
        genes=("BRAF", "MAP2K1"),
    )

    def concept(self, code):
        if code == "ORPHA:35687":
            return self.ecd
        raise OntologyError("no such concept", term=code)

    def find(self, text):
        known = text.casefold() == "erdheim-chester disease"
        return Found(self.ecd if known else None, float(known), "name" if known else "unknown")


def image(time: str | None = None) -> Image:
    return Image(
        file="images/a.png", sha256="0" * 64, bytes=1, width=1, height=1, time=time, caption="Gout of the toe"
    )


def reasons(text: str, clues: Clues, level: int, language: str = "en") -> list[tuple[str, str]]:
    return [(match.text, match.reason) for match in find_clues(text, clues, level, language)]


GOUT = Clues(("Gouty arthritis",), abbreviations=("GA",), genes=("ABCG2",))


def test_each_level_holds_the_ones_below():
    text = "Gouty arthritis? GA since May. ABCG2 was sequenced. Arthritis. Biopsy showed crystals."
    found = {level: [reason for _, reason in reasons(text, GOUT, level)] for level in (1, 2, 3)}
    assert found[1] == ["name"]
    assert found[2] == ["name", "abbreviation"]
    assert found[3] == ["name", "abbreviation", "gene", "part", "pathology"]


def test_a_wider_match_of_a_higher_level_hides_no_name():
    """Once, the words of the name spread over the sentence began earlier, and the name itself went unseen."""
    clues = Clues(("Dissection of the vertebral artery",))
    text = "The vertebral artery and a dissection of the vertebral artery."
    assert ("dissection of the vertebral artery", "name") in reasons(text, clues, 1)


def test_names_are_found_over_hyphens_spaces_compounds_and_references():
    for text, name in [
        ("neuro-fibromatosis", "Neurofibromatosis"),
        ("a neuro fibromatosis", "Neurofibromatosis"),
        ("an intracerebral abscess", "Cerebral abscess"),
        ("jejunal atresia7 was", "Jejunal atresia"),
        ("a pulmonary embolus", "Pulmonary embolism"),
        ("massive pulmonary thromboembolism", "Pulmonary embolism"),
    ]:
        assert [match.reason for match in find_names(text, [name])] == ["name"], text
    assert not find_names("cerebral oedema", ["Cerebral abscess"])


def test_an_organism_gives_its_infection_away_and_an_organ_does_not():
    clues = Clues(("Brucella melitensis infection",))
    assert reasons("Cultures grew B. melitensis.", clues, 3) == [("melitensis", "part")]
    assert reasons("The urine was clear.", Clues(("Aerococcus urinae infection",)), 3) == []  # once it was found
    assert reasons("The thyroid was tender.", Clues(("Thyroid carcinoma",)), 3) == []


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("The biopsy revealed foamy histiocytes.", "pathology"),
        ("Tumour cells were positive for CD34 and vimentin.", "pathology"),
        ("Exome sequencing identified a variant.", "genetics"),
        ("He is heterozygous, as was found in his father.", "genetics"),
        ("A change c.2308G>A was there.", "genetics"),
        ("The final diagnosis came late.", "conclusion"),
        ("She was diagnosed with the disease.", "conclusion"),
        ("On pathology, foam cells were seen.", "pathology"),
        ("There was no evidence of mediastinal pathology.", None),
        ("No centre offers diagnosis by sequencing.", None),
        ("This confirmed the provisional diagnosis.", None),
        ("Her sister, as family history showed, was diagnosed with cancer.", None),
        ("A biopsy was planned.", None),
        ("Genetic testing was refused.", None),
        ("He was diagnosed with asthma ten years ago.", None),
        ("CD4 count: 300, found low.", None),
        ("What was the reason for admission?", None),
    ],
)
def test_lines_that_confirm_have_a_method_and_a_result(sentence, line):
    assert [match.reason for match in find_lines(sentence)] == ([line] if line else [])


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("病理示：肉芽肿性炎。", "pathology"),
        ("基因检测发现FBN1杂合突变。", "genetics"),
        ("患者被确诊。", "conclusion"),
        ("拟行活检。", None),
        ("3年前曾诊断为高血压。", None),
    ],
)
def test_chinese_lines(sentence, line):
    assert [match.reason for match in find_lines(sentence, "zh")] == ([line] if line else [])


def test_genes_that_the_case_itself_reports_are_clues():
    text = "Sequencing revealed c.35delG in GJB2. The RET gene was normal, as sequencing found. DNA was kept."
    assert reported_genes(text) == ("GJB2", "RET")
    case = Case(
        id="a",
        language="en",
        history="Sequencing revealed a mutation in the BTK gene.",
        evidence=(Evidence(findings="Domains of BTK."),),
        diagnosis=Diagnosis(name="Agammaglobulinaemia"),
    )
    clues = clues_of(case)
    assert clues.genes == ("BTK",)
    assert [leak.field for leak in case_leaks(case, clues)] == ["history", "evidence.0.findings"]


def test_the_ontology_adds_synonyms_abbreviations_and_genes_by_code_or_by_name():
    for diagnosis in (
        Diagnosis(name="ECD of the bones", codes={"OMIM": "1", "ORPHA": "35687"}),
        Diagnosis(name="Erdheim-Chester disease"),
    ):
        clues = clues_of(Case(id="a", language="en", diagnosis=diagnosis), FewDiseases())
        assert clues.concept == "ORPHA:35687"
        assert {"Lipogranulomatosis", "Polyostotic sclerosing histiocytosis"} <= set(clues.names)
        assert clues.genes == ("BRAF", "MAP2K1")
        assert clues.abbreviations == ("ECD",)  # MI and CSF stand for too much
    unknown = clues_of(Case(id="a", language="en", diagnosis=Diagnosis(name="Gout")), FewDiseases())
    assert (unknown.concept, unknown.names) == (None, ("Gout",))


def test_abbreviations_that_the_case_explains_count_everywhere_in_it():
    case = Case(
        id="a",
        language="en",
        history="Acute haemorrhagic leukoencephalitis (Hurst's; AHLE) was feared. WBC 9.",
        examination="HL (acute haemorrhagic leukoencephalitis)? No.",
        evidence=(Evidence(findings="Typical of HL."),),
        diagnosis=Diagnosis(name="Acute haemorrhagic leukoencephalitis"),
    )
    clues = clues_of(case)
    assert "HL" in clues.abbreviations
    assert "WBC" not in clues.abbreviations
    assert [leak.field for leak in case_leaks(case, clues, 2)][-1] == "evidence.0.findings"


def test_a_written_diagnosis_holds_several_names():
    whole = variants_of("Infected urachal cyst (type C)")
    assert whole.names == ("Infected urachal cyst (type C)", "Infected urachal cyst")
    listed = variants_of("Pentalogy of Cantrell with ectopia cordis, gastroschisis, and cystic hygroma")
    assert listed.names[-1] == "Pentalogy of Cantrell"
    assert listed.parts == ("ectopia cordis", "gastroschisis", "cystic hygroma")
    assert variants_of("Morel-Lavallée lesion (MLLs)").abbreviations == ("MLL",)
    assert variants_of("Persistent fetal vasculature/Hyperplastic primary vitreous").names[1:] == (
        "Persistent fetal vasculature",
        "Hyperplastic primary vitreous",
    )
    assert "Anaemia" not in variants_of("Anaemia, sickle cell").names  # a class alone is no name of it


def test_what_is_shown_is_looked_at_and_nothing_else_is():
    case = Case(
        id="a",
        language="en",
        history="h",
        examination="e",
        evidence=(Evidence(type="ct", images=(image("day of gout"),), findings="f", name="Figure 1"),),
        diagnosis=Diagnosis(name="Gout"),
        options=(Option(text="Gout", right=True), Option(text="Sepsis")),
        items=(
            TrackItem(track="diagnosis", question="Is it gout?", answer="Gout"),
            TrackItem(track="treatment", question="How is gout treated?", answer="Colchicine for gout"),
        ),
        provenance=Provenance(source="a book on gout"),
    )
    assert [place.field for place in shown_texts(case)] == [
        "history",
        "examination",
        "evidence.0.name",
        "evidence.0.findings",
        "evidence.0.images.0.time",
        "items.0.question",
    ]
    leaks = case_leaks(case, clues_of(case))
    assert [leak.field for leak in leaks] == ["evidence.0.images.0.time", "items.0.question"]


def test_microscopy_and_omics_may_say_what_they_show():
    def leaking(kind: str, findings: str) -> bool:
        case = Case(id="a", language="en", evidence=(Evidence(type=kind, findings=findings),))
        return bool(case_leaks(case, Clues(("Gout",))))

    biopsy, variant = "Biopsy showed foam cells.", "Sequencing revealed a mutation."
    assert (leaking("microscopy", biopsy), leaking("ct", biopsy)) == (False, True)
    assert (leaking("omics", variant), leaking("mri", variant)) == (False, True)
    assert leaking("microscopy", "Biopsy showed gout.")


def test_a_question_for_the_diagnosis_concludes_nothing():
    item = TrackItem(
        track="diagnosis", question="What is the final diagnosis that the biopsy confirms?", answer="Gout"
    )
    case = Case(id="a", language="en", diagnosis=Diagnosis(name="Gout"), items=(item,))
    assert case_leaks(case, clues_of(case)) == ()


def masked(level: int = 3, **fields):
    case = Case(id="a", language="en", diagnosis=Diagnosis(name="Gouty arthritis"), **fields)
    return mask_case(case, clues_of(case), level)


def test_sentences_go_whole_questions_keep_a_mark_and_notes_say_why():
    case, log = masked(
        1,
        history="Pain for a week. Gouty arthritis was feared. No fever.",
        items=(TrackItem(track="diagnosis", question="Is it gouty arthritis?", answer="Gouty arthritis"),),
        provenance=Provenance(source="tests", notes=("first",)),
    )
    assert case.history == "Pain for a week. No fever."
    assert case.items[0].question == "Is it [...]?"
    assert case.items[0].answer == "Gouty arthritis"
    assert case.provenance.notes == (
        "first",
        "history: 1 sentence left out, level 1 (name)",
        "items.0.question: 1 sentence marked, level 1 (name)",
    )
    assert [(text.field, text.maskings[0].how, text.gone) for text in log] == [
        ("history", "left out", False),
        ("items.0.question", "marked", False),
    ]


def test_an_only_sentence_keeps_a_mark_where_three_quarters_of_it_remain():
    case, _ = masked(history="A shepherd of forty years with fever, cough and known gouty arthritis.")
    assert case.history == "A shepherd of forty years with fever, cough and known [...]."
    case, log = masked(history="Known gouty arthritis.")
    assert case.history is None
    assert log[0].gone


def test_findings_of_which_nothing_is_left_are_missing_and_evidence_without_images_goes():
    case, log = masked(
        evidence=(
            Evidence(type="ct", images=(image(),), findings="Gouty arthritis."),
            Evidence(type="mri", findings="Gouty arthritis."),
            Evidence(type="xray", findings="A swollen toe."),
        )
    )
    assert [item.type for item in case.evidence] == ["ct", "xray"]
    assert case.evidence[0].findings is None
    assert case.evidence[0].findings_missing == "every sentence gives the diagnosis away"
    assert case.evidence[1].findings == "A swollen toe."
    assert [text.field for text in log] == ["evidence.0.findings", "evidence.1.findings"]


def test_times_and_names_of_evidence_keep_a_mark():
    case, _ = masked(evidence=(Evidence(images=(image("before gouty arthritis"),), name="Gouty arthritis"),))
    assert (case.evidence[0].images[0].time, case.evidence[0].name) == ("before [...]", "[...]")
    assert case.evidence[0].images[0].caption == "Gout of the toe"  # never shown


def test_a_case_that_gives_nothing_away_is_the_same_case():
    case = Case(id="a", language="en", history="Cough.", diagnosis=Diagnosis(name="Gout"))
    assert mask_case(case, clues_of(case), 3) == (case, ())


def test_without_a_diagnosis_there_is_nothing_to_look_for_unless_names_are_given():
    case = Case(id="a", language="en", history="Known gout.")
    assert clues_of(case) is None
    assert case_leaks(case, clues_of(case, extra=("Gout",)))


def test_chinese_names_keep_to_the_case_s_and_the_user_s_aliases():
    case = Case(
        id="a",
        language="zh",
        history="患者发热。诊断急性肺栓塞（ＰＴＥ）。PTE常见。既往肺 栓 塞。无咳嗽。",
        diagnosis=Diagnosis(name="急性肺栓塞", aliases=("Pulmonary thromboembolism",)),
    )
    clues = clues_of(case, extra=("肺动脉栓塞",))
    assert "肺动脉栓塞" in clues.names
    assert [reason for _, reason in reasons(case.history, clues, 1, "zh")] == ["name"]
    assert ("PTE", "abbreviation") in reasons(case.history, clues, 2, "zh") or "PTE" in clues.abbreviations
    assert ("肺 栓 塞", "wording") in reasons(case.history, clues, 3, "zh")
    hidden, _ = mask_case(case, clues, 3)
    assert hidden.history == "患者发热。无咳嗽。"


def test_latin_names_in_chinese_text_end_at_other_letters():
    clues = Clues(("SLE", "Gout"))
    assert reasons("患者有SLE，查gout。SLEX无关，sle也无关。", clues, 1, "zh") == [
        ("SLE", "name"),
        ("gout", "name"),
    ]


_SENTENCES = (
    "Pain for a week.",
    "Gouty arthritis was suspected!",
    "An arthritis, gouty in kind?",
    "GA (gouty arthritis) runs in the family.",
    "ABCG2 was normal.",
    "Biopsy revealed needles\n",
    "Gouty. Arthritis of the toe.",
    "Final diagnosis: pending.",
    "No fever since Monday.",
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(_SENTENCES), max_size=7),
    st.sampled_from((1, 2, 3)),
    st.booleans(),
)
def test_after_masking_nothing_is_found_and_untouched_sentences_stay(sentences, level, whole):
    text = " ".join(sentences)
    left, log = mask_text(text, lambda text: find_clues(text, GOUT, level), whole=whole)
    assert find_clues(left or "", GOUT, level) == ()
    assert bool(log) == bool(find_clues(text, GOUT, level))
    if left is not None:
        for sentence in ("Pain for a week.", "No fever since Monday."):
            assert (sentence in left) == (sentence in text) or "[...]" in left


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["en", "zh"]))
def test_any_text_can_be_searched_for_any_name(text, language):
    case = Case(id="a", language=language, history=f"x {text}", diagnosis=Diagnosis(name=f"x {text}"))
    clues = clues_of(case)
    masked_case, _ = mask_case(case, clues, 3)
    assert case_leaks(masked_case, clues) == ()
