"""medsyn: measure how well multimodal language models put clinical evidence together."""

__version__ = "0.1.0"
