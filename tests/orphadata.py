"""Small files in the shapes of doid.obo and of Orphadata's XML, with made-up excerpts of a few diseases."""

from __future__ import annotations

from pathlib import Path

DOID = """format-version: 1.2
ontology: doid

[Term]
id: DOID:4
name: disease

[Term]
id: DOID:7
name: disease of anatomical entity
is_a: DOID:4 ! disease

[Term]
id: DOID:1287
name: cardiovascular system disease
is_a: DOID:7 ! disease of anatomical entity

[Term]
id: DOID:17
name: musculoskeletal system disease
is_a: DOID:7 ! disease of anatomical entity

[Term]
id: DOID:178
name: vascular disease
is_a: DOID:1287 ! cardiovascular system disease

[Term]
id: DOID:65
name: connective tissue disease
is_a: DOID:17 ! musculoskeletal system disease

[Term]
id: DOID:14323
name: Marfan syndrome
synonym: "Marfan's syndrome" EXACT []
synonym: "arachnodactyly" RELATED []
xref: MIM:154700
xref: ICD10CM:Q87.4
xref: MESH:D008382
xref: UMLS_CUI:C0024796
is_a: DOID:65 ! connective tissue disease
alt_id: DOID:9999

[Term]
id: DOID:0050466
name: Loeys-Dietz syndrome
xref: ORDO:60030
is_a: DOID:178 ! vascular disease

[Term]
id: DOID:0070234
name: Loeys-Dietz syndrome 1
xref: ORDO:60030
xref: MIM:609192
is_a: DOID:0050466 ! Loeys-Dietz syndrome

[Term]
id: DOID:0070235
name: Loeys-Dietz syndrome 2
xref: ORDO:60030
xref: MIM:610168
is_a: DOID:0050466 ! Loeys-Dietz syndrome

[Term]
id: DOID:11120
name: dissolved arteritis
is_obsolete: true
"""

_HEAD = '<?xml version="1.0" encoding="{encoding}"?>\n<JDBOR date="2025-12-09 07:00:00" version="1.3.42">\n'

NOMENCLATURE = (
    _HEAD
    + """<DisorderList count="6">
  <Disorder id="109">
    <OrphaCode>558</OrphaCode>
    <Name lang="en">Marfan syndrome</Name>
    <SynonymList count="1"><Synonym lang="en">MFS</Synonym></SynonymList>
    <DisorderType id="21394"><Name lang="en">Disease</Name></DisorderType>
    <ExternalReferenceList count="3">
      <ExternalReference id="1"><Source>OMIM</Source><Reference>154700</Reference>
        <DisorderMappingRelation id="21527"><Name lang="en">NTBT (narrower term maps to a broader term)</Name>
        </DisorderMappingRelation></ExternalReference>
      <ExternalReference id="2"><Source>ICD-10</Source><Reference>Q87.4</Reference></ExternalReference>
      <ExternalReference id="3"><Source>MedDRA</Source><Reference>10026829</Reference></ExternalReference>
    </ExternalReferenceList>
  </Disorder>
  <Disorder id="110">
    <OrphaCode>284963</OrphaCode>
    <Name lang="en">Marfan syndrome type 1</Name>
    <DisorderType id="21437"><Name lang="en">Etiological subtype</Name></DisorderType>
    <ExternalReferenceList count="1">
      <ExternalReference id="4"><Source>OMIM</Source><Reference>154700</Reference>
        <DisorderMappingRelation id="21527"><Name lang="en">E (exact mapping)</Name></DisorderMappingRelation>
      </ExternalReference>
    </ExternalReferenceList>
  </Disorder>
  <Disorder id="111">
    <OrphaCode>60030</OrphaCode>
    <Name lang="en">Loeys-Dietz syndrome</Name>
    <SynonymList count="0"/>
    <DisorderType id="21394"><Name lang="en">Malformation syndrome</Name></DisorderType>
  </Disorder>
  <Disorder id="112">
    <OrphaCode>90290</OrphaCode>
    <Name lang="en">Systemic sclerosis &amp; relatives</Name>
    <SynonymList count="1"><Synonym lang="en">Sclérodermie</Synonym></SynonymList>
    <DisorderType id="21394"><Name lang="en">Disease</Name></DisorderType>
  </Disorder>
  <Disorder id="113">
    <OrphaCode>397</OrphaCode>
    <Name lang="en">NON RARE IN EUROPE: Giant cell arteritis</Name>
    <DisorderType id="21394"><Name lang="en">Disease</Name></DisorderType>
  </Disorder>
  <Disorder id="114">
    <OrphaCode>77</OrphaCode>
    <Name lang="en">OBSOLETE: Aniridia, old</Name>
    <DisorderType id="21394"><Name lang="en">Disease</Name></DisorderType>
  </Disorder>
</DisorderList>
</JDBOR>
"""
)

CLASSIFICATION = (
    _HEAD
    + """<ClassificationList count="1">
  <Classification id="146">
    <OrphaNumber>97929</OrphaNumber>
    <Name lang="en">Orphanet classification of rare cardiac diseases</Name>
    <ClassificationNodeRootList count="1">
      <ClassificationNode>
        <Disorder id="1"><OrphaCode>97929</OrphaCode><Name lang="en">Rare cardiac disease</Name>
          <DisorderType id="36561"><Name lang="en">Category</Name></DisorderType></Disorder>
        <ClassificationNodeChildList count="2">
          <ClassificationNode>
            <Disorder id="109"><OrphaCode>558</OrphaCode><Name lang="en">Marfan syndrome</Name>
              <DisorderType id="21394"><Name lang="en">Disease</Name></DisorderType></Disorder>
            <ClassificationNodeChildList count="1">
              <ClassificationNode>
                <Disorder id="110"><OrphaCode>284963</OrphaCode><Name lang="en">Marfan syndrome type 1</Name>
                  <DisorderType id="21437"><Name lang="en">Etiological subtype</Name></DisorderType></Disorder>
                <ClassificationNodeChildList count="0"/>
              </ClassificationNode>
            </ClassificationNodeChildList>
          </ClassificationNode>
          <ClassificationNode>
            <Disorder id="111"><OrphaCode>60030</OrphaCode><Name lang="en">Loeys-Dietz syndrome</Name>
              <DisorderType id="21394"><Name lang="en">Malformation syndrome</Name></DisorderType></Disorder>
            <ClassificationNodeChildList count="0"/>
          </ClassificationNode>
        </ClassificationNodeChildList>
      </ClassificationNode>
    </ClassificationNodeRootList>
  </Classification>
</ClassificationList>
</JDBOR>
"""
)

PREVALENCE = (
    _HEAD
    + """<DisorderList count="1">
  <Disorder id="109">
    <OrphaCode>558</OrphaCode>
    <Name lang="en">Marfan syndrome</Name>
    <PrevalenceList count="3">
      <Prevalence id="1"><PrevalenceType id="1"><Name lang="en">Annual incidence</Name></PrevalenceType>
        <PrevalenceClass id="1"><Name lang="en">&lt;1 / 1 000 000</Name></PrevalenceClass>
        <PrevalenceGeographic id="1"><Name lang="en">Worldwide</Name></PrevalenceGeographic></Prevalence>
      <Prevalence id="2"><PrevalenceType id="2"><Name lang="en">Point prevalence</Name></PrevalenceType>
        <PrevalenceClass id="2"><Name lang="en">1-9 / 100 000</Name></PrevalenceClass>
        <PrevalenceGeographic id="2"><Name lang="en">France</Name></PrevalenceGeographic></Prevalence>
      <Prevalence id="3"><PrevalenceType id="2"><Name lang="en">Point prevalence</Name></PrevalenceType>
        <PrevalenceClass id="3"><Name lang="en">1-5 / 10 000</Name></PrevalenceClass>
        <PrevalenceGeographic id="3"><Name lang="en">Worldwide</Name></PrevalenceGeographic></Prevalence>
    </PrevalenceList>
  </Disorder>
</DisorderList>
</JDBOR>
"""
)

GENES = (
    _HEAD
    + """<DisorderList count="1">
  <Disorder id="109">
    <OrphaCode>558</OrphaCode>
    <Name lang="en">Marfan syndrome</Name>
    <DisorderGeneAssociationList count="1">
      <DisorderGeneAssociation><Gene id="15694"><Name lang="en">fibrillin 1</Name><Symbol>FBN1</Symbol></Gene>
      </DisorderGeneAssociation>
    </DisorderGeneAssociationList>
  </Disorder>
</DisorderList>
</JDBOR>
"""
)


def write(folder: Path, encoding: str = "ISO-8859-1") -> tuple[Path, list[Path]]:
    """Write all files, and return the path of doid.obo and those of Orphadata."""
    doid = folder / "doid.obo"
    doid.write_text(DOID, encoding="utf-8")
    files = {
        "en_product1.xml": NOMENCLATURE,
        "en_product3_146.xml": CLASSIFICATION,
        "en_product9_prev.xml": PREVALENCE,
        "en_product6.xml": GENES,
    }
    for name, text in files.items():
        (folder / name).write_text(text.replace("{encoding}", encoding), encoding=encoding)
    return doid, [folder / name for name in files]
