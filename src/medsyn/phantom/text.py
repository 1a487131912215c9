"""Findings as sentences, in English and Chinese, and the prose around them.

Every sentence maps back to exactly one finding, so that `recognise` reads a case's text without guessing.

Example:
    >>> ring = Finding(EvidenceType.CT, "ring")
    >>> sentences(ring, "en")[0]
    'The slices show a ring-shaped lesion with a clear centre.'
    >>> recognise("Seen: CT. The slices show a ring-shaped lesion with a clear centre. Done.") == (ring,)
    True
"""

from __future__ import annotations

import random
import re
from functools import cache

from medsyn.phantom.world import FINDINGS, Finding, Kind
from medsyn.taxonomy import EvidenceType, Language, TextKind

_FRAMES: dict[Kind, dict[Language, tuple[str, ...]]] = {
    TextKind.HISTORY: {
        "en": ("The main complaint is {}.", "For some weeks the patient has noticed {}."),
        "zh": ("主诉为{}。", "近数周来患者出现{}。"),
    },
    TextKind.EXAMINATION: {
        "en": ("On examination there is {}.", "The examiner finds {}."),
        "zh": ("查体可见{}。", "体检发现{}。"),
    },
    EvidenceType.LABORATORY: {
        "en": ("The panel shows {}.", "All values are within range except for {}."),
        "zh": ("化验显示{}。", "除{}外，其余各项均在参考范围内。"),
    },
    EvidenceType.CT: {
        "en": ("The slices show {}.", "CT demonstrates {}."),
        "zh": ("CT断面显示{}。", "CT可见{}。"),
    },
    EvidenceType.MRI: {
        "en": ("The sequence shows {}.", "MRI reveals {}."),
        "zh": ("磁共振序列显示{}。", "MRI可见{}。"),
    },
    EvidenceType.XRAY: {
        "en": ("The radiograph shows {}.", "The plain film demonstrates {}."),
        "zh": ("X线片显示{}。", "平片可见{}。"),
    },
    EvidenceType.ULTRASOUND: {
        "en": ("Sonography shows {}.", "The ultrasound image depicts {}."),
        "zh": ("超声显示{}。", "声像图可见{}。"),
    },
    EvidenceType.PHOTOGRAPHY: {
        "en": ("The photograph shows {}.", "The skin bears {}."),
        "zh": ("照片显示{}。", "皮肤上可见{}。"),
    },
    EvidenceType.MICROSCOPY: {
        "en": ("The section shows {}.", "Under the microscope there are {}."),
        "zh": ("切片显示{}。", "镜下可见{}。"),
    },
    EvidenceType.ELECTROPHYSIOLOGY: {
        "en": ("The tracing shows {}.", "The electrocardiogram records {}."),
        "zh": ("描记显示{}。", "心电图记录到{}。"),
    },
}

_PHRASES: dict[Kind, dict[str, tuple[str, str]]] = {
    TextKind.HISTORY: {
        "fever": ("fever that comes back every evening", "每晚反复的发热"),
        "breathless": ("shortness of breath on climbing stairs", "上楼时气促"),
        "weakness": ("weakness of one arm", "一侧手臂无力"),
        "joints": ("stiff and painful joints in the morning", "晨起关节僵硬疼痛"),
        "swelling": ("swelling of both legs", "双下肢肿胀"),
        "weight-loss": ("loss of weight without dieting", "未节食而体重下降"),
    },
    TextKind.EXAMINATION: {
        "nodes": ("firm swelling of the neck glands", "颈部腺体质硬肿大"),
        "murmur": ("a rough murmur over the heart", "心前区粗糙杂音"),
        "reflexes": ("brisk reflexes on the left side", "左侧反射活跃"),
        "spleen": ("a spleen that reaches below the ribs", "脾脏超出肋缘"),
        "pallor": ("marked pallor of the eyelids", "眼睑明显苍白"),
    },
    EvidenceType.LABORATORY: {
        "calcium-high": ("a raised calcium", "血钙升高"),
        "sodium-low": ("a low sodium", "血钠降低"),
        "ferritin-high": ("a raised ferritin", "铁蛋白升高"),
        "platelets-low": ("a low platelet count", "血小板计数降低"),
        "alt-high": ("a raised alanine aminotransferase", "丙氨酸氨基转移酶升高"),
    },
    EvidenceType.CT: {
        "mass": ("a single dense mass", "单个致密肿块"),
        "ring": ("a ring-shaped lesion with a clear centre", "中央透亮的环形病灶"),
        "scattered": ("many small dense nodules", "多发致密小结节"),
        "band": ("a dense crescent along one flank", "沿一侧胁腹的致密新月影"),
        "pair": ("two dense lesions, one on each side", "左右各一的致密病灶"),
    },
    EvidenceType.MRI: {
        "mass": ("a single bright mass", "单个高信号肿块"),
        "ring": ("a bright ring around a darker core", "暗核周围的高信号环"),
        "scattered": ("many small bright spots", "多发点状高信号"),
        "band": ("a bright ribbon along the cortex of one side", "一侧皮质的带状高信号"),
        "pair": ("two bright areas, one on each side", "左右各一的高信号区"),
    },
    EvidenceType.XRAY: {
        "mass": ("a single round opacity", "单个圆形致密影"),
        "ring": ("a cavity with a white wall", "壁呈白色的空洞"),
        "scattered": ("many small opacities in both lungs", "双肺多发小斑点影"),
        "band": ("a white band along the chest wall", "沿胸壁的白色带状影"),
        "pair": ("two opacities, one in each lung", "双肺各一处致密影"),
    },
    EvidenceType.ULTRASOUND: {
        "mass": ("a single echogenic nodule", "单个强回声结节"),
        "ring": ("an echogenic rim around an echo-free space", "无回声区外的强回声环"),
        "scattered": ("many small echogenic foci", "多发强回声小灶"),
        "band": ("an echogenic curved layer", "强回声弧形层"),
        "pair": ("two echogenic nodules side by side", "并列的两个强回声结节"),
    },
    EvidenceType.PHOTOGRAPHY: {
        "mass": ("a single red plaque", "单个红色斑块"),
        "ring": ("a red ring with a pale centre", "中央色淡的红色环"),
        "scattered": ("many small red spots", "多发红色小点"),
        "band": ("a red streak", "一条红色条纹"),
        "pair": ("two red patches side by side", "并列的两处红斑"),
    },
    EvidenceType.MICROSCOPY: {
        "small-cells": ("sheets of small round cells", "成片的小圆细胞"),
        "giant-cells": ("giant cells with a wreath of nuclei", "核呈花环状的巨细胞"),
        "spindles": ("bundles of spindle cells", "束状梭形细胞"),
        "needles": ("green needle-shaped crystals", "绿色针状结晶"),
        "granules": ("clusters of brown granules", "成簇的棕色颗粒"),
    },
    EvidenceType.ELECTROPHYSIOLOGY: {
        "fast": ("a fast regular rhythm", "快速规则的节律"),
        "slow": ("a slow regular rhythm", "缓慢规则的节律"),
        "irregular": ("a wholly irregular rhythm", "完全不规则的节律"),
        "raised-st": ("a raised ST segment at a normal rate", "频率正常而ST段抬高"),
        "wide-qrs": ("wide QRS complexes at a normal rate", "频率正常而QRS波增宽"),
    },
}

_OPENINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "A {age}-year-old {who} is seen in the clinic.",
        "A {age}-year-old {who} is referred by a general practitioner.",
        "A {age}-year-old {who} comes to the emergency department.",
    ),
    "zh": (
        "患者{who}，{age}岁，于门诊就诊。",
        "患者{who}，{age}岁，由社区医生转诊。",
        "患者{who}，{age}岁，来急诊就诊。",
    ),
}
_WHO: dict[Language, tuple[str, str]] = {"en": ("woman", "man"), "zh": ("女性", "男性")}
_AFTER_HISTORY: dict[Language, tuple[str, ...]] = {
    "en": (
        "There was no recent travel, and no one else at home is ill.",
        "The patient takes no regular medicines and does not smoke.",
        "The rest of the history adds nothing.",
    ),
    "zh": ("近期无外出史，家中无类似患者。", "平素不服药，不吸烟。", "其余病史无特殊。"),
}
_BEFORE_EXAMINATION: dict[Language, tuple[str, ...]] = {
    "en": (
        "The patient is alert, with a pulse of {pulse} per minute.",
        "Blood pressure is {pressure} mm Hg, and breathing is unhurried.",
    ),
    "zh": ("患者神志清楚，脉搏每分钟{pulse}次。", "血压{pressure}毫米汞柱，呼吸平稳。"),
}
_AFTER_EXAMINATION: dict[Language, tuple[str, ...]] = {
    "en": ("Otherwise the examination is unremarkable.", "The remaining findings are normal for the age."),
    "zh": ("其余查体无特殊。", "余未见异常。"),
}
_REPEATED: dict[Language, str] = {
    "en": "The appearance is the same on all days.",
    "zh": "各次检查所见相同。",
}


def sentences(finding: Finding, language: Language) -> tuple[str, ...]:
    """Return the sentences that state a finding; each stands for this finding alone."""
    phrase = _PHRASES[finding.kind][finding.name][language == "zh"]
    return tuple(frame.format(phrase) for frame in _FRAMES[finding.kind][language])


@cache
def _reading() -> tuple[re.Pattern[str], dict[str, Finding]]:
    meaning = {
        sentence.casefold(): Finding(kind, name)
        for kind, names in FINDINGS.items()
        for name in names
        for language in ("en", "zh")
        for sentence in sentences(Finding(kind, name), language)
    }
    return re.compile("|".join(re.escape(sentence) for sentence in meaning)), meaning


def recognise(text: str) -> tuple[Finding, ...]:
    """Return the findings that a text states in the clinic's sentences, in order, each once."""
    pattern, meaning = _reading()
    found = pattern.findall(" ".join(text.split()).casefold())
    return tuple(dict.fromkeys(meaning[sentence] for sentence in found))


def history(finding: Finding, language: Language, draw: random.Random) -> str:
    """Return a medical history that states ``finding``."""
    who = draw.choice(_WHO[language])
    opening = draw.choice(_OPENINGS[language]).format(age=draw.randint(19, 84), who=who)
    return _join(
        [opening, draw.choice(sentences(finding, language)), draw.choice(_AFTER_HISTORY[language])], language
    )


def examination(finding: Finding, language: Language, draw: random.Random) -> str:
    """Return an examination that states ``finding``."""
    pressure = f"{draw.randint(104, 148)}/{draw.randint(62, 92)}"
    before = draw.choice(_BEFORE_EXAMINATION[language]).format(pulse=draw.randint(62, 98), pressure=pressure)
    return _join(
        [before, draw.choice(sentences(finding, language)), draw.choice(_AFTER_EXAMINATION[language])],
        language,
    )


def report(finding: Finding, language: Language, draw: random.Random, *, repeated: bool = False) -> str:
    """Return an expert's written findings; ``repeated`` says that several images show the same."""
    stated = [draw.choice(sentences(finding, language))]
    return _join([*stated, _REPEATED[language]] if repeated else stated, language)


def _join(parts: list[str], language: Language) -> str:
    return ("" if language == "zh" else " ").join(parts)
