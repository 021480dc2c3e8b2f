"""A request's prompt as token ids, through the model's own tokenizer and chat template. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from common import errors
from common.errors import Phrase
from common.text.engine import GenerationRequest, Message, Token
from common.text.engines.assembler import TokenAssembler
from common.text.pieces import control_tokens, token_bytes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from common.text.engines.constraint import ConstraintMaker


class PromptReader:
    """The text side of a model.

    Args:
        tokenizer: the model's tokenizer.
        vocabulary: the number of ids the model knows, which may be more than the tokenizer has.
        context: the longest text in tokens, prompt and completion together.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary: int, context: int) -> None:
        self._tokenizer, self._vocabulary, self._context = tokenizer, vocabulary, context
        self.pieces = token_bytes(tokenizer, vocabulary)
        self.specials = control_tokens(tokenizer)

    def constraints(self, vocabulary: int, ends: Set[int]) -> ConstraintMaker:
        """What makes constraints on these tokens, for a model with so many logits. Takes about a second."""
        from common.text.engines.constraint import ConstraintMaker

        return ConstraintMaker(self._tokenizer, vocabulary, sorted(ends))

    def prompt_ids(self, request: GenerationRequest) -> list[int]:
        """The prompt's ids: (tokens,).

        Raises:
            EmptyPrompt, InvalidInput, NotSupported (a conversation, but the model has no chat template).
        """
        if request.prompt_ids is not None:
            ids = list(request.prompt_ids)
            if not all(0 <= token_id < self._vocabulary for token_id in ids):
                raise errors.InvalidInput(
                    field="prompt_ids", allowed=Phrase("token_numbers_to", maximum=self._vocabulary - 1)
                )
        elif request.prompt is not None:
            ids = self._encode(request.prompt, special=True)  # with a start-of-text token, if the model knows one
        else:
            ids = self._encode(self._render(request.messages or (), request.continue_last), special=False)
        if not ids:
            raise errors.EmptyPrompt()
        return ids

    def check_length(self, ids: Sequence[int]) -> None:
        """Raises PromptTooLong when no token fits after ``ids``."""
        if len(ids) >= self._context:
            raise errors.PromptTooLong(tokens=len(ids), limit=self._context - 1)

    def _encode(self, text: str, special: bool) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"]
        return ids

    def _render(self, messages: Sequence[Message], continue_last: bool) -> str:
        """The conversation as the model was trained to read it."""
        if not self._tokenizer.chat_template:
            raise errors.NotSupported(what=Phrase("conversation"))
        turns = [{"role": message.role, "content": message.content} for message in messages]
        finished, opened = (turns[:-1], turns[-1]["content"]) if continue_last else (turns, "")
        try:
            rendered = self._tokenizer.apply_chat_template(finished, add_generation_prompt=True, tokenize=False)
        except TemplateError as problem:  # some templates refuse a system message, or two turns of the same side
            raise errors.NotSupported(what=Phrase("these_turns")) from problem
        return f"{rendered}{opened}"

    def tokens(self, ids: Sequence[int]) -> list[Token]:
        """Ids as tokens with their texts."""
        assembler = self.assembler()
        return [token for token_id in ids for token in assembler.add(token_id, None)] + assembler.finish()

    def assembler(self, stop: Sequence[str] = ()) -> TokenAssembler:
        """What turns new ids into text as they arrive, for one request."""
        return TokenAssembler(self.pieces, self.specials, stop)

    def text(self, token_id: int) -> str:
        """The text of a single token; bytes that are no whole character become the replacement character."""
        return self.pieces[token_id].decode("utf-8", "replace")
