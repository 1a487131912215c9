"""What all importers share: putting an image into a casebook."""

from __future__ import annotations

from pathlib import Path

from medsyn.case import Image, inspect_image

_SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


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
    path = draft.with_suffix(_SUFFIX[facts.media_type])
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
