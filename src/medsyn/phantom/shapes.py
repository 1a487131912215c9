"""Building blocks of the pictures: noise, outlines, soft masks, and the shapes of lesions.

A field is an array of `SIZE` x `SIZE` levels of grey, or a mask of that shape. Coordinates are pixels, x to
the right and y down; angles of `arc` are degrees, others radians.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw
from scipy import ndimage

SIZE = 224
"""Height of every picture, and width of all but the wide ones, in pixels."""
WIDE = 320
"""Width of the laboratory panel and of the electrophysiology tracing, in pixels."""

Random = np.random.Generator
Field = np.ndarray
Point = tuple[float, float]
Outline = list[Point]
Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)


def noise(draw: Random, sigma: float, strength: float) -> Field:
    """Smooth noise with standard deviation ``strength``, cut at three of them."""
    step = max(1, int(sigma / 1.5))  # smooth noise is made small and enlarged, which is much faster
    side = -(-SIZE // step)
    field = ndimage.gaussian_filter(draw.standard_normal((side, side), dtype=np.float32), sigma / step)
    if step > 1:
        whole = PILImage.fromarray(field).resize((side * step,) * 2, PILImage.Resampling.BICUBIC)
        field = np.asarray(whole)[:SIZE, :SIZE]
    return np.clip(field / field.std(), -3, 3) * strength


def ellipse(x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> Field:
    """Distance from the centre in radii: below 1 inside."""
    cos, sin = np.cos(angle), np.sin(angle)
    dx, dy = X - x, Y - y
    return np.hypot((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry)


def soft(inside: Field, width: float = 1.0) -> Field:
    """A mask with soft edges."""
    return ndimage.gaussian_filter(inside.astype(np.float32), width)


def mix(base: Field, level: float | Field, mask: Field) -> Field:
    """``base``, with ``level`` laid over it where the mask is."""
    return base * (1 - mask) + level * mask


def filled(*outlines: Outline, width: int = 0) -> Field:
    """A mask of filled outlines, or with ``width`` of open lines."""
    canvas = PILImage.new("L", (SIZE, SIZE))
    pen = ImageDraw.Draw(canvas)
    for outline in outlines:
        if width:
            pen.line(outline, fill=1, width=width, joint="curve")
        else:
            pen.polygon(outline, fill=1)
    return np.asarray(canvas, dtype=bool)


_TURN = np.linspace(0, 2 * np.pi, 48, endpoint=False)


def blob(x: float, y: float, radius: float, draw: Random) -> Outline:
    """A roundish outline with waves."""
    strength, phase = draw.uniform(0.02, 0.07, 3), draw.uniform(0, 6.3, 3)
    waves = sum(strength[i] * np.cos(n * _TURN + phase[i]) for i, n in enumerate((2, 3, 5)))
    reach = radius * (1 + waves)
    return points(x + reach * np.cos(_TURN), y + reach * np.sin(_TURN))


def oval(x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> Outline:
    """An ellipse turned by ``angle`` (radians)."""
    along, across = rx * np.cos(_TURN), ry * np.sin(_TURN)
    cos, sin = np.cos(angle), np.sin(angle)
    return points(x + along * cos - across * sin, y + along * sin + across * cos)


def points(x: Field, y: Field) -> Outline:
    """Coordinates as an outline."""
    return list(zip(x.tolist(), y.tolist(), strict=True))


def arc(x: float, y: float, rx: float, ry: float, start: float, stop: float, width: float) -> Field:
    """A band along an ellipse between two angles in degrees (0 is right, 90 is down)."""
    angle = np.deg2rad(np.linspace(start, stop, 40))
    line = points(x + rx * np.cos(angle), y + ry * np.sin(angle))
    ends = [oval(*end, width / 2, width / 2) for end in (line[0], line[-1])]
    return filled(line, width=max(2, round(width))) | filled(*ends)


def lesion_mask(
    name: str, draw: Random, places: tuple[Point, Point], band: Field, size: float = 1.0, spots: int = 7
) -> Field:
    """Where a lesion is.

    Args:
        places: centres of the left and of the right region that lesions lie in.
        band: where a band-like lesion would lie.
        size: scale of all sizes; 1 suits regions 60 pixels wide.
    """
    jitter = draw.uniform(-5, 5, (2, 2)) * size
    centres = np.asarray(places) + jitter
    side = centres[draw.integers(2)]
    if name == "mass":
        return filled(blob(*side, draw.uniform(13, 17) * size, draw))
    if name == "ring":
        outer = blob(*side, draw.uniform(14, 18) * size, draw)
        inner = [(side[0] + 0.56 * (x - side[0]), side[1] + 0.56 * (y - side[1])) for x, y in outer]
        return filled(outer) & ~filled(inner)
    if name == "pair":
        return filled(*(blob(*centre, draw.uniform(9, 12) * size, draw) for centre in centres))
    if name == "band":
        return band
    placed: list[Point] = []
    wanted = spots + int(draw.integers(4))
    while len(placed) < wanted:
        x, y = places[len(placed) % 2]
        spot = (x + draw.uniform(-21, 21) * size, y + draw.uniform(-27, 27) * size)
        if all(math.dist(spot, other) > 13 * size for other in placed):
            placed.append(spot)
        elif draw.random() < 0.02:  # crowded: start again
            placed = []
    radii = draw.uniform(3.4, 4.6, wanted) * size
    return filled(*(oval(*spot, radius, radius) for spot, radius in zip(placed, radii, strict=True)))


def grey(field: Field) -> Field:
    """A field as a colour picture."""
    return np.repeat(field[:, :, None], 3, axis=2)


def stain(image: Field, colour: Field, mask: Field) -> Field:
    """A colour picture with ``colour`` laid over it where the mask is."""
    return image * (1 - mask[:, :, None]) + colour.astype(np.float32) * mask[:, :, None]
