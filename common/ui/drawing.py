"""A diffusion model as a tool for the chat model. It stands here, since neither of the two domains knows the other."""

from __future__ import annotations

import asyncio
import contextlib

from common.diffusion import metadata, schedulers
from common.diffusion.engine import Finished, ImageRequest
from common.diffusion.models import DiffusionModels
from common.diffusion.opened import usual_guidance, usual_steps
from common.errors import Phrase
from common.text.actions.tool import WORDS, Result, Tool, ToolFailed

# As many characters as every text encoder reads whole, in words that it knows.
_LONGEST = 80
# The Text-to-image tab's own: the same words give the same picture in both.
_SEED = 7
# Loading the model is part of the first picture, and others of the room may come before it.
_SECONDS = 60.0


def draw_tool(models: DiffusionModels) -> Tool:
    """A picture by the model that the diffusion space prefers, with the settings that suit it, as its PNG file says."""

    async def draw(prompt: str) -> Result:
        said = prompt.strip()
        if not said or len(said) > _LONGEST or not said.isprintable():  # in a call that was edited by hand
            raise ToolFailed(Phrase("prompt_unusable", limit=_LONGEST))
        model = await asyncio.to_thread(models.find)
        engine = await asyncio.to_thread(models.engine, model.id)
        opened = await asyncio.to_thread(engine.opened)
        wanted = ImageRequest(
            said, steps=usual_steps(model), guidance_scale=usual_guidance(model), seed=_SEED, size=opened.native
        )
        async with contextlib.aclosing(engine.draw(wanted)) as events:
            *_, finished = [event async for event in events if isinstance(event, Finished)]
        if finished.hidden[0]:
            raise ToolFailed(Phrase("picture_hidden"))
        sampler = schedulers.title(opened.pipe.scheduler, wanted.scheduler)
        file = metadata.png(finished.images[0], metadata.texts(wanted, model.id, sampler))
        return Result(f"a picture of “{said}”", file, said)

    return Tool(
        "draw",
        "a picture of something",
        {"prompt": {"type": "string", "pattern": WORDS % _LONGEST}},
        draw,
        (
            ("Draw a red apple.", {"prompt": "red apple"}),
            ("Make me a picture of a sleeping cat.", {"prompt": "sleeping cat"}),
            ("Can you paint a blue house?", {"prompt": "blue house"}),
            ("I would like to see a drawing of a happy face.", {"prompt": "happy face"}),
            ("Show me an image of a green tree.", {"prompt": "green tree"}),
            ("Please draw two dancing people.", {"prompt": "two dancing people"}),
            ("Generate a picture of a yellow car.", {"prompt": "yellow car"}),
            ("Sketch a rocket for me.", {"prompt": "rocket"}),
        ),
        {"prompt": 14},
        answered=("Draw a white cloud.", "a picture of “white cloud”", "Here is the picture of “white cloud”."),
        seconds=_SECONDS,
        prepare=models.start,
    )
