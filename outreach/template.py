"""The letter without an LLM: the first fitting sentence of each part.

Snowflake imports this very file. Standard library only.
"""

import json

from outreach.sentences import SUBJECT, first_of, fitting_sentences

_PARTS = ("opening", "offer", "closing")


def write_from_template(reasons: str | None, sentences: str | None) -> str:
    """Return a reply as an LLM gives it: JSON text with the codes of a subject and of sentences.

    `reasons` is a JSON list, strongest first; `sentences` are the lines of outreach/sentences.py.
    """
    fitting = fitting_sentences(sentences, reasons)
    subject = first_of(fitting, SUBJECT)
    chosen = [one for part in _PARTS if (one := first_of(fitting, part)) is not None]
    return json.dumps(
        {
            "subject": "" if subject is None else subject.code,
            "sentences": [one.code for one in chosen],
        }
    )
