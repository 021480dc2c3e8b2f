"""Tables with bars: whatever the labels are, they stay text, and bars share one scale."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from common.ui.plots import Row, grouped_bars_html

NASTY = st.text(alphabet=st.sampled_from(list("<>&\"'/=a b\n")), max_size=20) | st.text(max_size=20)


class _Reader(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


@given(NASTY, NASTY, NASTY)
def test_a_table_holds_any_text(title: str, label: str, cell: str) -> None:
    html = grouped_bars_html({title: [Row(label, 1.0, (cell,))]}, caption=label, headings=(title, label, cell))
    reader = _Reader(html)
    assert set(reader.tags) <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert set(reader.attributes) <= {"class", "style", "scope", "colspan", "tabindex"}
    assert reader.tags.count("td") == 2 and reader.tags.count("tr") == 3


def test_bars_of_all_groups_share_a_scale() -> None:
    groups = {"one": [Row("a", 10, ("10",))], "two": [Row("b", 20, ("20",)), Row("c", 0, ("0",))]}
    html = grouped_bars_html(groups, caption="", headings=("name", "length", "n"))
    assert re.findall(r"width:([\d.]+)%", html) == ["50.00", "100.00", "0.00"]
    assert grouped_bars_html({"none": [Row("a", 0, ())]}, caption="", headings=("name", "length"))
