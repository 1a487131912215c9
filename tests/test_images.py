"""Image files: what cannot be shown whole is refused before it reaches a model."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage

from medsyn.case import Image, ImageError, inspect_image, place_image, read_image, verify_images
from medsyn.case import images as images_module


def encoded(kind: str, size: tuple[int, int] = (24, 32), **options) -> bytes:
    """Return a noisy picture, so that its file is full of data, in a format."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = BytesIO()
    PILImage.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """Return a tiny PNG whose header claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def error_of(tmp_path: Path, data: bytes) -> ImageError:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        inspect_image(path)
    assert caught.value.path == path
    return caught.value


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_facts_of_a_whole_image(tmp_path, kind):
    data = encoded(kind)
    (tmp_path / "x").write_bytes(data)
    facts = inspect_image(tmp_path / "x")
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert (facts.bytes, facts.width, facts.height) == (len(data), 24, 32)
    assert facts.media_type == f"image/{kind.lower()}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_cut_image_is_refused(tmp_path, kind, share):
    data = encoded(kind)
    error = error_of(tmp_path, data[: max(1, int(len(data) * share))])
    assert "image" in error.found


def test_a_png_without_its_last_chunk_is_refused(tmp_path):
    # the decoder is content once it has all pixels
    assert error_of(tmp_path, encoded("PNG")[:-12]).expected == "a whole image file"


def test_a_missing_and_an_empty_file(tmp_path):
    with pytest.raises(ImageError, match="found no file"):
        inspect_image(tmp_path / "none.png")
    assert error_of(tmp_path, b"").found == "an empty file"
    with pytest.raises(ImageError, match="cannot be read"):
        inspect_image(tmp_path)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (15_000, 15_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, width, height, monkeypatch):
    def no_decoding(self):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", no_decoding)
    assert error_of(tmp_path, png_that_claims(width, height)).expected == "at most 100,000,000 pixels"


def test_a_header_that_claims_more_than_is_there(tmp_path):
    assert "unreadable" in error_of(tmp_path, png_that_claims(500, 500)).found


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(images_module, "MAX_BYTES", 100)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read"))
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(bytes(101))
    with pytest.raises(ImageError, match="found 101 bytes, expected at most 100"):
        inspect_image(path)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"hello", "no image in a known format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image in a known format"),
        (b"%PDF-1.7", "a PDF document"),
        (bytes(128) + b"DICM", "a DICOM file"),
        (encoded("TIFF"), "a TIFF image"),
        (encoded("BMP"), "a BMP image"),
        (b"\0\0\0\x18ftypheic", "a HEIC image"),
    ],
)
def test_other_formats_are_named(tmp_path, data, found):
    error = error_of(tmp_path, data)
    assert (error.found, error.expected) == (found, "PNG, JPEG, WEBP, GIF")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "MPO"])
def test_an_animation_is_refused(tmp_path, kind):
    more = [PILImage.new("RGB", (24, 32), colour) for colour in ("red", "blue")]
    error = error_of(tmp_path, encoded(kind, save_all=True, append_images=more))
    assert (error.found, error.expected) == ("3 frames", "a single frame")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_damaged_bytes_never_raise_anything_else(tmp_path, kind, changes):
    data = bytearray(encoded(kind))
    for at, value in changes:
        data[at] = value
    (tmp_path / "x").write_bytes(data)
    try:
        facts = inspect_image(tmp_path / "x")
    except ImageError:
        return
    assert facts.sha256 == hashlib.sha256(data).hexdigest()


# images of a casebook


def test_a_placed_image_keeps_its_bytes_and_its_dotted_name(tmp_path):
    data = encoded("JPEG")
    image = place_image(data, tmp_path, "case-7/ct.v1", time="day 3")
    assert (image.file, image.time) == ("images/case-7/ct.v1.jpg", "day 3")
    assert read_image(image) == (data, "image/jpeg")


def test_an_image_that_cannot_be_placed_leaves_no_file(tmp_path):
    with pytest.raises(ImageError):
        place_image(encoded("PNG")[:100], tmp_path, "case-7/ct")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_image_that_changed_after_it_was_verified_is_not_read(tmp_path):
    image = place_image(encoded("GIF"), tmp_path, "x")
    read_image(image)
    other = bytearray(encoded("GIF"))
    other[20] ^= 1  # a colour; the size stays
    image.path.write_bytes(other)
    os.utime(image.path, (1, 1))
    with pytest.raises(ImageError, match=f"expected the recorded {image.sha256[:12]}"):
        read_image(image)


def test_a_verified_image_is_decoded_and_hashed_once(tmp_path, monkeypatch):
    image = place_image(encoded("PNG"), tmp_path, "x")
    calls = []
    inspect = images_module._inspect
    monkeypatch.setattr(images_module, "_inspect", lambda path: calls.append(path) or inspect(path))
    assert {read_image(image)[0] for _ in range(5)} == {encoded("PNG")}
    assert len(calls) == 1


def test_many_images_are_checked_and_each_failure_kept(tmp_path):
    good = [place_image(encoded("PNG", (n, n)), tmp_path, f"{n}") for n in range(1, 20)]
    bad: list[Image] = [good[3], good[7]]
    bad[0].path.unlink()
    bad[1].path.write_bytes(b"x")
    calls: list[int] = []
    failed = verify_images(good, lambda: calls.append(1))
    assert [image for image, _ in failed] == bad
    assert len(calls) == len(good)
