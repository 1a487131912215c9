"""Diseases: concepts with synonyms, parents and codes; free text to concept.

Example:
    >>> Found(None, 0.0, "no name in the ontology is near").concept is None
    True
"""

from medsyn.ontology.index import NO_DISEASE, Ontology
from medsyn.ontology.types import Concept, Found, Kind, OntologyError, Relation, RelationKind

__all__ = ["NO_DISEASE", "Concept", "Found", "Kind", "Ontology", "OntologyError", "Relation", "RelationKind"]
