"""Findings as pictures: each type of visual evidence in its own style, drawn with seeded variation.

Position, size, shape, contrast and noise vary, so that no two pictures are equal. The laboratory panel names
its analytes; no picture names a disease.

Example:
    >>> data = picture(Finding(EvidenceType.CT, "ring"), seed="demo")
    >>> data[1:4], data == picture(Finding(EvidenceType.CT, "ring"), seed="demo")
    (b'PNG', True)
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont
from scipy import ndimage

from medsyn.phantom.shapes import (
    SIZE,
    WIDE,
    Field,
    Outline,
    Point,
    Random,
    X,
    Y,
    arc,
    blob,
    ellipse,
    filled,
    grey,
    lesion_mask,
    mix,
    noise,
    oval,
    points,
    soft,
    stain,
)
from medsyn.phantom.world import FINDINGS, Finding
from medsyn.taxonomy import EvidenceType

ANALYTES = (("Ca", "mmol/L"), ("Na", "mmol/L"), ("Ferr", "ug/L"), ("Plt", "G/L"), ("ALT", "U/L"))
"""Rows of the laboratory panel, in the order of the laboratory's findings."""


def picture(finding: Finding, seed: str) -> bytes:
    """Return a finding of visual evidence as the bytes of a PNG file.

    Args:
        seed: the same seed gives the same picture; another gives another one.

    Raises:
        KeyError: the kind of evidence is not visual.
    """
    digest = hashlib.sha256(f"{seed}:{finding.kind}:{finding.name}".encode()).digest()
    draw = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    pixels = _DRAWERS[EvidenceType(finding.kind)](finding.name, draw)
    out = io.BytesIO()
    PILImage.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(out, "PNG", compress_level=2)
    return out.getvalue()


# One function a type; levels of grey above 225 are kept for lesions.


def _ct(name: str, draw: Random) -> Field:
    x, y = SIZE / 2 + draw.uniform(-4, 4), SIZE / 2 + draw.uniform(-4, 4)
    rx, ry = draw.uniform(96, 102), draw.uniform(68, 74)
    body = ellipse(x, y, rx, ry)
    field = np.full((SIZE, SIZE), 4.0, dtype=np.float32)
    field = mix(field, 62, soft(body < 1))
    field = mix(field, 112, soft(body < 0.9))
    field += noise(draw, 5, 3) * (body < 0.9)
    for side in (-1, 1):
        organ = filled(blob(x + side * rx * 0.45, y - ry * 0.05, draw.uniform(33, 37), draw))
        field = mix(field, 128 + side * 7, soft(organ, 1.5))
    field = mix(field, 150, soft(filled(oval(x - 7, y + ry * 0.3, 7, 7))))
    field = mix(field, 140, soft(filled(oval(x + 9, y + ry * 0.3, 6, 6))))
    gas = filled(blob(x + draw.uniform(-6, 6), y - ry * 0.55, draw.uniform(9, 13), draw))
    field = mix(field, 30, soft(gas))
    arch = [(x - 22, y + ry * 0.78), (x + 22, y + ry * 0.78), (x, y + ry * 0.93)]
    bone = filled(oval(x, y + ry * 0.6, 14, 11), arch)
    field = mix(field, 196, soft(bone))
    field = mix(field, 70, soft(filled(oval(x, y + ry * 0.79, 5, 4))))
    at = np.deg2rad(np.array([*range(110, 251, 20), *range(290, 431, 20)]) + draw.uniform(-4, 4, 16))
    ribs = [oval(x + rx * 0.88 * np.cos(a), y + ry * 0.87 * np.sin(a), 3.2, 7, a) for a in at]
    field = mix(field, 186, soft(filled(*ribs)))
    start = draw.choice([0, 180]) + draw.uniform(-40, -25)
    band = arc(x, y, rx * 0.75, ry * 0.72, start, start + draw.uniform(62, 76), draw.uniform(9, 12))
    places = ((x - rx * 0.44, y - 3), (x + rx * 0.44, y - 3))
    field = mix(field, draw.uniform(243, 250), soft(lesion_mask(name, draw, places, band), 0.9))
    return grey(field + noise(draw, 0.7, 3.5))


def _mri(name: str, draw: Random) -> Field:
    x, y = SIZE / 2 + draw.uniform(-4, 4), SIZE / 2 + draw.uniform(-3, 3)
    rx, ry, tilt = draw.uniform(74, 79), draw.uniform(92, 97), draw.uniform(-0.06, 0.06)
    head = ellipse(x, y, rx, ry, tilt)
    field = np.full((SIZE, SIZE), 3.0, dtype=np.float32)
    field = mix(field, 150, soft(head < 1))
    field = mix(field, 22, soft(head < 0.955))
    folds = 0.02 * np.cos(26 * np.arctan2(Y - y, X - x) + draw.uniform(0, 6))
    folds = folds + noise(draw, 4, 0.012)
    field = mix(field, 136, soft(head + folds < 0.87))
    gyri = noise(draw, 3.2, 1.0)
    field = mix(field, 92, soft((head + folds < 0.855) & (gyri > 0.75) & (head > 0.52)))
    field = mix(field, 96, soft((head + 0.06 * gyri < 0.62), 2))
    fissure = ellipse(x, y, 1.6, ry * 0.84, tilt)
    field = mix(field, 40, soft(fissure < 1) * (head < 0.86))
    nuclei = [oval(x + side * 25, y + 2, 9, 17, side * 0.2) for side in (-1, 1)]
    field = mix(field, 120, soft(filled(*nuclei), 1.5))
    horns = [
        oval(x + side * 9, y + up, 5.5, tall, side * 0.3 * np.sign(up))
        for side in (-1, 1)
        for up, tall in ((-12, 19), (15, 15))
    ]
    field = mix(field, 190, soft(filled(*horns)))
    start = draw.choice([0, 180]) + draw.uniform(-40, -25)
    band = arc(x, y, rx * 0.8, ry * 0.8, start, start + draw.uniform(60, 75), draw.uniform(8, 10))
    places = ((x - rx * 0.47, y - 4), (x + rx * 0.47, y - 4))
    field = mix(field, draw.uniform(243, 250), soft(lesion_mask(name, draw, places, band, 0.9), 0.9))
    return grey(field + noise(draw, 0.9, 3))


def _xray(name: str, draw: Random) -> Field:
    x, y = SIZE / 2 + draw.uniform(-4, 4), SIZE / 2 + draw.uniform(-4, 4)
    body = ellipse(x, y + 60, 112, 150)
    field = mix(np.full((SIZE, SIZE), 14.0, dtype=np.float32), 122, soft(body < 1, 3))
    lungs = np.zeros((SIZE, SIZE), dtype=bool)
    for side in (-1, 1):
        lung = ellipse(x + side * 46, y + 2, 37, 80, side * 0.1) < 1
        dome = ellipse(x + side * 48, y + 88 - 6 * (side < 0), 46, 36) < 1
        lungs |= lung & ~dome
    field = mix(field, 48, soft(lungs, 2))
    field += noise(draw, 2.2, 4) * lungs + noise(draw, 9, 5)
    heart = ellipse(x + 14, y + 44, 34, 32, -0.5) < 1
    field = mix(field, 160, soft(heart | (np.abs(X - x) < 13), 2.5))
    spine = [oval(x, y + 11 * level, 9, 4) for level in range(-10, 11)]
    field = mix(field, 178, 0.4 * soft(filled(*spine)))
    along, ribs = np.linspace(0, 1, 24), []
    for number in range(7):
        for side in (-1, 1):
            top = y - 84 + 20 * number + draw.uniform(-2, 2)
            bow = top - 9 * np.sin(2.6 * along) + 36 * along**2
            ribs.append(points(x + side * (12 + 76 * along), bow))
    field += 27 * soft(filled(*ribs, width=6), 1.2)
    collars = [[(x + side * 8, y - 76), (x + side * 40, y - 88), (x + side * 84, y - 94)] for side in (-1, 1)]
    field = np.maximum(field, 172 * soft(filled(*collars, width=8), 1.3))
    field = np.minimum(field, 188)
    side = draw.choice([-1, 1])
    centre = 0 if side > 0 else 180
    span = (centre - side * draw.uniform(30, 36), centre + side * draw.uniform(24, 30))
    band = arc(x + side * 44, y + 4, 32, 70, *span, draw.uniform(9, 11))
    lesion = lesion_mask(name, draw, ((x - 46, y - 10), (x + 48, y - 14)), band, 0.95)
    field = mix(field, draw.uniform(244, 250), soft(lesion, 1.0))
    field += noise(draw, 0.7, 3)
    return np.stack([field * 0.9, field * 0.96, field * 1.0 + 6], axis=2)


def _ultrasound(name: str, draw: Random) -> Field:
    x, top, reach = SIZE / 2 + draw.uniform(-3, 3), -18.0 + draw.uniform(-3, 3), 226.0
    radius = np.hypot(X - x, Y - top)
    angle = np.arctan2(X - x, Y - top)
    fan = (radius > 46) & (radius < reach) & (np.abs(angle) < 0.6)
    speckle = np.hypot(noise(draw, 0.9, 0.7), noise(draw, 1.2, 0.7))  # the envelope of two waves
    field = (62 + 26 * noise(draw, 12, 0.5)) * (0.35 + 0.7 * speckle)
    for depth in (draw.uniform(62, 70), draw.uniform(84, 94), draw.uniform(196, 208)):
        layer = np.abs(radius - depth - 5 * np.sin(3 * angle + draw.uniform(0, 6)))
        field += 60 * np.exp(-((layer / 2.4) ** 2)) * (0.6 + 0.5 * speckle)
    vessel = oval(x + draw.uniform(-18, 18), 176 + draw.uniform(-6, 6), 22, 8, draw.uniform(-0.3, 0.3))
    field *= 1 - 0.85 * soft(filled(vessel), 1.5)
    field = np.minimum(field * (1.1 - radius / 700), 185)
    mid = 128 + draw.uniform(-4, 4)
    band = arc(x, mid - 50, 62, 56, 90 - draw.uniform(40, 48), 90 + draw.uniform(40, 48), draw.uniform(7, 9))
    places = ((x - 32, mid), (x + 32, mid))
    lesion = lesion_mask(name, draw, places, band, 0.85)
    level = draw.uniform(242, 250) - 6 * np.clip(speckle, 0, 1.5)
    field = mix(field, level, soft(lesion, 0.9))
    field = mix(np.full_like(field, 4.0), field, soft(fan, 0.6))
    return grey(field)


def _photography(name: str, draw: Random) -> Field:
    tone = draw.random()
    skin = np.array([228, 186, 158]) * (1 - tone) + np.array([128, 92, 70]) * tone
    light = 1 + 0.1 * ((X - SIZE / 2) * draw.uniform(-1, 1) + (Y - SIZE / 2) * draw.uniform(-1, 1)) / SIZE
    texture = 1 + noise(draw, 1.1, 0.016) + noise(draw, 6, 0.02) - 0.05 * (noise(draw, 1.6, 1.0) > 2.0)
    creases = np.sin((X * draw.uniform(0.3, 0.5) + Y * draw.uniform(0.7, 0.9)) * 0.9 + noise(draw, 8, 1.6))
    shade = light * texture * (1 - 0.025 * (creases > 0.86))
    image = skin[None, None, :].astype(np.float32) * shade[:, :, None]
    turn = draw.uniform(-25, 25)
    band = arc(SIZE / 2, 190, 92, 90, 225 + turn / 2, 315 + turn / 2, draw.uniform(11, 14))
    places = ((68, SIZE / 2), (SIZE - 68, SIZE / 2))
    lesion = soft(lesion_mask(name, draw, places, band, 1.35), 1.3)[:, :, None]
    red = skin * np.array([0.92, 0.42, 0.42]) + np.array([12, 0, 4])
    image = image * (1 - lesion) + red * (shade * (1 + noise(draw, 2, 0.03)))[:, :, None] * lesion
    return image + noise(draw, 0.6, 1.5)[:, :, None]


_STAIN = {
    "nucleus": np.array([86, 48, 130]),
    "giant": np.array([206, 92, 150]),
    "needle": np.array([96, 170, 112]),
    "brown": np.array([122, 74, 22]),
}


def _microscopy(name: str, draw: Random) -> Field:
    eosin = np.array([238, 204, 222]) + draw.uniform(-4, 4, 3)
    weave = noise(draw, 2.5, 5) + noise(draw, 9, 5)
    tint = np.array([0.5, 1.0, 0.6], dtype=np.float32)
    image = eosin[None, None, :].astype(np.float32) + weave[:, :, None] * tint
    fibres = np.sin((X * draw.uniform(-0.2, 0.2) + Y * 0.3) + noise(draw, 9, 2.2)) > 0.9
    image = stain(image, eosin - np.array([12, 34, 18]), 0.6 * soft(fibres, 1.2))
    layers: dict[str, list[Outline]] = {key: [] for key in _STAIN}
    placed: list[Point] = []

    def place(apart: float, margin: float = 12) -> Point:
        for _ in range(200):
            spot = (draw.uniform(margin, SIZE - margin), draw.uniform(margin, SIZE - margin))
            if all(np.hypot(spot[0] - p[0], spot[1] - p[1]) > apart for p in placed):
                break
        placed.append(spot)
        return spot

    if name == "small-cells":
        for _ in range(int(draw.integers(95, 120))):
            layers["nucleus"].append(blob(*place(15, 6), draw.uniform(5, 6.2), draw))
    elif name == "spindles":
        lean = draw.uniform(0, np.pi)
        for _ in range(int(draw.integers(48, 58))):
            turn = lean + draw.uniform(-0.2, 0.2)
            nucleus = oval(*place(20, 6), draw.uniform(10, 12.5), draw.uniform(2.8, 3.4), turn)
            layers["nucleus"].append(nucleus)
    elif name == "giant-cells":
        for _ in range(int(draw.integers(2, 5))):
            x, y = place(72, 36)
            layers["giant"].append(blob(x, y, draw.uniform(27, 31), draw))
            for angle in np.linspace(0, 2 * np.pi, int(draw.integers(8, 11)), endpoint=False):
                spot = (x + 19 * np.cos(angle), y + 19 * np.sin(angle))
                layers["nucleus"].append(blob(*spot, draw.uniform(4, 4.8), draw))
    elif name == "needles":
        for _ in range(int(draw.integers(6, 9))):
            x, y = place(48, 26)
            for angle in draw.uniform(0, np.pi, int(draw.integers(3, 6))):
                layers["needle"].append(oval(x, y, draw.uniform(17, 23), 1.7, angle))
    else:
        for _ in range(int(draw.integers(9, 13))):
            x, y = place(36, 20)
            for _ in range(int(draw.integers(12, 18))):
                spot = (x + draw.normal(0, 6.5), y + draw.normal(0, 6.5))
                layers["brown"].append(blob(*spot, draw.uniform(2, 3.4), draw))
    if name not in ("small-cells", "spindles"):
        away = 40 if name == "giant-cells" else 16
        for _ in range(10):
            layers["nucleus"].append(blob(*place(away), draw.uniform(5, 6.5), draw))
    masks = {key: filled(*outlines) for key, outlines in layers.items()}
    for key in ("giant", "nucleus", "needle", "brown"):
        if key == "nucleus":
            halo = ndimage.binary_dilation(masks[key], iterations=3) & ~masks["giant"]
            image = stain(image, np.array([222, 172, 206]), 0.5 * soft(halo))
        image = stain(image, _STAIN[key] + noise(draw, 1.5, 7)[:, :, None], soft(masks[key], 0.6))
    return image + noise(draw, 0.7, 2)[:, :, None]


_INK, _HIGH, _LOW = (70, 78, 92), (206, 54, 48), (40, 92, 206)


def _laboratory(name: str, draw: Random) -> Field:
    canvas = PILImage.new("RGB", (WIDE, SIZE), (243, 246, 251))
    pen = ImageDraw.Draw(canvas)
    left, top = 14 + int(draw.integers(-4, 5)), 18 + int(draw.integers(-4, 5))
    font, small = ImageFont.load_default(14), ImageFont.load_default(10)
    abnormal = FINDINGS[EvidenceType.LABORATORY].index(name)
    high = name.endswith("high")
    pen.rounded_rectangle(
        (left, top, left + 290, top + 188), 6, fill=(255, 255, 255), outline=(176, 186, 204), width=2
    )
    for row, (analyte, unit) in enumerate(ANALYTES):
        y = top + 22 + 36 * row
        pen.text((left + 12, y), analyte, fill=_INK, font=font, anchor="lm")
        pen.text((left + 54, y), unit, fill=(140, 148, 162), font=small, anchor="lm")
        pen.rounded_rectangle((left + 104, y - 6, left + 278, y + 6), 5, fill=(232, 236, 243))
        pen.rectangle((left + 154, y - 6, left + 228, y + 6), fill=(198, 226, 204))
        at, colour = left + 191 + draw.uniform(-28, 28), _INK
        if row == abnormal:
            at = left + 191 + (1 if high else -1) * draw.uniform(54, 76)
            colour = _HIGH if high else _LOW
        pen.line((left + 110, y, left + 272, y), fill=(206, 212, 222))
        pen.polygon([(at, y - 9), (at + 7, y), (at, y + 9), (at - 7, y)], fill=colour)
        if row < len(ANALYTES) - 1:
            pen.line((left + 10, y + 18, left + 280, y + 18), fill=(228, 232, 240))
    return np.asarray(canvas, dtype=np.float32) + draw.normal(0, 0.6, (SIZE, WIDE, 1))


def _electrophysiology(name: str, draw: Random) -> Field:
    scale = 2  # drawn larger and shrunk, for a smooth line
    canvas = PILImage.new("RGB", (WIDE * scale, SIZE * scale), (255, 244, 242))
    pen = ImageDraw.Draw(canvas)
    shift = draw.uniform(0, 40, 2)
    for step, colour, width in ((8, (250, 222, 220), 1), (40, (240, 188, 186), 2)):
        for axis, length in ((0, WIDE), (1, SIZE)):
            for at in np.arange(shift[axis] - 40, length, step) * scale:
                line = (at, 0, at, SIZE * scale) if axis == 0 else (0, at, WIDE * scale, at)
                pen.line(line, fill=colour, width=width)
    gap = {"fast": draw.uniform(25, 29), "slow": draw.uniform(88, 100)}.get(name, draw.uniform(50, 58))
    starts = [-draw.uniform(0, gap) - gap]
    while starts[-1] < WIDE + 100:
        factor = [0.66, 1.0, 1.45, 0.8, 1.6][len(starts) % 5] * draw.uniform(0.95, 1.05)
        starts.append(starts[-1] + gap * (factor if name == "irregular" else draw.uniform(0.985, 1.015)))
    x = np.arange(-2, WIDE + 2, 0.25)
    y = 1.5 * np.sin(x / draw.uniform(40, 60) + draw.uniform(0, 6)) + draw.normal(0, 0.25, x.size)
    tall = draw.uniform(56, 68)

    def wave(centre: float, width: float, height: float) -> Field:
        return height * np.exp(-(((x - centre) / width) ** 2))

    for start in starts:
        wide = 3.1 if name == "wide-qrs" else 1.0
        y += wave(start, 1.3 * wide, tall) - wave(start - 3 * wide, 1.1 * wide, tall * 0.1)
        y -= wave(start + 3.2 * wide, 1.3 * wide, tall * 0.22)
        if name != "irregular":
            y += wave(start - (9 if name == "fast" else 13), 2.6, tall * 0.1)
        y += wave(start + (10 if name == "fast" else 18), 3.6, tall * 0.17)
        if name == "raised-st":
            y += tall * 0.3 / (1 + np.exp(-(x - start - 4) * 1.2)) / (1 + np.exp((x - start - 19) * 0.5))
    level = SIZE * 0.62 + draw.uniform(-10, 10)
    line = [(px * scale, (level - py) * scale) for px, py in zip(x, y, strict=True)]
    pen.line(line, fill=(32, 34, 44), width=2 * scale, joint="curve")
    image = np.asarray(canvas.resize((WIDE, SIZE), PILImage.Resampling.LANCZOS), dtype=np.float32)
    return image + draw.normal(0, 0.6, (SIZE, WIDE, 1))


_DRAWERS: dict[EvidenceType, Callable[[str, Random], Field]] = {
    EvidenceType.LABORATORY: _laboratory,
    EvidenceType.CT: _ct,
    EvidenceType.MRI: _mri,
    EvidenceType.XRAY: _xray,
    EvidenceType.ULTRASOUND: _ultrasound,
    EvidenceType.PHOTOGRAPHY: _photography,
    EvidenceType.MICROSCOPY: _microscopy,
    EvidenceType.ELECTROPHYSIOLOGY: _electrophysiology,
}
