"""Masking what MedPix burns into an image: its logo at the top right, and a strip at the bottom.

The strip is a black band over the whole width that holds an identifier, the names of the uploader and of the
source, and a date, in one or two centred lines of grey text. Logo and strip were drawn on the original image,
which was then scaled down, so both come in any size up to the full one; some images have neither.

Both are found from the pixels. The logo is looked for at every scale, at the place that the scale implies, by
correlation with a drawing of it. The strip is recognised by its lowest rows: many thin grey strokes on black.
Where there is a logo but no strip that is recognised, the rows that a strip of that scale would take are
masked all the same: losing a few rows is better than showing a name.

Text that a scanner wrote into a corner (a slice number, the window) is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

_MODES = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB"}
"""Pixel modes that are converted first, and to what."""

# Sizes below are pixels at full scale, as MedPix draws on an unscaled image.
_LOGO = (105, 7, 11, 26)
"""The logo's left edge (from the right), top edge, right edge (from the right) and bottom edge."""
_LETTERS = {
    "M": (0, 1, 16, 18),
    "e": (19, 5, 30, 18),
    "d": (32, 1, 43, 18),
    "P": (46, 1, 59, 18),
    "i": (62, 1, 64, 18),
    "x": (67, 5, 77, 18),
    "®": (79, 0, 94, 15),
}
"""Box of each letter inside the logo: left, top, right, bottom."""
_SCALES = np.arange(0.3, 1.051, 0.02)
_LIKENESS = 0.4
"""Correlation from which a corner counts as holding the logo; corners without it stay below 0.3."""
_TWO_LINES, _TALLEST = 22, 26
"""Rows of a strip of two lines, and the most rows that a strip is let grow to."""
_CONTRAST = 30
"""Grey levels by which a stroke must stand out from both its sides."""
_BRIGHTEST = 190
"""Grey level that the text of a strip never reaches."""
_GAP = 50
"""A row without text stays below this grey level."""


@dataclass(frozen=True)
class Masked:
    """One masked rectangle of an image, in pixels; right and bottom edges are outside of it."""

    what: Literal["logo", "strip", "strip (assumed below the logo)"]
    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        return f"{self.what} ({self.left}, {self.top})-({self.right}, {self.bottom})"


class UnmaskableError(ValueError):
    """An image whose pixels this module cannot read; the message is the pixel mode."""


def mask_image(data: bytes) -> tuple[bytes, tuple[Masked, ...]]:
    """Return an image as PNG without logo and strip, and what was masked.

    Pixels outside the masked rectangles keep their values. The file's text chunks are dropped, for they may
    name people too.

    Raises:
        UnmaskableError: the pixels are not 8 bits deep.
        OSError: the bytes are no whole image.
    """
    with PILImage.open(BytesIO(data)) as picture:
        picture.load()
        mode = _MODES.get(picture.mode, picture.mode)
        if mode not in ("L", "LA", "RGB", "RGBA"):
            raise UnmaskableError(picture.mode)
        pixels = np.array(picture.convert(mode))
    masked = find_overlays(pixels)
    for box in masked:
        _fill(pixels, box, masked)
    buffer = BytesIO()
    PILImage.fromarray(pixels, mode).save(buffer, "PNG", optimize=False)
    return buffer.getvalue(), masked


def find_overlays(pixels: NDArray[np.uint8]) -> tuple[Masked, ...]:
    """Return where logo and strip are; empty where there is neither.

    Args:
        pixels: height x width, or height x width x channels; an alpha channel is left out of account.
    """
    grey = _grey(pixels)
    logo = find_logo(grey)
    strip = find_strip(grey)
    height, width = grey.shape
    if logo is not None and strip is None:
        scale = (logo.right - logo.left) / (_LOGO[0] - _LOGO[2])
        top = max(logo.bottom, height - int(np.ceil(_TWO_LINES * scale)) - 1)
        strip = Masked("strip (assumed below the logo)", 0, top, width, height)
    return tuple(box for box in (logo, strip) if box is not None)


def find_logo(grey: NDArray[np.uint8]) -> Masked | None:
    """Return the logo's rectangle with a margin, or None.

    Args:
        grey: height x width.
    """
    height, width = grey.shape
    corner = grey[: min(height, 40), max(0, width - 125) :].astype(np.float64)
    sharp = {blur: _sharpen(corner, blur) for blur in (1, 2, 3)}
    best, found = _LIKENESS, None
    for scale in _SCALES:
        size = (round((_LOGO[0] - _LOGO[2]) * scale), round((_LOGO[3] - _LOGO[1]) * scale))
        drawing = _drawing(*size)
        margin = (drawing.shape[1] - size[0]) // 2
        left, top = corner.shape[1] - round(_LOGO[0] * scale) - margin, round(_LOGO[1] * scale) - margin
        for x in range(left - 1, left + 2):
            for y in range(top - 1, top + 2):
                if x < 0 or y < 0:
                    continue
                patch = sharp[_blur(size[1])][y : y + drawing.shape[0], x : x + drawing.shape[1]]
                if patch.shape != drawing.shape:
                    continue
                likeness = _correlation(patch, drawing)
                if likeness > best:
                    best = likeness
                    right = min(width, x + width - corner.shape[1] + patch.shape[1])
                    found = Masked("logo", x + width - corner.shape[1], y, right, y + patch.shape[0])
    return found


def find_strip(grey: NDArray[np.uint8]) -> Masked | None:
    """Return the strip's rectangle, or None.

    Args:
        grey: height x width.
    """
    height, width = grey.shape
    rows = grey[-min(height, _TALLEST + 2) :][::-1]  # from the bottom upwards
    strokes = [_strokes(row) for row in rows]
    brightest, dark = rows.max(axis=1), (rows < 40).mean(axis=1)
    text = [strokes[i] >= 15 and brightest[i] < _BRIGHTEST and dark[i] > 0.5 for i in range(len(rows))]
    # the lowest text row is at most two rows above the edge, and text is at least three rows high
    if len(rows) < 7 or sum(text[:6]) < 3:
        return None
    gap = (brightest < _GAP) & (dark > 0.9)
    top = _end_of_line(3, strokes, brightest, dark)
    # a second line above this one; between them are at most three rows, dark or with tails of letters only
    second = next((i for i in range(top, min(top + 4, len(rows))) if text[i]), None)
    if second is not None and sum(text[second : second + 6]) >= 4:
        top = _end_of_line(second, strokes, brightest, dark)
    for _ in range(2):
        if top < len(rows) and gap[top]:
            top += 1
    return Masked("strip", 0, height - top, width, height)


def _end_of_line(row: int, strokes: list[int], brightest: NDArray[np.uint8], dark: NDArray[np.float64]) -> int:
    """Return the first row from ``row`` upwards that holds no text."""
    while row < min(len(strokes), _TALLEST) and _is_text(strokes[row], brightest[row], dark[row]):
        row += 1
    return row


def _is_text(strokes: int, brightest: int, dark: float) -> bool:
    return strokes >= 2 and _GAP <= brightest < _BRIGHTEST and dark > 0.45


def _strokes(row: NDArray[np.uint8]) -> int:
    """Count the bright runs that stand out by `_CONTRAST` from the dark on both sides."""
    count, rising, extreme = 0, False, int(row[0])
    for value in row.tolist():
        if rising:
            if value > extreme:
                extreme = value
            elif extreme - value >= _CONTRAST:
                count, rising, extreme = count + 1, False, value
        elif value < extreme:
            extreme = value
        elif value - extreme >= _CONTRAST:
            rising, extreme = True, value
    return count


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return pixels
    return pixels[..., : pixels.shape[2] - (pixels.shape[2] in (2, 4))].max(axis=2)


def _fill(pixels: NDArray[np.uint8], box: Masked, masked: tuple[Masked, ...]) -> None:
    """Fill a rectangle with its surroundings: the median of the pixels around it, or black for the strip."""
    opaque = pixels.ndim == 2 or pixels.shape[2] in (1, 3)
    channels = pixels if opaque else pixels[..., :-1]
    if box.what != "logo":
        channels[box.top : box.bottom, box.left : box.right] = 0
        return
    ring = 4
    top, left = max(0, box.top - ring), max(0, box.left - ring)
    around = channels[top : box.bottom + ring, left : box.right + ring].astype(np.float64)
    around[box.top - top : box.bottom - top, box.left - left : box.right - left] = np.nan
    colour = np.nanmedian(around, axis=(0, 1))
    channels[box.top : box.bottom, box.left : box.right] = np.round(colour).astype(np.uint8)


@cache
def _drawing(width: int, height: int) -> NDArray[np.float64]:
    """Draw the logo at a size, with a margin around it, sharpened as the image will be."""
    full = PILImage.new("L", (94 * 4, 19 * 4))
    font = ImageFont.load_default(size=96)
    for letter, (left, top, right, bottom) in _LETTERS.items():
        glyph = PILImage.new("L", (200, 200))
        ImageDraw.Draw(glyph).text((30, 30), letter, font=font, fill=255)
        glyph = glyph.crop(glyph.getbbox()).resize(((right - left) * 4, (bottom - top) * 4))
        full.paste(glyph, (left * 4, top * 4))
    margin = max(2, round(height / 8))
    drawing = np.zeros((height + 2 * margin, width + 2 * margin))
    drawing[margin:-margin, margin:-margin] = np.asarray(full.resize((width, height)), dtype=np.float64)
    sharp = _sharpen(drawing, _blur(height))
    sharp -= sharp.mean()
    return sharp / np.sqrt((sharp * sharp).sum())


def _blur(height: int) -> int:
    """Pixels of blur that a logo of this height is compared at."""
    return min(3, max(1, round(height / 6)))


def _sharpen(grey: NDArray[np.float64], blur: int) -> NDArray[np.float64]:
    """Take the slow changes of brightness out, so that a logo on tissue looks like one on black."""
    return grey - gaussian_filter(grey, blur)


def _correlation(patch: NDArray[np.float64], drawing: NDArray[np.float64]) -> float:
    """Correlate pixels with a drawing of mean 0 and length 1."""
    spread = float(patch.std())
    # a corner that is flat up to noise of compression resembles nothing
    return float(np.vdot(patch, drawing)) / (spread * np.sqrt(patch.size)) if spread > 1.5 else 0.0
