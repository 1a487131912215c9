"""What a free-text diagnosis says beyond the disease: qualifiers, sites, stages, what came of it and from what."""

from __future__ import annotations

import re
from collections.abc import Mapping

from medsyn.ontology.words import word_set, words

QUALIFIERS = word_set(
    """active acute adolescent adult advanced aggressive associated asymptomatic attack bilateral brief bulky
    calcified case catastrophic cavitary cavitating child childhood chronic circumscribed classic classical
    coexisting compensated complex complicated concomitant concurrent confirmed corrected crisis critical
    decompensated definite diagnosed differentiated diffuse direct disseminated early elderly endogenous
    episode evolving exacerbation excised exogenous exophytic extensive extreme fatal female flare florid
    focal form frank fulminant fungating generalized giant grade high huge inactive incidental incipient
    indirect infant infected infective infiltrative inflamed inoperable intermittent intractable invasive
    involuting irradiated irreversible isolated known large late left leftside lethal likely localized
    locally loculated longstanding low lt male man marked massive maternal metachronous metastasis mild
    moderate moderately mosaic multifocal multiple new newly obstructing occult old ongoing onset operated
    overt palliated paroxysmal patient pattern pediatric perforated persistent poorly possible post
    postmenopausal preexisting pregnant presentation presumed previous primary prior probable progressive
    prolapsed proven rare recent recurrent recurring refractory regressing relapsed relapsing related
    remitting repaired resectable resected residual reversible right rightside rt rupture ruptured severe
    severity side sided significant simple single small solitary spontaneous sporadic stage status
    strangulated subacute subclinical subtype superimposed suspected symptomatic synchronous terminal
    thrombosed traumatic treated typical ulcerated uncomplicated uncontrolled underlying unifocal unilateral
    unrepaired unresectable untreated unusual variant well widespread with woman young"""
)
"""Folded words that tell course, side, stage, size or certainty, and leave the disease what it is."""

SITES = word_set(
    """abdomen abdominal acetabular acetabulum acral adrenal ampulla anal angle ankle anterior antrum anus
    aorta apex apical appendix arm artery ascending aspect auricle axilla axillary back basal base bifrontal
    bile bilobar bladder body bone border brachial brain brainstem branch breast bronchus buccal bulb
    buttock calcaneus calf canal cardia carotid cavity cecum cerebellar cerebellopontine cerebellum cervical
    cervix cheek chest clavicle clitoris clivus colon common conjunctiva coracoid coronary curvature
    descending distal dorsal duct duodenum ear elbow endobronchial endocervix epicranial epididymis epidural
    esophagus ethmoid external extradural extremity eye eyelid face facial fallopian femoral femur fibula
    finger flank floor foot foramen forearm fornix fossa fourth frontal frontotemporal gallbladder gastric
    gingiva gland glans glottic gluteal gluteus greater groin hand head heart hemisphere hemithorax hilar
    hilum hip humerus hypopharynx hypothalamus ileocecal ileum iliac iliopsoas ilium inferior infraorbital
    infrarenal infratemporal inguinal inner insula intermuscular internal intestine intraabdominal
    intradural intramedullary intramuscular intraosseous intraplacental intraspinal intrathoracic
    intraventricular ischium jaw jejunum joint junction kidney knee labium lacrimal lateral leg
    leptomeningeal lesser ligament limb lip liver lobe lower lumbar lung main mandible mandibular margin
    mastoid maxilla maxillary maxillofacial medial median mediastinal mediastinum medulla mesenteric
    mesentery metacarpal metatarsal middle midline mouth mucosa mucosal muscle nape nasal nasopharynx neck
    nerve nipple node nose occipital omental omentum oral orbit oropharynx ovary palate palmar palmoplantar
    pancreas paranasal parapharyngeal parasellar paraspinal paratesticular parathyroid paratracheal
    paravertebral parietal parietooccipital parotid part patella pelvic pelvis penis perianal pericardium
    perineal perineum periorbital perirenal peritoneum periventricular petrous phalanx pharynx pineal pinna
    pituitary plantar pleura plexus pons popliteal portal posterior preauricular presacral preseptal process
    prostate proximal psoas pubis pylorus quadrant radial radius rectosigmoid rectum region retina
    retroorbital retroperitoneal retroperitoneum retrosternal rhino rhinocerebral rhinoorbital rib root
    sacral sacrococcygeal sacrum scalp scapula sciatic scrotum segment segmental sellar seminal shaft
    shoulder sigmoid sinonasal sinus site skin skull soft spermatic sphenoid spine spleen sternoclavicular
    sternum stomach subcutaneous subdural subglottic sublingual submandibular superior supraclavicular
    supraglottic supraorbital suprasellar surface tail talus temporal temporomandibular tendon testis
    thalamus thigh third thoracic thoracoabdominal throat thumb thymus thyroid tibia tibial tip tissue toe
    tongue tonsil trachea transverse trunk tubal tube ulnar umbilical umbilicus upper urachal ureter urethra
    uterus vagina vein ventral ventricle ventriculus vertebra vertebral vesicle visceral vocal vulva wall
    wing wrist zygoma"""
)
"""Words of a `bag` that say where in the body a disease is. Without them stands a wider disease."""

HEADS = word_set("disease mellitus syndrome")
"""Words that many names of diseases carry or lack."""

_ANATOMY = word_set(
    """abnormality allergic anomaly antibody auditory autoimmune benign cardiovascular cartilage cause cell
    central chromosome collagen complication congenital connective cord cornea cortex cranial defect
    deficiency digestive endocrine factor female gastrointestinal gene genetic genital hepatobiliary
    hereditary immune infection infectious inflammatory intracranial lens lesion lymph lymphatic macula male
    malignant marrow mass mental metabolic mitral musculoskeletal neoplasm nervous neuromuscular optic origin
    other peripheral protein reproductive respiratory septum spinal system tract tricuspid unknown unspecified
    urinary valve vascular vessel"""
)


SHORT_WORDS: Mapping[str, str] = {
    "AVF": "arteriovenous fistula",
    "AVM": "arteriovenous malformation",
    "CMV": "cytomegalovirus",
    "CNS": "central nervous system",
    "EBV": "Epstein-Barr virus",
    "GI": "gastrointestinal",
    "GU": "genitourinary",
    "HAV": "hepatitis A",
    "HBV": "hepatitis B",
    "HCV": "hepatitis C",
    "HHV-8": "human herpesvirus 8",
    "HIV": "human immunodeficiency virus",
    "HPV": "human papillomavirus",
    "HSV": "herpes simplex virus",
    "MAC": "Mycobacterium avium complex",
    "RSV": "respiratory syncytial virus",
    "VZV": "varicella zoster virus",
}
"""Abbreviations in names of diseases that name none by themselves."""

_SHORT_WORD = re.compile(r"(?<![\w-])(?:" + "|".join(SHORT_WORDS) + r")(?![\w-])")


def in_full(name: str) -> str:
    """Return a name with such abbreviations in full.

    Example:
        >>> in_full("CNS lymphoma"), in_full("lymphoma")
        ('central nervous system lymphoma', 'lymphoma')
    """
    return _SHORT_WORD.sub(lambda hit: SHORT_WORDS[hit[0]], name)


_DULL = QUALIFIERS | SITES | HEADS | _ANATOMY
_NOUNS = HEADS | word_set("deficiency neoplasm anomaly defect infection")


def names_something(key: str) -> bool:
    """Whether words of a `bag` can name a disease.

    One at least is no site, qualifier, number or general word, or a site stands beside a word such as "disease".

    Example:
        >>> [names_something(key) for key in ("acute cholecystitis", "disease heart", "disease", "2", "artery")]
        [True, True, False, False, False]
    """
    found = key.split()
    if any(is_telling(word) for word in found):
        return True
    return len(found) > 1 and not _NOUNS.isdisjoint(found)


def is_telling(word: str) -> bool:
    """Whether a word of a `bag` is no site, qualifier, number or general word.

    Example:
        >>> is_telling("cholecystitis"), is_telling("collagen")
        (True, False)
    """
    return word not in _DULL and not word.replace("-", "").isdigit() and len(word) > 1


_STAGE = re.compile(
    r"""\b(?:(?:FIGO|(?:CNS\s+)?WHO|AJCC|NYHA|Child[- ]Pugh|Ann\s+Arbor|TNM|Rai|Binet|Dukes|ISUP|CDC|KDIGO
          |Fuhrman)\s+)?(?:stage|class|grade)(?:[\s-]+|(?=\d))(?:[IVX]{1,4}|[A-D]|[1-9])[a-es]?\d?(?:\s*[-/–]\s*(?:[IVX]{1,4}|\d))?\b
       |\b[cpy]{1,2}[TNM](?:[0-4x][a-d]?|is)\b
       |\bp?T(?:[0-4][a-d]?|is)\s?N[0-3x][a-c]?\s?(?:M[01x][a-c]?)?\b
       |\bGleason(?:\s+score)?\s*\d+(?:\s*\+\s*\d+)?(?:\s*=\s*\d+)?\b
       |\b\d+(?:st|nd|rd|th)\s+(?:degree|trimester)\b
       |\b\d+(?:\.\d+)?(?:\s*[x×]\s*\d+(?:\.\d+)?)*[\s-]*(?:mm|cm)\b""",
    re.X | re.I,
)
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_UNCLOSED = re.compile(r"\s*[(\[][^)\]]*$")
_LABEL = re.compile(
    r"^(?:(?:final|primary|principal|working|most\ likely|probable|definitive)\s+)?diagnos[ie]s\s*"
    r"(?:[:：-]|\bof\b|\bis\b)\s*",
    re.I | re.X,
)
_TAIL = re.compile(
    r"""\s+(?:secondary\ to|due\ to|caused\ by|induced\ by|triggered\ by|associated\ with|complicated\ by
        |complicating|presenting\ (?:as|with)|mimicking|masquerading\ as|manifesting\ (?:as|with)
        |resulting\ (?:in|from)|leading\ to|causing|following|after|in\ the\ (?:setting|context)\ of
        |with(?!in)|without|involving|affecting|arising\ (?:from|in)|and|plus
        |in\ an?(?!\w)|status\ post|s/p|versus|vs\.?|during|superimposed\ on|on\ a\ background\ of
        |extending\ (?:in)?to|compounded\ by|accompanied\ by|masked\ by|secondarily
        |(?:originat|aris|occurr|develop|deriv|evolv)(?:ing|ed)|requiring|treated
        |responsive\ to|refractory\ to|resistant\ to|on\ (?:top|the\ background)\ of|that|which|who|because\ of
        |as\ (?:the\ )?(?:cause|presentation|manifestation)\ of|into|through|containing|communicating|adjacent\ to
        |coexist(?:ing|ent)\ with|simulating|revealing
        |unmasking|preced(?:ing|ed)|followed|progressing|transform(?:ed|ing)
        |until\ proven|before|likely|probably|possibly|from\ an?|diagnos(?:is|ed)|confirmation|based|via|despite
        |given|alone|as\ (?:an?|in)|or|when|while|presents?|comes|came|(?:was|were|is|are|has|had|have|been)
        |such\ as|including|under|shows?|showed|evidences?|demonstrat(?:es?|ed)|reveals?|revealed
        |as\ the\ (?:\w+\ )?(?:complication|result|cause)\ of
        |(?:confirmed|established|proven|identified|demonstrated|verified|supported|detected)
        |(?!associated\b|linked\b|setting\b)[a-z]{3,}(?:ed|ing)\s+(?:as|at|by|following|from|in|near|of|on|over|through|throughout
          |to|under|upon|using|via|with|within|after|during|for)
        |[a-z]{4,}ing\s+(?:the|an?|his|her|both|all|multiple|adjacent|surrounding))(?!\w).*$""",
    re.I | re.X | re.S,
)
_AFTER = re.compile(r"\s+(?:perforation|rupture|recurrence|relapse|exacerbation|flare|crisis|progression)$", re.I)
_SITE_TAIL = re.compile(r"\s+(?:of|in(?!\s+situ)|at|to|on|from|within)\s+(?:the\s+|his\s+|her\s+)?[^,;]*$", re.I)
_STOP = re.compile(r"\s*(?:[,;]|\s[-–—/]\s|—|:\s|\.\s+(?=[A-Z])|(?<=\w{5})/(?=\w{5})).*$", re.S)
_VARIANT = re.compile(
    r"""^(?:(?!with\b|and\b|due\b|to\b|in\b|by\b)[\w-]+\s+){0,3}
        (?:(?:variant|type|subtype|form|case|history|diagnosis|manifestations?|presentation|recurrence|relapse|flare
          |exacerbation|episode|onset|features|progression|localization|reactivation)\s+of
          |(?:symptoms|signs|manifestations)\s+(?:of|due\s+to|caused\s+by|secondary\s+to|from))
        \s+(?:an?\s+|the\s+)?(.+)$""",
    re.I | re.X,
)
_METASTASIS = re.compile(
    r"""^.*\b(?:metasta(?:sis|ses|tic\s\w+)|spread|involvement|infiltration)(?:\s+(?:to|in)\s+(?:the\s+)?\w+)?
        \s+(?:from|of|by)\s+
        (?:an?\s+|the\s+)?(?:primary\s+)?(.+)$""",
    re.I | re.X,
)


_METASTASIZED = re.compile(r"^(.*(?:oma|cancer|tumou?r|neoplasm))\s+metastas[ie]s\b.*$", re.I | re.S)
_ADVERB = re.compile(r"(?:al|iv|ent|ous|ed|rim?ar|ar)ly$")


def is_qualifier(word: str) -> bool:
    """Whether a folded word leaves the disease what it is; adverbs do.

    Example:
        >>> is_qualifier("acute"), is_qualifier("histologically"), is_qualifier("renal")
        (True, True, False)
    """
    return word in QUALIFIERS or _ADVERB.search(word) is not None


def without_stage(text: str) -> str:
    """Return a text without stages and grades of tumours and the like.

    Example:
        >>> without_stage("Stage IV renal cell carcinoma, WHO grade 3, pT3aN1M0")
        'renal cell carcinoma'
    """
    return _tidy(_STAGE.sub(" ", text))


def without_label(text: str) -> str:
    """Return a text without a label such as ``Final diagnosis:``."""
    return _tidy(_LABEL.sub("", text))


def brackets(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without its brackets, and what stands in them.

    Example:
        >>> brackets("Hypertrophic cardiomyopathy (HCM).")
        ('Hypertrophic cardiomyopathy', ('HCM',))
    """
    return _tidy(_UNCLOSED.sub("", _BRACKET.sub("", text))), tuple(
        inner.strip() for inner in _BRACKET.findall(text) if inner.strip()
    )


def before_brackets(text: str) -> str:
    """Return what stands before a text's first bracket."""
    return _tidy(re.split(r"[(\[]", text)[0])


_LISTED = re.compile(r"[,;]|\b(?:and|or|with|due\s+to|e\.?g|i\.?e|such\s+as|including|versus|vs|like)\b", re.I)


def is_list(inner: str) -> bool:
    """Whether what stands in brackets lists things or examples, or tells more than another name.

    Example:
        >>> is_list("cysts, agenesis"), is_list("e.g. gout"), is_list("melioidosis")
        (True, True, False)
    """
    return _LISTED.search(inner) is not None


def unbracketed(text: str) -> str:
    """Return a text with what stands in its brackets, but without the marks."""
    return _tidy(re.sub(r"[()\[\]]", " ", text))


def without_commas(text: str) -> str:
    """Return a text without the commas between qualifiers that stand before the disease.

    Example:
        >>> without_commas("Severe, recurrent gout, left toe")
        'Severe recurrent gout, left toe'
    """
    first, comma, rest = text.partition(",")
    if comma and rest and all(is_qualifier(word) or word in _BEFORE for word in words(first)):
        return f"{first} {without_commas(rest.strip())}"
    return text


_BEFORE = word_set("idiopathic postoperative hereditary congenital acquired secondary familial")

_DANGLING = re.compile(
    r"""(?:\s+(?:presenting|presented|associated|complicated|caused|induced|triggered|secondary|due|manifesting
        |resulting|accompanied|compounded|extending|initially|mainly|newly|together|along|incidentally|first|in|of|the))+$""",
    re.I | re.X,
)


def clauses(text: str) -> tuple[str, ...]:
    """Return ever shorter beginnings of a text, cut where it says what came with the disease, or from what.

    Example:
        >>> clauses("Myocarditis with shock secondary to HHV-6")
        ('Myocarditis with shock', 'Myocarditis')
    """
    found: list[str] = []
    for pattern in (_TAIL, _STOP):
        left = found[-1] if found else text
        while (shorter := _last_cut(pattern, left)) != left:
            found.append(shorter)
            left = shorter
    last = found[-1] if found else text
    if (shorter := _AFTER.sub("", last)) != last:
        found.append(shorter)
    return tuple(dict.fromkeys(_tidy(head) for head in found if _tidy(head)))


_JOINED = r"\s*(?:\s(?:and/or|and|or|versus|vs\.?)\s|/|,\s(?:and|or)\s)\s*"
_PAIR = re.compile(rf"^([\w-]+){_JOINED}[\w-]+\s+(?=\w)", re.I)
_WIDE_PAIR = re.compile(rf"^([\w-]+){_JOINED}[\w-]+\s+[\w-]+\s+(?=\w)", re.I)
_FIRST = re.compile(rf"^(.+?){_JOINED}.*$", re.I | re.S)


def first_of_pair(text: str) -> tuple[str, ...]:
    """Return what a text may say of the first of two that it joins.

    Example:
        >>> first_of_pair("Bacterial or viral pneumonia")
        ('Bacterial pneumonia', 'Bacterial')
        >>> first_of_pair("Methanol and ethylene glycol poisoning")[1]
        'Methanol poisoning'
    """
    found = (_PAIR.sub(r"\1 ", text), _WIDE_PAIR.sub(r"\1 ", text), _FIRST.sub(r"\1", text))
    return tuple(dict.fromkeys(first for first in found if first != text))


_EITHER = re.compile(rf"([\w-]+){_JOINED}([\w-]+)", re.I)


def joined_words(text: str) -> frozenset[str]:
    """Return the words on both sides of "or" and the like, folded: each may make another disease of the text.

    Example:
        >>> sorted(joined_words("Sporadic or variant Creutzfeldt-Jakob disease"))
        ['sporadic', 'variant']
    """
    return frozenset(word for pair in _EITHER.findall(text) for side in pair for word in words(side))


def origin(text: str) -> str | None:
    """Return what a metastasis is of, or a variant; None where the text begins with another disease.

    Example:
        >>> origin("Cardiac metastasis from squamous cell carcinoma"), origin("Paraplegia due to spread of cancer")
        ('squamous cell carcinoma', None)
    """
    hit = _METASTASIS.match(text) or _VARIANT.match(text) or _METASTASIZED.match(text)
    if hit is None or _TAIL.search(text[: hit.start(1)].replace(" from ", " of ")):
        return None
    return _tidy(hit[1]) or None


def heads(text: str) -> tuple[str, ...]:
    """Return ever shorter beginnings of a text, cut also where it says where the disease is.

    Example:
        >>> heads("Cardiac metastasis from squamous cell carcinoma")
        ('squamous cell carcinoma', 'Cardiac metastasis')
    """
    found: list[str] = []
    if (inner := origin(text)) is not None:
        found += [inner, *heads(inner)]
    found += clauses(text)
    left = found[-1] if found and inner is None else text
    while (shorter := _last_cut(_SITE_TAIL, left)) != left:
        found.append(shorter)
        left = shorter
    return tuple(dict.fromkeys(_tidy(head) for head in found if _tidy(head)))


def _last_cut(pattern: re.Pattern[str], text: str) -> str:
    """The text cut at the last place where the pattern begins."""
    starts = []
    place = 0
    while hit := pattern.search(text, place):
        starts.append(hit.start())
        place = hit.start() + 1
    return _DANGLING.sub("", text[: starts[-1]]) if starts and starts[-1] > 0 else text


def _tidy(text: str) -> str:
    return " ".join(text.split()).strip(" ,;:.-–—/")
