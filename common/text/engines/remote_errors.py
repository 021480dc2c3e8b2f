"""What a server's refusal means, as an error with a sentence for the user.

Servers refuse with an HTTP status and a message of their own; both together tell what to do. Knows no connection.
"""

from __future__ import annotations

from collections.abc import Sequence

from common import errors
from common.errors import Phrase
from common.text.engines.openai_protocol import too_long
from common.text.engines.remote_http import Refused


def explain(
    refusal: Refused, address: str, model: str, *, keyed: bool, raw: bool, extra: Sequence[str], waiting: int
) -> errors.DemystifyError:
    """The error for a refusal.

    Args:
        refusal: the status and the server's own message.
        address: the server, as users may see it.
        model: the model that was asked for.
        keyed: whether a key was sent.
        raw: whether the request continued a raw text, which not every server offers.
        extra: names of the fields in the request that OpenAI's protocol does not have.
        waiting: requests of this app that the server is busy with.
    """
    status, message = refusal.status, refusal.message
    if status == 429:
        return errors.QueueFull(waiting=waiting)
    if (sizes := too_long(message)) is not None:
        return errors.PromptTooLong(tokens=sizes[0], limit=sizes[1])
    names_model = "model" in message.lower()
    if raw and status in (404, 405, 501) and not names_model:
        return errors.NotSupported(what=Phrase("continue_text"))
    if status in (400, 422, 501) and "response_format" in message:
        return errors.NotSupported(what=Phrase("constrained"))
    strange = [name for name in extra if name in message]
    if status in (401, 403):
        reason = Phrase("key_refused" if keyed else "key_wanted")
    elif status == 402:
        reason = Phrase("no_credit")
    elif status == 404:
        reason = Phrase("server_has_no_model", model=model) if names_model else Phrase("nothing_at_path")
    elif status in (400, 422) and strange:
        reason = Phrase("settings_refused", names=", ".join(strange))
    elif message:
        reason = Phrase(
            "server_failed_saying" if status >= 500 else "server_refused_saying", status=status, message=message
        )
    else:
        reason = Phrase("server_failed" if status >= 500 else "server_refused", status=status)
    return errors.RemoteServerError(address=address, reason=reason)
