"""What an image file says beside its pixels: personal data, and a rotation that not every server applies.

medsyn sends files unaltered, so whatever they hold leaves the house with them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import ExifTags
from PIL import Image as PILImage

_TAGS = {
    ExifTags.Base.Artist: "an artist",
    ExifTags.Base.ImageDescription: "a description",
    ExifTags.Base.XPTitle: "a title",
    ExifTags.Base.XPComment: "a comment",
    ExifTags.Base.XPAuthor: "an author",
    ExifTags.Base.XPSubject: "a subject",
    ExifTags.Base.HostComputer: "a computer's name",
    ExifTags.Base.DateTime: "a date",
}
_CAMERA_TAGS = {
    ExifTags.Base.DateTimeOriginal: "a date",
    ExifTags.Base.DateTimeDigitized: "a date",
    ExifTags.Base.UserComment: "a comment",
    ExifTags.Base.CameraOwnerName: "the camera owner's name",
    ExifTags.Base.BodySerialNumber: "the camera's serial number",
    ExifTags.Base.LensSerialNumber: "the lens's serial number",
}
_TECHNICAL_TEXTS = frozenset(("Software", "dpi", "gamma", "srgb", "XML:com.adobe.xmp"))


def image_warnings(path: Path) -> tuple[str, ...]:
    """Return what a person should know of a usable image file before it is sent anywhere.

    Personal data in metadata (GPS position, names, dates, serial numbers, comments; named, never quoted), and
    an orientation that stands only in the metadata.
    """
    found: list[str] = []
    with warnings.catch_warnings(), PILImage.open(path) as picture:
        warnings.simplefilter("ignore")  # damaged metadata, from which Pillow reads what it can
        exif = picture.getexif()
        if exif.get_ifd(ExifTags.IFD.GPSInfo):
            found.append("a GPS position")
        camera = exif.get_ifd(ExifTags.IFD.Exif)
        found += [name for tag, name in _TAGS.items() if _says(exif.get(tag))]
        found += [name for tag, name in _CAMERA_TAGS.items() if _says(camera.get(tag))]
        if _says(picture.info.get("comment")):
            found.append("a comment")
        if "xmp" in picture.info or "XML:com.adobe.xmp" in picture.info:
            found.append("an XMP record")
        texts = getattr(picture, "text", {})
        found += [f"a text {name[:30]!r}" for name in texts if name not in _TECHNICAL_TEXTS]
        orientation = exif.get(ExifTags.Base.Orientation, 1)
    messages = []
    if found:
        listed = ", ".join(dict.fromkeys(found))
        messages.append(f"its metadata hold {listed}: remove what may identify a person")
    if orientation not in (0, 1):
        messages.append(
            f"it is upright only by its EXIF orientation ({orientation}), which not every server applies: "
            "rotate the pixels instead"
        )
    return tuple(messages)


def _says(value: object) -> bool:
    if isinstance(value, bytes):
        return bool(value.removeprefix(b"ASCII").strip(b"\0 "))
    return bool(str(value).strip("\0 ")) if value is not None else False
