"""Open a file the way a mapping says, or find the mapping by the file's header."""

from datahub.declare import DatasetSpec, MappingSpec
from datahub.formats.base import Source
from datahub.formats.blocks import BLOCK_BYTES
from datahub.formats.opening import open_source

from .plan import best_mapping


def open_as(
    spec: DatasetSpec, path: str, named: MappingSpec | None = None, *, block_bytes: int = BLOCK_BYTES
) -> tuple[Source, MappingSpec]:
    """The source and the mapping that reads it. Raises Refusal."""
    if named is not None:
        return open_by(path, named, block_bytes), named
    default = spec.mapping("default") or MappingSpec()
    source = open_source(path, null_tokens=default.null_tokens, block_bytes=block_bytes)
    chosen = best_mapping(spec, source.header)
    plain = MappingSpec(null_tokens=default.null_tokens)
    if options(chosen) != options(plain):
        source = open_by(path, chosen, block_bytes)
    return source, chosen


def open_by(path: str, mapping: MappingSpec, block_bytes: int = BLOCK_BYTES) -> Source:
    return open_source(path, **options(mapping), block_bytes=block_bytes)  # type: ignore[arg-type]


def options(mapping: MappingSpec) -> dict[str, object]:
    names = ("delimiter", "encoding", "null_tokens", "sheet", "geometry")
    return {name: getattr(mapping, name) for name in names}
