"""Numbers, shares, times and sizes as people read them."""

from __future__ import annotations


def number(value: float | None) -> str:
    """Return a number with about four digits that count; a whole one with all."""
    if value is None:
        return "–"
    return _digits(value).replace("-", "−")


def _digits(value: float) -> str:
    size = abs(value)
    if size < 1e-9:  # as R2 of a baseline has it, by the rounding of floats
        return "0"
    if size >= 1e12 or size < 0.0005:
        return f"{value:.3g}"
    if isinstance(value, int) or size >= 100_000 or (size >= 1000 and value == int(value)):
        return f"{value:,.0f}"
    return f"{value:,.{3 if size < 100 else 1}f}"


def short(value: float) -> str:
    """Return a number that is read at a glance: millions and billions by their names."""
    for size, unit in ((1e9, "billion"), (1e6, "million")):
        if size <= abs(value) < 1000 * size:
            return f"{value / size:.1f} {unit}".replace("-", "−")
    return number(value)


def gain(value: float) -> str:
    """Return a difference with its sign."""
    return f"{'+' if value > 0 else ''}{number(value)}"


def interval(low: float, high: float) -> str:
    """Return an interval."""
    return f"{number(low)} to {number(high)}"


def share(value: float) -> str:
    """Return a share in percent."""
    return "under 0.1 %" if 0 < value < 0.001 else f"{100 * value:.1f} %"


def count(value: int, one: str, many: str | None = None) -> str:
    """Return how many of something."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time that passed."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def dollars(text: str, digits: int = 2) -> str:
    """Return an amount of the API's, dollars with six decimals, in cents or finer; what is less is not nothing."""
    least = 10**-digits
    amount = float(text)
    return f"under ${least}" if 0 < amount < least else f"${amount:,.{digits}f}"


def milliseconds(value: float) -> str:
    """Return a time that an answer took."""
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def size(size_bytes: float) -> str:
    """Return a file's size."""
    for unit in ("bytes", "KB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "bytes" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"


def moment(text: str | None) -> str:
    """Return a time of the registry's (ISO 8601, UTC) as people read it."""
    return text[:16].replace("T", " ") + " UTC" if text else "–"
