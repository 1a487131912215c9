"""Putting an image into a casebook: now `medsyn.case.place_image`, which sources and the phantom share."""

from medsyn.case import place_image

__all__ = ["place_image"]
