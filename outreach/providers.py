"""Who writes: one question, one answer. Never called while a transaction is open."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from outreach.settings import MessageSettings
from outreach.template import write_from_template
from runtime.errors import first_line

if TYPE_CHECKING:
    import httpx

# A reply that is worth reading has some hundred tokens; whoever sends more is not listened to.
LONGEST_ANSWER_BYTES = 64 * 1024
_TOLD = ("reply", "error", "prompt_tokens", "reply_tokens")  # of an answer, to SQL


@dataclass(frozen=True)
class Answer:
    """What one call brought: a reply (JSON text), or why there is none.

    `has_answered` tells an LLM that said something useless from one that said nothing.
    """

    reply: str | None = None
    error: str | None = None
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    seconds: float = 0.0
    has_answered: bool = True


def generate_retention_email(
    settings: MessageSettings, prompt: str | None, reasons: str | None
) -> str:
    """Ask the provider of the settings once for a letter: the laptop's SQL function of this name.

    Returns JSON text: reply, error, prompt_tokens, reply_tokens.
    """
    return _as_json(ask(replace(settings, prompt=prompt or ""), reasons or "[]"))


def review_retention_email(
    settings: MessageSettings, prompt: str | None, letter: str | None
) -> str:
    """Ask the provider of the settings once for its doubts: likewise the function of this name."""
    return _as_json(review(replace(settings, review_prompt=prompt or ""), letter or "{}"))


def ask(settings: MessageSettings, reasons: str) -> Answer:
    """Ask the provider of the settings once for a letter about such reasons; never raises."""
    if settings.provider == "template":
        return Answer(reply=write_from_template(reasons, settings.sentences))
    return _ask_ollama(settings, f"{settings.prompt} {reasons}", settings.reply_schema)


def review(settings: MessageSettings, letter: str) -> Answer:
    """Ask the provider of the settings once for its doubts about a letter; never raises."""
    if settings.provider == "template":
        return Answer(error="the template reads nothing")
    return _ask_ollama(settings, f"{settings.review_prompt} {letter}", settings.review_schema)


def _as_json(answer: Answer) -> str:
    found = asdict(answer)
    return json.dumps({name: found[name] for name in _TOLD})


def _ask_ollama(settings: MessageSettings, question: str, schema: str) -> Answer:
    """One call of the server that OLLAMA_HOST names, bounded in time and in bytes."""
    import httpx
    import ollama

    started = time.monotonic()
    seconds = settings.timeout_seconds
    try:
        opened = ollama.Client(
            timeout=seconds,
            follow_redirects=False,
            transport=_bounded_transport(deadline=started + seconds),
        )
    except (ValueError, httpx.InvalidURL):
        # Not quoted: it may hold a password.
        return _silence("OLLAMA_HOST is no address of a server", started)
    try:
        with opened as client:
            response = client.chat(
                model=settings.model,
                messages=[{"role": "user", "content": question}],
                format=json.loads(schema),
                options={"temperature": 0, "seed": 0, "num_predict": settings.max_tokens},
            )
    except httpx.TimeoutException:
        return _silence(f"no answer within {seconds} s", started)
    except (ConnectionError, httpx.TransportError) as error:
        return _silence(f"the LLM's server cannot be reached: {_one_line(error)}", started)
    except ollama.ResponseError as error:
        return _silence(
            f"the LLM's server answered {error.status_code}: {_one_line(error)}", started
        )
    except (
        ValueError,
        TypeError,
        httpx.HTTPError,
    ) as error:  # pydantic's and json's are ValueErrors
        return Answer(error=f"no answer of an LLM: {_one_line(error)}", seconds=_since(started))
    return Answer(
        reply=response.message.content,
        error=None if response.message.content else "an empty reply",
        prompt_tokens=response.prompt_eval_count,
        reply_tokens=response.eval_count,
        seconds=_since(started),
    )


def _silence(error: str, started: float) -> Answer:
    return Answer(error=error, seconds=_since(started), has_answered=False)


def _since(started: float) -> float:
    return time.monotonic() - started


def _one_line(error: BaseException) -> str:
    return first_line(error)[:200]


def _bounded_transport(deadline: float) -> "httpx.BaseTransport":
    """Return a transport whose answers end at a moment and at LONGEST_ANSWER_BYTES."""
    import httpx

    class Bounded(httpx.SyncByteStream):
        def __init__(self, stream: httpx.SyncByteStream) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for part in self._stream:
                size += len(part)
                if size > LONGEST_ANSWER_BYTES:
                    raise httpx.DecodingError(f"more than {LONGEST_ANSWER_BYTES:,} bytes")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole answer took too long")
                yield part

        def close(self) -> None:
            self._stream.close()

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            response.stream = Bounded(response.stream)
            return response

    return Transport()
