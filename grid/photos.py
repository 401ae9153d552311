"""A photo is what its content says, small enough, and carries nothing but the picture."""

from __future__ import annotations

import io

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from commandcenter.core.errors import BadInput, Problem
from commandcenter.core.uploads import sniff

MOST_BYTES = 12 * 1024 * 1024
MOST_PIXELS = 50_000_000  # a small file can unfold to gigabytes
LONGEST_SIDE = 2_000
KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})


def clean_photo(content: bytes) -> bytes:
    """The picture alone as JPEG: turned upright, no wider than a screen, without EXIF (place, device, owner).

    Raises BadInput for anything that is no picture, too big, or broken.
    """
    if len(content) > MOST_BYTES:
        raise _bad(_("The photo is larger than %(limit)s MB.") % {"limit": MOST_BYTES // 1024 // 1024})
    if sniff(content) not in KINDS:
        raise _bad(_("This is no photo: only JPEG, PNG and WebP are taken."))
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _bad(_("The photo has too many pixels."))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _bad(_("The photo cannot be read; please take it again.")) from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()


def _bad(reason: str) -> BadInput:
    return BadInput(Problem(None, "photo", reason))
