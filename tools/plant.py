#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants a bug: writes a copy of a header in which one piece of text is another one.

    plant.py FILE COPY FROM_FILE TO_FILE

White space is ignored in the search for FROM, so that formatting does not matter. FROM must occur exactly once.
"""
import pathlib
import re
import sys


def planted(text, wanted, replacement):
    """`text` with its only occurrence of `wanted` replaced, and how often it occurred."""
    pattern = r"\s*".join(re.escape(c) for c in "".join(wanted.split()))
    places = list(re.finditer(pattern, text))
    if len(places) != 1:
        return None, len(places)
    place = places[0]
    return text[:place.start()] + replacement + text[place.end():], 1


def main(arguments):
    if len(arguments) != 4:
        sys.exit("usage: plant.py FILE COPY FROM_FILE TO_FILE")
    file, copy, wanted, replacement = map(pathlib.Path, arguments)
    text, count = planted(file.read_text(), wanted.read_text(), replacement.read_text())
    if text is None:
        sys.exit(f"this text occurs {count} times in {file}, but must occur exactly once:\n{wanted.read_text()}")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
