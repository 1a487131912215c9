"""Image files: checked before they are opened, hashed once a file.

Formats are those that servers of multimodal models take unaltered: PNG, JPEG, WebP and GIF, one frame each.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image as PILImage

from medsyn.case.types import Image

MAX_PIXELS = 100_000_000
"""Images with more pixels are refused as decompression bombs."""
MAX_BYTES = 200 * 2**20
"""Larger files are refused before they are read."""
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
"""Accepted formats and their media types."""
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}
"""How the files of a casebook end, by media type."""


_OTHERS = (
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (0, b"BM", "a BMP image"),
    (128, b"DICM", "a DICOM file"),
    (4, b"ftyphei", "a HEIC image"),
    (4, b"ftypmif1", "a HEIC image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"jP  ", "a JPEG 2000 image"),
    (0, b"%PDF", "a PDF document"),
)
"""Formats that people have and servers do not take: offset, bytes there, name."""
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")


class ImageError(ValueError):
    """An image file that cannot be used; ``found`` and ``expected`` say why."""

    def __init__(self, path: Path, found: str, expected: str):
        super().__init__(f"{path}: found {found}, expected {expected}")
        self.path, self.found, self.expected = path, found, expected


@dataclass(frozen=True)
class ImageFacts:
    """What the bytes of an image file say."""

    sha256: str
    bytes: int
    width: int
    height: int
    media_type: str


def inspect_image(path: Path) -> ImageFacts:
    """Read, wholly decode and hash an image file.

    Raises:
        ImageError: missing, empty, too large, of another format, animated, truncated, or too many pixels.
    """
    return _inspect(path)[0]


def _inspect(path: Path) -> tuple[ImageFacts, bytes]:
    data = read_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PILImage.DecompressionBombWarning)
            with PILImage.open(BytesIO(data), formats=tuple(FORMATS)) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise ImageError(path, f"{width} x {height} pixels", f"at most {MAX_PIXELS:,} pixels")
                if getattr(picture, "n_frames", 1) > 1:
                    raise ImageError(path, f"{picture.n_frames} frames", "a single frame")
                media_type = FORMATS[picture.format or ""]
                picture.load()
            if media_type == "image/png":  # the decoder stops at the last pixel and misses a cut end
                with PILImage.open(BytesIO(data), formats=("PNG",)) as again:
                    again.verify()
    except PILImage.DecompressionBombError as error:
        raise ImageError(path, "a decompression bomb", f"at most {MAX_PIXELS:,} pixels") from error
    except PILImage.UnidentifiedImageError as error:
        if data.startswith(_STARTS):
            raise ImageError(path, "a cut or damaged image", "a whole image file") from error
        names = (name for at, start, name in _OTHERS if data.startswith(start, at))
        found = next(names, "no image in a known format")
        raise ImageError(path, found, ", ".join(FORMATS)) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(path, f"an unreadable image ({error})", "a whole image file") from error
    return ImageFacts(hashlib.sha256(data).hexdigest(), len(data), width, height, media_type), data


def read_bytes(path: Path) -> bytes:
    """Return the bytes of an image file, looking at its size first.

    Raises:
        ImageError: no file, empty, or larger than `MAX_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size == 0:
            raise ImageError(path, "an empty file", "an image")
        if size > MAX_BYTES:
            raise ImageError(path, f"{size:,} bytes", f"at most {MAX_BYTES:,}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(path, "no file", "an image") from error
    except OSError as error:
        raise ImageError(path, f"a file that cannot be read ({error.strerror})", "an image") from error


_verified: dict[tuple[str, int, int], ImageFacts] = {}
"""Files whose content was checked in this process, by path, size and time of change."""


def verify_image(image: Image) -> ImageFacts:
    """Check once a file that the bytes are a whole image with the recorded hash.

    Raises:
        ImageError: as `inspect_image`, or the content is not the recorded one.
    """
    return _facts(image)[0]


def _facts(image: Image) -> tuple[ImageFacts, bytes | None]:
    key = _key(image.path)
    facts, data = (_verified.get(key) if key else None), None
    if facts is None:
        facts, data = _inspect(image.path)
        key = key or _key(image.path)
        if key:
            _verified[key] = facts
    if facts.sha256 != image.sha256:
        raise ImageError(
            image.path, f"content with hash {facts.sha256[:12]}…", f"the recorded {image.sha256[:12]}…"
        )
    return facts, data


def _key(path: Path) -> tuple[str, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (str(path), status.st_size, status.st_mtime_ns)


def read_image(image: Image) -> tuple[bytes, str]:
    """Return an image's bytes, unaltered, and their media type, verified once a file.

    Raises:
        ImageError: see `verify_image`.
    """
    facts, data = _facts(image)
    return (data if data is not None else read_bytes(image.path)), facts.media_type


def verify_images(
    images: Iterable[Image], each: Callable[[], None] = lambda: None
) -> list[tuple[Image, ImageError]]:
    """Check many images in parallel, calling ``each`` after every one; return those that fail."""

    def check(image: Image) -> tuple[Image, ImageError] | None:
        try:
            verify_image(image)
        except ImageError as error:
            return image, error
        return None

    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(check, images):
            each()
            if result is not None:
                failed.append(result)
    return failed


def place_image(
    data: bytes, folder: Path, name: str, *, time: str | None = None, caption: str | None = None
) -> Image:
    """Write an image's bytes into a casebook's ``images/`` and return its record.

    Args:
        data: the file's bytes, kept as they are.
        folder: the casebook's folder.
        name: the file's name without its ending; may hold a sub-folder, such as ``case-7/ct-01``.
        time: time reference, if any.
        caption: the source's caption, if any.

    Raises:
        ImageError: the bytes are no usable image; nothing is left behind then.
    """
    draft = folder / "images" / f"{name}.draft"
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(data)
    try:
        facts = inspect_image(draft)
    except ValueError:
        draft.unlink()
        raise
    path = draft.with_suffix(SUFFIXES[facts.media_type])
    draft.replace(path)
    return Image(
        file=path.relative_to(folder).as_posix(),
        sha256=facts.sha256,
        bytes=facts.bytes,
        width=facts.width,
        height=facts.height,
        time=time,
        caption=caption,
        folder=folder,
    )
