"""A translator's sheet as a file: gettext's po, a spreadsheet's xlsx, or csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.content.sheet import COLUMNS, Row
from bot.languages import LANGUAGES

FORMATS = ("po", "xlsx", "csv")

_NEEDED = ("id", "german", "text", "stamp")
_WIDTHS = (34, 11, 34, 60, 60, 14)
_STATE, _STAMP = "state: ", "stamp: "


class SheetError(ValueError):
    """A file is no sheet of ours; its text says why."""


def write(rows: Sequence[Row], language: str, format: str) -> bytes:
    """The file's bytes; the same rows give the same csv and po."""
    match format:
        case "po":
            return _write_po(rows, language)
        case "xlsx":
            return _write_xlsx(rows, language)
        case _:
            return _write_csv(rows)


def read(path: Path) -> list[Row]:
    """The rows of a file, by the ending of its name; SheetError where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SheetError(f"{path}: {error.strerror}") from None
    match path.suffix.lower():
        case ".po":
            return _read_po(content)
        case ".xlsx":
            return _read_xlsx(content)
        case ".csv":
            return _read_csv(content)
    raise SheetError(f"{path}: the name must end with one of {', '.join(f'.{format}' for format in FORMATS)}")


def _values(row: Row) -> tuple[str, ...]:
    return tuple(getattr(row, column) for column in COLUMNS)


def _rows(lines: Iterable[tuple[int, Sequence[object]]]) -> list[Row]:
    """Rows by the names in the first line, in whatever order and with whatever else stands there."""
    header: list[str] = []
    found: list[Row] = []
    for number, cells in lines:
        texts = ["" if cell is None else str(cell) for cell in cells]
        if not any(text.strip() for text in texts):
            continue
        if not header:
            header = [text.strip().lower() for text in texts]
            if missing := [name for name in _NEEDED if name not in header]:
                raise SheetError(f"the first line must name the columns; missing: {', '.join(missing)}")
        else:
            named = dict(zip(header, texts, strict=False))
            found.append(Row(**{name: named.get(name, "") for name in COLUMNS}, place=f"row {number}"))
    if not header:
        raise SheetError("the file is empty")
    return [Row(**{**vars(row), "id": row.id.strip()}) for row in found]


def _write_csv(rows: Sequence[Row]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    writer.writerows(map(_values, rows))
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8")  # Excel knows UTF-8 by this mark


def _read_csv(content: bytes) -> list[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SheetError("not UTF-8: save it as “CSV UTF-8”") from None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return _rows((number, cells) for number, cells in enumerate(reader, 1))
    except csv.Error as error:
        raise SheetError(f"not csv: {error}") from None


def _write_xlsx(rows: Sequence[Row], language: str) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.create_sheet(language, 0)
    del book["Sheet"]
    right = LANGUAGES[language].direction == "rtl"
    for number, values in enumerate([COLUMNS, *map(_values, rows)], 1):
        for column, value in enumerate(values, 1):
            cell = sheet.cell(number, column)
            cell.value = value
            cell.data_type = "s"  # never a formula, whatever it begins with
            cell.number_format = "@"
            text = COLUMNS[column - 1] == "text" and right and number > 1
            cell.alignment = Alignment(
                wrap_text=True, vertical="top", horizontal="right" if text else None, readingOrder=2 if text else 0
            )
            if number == 1:
                cell.font = Font(bold=True)
    for column, width in enumerate(_WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "B2"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _read_xlsx(content: bytes) -> list[Row]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(content), read_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise SheetError(f"not an xlsx file: {error}") from None
    try:
        return _rows(enumerate(book.worksheets[0].iter_rows(values_only=True), 1))
    finally:
        book.close()


def _write_po(rows: Sequence[Row], language: str) -> bytes:
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    locale = LANGUAGES[language].locale
    catalog = Catalog(locale=locale, project="Lotse", fuzzy=False, header_comment="# Only the msgstr is taken over.")
    for row in rows:
        message = catalog.add(
            row.german,
            row.text,
            auto_comments=[f"{_STATE}{row.state}", row.context, f"{_STAMP}{row.stamp}"],
            flags=["fuzzy"] if row.state == "outdated" and row.text else [],
            context=row.id,
        )
        message.flags.discard("python-format")  # "50 % der Miete" is no format
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=0, omit_header=False)
    dated = (b'"POT-Creation-Date:', b'"PO-Revision-Date:', b'"Last-Translator:', b'"Report-Msgid-Bugs-To:')
    return b"".join(line for line in buffer.getvalue().splitlines(keepends=True) if not line.startswith(dated))


def _read_po(content: bytes) -> list[Row]:
    from babel.messages.pofile import PoFileError, read_po

    try:
        catalog = read_po(io.BytesIO(content), charset="utf-8", abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, ValueError) as error:
        raise SheetError(f"not a po file: {error}") from None
    found: list[Row] = []
    for message in catalog:
        if not message.id:
            continue
        comments = message.auto_comments
        if message.context is None or not any(comment.startswith(_STAMP) for comment in comments):
            raise SheetError(
                f"line {message.lineno}: msgctxt and the comment “#. stamp: …” must come back as they were"
            )
        found.append(
            Row(
                id=message.context,
                german=str(message.id),
                text=str(message.string or ""),
                stamp=_comment(comments, _STAMP),
                state=_comment(comments, _STATE),
                place=f"line {message.lineno}",
            )
        )
    return found


def _comment(comments: Sequence[str], label: str) -> str:
    return next((comment.removeprefix(label).strip() for comment in comments if comment.startswith(label)), "")
