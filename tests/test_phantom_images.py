"""Pictures of the phantom clinic: no two alike, and read off their pixels without a mistake."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PILImage

from medsyn.phantom.decode import decode
from medsyn.phantom.render import picture
from medsyn.phantom.world import FINDINGS, VISUAL, Finding

FRESH = 3
"""Fresh pictures of each finding; 300 of each were read without a mistake when this was written."""


def pixels(data: bytes) -> np.ndarray:
    with PILImage.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"), dtype=float)


def encoded(array: np.ndarray, form: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    PILImage.fromarray(np.clip(array, 0, 255).astype(np.uint8)).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", VISUAL)
def test_every_fresh_picture_is_read_rightly(kind):
    wrong = [
        (name, number, read)
        for name in FINDINGS[kind]
        for number in range(FRESH)
        if (read := decode(picture(Finding(kind, name), f"test {number}"))) != Finding(kind, name)
    ]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", VISUAL)
def test_hundreds_of_pictures_are_read_rightly(kind):
    for name in FINDINGS[kind]:
        for number in range(15):
            assert decode(picture(Finding(kind, name), f"slow {number}")) == Finding(kind, name), number


@pytest.mark.parametrize("kind", VISUAL)
def test_reading_stands_noise_compression_and_a_shift(kind):
    draw = np.random.default_rng(0)
    for name in FINDINGS[kind]:
        drawn = pixels(picture(Finding(kind, name), "robust"))
        for changed in (
            encoded(drawn + draw.normal(0, 4, drawn.shape)),
            encoded(drawn, "JPEG", quality=80),
            encoded(np.roll(drawn, 3, axis=0) * 0.98),
        ):
            assert decode(changed) == Finding(kind, name)


@pytest.mark.parametrize("kind", VISUAL)
def test_no_two_pictures_are_equal_but_one_seed_gives_one(kind):
    finding = Finding(kind, FINDINGS[kind][0])
    drawn = [picture(finding, seed) for seed in ("a", "b", "c")]
    assert len(set(drawn)) == 3
    assert drawn[0] == picture(finding, "a")
    assert np.abs(pixels(drawn[0]) - pixels(drawn[1])).mean() > 1  # more than a bit of noise


def test_pictures_hold_no_metadata():
    for kind in VISUAL:
        with PILImage.open(io.BytesIO(picture(Finding(kind, FINDINGS[kind][0]), "a"))) as opened:
            assert opened.info == {}


@pytest.mark.parametrize("shape", [(224, 224, 3), (224, 320, 3), (300, 200, 3)])
def test_what_is_no_picture_of_the_clinic_is_not_guessed(shape):
    draw = np.random.default_rng(1)
    slope = np.broadcast_to(np.linspace(0, 255, shape[1])[None, :, None], shape)
    for array in (draw.integers(0, 256, shape), np.zeros(shape), np.full(shape, 255), slope):
        assert decode(encoded(array)) is None


def test_real_clinical_images_are_not_taken_for_the_clinics(shared):
    files = sorted((shared / "data" / "case_reports").rglob("*.png"))[:12]
    assert files
    taken = 0
    for path in files:
        with PILImage.open(path) as opened:
            taken += decode(encoded(np.asarray(opened.convert("RGB")))) is not None
            small = np.asarray(opened.convert("RGB").resize((224, 224)))
            taken += decode(encoded(small)) is not None
    assert taken <= 1  # a real fan with bright spots may look like a drawn one
