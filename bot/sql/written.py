"""A statement in Postgres's words, written once by SQLAlchemy: what is left to do for each execution is to put in its values, and to
read what it found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Dialect, Executable, TextClause, TypeDecorator
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Parameters = Mapping[str, object] | Sequence[Mapping[str, object]] | None
_Processor = Callable[[Any], Any] | None


class Rows(IteratorResult[Any]):
    """What a statement found; ``rowcount``: how many rows it wrote, -1 where nobody can tell."""

    def __init__(self, keys: Sequence[str], rows: Sequence[tuple[Any, ...]], rowcount: int = -1) -> None:
        super().__init__(SimpleResultMetaData(keys), iter(rows))
        self.rowcount = rowcount


@dataclass(frozen=True, slots=True)
class Written:
    """``statement`` is kept because its identity is its name in a cache. ``finds``: whether it has rows to tell."""

    statement: Executable
    sql: str
    finds: bool
    _compiled: SQLCompiler
    _names: tuple[str, ...]
    _fixed: Mapping[str, object]
    _into: tuple[_Processor, ...]
    _keys: tuple[str, ...]
    _out: tuple[_Processor, ...]

    def filled(self, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """The text and its values in their order. A list among the values makes the text as long as itself."""
        if self._compiled.post_compile_params:
            state = self._compiled.construct_expanded_state(dict(parameters))
            ordered = [(state.parameters[name], state.processors.get(name)) for name in state.positiontup or ()]
            return state.statement, [value if into is None else into(value) for value, into in ordered]
        values = {**self._fixed, **parameters}
        return self.sql, [
            values[name] if into is None else into(values[name])
            for name, into in zip(self._names, self._into, strict=True)
        ]

    def found(self, records: Sequence[Any]) -> Rows:
        keys = self._keys or (tuple(records[0].keys()) if records else ())
        if not any(self._out):
            return Rows(keys, [tuple(record) for record in records], len(records))
        read = [
            tuple(value if out is None else out(value) for value, out in zip(record, self._out, strict=True))
            for record in records
        ]
        return Rows(keys, read, len(records))


def write(statement: Executable, names: list[str], dialect: Dialect) -> Written:
    """``statement`` for parameters of these names."""
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=dialect, column_keys=names or None)
    assert isinstance(compiled, SQLCompiler)
    columns = tuple(getattr(statement, "exported_columns", ()))
    ordered = tuple(compiled.positiontup or ())
    fixed = {} if compiled.post_compile_params else compiled.construct_params(_check=False)
    return Written(
        statement=statement,
        sql=compiled.string,
        finds=bool(columns) or isinstance(statement, TextClause),
        _compiled=compiled,
        _names=ordered,
        _fixed=fixed,
        _into=tuple(compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in ordered),
        _keys=tuple(column.key for column in columns),
        _out=tuple(_reading(column.type, dialect) for column in columns),
    )


def _reading(kind: TypeEngine[Any], dialect: Dialect) -> _Processor:
    """asyncpg gives Python's own values; what else there is to read is a type's of ours."""
    return kind.dialect_impl(dialect).result_processor(dialect, None) if isinstance(kind, TypeDecorator) else None
