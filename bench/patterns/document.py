"""Tables as Markdown, and their places in a page."""

import re


def table(head, rows):
    """A table: numbers to the right."""
    number = lambda cell: bool(re.fullmatch(r"[*<>≤≥ ]*[-+.]?[\d.][\d., ]*[ a-zA-Z/%*]*", str(cell)))
    right = [all(number(row[at]) or not row[at] for row in rows) for at in range(len(head))]
    lines = [head, ["---:" if side else "---" for side in right], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def share(value):
    """`.9982` and `1`."""
    return f"{value:.4f}".lstrip("0") if value < 0.99995 else "1"


def change(value):
    """`−.0123`, and nothing for what changes nothing."""
    return "" if abs(value) < 0.00005 else ("+" if value > 0 else "−") + share(abs(value))


def large(value):
    """`4.1 million`, `30,000`."""
    if value >= 1e6:
        return f"{value / 1e6:.1f} million"
    return f"{float(f'{value:.3g}'):,.0f}"


def fill(path, tables):
    """Puts tables into a page, between the marks that carry their names."""
    text = path.read_text()
    for name, body in tables.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
        if not mark.search(text):
            raise SystemExit(f"{path} has no place for the table {name}: it needs <!-- {name} --> and <!-- end -->")
        text = mark.sub(lambda found: found[1] + body + "\n" + found[2], text)
    path.write_text(text)
