"""The phantom clinic's diseases as an OBO file, so that its differentials can be graded by relation."""

from __future__ import annotations

from pathlib import Path

from medsyn.phantom.world import DISEASES, FAMILIES


def write_phantom_obo(file: Path) -> Path:
    """Write the clinic's diseases with their English names: a term a family, and below it its five diseases."""
    lines = ["format-version: 1.2", "ontology: phantom", ""]
    families = {name: f"DOID:99{number:03}00" for number, name in enumerate(FAMILIES, start=1)}
    for name, id_ in families.items():
        lines += ["[Term]", f"id: {id_}", f"name: {FAMILIES[name].en}", ""]
    for disease in DISEASES:
        number = int(disease.id.rpartition("-")[2])
        parent = families[disease.family]
        lines += ["[Term]", f"id: {parent[:-2]}{number:02}", f"name: {disease.names['en']}"]
        lines += [f'synonym: "{alias}" EXACT []' for alias in disease.aliases["en"]]
        lines += [f"is_a: {parent}", ""]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file
