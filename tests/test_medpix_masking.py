"""Masking of MedPix images: strips and logos of any size go, everything else stays."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from medsyn.source.medpix.masking import find_overlays, find_strip, mask_image


def burn(picture: PILImage.Image, lines: list[str], size: int = 10) -> int:
    """Draw a strip as MedPix does, in another font; return its height."""
    font = ImageFont.load_default(size=size)
    width, height = picture.size
    tall = len(lines) * size + 2
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height - tall, width, height), fill=0)
    for i, line in enumerate(lines):
        middle = (width - draw.textlength(line, font=font)) / 2
        draw.text((middle, height - tall + 1 + i * size), line, font=font, fill=140)
    return tall


def texture(size: tuple[int, int], seed: int = 0) -> PILImage.Image:
    """A smooth random picture, as tissue is."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 220, (12, 12), dtype=np.uint8)
    return PILImage.fromarray(small).resize(size, PILImage.Resampling.BICUBIC)


ONE = "0f3c2a11-97ab-4c1e-8f00-5d2e1b7a9c3d,Uploader : Jane Q Public,Source : Jane Q Public,02-03-2004"
TWO = ["0f3c2a11-97ab-4c1e-8f00-5d2e1b7a9c3d,Uploader : Jane Q Public", "Source : Jane Q Public,02-03-2004"]


@pytest.mark.parametrize("lines", [[ONE], TWO])
@pytest.mark.parametrize("scale", [1.0, 0.8, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_strips_of_any_size_are_masked_on_any_picture(lines, scale, seed):
    picture = texture((620, 500), seed)
    tall = burn(picture, lines)
    if scale < 1:
        picture = picture.resize((round(620 * scale), round(500 * scale)), PILImage.Resampling.BICUBIC)
    pixels = np.array(picture)
    box = find_strip(pixels)
    assert box is not None
    assert box.bottom - box.top >= tall * scale - 2
    assert box.bottom - box.top <= tall * scale + 3


@pytest.mark.parametrize("seed", range(8))
def test_pictures_without_a_strip_keep_every_row(seed):
    pixels = np.array(texture((512, 512), seed))
    rng = np.random.default_rng(seed)
    noisy = np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    dark = np.clip(rng.normal(5, 6, pixels.shape), 0, 255).astype(np.uint8)
    for picture in (pixels, noisy, dark, np.zeros_like(pixels), np.full_like(pixels, 255)):
        assert find_overlays(picture) == ()


def test_a_scanner_s_own_corner_text_stays():
    picture = PILImage.new("L", (512, 512))
    ImageDraw.Draw(picture).text((3, 490), "W 1617 : L 779", font=ImageFont.load_default(size=14), fill=255)
    ImageDraw.Draw(picture).text((3, 3), "L", font=ImageFont.load_default(size=14), fill=255)
    assert find_overlays(np.array(picture)) == ()


def test_below_a_logo_the_strip_is_masked_even_if_it_is_not_recognised(shared):
    images = shared / "data/case_reports/medpix2_sample/images"
    pixels = np.array(PILImage.open(images / "MPX1043_synpic47071.png"))
    pixels[-22:] = 255 - pixels[-22:]  # black on white, as no known strip is
    logo, strip = find_overlays(pixels)
    assert (logo.what, strip.what) == ("logo", "strip (assumed below the logo)")
    assert (strip.left, strip.right, strip.bottom) == (0, 512, 512)
    assert strip.top <= 490


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
def test_every_pixel_mode_is_masked_and_text_chunks_go(mode):
    picture = texture((620, 500))
    burn(picture, [ONE])
    info = PngInfo()
    info.add_text("Comment", "Jane Q Public")
    buffer = BytesIO()
    picture.convert(mode, dither=PILImage.Dither.NONE).save(buffer, "PNG", pnginfo=info)
    data, masked = mask_image(buffer.getvalue())
    assert b"Jane" not in data
    assert PILImage.open(BytesIO(data)).size == (620, 500)
    if mode != "1":
        assert [box.what for box in masked] == ["strip"]
