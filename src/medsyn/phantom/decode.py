"""From pixels to the finding: the phantom reader's eyes.

Nothing but the pixels is used: no file name, no section, no metadata. First the type is told from colour and
outline, then the finding is measured: shapes of what is brighter or redder than any anatomy, colours of a
stain, the rhythm of a tracing, the mark outside its range. What fits no picture of the clinic is None.

Example:
    >>> from medsyn.phantom.render import picture
    >>> decode(picture(Finding(EvidenceType.XRAY, "pair"), seed="demo"))
    Finding(kind=<EvidenceType.XRAY: 'xray'>, name='pair')
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PILImage
from scipy import ndimage

from medsyn.phantom.shapes import SIZE, WIDE
from medsyn.phantom.world import FINDINGS, Finding
from medsyn.taxonomy import EvidenceType

Pixels = np.ndarray
Mask = np.ndarray


def decode(data: bytes) -> Finding | None:
    """Return the finding that a picture shows, or None where it is no picture of the phantom clinic.

    Args:
        data: the bytes of an image file that is known to be whole.
    """
    with PILImage.open(io.BytesIO(data)) as picture:
        if picture.size not in ((SIZE, SIZE), (WIDE, SIZE)):
            return None
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    kind = _kind(pixels)
    if kind is None:
        return None
    if kind is EvidenceType.LABORATORY:
        name = _laboratory(pixels)
    elif kind is EvidenceType.ELECTROPHYSIOLOGY:
        name = _rhythm(pixels)
    elif kind is EvidenceType.MICROSCOPY:
        name = _cells(pixels)
    else:
        name = _lesion(_bright(pixels) if kind is not EvidenceType.PHOTOGRAPHY else _red(pixels))
    return None if name is None else Finding(kind, name)


def _kind(pixels: Pixels) -> EvidenceType | None:
    red, green, blue = np.median(pixels, axis=(0, 1))
    if pixels.shape[1] == WIDE:
        if min(red, green, blue) < 220:
            return None
        return EvidenceType.ELECTROPHYSIOLOGY if red > blue + 5 else EvidenceType.LABORATORY
    red, green, blue = pixels.mean(axis=(0, 1))
    if red > green + 15 and green > blue + 8:
        return EvidenceType.PHOTOGRAPHY
    if red > green + 8 and blue > green + 8 and red > 120:
        return EvidenceType.MICROSCOPY
    if 4 < blue - red < 40 and red < green < blue < 160:
        return EvidenceType.XRAY
    if max(red, green, blue) - min(red, green, blue) < 1.5:
        return _outline(pixels[:, :, 1])
    return None


def _outline(level: Pixels) -> EvidenceType | None:
    """Tell CT, MRI and ultrasound by the outline of what is not background."""
    body = ndimage.binary_fill_holes(ndimage.gaussian_filter(level, 2) > 26)
    rows, columns = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
    if not rows.size or body[0].mean() > 0.2:
        return None
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    oval = np.hypot((x - columns.mean()) / width, (y - rows.mean()) / height) < 0.5
    if (oval & body).sum() > 0.95 * (oval | body).sum():
        if 1.2 < width / height < 1.65:
            return EvidenceType.CT
        return EvidenceType.MRI if 0.7 < width / height < 0.92 else None
    upper, lower = (body[int(rows[0] + share * height)].sum() for share in (0.2, 0.7))
    return EvidenceType.ULTRASOUND if lower > 1.6 * upper > 0 and width > 0.85 * SIZE else None


def _bright(pixels: Pixels) -> Mask:
    """What is brighter than any anatomy."""
    return ndimage.gaussian_filter(pixels[:, :, 2], 0.7) > 216


def _red(pixels: Pixels) -> Mask:
    """What is redder than any skin."""
    smooth = ndimage.gaussian_filter(pixels, (0.7, 0.7, 0))
    return smooth[:, :, 0] > 1.9 * smooth[:, :, 1]


def _lesion(mask: Mask) -> str | None:
    """Name the pattern of a lesion's mask."""
    parts, count = ndimage.label(mask, structure=np.ones((3, 3)))
    areas = ndimage.sum_labels(mask, parts, range(1, count + 1))
    large = [index + 1 for index, area in enumerate(areas) if area >= 4]
    if 5 <= len(large) <= 12:
        return "scattered" if max(areas) < 300 else None
    if len(large) == 2:
        small, big = sorted(areas[index - 1] for index in large)
        return "pair" if small > 0.3 * big else None
    if len(large) != 1 or areas[large[0] - 1] < 100:
        return None
    part = parts == large[0]
    closed = ndimage.binary_closing(np.pad(part, 2), iterations=2)
    if ndimage.binary_fill_holes(closed).sum() > 1.15 * part.sum():
        return "ring"
    stretch = _stretch(part)
    return "band" if stretch > 2.2 else "mass" if stretch < 1.6 else None


def _stretch(part: Mask) -> float:
    """Length over breadth of an area."""
    breadth, length = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(np.nonzero(part))), 1e-6))
    return float(length / breadth)


def _cells(pixels: Pixels) -> str | None:
    """Name what a stained section shows."""
    red, green, blue = np.moveaxis(ndimage.gaussian_filter(pixels, (0.6, 0.6, 0)), 2, 0)
    if ((red - blue > 60) & (red < 190)).mean() > 0.006:
        return "granules"
    if (green > red + 25).mean() > 0.006:
        return "needles"
    if (red - green > 85).mean() > 0.02:
        return "giant-cells"
    parts, count = ndimage.label((red < 140) & (blue > red + 20))
    cells = [np.pad(parts[box] == index + 1, 1) for index, box in enumerate(ndimage.find_objects(parts))]
    stretches = [_stretch(cell) for cell in cells if cell.sum() >= 20]
    if count < 20 or len(stretches) < 20:
        return None
    return "spindles" if np.median(stretches) > 2 else "small-cells"


def _laboratory(pixels: Pixels) -> str | None:
    """Name the value outside its range: the mark that is red or blue, by its row."""
    scale = pixels[:, 112:]
    red, blue = scale[:, :, 0], scale[:, :, 2]
    marks = (scale.max(axis=2) < 130) | (red > blue + 80) | (blue > red + 80)
    parts, count = ndimage.label(marks)
    labels = [index for index in range(1, count + 1) if (parts == index).sum() >= 30]
    names = FINDINGS[EvidenceType.LABORATORY]
    if len(labels) != len(names):
        return None
    labels.sort(key=lambda index: np.nonzero(parts == index)[0].mean())
    tints = [float((red - blue)[parts == index].mean()) for index in labels]
    coloured = [(row, tint) for row, tint in enumerate(tints) if abs(tint) > 60]
    if len(coloured) != 1:
        return None
    row, tint = coloured[0]
    return names[row] if names[row].endswith("high") == (tint > 0) else None


def _rhythm(pixels: Pixels) -> str | None:
    """Name a tracing's rhythm or shape from its beats, in pixels."""
    trace = pixels.mean(axis=2) < 150
    drawn = trace.any(axis=0)
    if drawn.mean() < 0.95:
        return None
    height = np.interp(np.arange(WIDE), np.flatnonzero(drawn), -trace.argmax(axis=0)[drawn].astype(float))
    height -= np.median(height)
    tall = height.max()
    beats, count = ndimage.label(height > 0.5 * tall)
    if tall < 30 or count < 3:
        return None
    spans = [np.flatnonzero(beats == index + 1) for index in range(count)]
    peaks = np.array([span[height[span].argmax()] for span in spans])
    gaps = np.diff(peaks)
    if gaps.std() > 0.15 * gaps.mean():
        return "irregular"
    if gaps.mean() < 36:
        return "fast"
    if gaps.mean() > 75:
        return "slow"
    inner = [span for span in spans if span[0] > 0 and span[-1] < WIDE - 1]
    if np.median([span.size for span in inner]) > 6:
        return "wide-qrs"
    after = [height[peak + 9 : peak + 13].mean() for peak in peaks if peak + 13 < WIDE]
    before = [height[peak - 23 : peak - 19].mean() for peak in peaks if peak >= 23]
    return "raised-st" if np.median(after) - np.median(before) > 0.15 * tall else None
