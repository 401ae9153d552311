"""References between floors: `hotline.ticket:12`, `datahub.row:7:1534`."""


def make_ref(kind: str, *parts: object) -> str:
    """`kind` is app.noun; the parts identify the thing within it."""
    return ":".join([kind, *map(str, parts)])


def parse_ref(ref: str) -> tuple[str, list[str]]:
    """The kind and the parts. Raises ValueError where either is missing."""
    kind, *parts = ref.split(":")
    if "." not in kind or not parts or not all(parts):
        raise ValueError(f"not a reference: {ref!r}")
    return kind, parts


def id_of(ref: str, kind: str) -> int | None:
    """The integer id when `ref` is of `kind`, else None."""
    try:
        found, parts = parse_ref(ref)
        return int(parts[0]) if found == kind else None
    except ValueError:
        return None
