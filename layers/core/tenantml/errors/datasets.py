"""The dataset: what cannot be trained on.

One pass over the file finds it. Nothing is delivered, and nothing is called in the customer's account. The message
states line, column and a redacted sample (`a` for letters, `9` for digits). The first fault ends the pass: correct all
of its kind before the next upload. The tenant is notified in the execution's `error` and on the event bus.
"""

from __future__ import annotations

from tenantml.errors.base import TENANT, TenantMLError


class DatasetError(TenantMLError):
    """The dataset's content cannot be trained on.

    `line` is the 1-based line of the file where the offending record starts, `column` its name or None, `sample` a
    redacted excerpt: letters shown as `a`, digits as `9`, so that no content of the tenant reaches a log.
    """

    turn = TENANT

    def __init__(self, message: str, *, line: int | None = None, column: str | None = None, sample: str | None = None):
        where = f" (line {line}" + (f", column {column!r}" if column else "") + ")" if line else ""
        super().__init__(message + where + (f"; it looks like: {sample}" if sample else ""))
        self.line = line
        self.column = column
        self.sample = sample

    @property
    def logged(self) -> str:
        """The line alone: a message names columns, which the tenant's execution shows."""
        return f"line {self.line}" if self.line else "of the whole file"


class EmptyFile(DatasetError):
    """The file holds no record at all."""

    do = "Export it again. Look at its size before you upload it."


class NotCsv(DatasetError):
    """The content is of another format (gzip, zip, xlsx, parquet, HTML, …), whatever the file's name says."""

    do = "Export as comma-separated text, uncompressed."


class NotUtf8(DatasetError):
    """The text is not UTF-8. The message names the likely encoding, or the byte's position."""

    do = "Export as UTF-8 (in Excel: “CSV UTF-8”). A byte-order mark is fine."


class NulByte(DatasetError):
    """The text holds a NUL byte, which readers treat differently."""

    do = "Remove it. It often comes from a UTF-16 export or a damaged file."


class NoHeader(DatasetError):
    """The first row looks like values, and none of them is the target's name."""

    do = "Put the columns' names into the first row."


class RepeatedHeader(DatasetError):
    """A row is the header again."""

    do = "Remove it. Joining files makes such rows: keep the first file's header only."


class HeaderOnly(DatasetError):
    """There is a header and no row below it."""

    do = "Export the rows, too."


class WrongDelimiter(DatasetError):
    """The columns are separated by something other than commas."""

    do = "Export with commas. Quote values that hold commas."


class EmptyColumnName(DatasetError):
    """A column of the header has no name."""

    do = "Name it, or remove it. A trailing comma in the header makes one."


class DuplicateColumn(DatasetError):
    """Two columns of the header have the same name."""

    do = "Rename or remove one."


class ColumnNameTooLong(DatasetError):
    """The name of a column is longer than 256 bytes."""

    do = "Shorten it. If the first row holds values, put a header above it."


class TooManyColumns(DatasetError):
    """The header has more columns than a model may have."""

    do = "Remove columns that say nothing about the target."


class NoFeatures(DatasetError):
    """There is no column to predict from: none but the target, or none that differs between rows."""

    do = "Add the columns to predict from."


class RaggedRow(DatasetError):
    """A row has more or fewer fields than the header."""

    do = "Look at the line that the message names: most often a value with a comma or a quote in it is not quoted."


class UnclosedQuote(DatasetError):
    """A quoted field is never closed."""

    do = "Look at the line where the field starts. Double the quotes inside quoted values."


class StrayQuote(DatasetError):
    """Text follows the closing quote of a field."""

    do = 'Double the quotes inside quoted values (`""`).'


class FieldTooLong(DatasetError):
    """A field is longer than readers accept (128 KiB)."""

    do = "Shorten it, or look for a quote that is not closed before that line."


class RowTooLong(DatasetError):
    """A row is longer than the pipeline reads at once."""

    do = "Look for a missing line end or an unclosed quote; else remove long texts."


class TooFewRows(DatasetError):
    """There are fewer rows with a target than Autopilot trains on (500)."""

    do = (
        "Upload all rows in one file. Of 500 to 624 rows fewer than a fifth are held out, so that 500 are left to "
        "train on."
    )


class TargetMissing(DatasetError):
    """No column has the target's name. Names are compared as they are written."""

    do = "Correct the model's `target`, or the header. The message lists near names."


class IgnoredColumnMissing(DatasetError):
    """No column has a name that the model's `ignore_columns` lists. Names are compared as they are written."""

    do = "Correct `ignore_columns`, or the header. The message says a near name."


class EntityColumnMissing(DatasetError):
    """No column has the name of the model's `entity_column`. Names are compared as they are written."""

    do = "Correct `entity_column`, or the header. The message says a near name."


class FeatureNotFinite(DatasetError):
    """A column of numbers holds an infinity, or a number that is too large for 64 bits of floating point."""

    do = "Leave the cell empty, or write the number that it stands for."


class ExponentTooLong(DatasetError):
    """A cell begins as a number whose exponent has ten digits or more, as some hexadecimal ids do (`7e12345678901`).
    The reader inside Autopilot's training may crash at it, or take it for another number.
    """

    do = "Leave the column out (`ignore_columns`) if it is an identifier; else begin each of its values with a letter."


class TargetEmpty(DatasetError):
    """The target has no value in any row."""

    do = "Fill it: rows without a target cannot be learned from."


class TargetNotFinite(DatasetError):
    """A numeric target holds an infinity or NaN."""

    do = "Remove those rows or correct the value."


class TargetMismatch(DatasetError):
    """The target's values do not fit the `problem_type` of the model's settings."""

    do = "Change the settings, or leave `problem_type` and `objective` out."


class SingleClass(DatasetError):
    """The target has one value only, so there is nothing to predict."""

    do = "Add rows of another class."


class RareClass(DatasetError):
    """A class has too few rows to be learned and tested."""

    do = "Add rows of it, remove it, or choose regression if the target is a quantity."


class TooManyClasses(DatasetError):
    """The target has so many different texts that they cannot be classes."""

    do = "Check that the target is the column you mean. An identifier is not one."


class AdviceIsFatal(DatasetError):
    """The dataset breaks a rule of advice that the model's `fatal_advice` names."""

    do = "Follow the advice that the message gives, or take the rule out of `fatal_advice`."
