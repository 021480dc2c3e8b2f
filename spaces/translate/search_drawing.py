"""Searches as pictures: the tree of a beam search, and tables of translations with their scores.

Texts and tokens are escaped here. Knows nothing about how they were found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from search_look import Found, Searched

from common.translation.beam import BeamTree, Node
from common.translation.pieces import TargetTokens
from common.ui.components import percent, visible_whitespace
from common.ui.i18n import number, text

# Size of the tree's boxes, in pixels; on a phone four lanes fit beside each other.
_LANE, _ROW, _WIDTH, _HEIGHT, _TOP = 80, 62, 70, 36, 8
_LETTERS = 8


def search_html(lang: str, searched: Searched) -> str:
    """Greedy search, the beam search's tree and its translations, and the draws."""
    best = max(searched.beams[0].score, searched.greedy.score) if searched.beams else searched.greedy.score
    greedy, beams, draws = (f"{number(lang, 1000 * seconds)} ms" for seconds in searched.seconds)
    return (
        '<div class="searched">'
        f"{_part(lang, 1, 'greedy', greedy)}{_table(lang, [searched.greedy], best, 'greedy_list')}"
        f"{_part(lang, 2, 'beam', beams)}{tree_html(lang, searched.tree, searched.tokens)}"
        f"{_table(lang, searched.beams, best, 'beam_list')}{_verdict(lang, searched)}"
        f"{_part(lang, 3, 'draws', draws)}{_table(lang, searched.draws, best, 'draws_list')}</div>"
    )


def tree_html(lang: str, tree: BeamTree, tokens: TargetTokens) -> str:
    """The tree from top to bottom, a row per step; the best translation's path stands out, dead ends are faint."""
    drawn = [place for place, node in enumerate(tree.nodes) if node.state != "dropped"]
    if not drawn:
        return ""
    best = set(tree.path(tree.finished[0])) if tree.finished else set()
    alive = {place for end in tree.finished for place in tree.path(end)}
    lanes: dict[int, int] = {}
    taken: dict[int, int] = {}
    for place in drawn:
        lanes[place] = taken.get(tree.nodes[place].step, 0)
        taken[tree.nodes[place].step] = lanes[place] + 1
    width = max(taken.values()) * _LANE
    height = (tree.nodes[drawn[-1]].step + 1) * _ROW + _TOP

    def kind(place: int) -> str:
        return "best" if place in best else "alive" if place in alive else "dead"

    edges, boxes = [], []
    for place in drawn:
        node = tree.nodes[place]
        x, y = (lanes[place] + 0.5) * _LANE, _TOP + node.step * _ROW
        if node.parent is not None:
            start = (lanes[node.parent] + 0.5) * _LANE
            above, middle = y - _ROW + _HEIGHT, y - (_ROW - _HEIGHT) / 2
            edges.append(
                f'<path class="{kind(place)}" d="M{start:.0f} {above}C{start:.0f} {middle:.0f} {x:.0f} {middle:.0f} '
                f'{x:.0f} {y}" stroke-width="{1 + 5 * node.chance:.1f}"/>'
            )
        boxes.append(_box(lang, node, tokens, x, y, kind(place)))
    caption = escape(text(lang, "search.tree"))
    return (
        f'<figure class="tree idea-completion"><figcaption>{caption}</figcaption>'
        f'<div class="scroll-x" tabindex="0" role="group" aria-label="{caption}">'
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{caption}">'
        f"{''.join(edges)}{''.join(boxes)}</svg></div>"
        f'<p class="quiet">{escape(text(lang, "search.tree_hint"))}</p></figure>'
    )


def _box(lang: str, node: Node, tokens: TargetTokens, x: float, y: float, kind: str) -> str:
    label = visible_whitespace(tokens.piece(node.token).text) or "∅"
    title = text(
        lang,
        "search.node",
        token=label,
        step=number(lang, node.step + 1),
        chance=percent(node.chance, lang),
        score=_score(lang, node.score),
    )
    if len(label) > _LETTERS:
        label = label[: _LETTERS - 1] + "…"
    finished = " finished" if node.state == "finished" else ""
    return (
        f'<g class="{kind}{finished}"><title>{escape(title)}</title>'
        f'<rect x="{x - _WIDTH / 2:.0f}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{x:.0f}" y="{y + 16}" text-anchor="middle">{escape(label)}</text>'
        f'<text class="score" x="{x:.0f}" y="{y + 30}" text-anchor="middle">{_score(lang, node.score)}</text></g>'
    )


def _part(lang: str, place: int, name: str, took: str) -> str:
    title, about = escape(text(lang, f"search.title_{name}")), escape(text(lang, f"search.about_{name}"))
    return f'<h3 class="step">{place} · {title} <small>{took}</small></h3><p class="quiet">{about}</p>'


def _table(lang: str, found: Sequence[Found], best: float, caption: str) -> str:
    """Translations with the log-probability of the whole, per token, and the probability it stands for as a bar."""
    heads = "".join(
        f'<th scope="col">{escape(text(lang, f"search.column_{name}"))}</th>'
        for name in ("text", "chance", "score", "mean")
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(one.text) or "∅"}</th>'
        f'<td class="bar"><div style="width:{100 * min(math.exp(one.score - best), 1.0):.1f}%"></div>'
        f"{percent(math.exp(one.score), lang)}</td>"
        f"<td>{_score(lang, one.score)}</td><td>{_score(lang, one.mean)}</td></tr>"
        for one in found
    )
    return (
        f'<div class="scroll-x" tabindex="0" role="group" aria-label="{escape(text(lang, f"search.{caption}"))}">'
        f'<table class="found idea-completion"><caption>{escape(text(lang, f"search.{caption}"))}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _verdict(lang: str, searched: Searched) -> str:
    """Whether looking further than one step has paid."""
    if not searched.beams:
        return ""
    beam, greedy = searched.beams[0], searched.greedy
    name = "same" if beam.text == greedy.text else "better" if beam.mean > greedy.mean else "worse"
    return f'<div class="verdict"><p>{escape(text(lang, f"search.verdict_{name}"))}</p></div>'


def _score(lang: str, score: float) -> str:
    return number(lang, score, 2).replace("-", "−")
