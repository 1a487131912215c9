"""The words of the field: evidence types, specialties and their groups, languages.

Each name has a stable identifier, which files and commands use, and an English and a Chinese name, which
prompts and reports show. Source of the lists: the MEDSYN paper (section on cases, and its appendix on
specialties of the UK General Medical Council).

Example:
    >>> EvidenceType("mri").label("zh")
    '磁共振成像'
    >>> Specialty("rheumatology").group.label("en")
    'Endocrinology, Rheumatology & Clinical Genetics'
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

Language = Literal["en", "zh"]
"""A language of cases, prompts and reports: English (``en``) or Chinese (``zh``)."""

LANGUAGES: tuple[Language, ...] = get_args(Language)


class _Named(StrEnum):
    """A string enumeration whose members also have an English and a Chinese name."""

    _en: str
    _zh: str

    def __new__(cls, value: str, en: str, zh: str):
        member = str.__new__(cls, value)
        member._value_ = value
        member._en, member._zh = en, zh
        return member

    def label(self, language: Language) -> str:
        """Return the name to show in ``language``."""
        return self._zh if language == "zh" else self._en


class TextKind(_Named):
    """A kind of textual evidence, in the order in which a case is told."""

    HISTORY = "history", "Medical history", "病史"
    EXAMINATION = "examination", "Physical examination", "体格检查"


class EvidenceType(_Named):
    """A type of visual evidence: what can be shown as images or as an expert's findings."""

    LABORATORY = "laboratory", "Laboratory tests", "实验室检查"
    CT = "ct", "CT", "CT"
    MRI = "mri", "MRI", "磁共振成像"
    XRAY = "xray", "X-ray", "X线"
    ULTRASOUND = "ultrasound", "Ultrasound", "超声"
    NUCLEAR = "nuclear", "Nuclear imaging", "核医学显像"
    ENDOSCOPY = "endoscopy", "Endoscopy", "内镜"
    PHOTOGRAPHY = "photography", "Clinical photography", "临床照片"
    MICROSCOPY = "microscopy", "Microscopy", "显微镜检查"
    ELECTROPHYSIOLOGY = "electrophysiology", "Electrophysiology", "电生理检查"
    OMICS = "omics", "Omics", "组学检测"


class SpecialtyGroup(_Named):
    """One of the paper's eight groups of specialties."""

    GENERAL_EMERGENCY = "general-emergency", "General & Emergency", "综合内科与急诊"
    INFECTIOUS_TROPICAL = "infectious-tropical", "Infectious & Tropical", "感染与热带病"
    HAEMATO_ONCOLOGY = "haemato-oncology", "Haemato-Oncology", "血液与肿瘤"
    ENDOCRINOLOGY_RHEUMATOLOGY_GENETICS = (
        "endocrinology-rheumatology-genetics",
        "Endocrinology, Rheumatology & Clinical Genetics",
        "内分泌、风湿与临床遗传",
    )
    NEUROLOGY_PSYCHIATRY = "neurology-psychiatry", "Neurology & Psychiatry", "神经与精神"
    CARDIOLOGY_RESPIRATORY = "cardiology-respiratory", "Cardiology & Respiratory", "心血管与呼吸"
    RENAL_GASTROINTESTINAL = "renal-gastrointestinal", "Renal & Gastrointestinal", "肾脏与消化"
    OBSTETRICS_PAEDIATRICS = (
        "obstetrics-paediatrics",
        "Obstetrics, Gynaecology & Paediatrics",
        "妇产与儿科",
    )


class Specialty(_Named):
    """One of the paper's seventeen specialties of the UK General Medical Council."""

    GENERAL_INTERNAL = "general-internal", "General internal medicine", "综合内科"
    EMERGENCY = "emergency", "Emergency medicine", "急诊医学"
    INFECTIOUS = "infectious", "Infectious diseases", "感染病"
    TROPICAL = "tropical", "Tropical medicine", "热带病"
    HAEMATOLOGY = "haematology", "Haematology", "血液病"
    MEDICAL_ONCOLOGY = "medical-oncology", "Medical oncology", "肿瘤内科"
    ENDOCRINOLOGY = "endocrinology", "Endocrinology and diabetes mellitus", "内分泌与糖尿病"
    RHEUMATOLOGY = "rheumatology", "Rheumatology", "风湿病"
    CLINICAL_GENETICS = "clinical-genetics", "Clinical genetics", "临床遗传"
    NEUROLOGY = "neurology", "Neurology", "神经病"
    GENERAL_PSYCHIATRY = "general-psychiatry", "General psychiatry", "普通精神病"
    CARDIOLOGY = "cardiology", "Cardiology", "心血管病"
    RESPIRATORY = "respiratory", "Respiratory medicine", "呼吸病"
    RENAL = "renal", "Renal medicine", "肾脏病"
    GASTROENTEROLOGY = "gastroenterology", "Gastro-enterology", "消化病"
    OBSTETRICS_GYNAECOLOGY = "obstetrics-gynaecology", "Obstetrics and gynaecology", "妇产科"
    PAEDIATRICS = "paediatrics", "Paediatrics", "儿科"

    @property
    def group(self) -> SpecialtyGroup:
        """The group of specialties that this one belongs to."""
        return _GROUPS[self]


_S, _G = Specialty, SpecialtyGroup
_GROUPS: dict[Specialty, SpecialtyGroup] = {
    _S.GENERAL_INTERNAL: _G.GENERAL_EMERGENCY,
    _S.EMERGENCY: _G.GENERAL_EMERGENCY,
    _S.INFECTIOUS: _G.INFECTIOUS_TROPICAL,
    _S.TROPICAL: _G.INFECTIOUS_TROPICAL,
    _S.HAEMATOLOGY: _G.HAEMATO_ONCOLOGY,
    _S.MEDICAL_ONCOLOGY: _G.HAEMATO_ONCOLOGY,
    _S.ENDOCRINOLOGY: _G.ENDOCRINOLOGY_RHEUMATOLOGY_GENETICS,
    _S.RHEUMATOLOGY: _G.ENDOCRINOLOGY_RHEUMATOLOGY_GENETICS,
    _S.CLINICAL_GENETICS: _G.ENDOCRINOLOGY_RHEUMATOLOGY_GENETICS,
    _S.NEUROLOGY: _G.NEUROLOGY_PSYCHIATRY,
    _S.GENERAL_PSYCHIATRY: _G.NEUROLOGY_PSYCHIATRY,
    _S.CARDIOLOGY: _G.CARDIOLOGY_RESPIRATORY,
    _S.RESPIRATORY: _G.CARDIOLOGY_RESPIRATORY,
    _S.RENAL: _G.RENAL_GASTROINTESTINAL,
    _S.GASTROENTEROLOGY: _G.RENAL_GASTROINTESTINAL,
    _S.OBSTETRICS_GYNAECOLOGY: _G.OBSTETRICS_PAEDIATRICS,
    _S.PAEDIATRICS: _G.OBSTETRICS_PAEDIATRICS,
}
