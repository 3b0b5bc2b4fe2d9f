"""What a function does, as Python compiled it: the same text in every process of one Python, without where it stands."""

from types import CodeType


def byte_code(code: CodeType) -> str:
    """The instructions, constants and names of a function, and of those inside it."""
    return "\n".join([code.co_code.hex(), *map(_constant, code.co_consts), *code.co_names])


def _constant(value: object) -> str:
    match value:
        case CodeType():
            return byte_code(value)
        case frozenset():  # its order differs from process to process
            return repr(sorted(map(repr, value)))
        case _:
            return repr(value)
