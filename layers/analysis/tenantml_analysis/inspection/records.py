"""The exact reader of CSV records: slow, and the one that decides.

It reads what `csv.reader(strict=True)` reads, and keeps each record's own bytes. A record ends at LF, CRLF or a lone CR
outside quotes. A field is quoted when its first byte is a quote; a quote further in is an ordinary character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tenantml.errors import (
    DatasetError,
    FieldTooLong,
    NotUtf8,
    NulByte,
    RaggedRow,
    RepeatedHeader,
    RowTooLong,
    StrayQuote,
    UnclosedQuote,
)
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.sniffing import UTF8_BOM

_QUOTED = re.compile(rb'"((?:[^"]|"")*+)"?')
_PLAIN = re.compile(rb"[^,\r\n]*+")
_PIECE = re.compile(rb'""|[^"]+')
_CLOSE = "close it, or double quotes inside a field"
_TERMINATOR = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Limits:
    """How long a field and a record may be, in bytes: the value of a field, the text of a record without its
    terminator.
    """

    field_bytes: int
    row_bytes: int


@dataclass(frozen=True)
class Record:
    """One record: `start` to `end` is its text with the terminator, `fields` its values as written, quotes still
    doubled, and `spans` where they start and end in the text, without the quotes around them.
    """

    start: int
    end: int
    fields: list[bytes]
    spans: list[tuple[int, int]]

    @property
    def blank(self) -> bool:
        """An empty line: the standard library reads it as no field at all, pandas and AutoGluon skip it."""
        return not self.fields


def lines_in(text: bytes, start: int, end: int) -> int:
    """Count the line terminators (LF, CRLF, lone CR) between two offsets."""
    return text.count(b"\n", start, end) + text.count(b"\r", start, end) - text.count(b"\r\n", start, end)


def terminator_before(text: bytes, end: int) -> bytes:
    """Return the line terminator that ends at an offset, or nothing."""
    if text.endswith(b"\r\n", 0, end):
        return b"\r\n"
    return text[end - 1 : end] if text.endswith((b"\r", b"\n"), 0, end) else b""


def read_record(text: bytes, start: int, line: int, limits: Limits, *, last: bool) -> Record | None:
    """Read the record that starts at an offset, or return None when its end is not in the text yet.

    `line` is the 1-based line of that offset. `last` says that nothing follows the text, which then ends in a
    terminator.

    Raises:
        UnclosedQuote, StrayQuote, FieldTooLong, RowTooLong: whatever comes first.
    """
    fields: list[bytes] = []
    spans: list[tuple[int, int]] = []
    at = start
    while True:
        quoted = text.startswith(b'"', at)
        found = (_QUOTED if quoted else _PLAIN).match(text, at)
        assert found is not None  # both patterns match anything
        end = found.end()
        broken = _broken_field(text, found, quoted=quoted, last=last, limits=limits)
        if broken:
            offset, error, problem = broken
            if text.startswith(b"\r\n", offset - 1):  # the two bytes end the line together
                offset -= 1
            terminator = _TERMINATOR.search(text, offset)
            if (terminator.start() if terminator else len(text)) - start > limits.row_bytes:
                raise _row_too_long(line, limits)
            if terminator is None and not last:
                return None
            raise error(problem, line=line, sample=redacted(text[at : at + 80]))
        if end == len(text) or (end == len(text) - 1 and text[end] == 13 and not last):
            if len(text) - start > limits.row_bytes + 1:
                raise _row_too_long(line, limits)
            return None
        fields.append(found[1] if quoted else found[0].replace(b'"', b'""'))
        spans.append(found.span(quoted))
        if text.startswith(b",", end):
            at = end + 1
            continue
        if end - start > limits.row_bytes:
            raise _row_too_long(line, limits)
        after = end + (2 if text.startswith(b"\r\n", end) else 1)
        return Record(start, after, fields, spans) if end > start else Record(start, after, [], [])


def _broken_field(
    text: bytes, found: re.Match[bytes], *, quoted: bool, last: bool, limits: Limits
) -> tuple[int, type[DatasetError], str] | None:
    """Return where, as what and why a field breaks the rules of quoting or length; None when it does not (yet)."""
    content, end = found[1] if quoted else found[0], found.end()
    offset = _offset_of_byte(content, limits.field_bytes, quoted=quoted) if len(content) > limits.field_bytes else None
    broken: tuple[int, type[DatasetError], str] | None = None
    if offset is not None:
        broken = found.end(quoted) - len(content) + offset, FieldTooLong, _too_long(limits)
        if _TERMINATOR.search(content, 0, offset):  # few fields hold line breaks and so much text
            problem = f"a quote is opened and not closed within {limits.field_bytes:,} bytes; {_CLOSE}"
            broken = broken[0], UnclosedQuote, problem
    elif quoted and found.end(1) == end and last:
        place = end - len(terminator_before(text, end))
        broken = place, UnclosedQuote, f"a quote is opened and never closed; {_CLOSE}"
    elif quoted and found.end(1) < end < len(text) and text[end] not in b",\r\n":
        problem = "text follows a closing quote; double quotes inside a quoted field, and quote the whole field"
        broken = end, StrayQuote, problem
    return broken


def _offset_of_byte(content: bytes, number: int, *, quoted: bool) -> int | None:
    """Return where in a field's text the value's byte of a number (from 0) is: a doubled quote counts once."""
    if not quoted:
        return number
    seen = 0
    for piece in _PIECE.finditer(content):
        length = 1 if piece[0] == b'""' else len(piece[0])
        if seen + length > number:
            return piece.start() + (0 if piece[0] == b'""' else number - seen)
        seen += length
    return None


def _too_long(limits: Limits) -> str:
    return (
        f"a field is longer than {limits.field_bytes:,} bytes, where readers stop; shorten it or leave the column out"
    )


def _row_too_long(line: int, limits: Limits) -> RowTooLong:
    return RowTooLong(
        f"a row is longer than {limits.row_bytes:,} bytes; shorten its fields or leave columns out", line=line
    )


def refuse_bad_bytes(text: bytes, line: int, byte_offset: int) -> None:
    """Refuse a record whose bytes are not text.

    Raises:
        NulByte, NotUtf8: with the byte's position in the file, counted from 1; `byte_offset` is the record's, counted
        from 0.
    """
    nul = text.find(b"\0")
    if nul >= 0:
        raise NulByte(
            f"byte {byte_offset + nul + 1:,} of the file is NUL, which is not text; export the file again as UTF-8",
            line=line + lines_in(text, 0, nul),
        )
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8(
            f"byte {byte_offset + error.start + 1:,} of the file (0x{text[error.start]:02x}) is not UTF-8, but perhaps "
            "Windows-1252, Latin-1 or an encoding of your region; save the file as UTF-8 and upload that",
            line=line + lines_in(text, 0, error.start),
            sample=redacted(text[max(0, error.start - 20) : error.start]),
        ) from None


def refuse_ragged(record: Record, text: bytes, line: int, columns: int) -> None:
    """Refuse a record that has another number of fields than the header.

    Raises:
        RaggedRow: with both numbers.
    """
    count = len(record.fields)
    if count != columns:
        cure = "quote fields that hold commas or line breaks, and give every row all fields"
        if count == columns + 1 and not record.fields[-1]:
            cure = "remove the comma at its end"
        elif count == 1:
            is_row = b"," in record.fields[0]
            cure = "remove the quotes around it" if is_row else "remove the line, if it is a note and no row"
        raise RaggedRow(
            f"the row has {count:,} field{'' if count == 1 else 's'} where the header has {columns:,} columns; {cure}",
            line=line,
            sample=redacted(text[record.start : record.end].rstrip(b"\r\n")),
        )


def refuse_header_again(fields: list[bytes], header: list[bytes], line: int) -> None:
    """Refuse a record that is the header, however its fields are quoted, and with the byte-order mark that joined files
    bring along; the mark makes quotes that follow it a part of the first field.

    Raises:
        RepeatedHeader: with its line.
    """
    if fields[1:] == header[1:] and fields[0].removeprefix(UTF8_BOM) in (header[0], b'""%b""' % header[0]):
        raise RepeatedHeader(
            "this row is the header again, as in files that were joined; remove it",
            line=line,
        )
