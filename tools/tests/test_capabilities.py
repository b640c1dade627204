"""The page of capabilities is made from the code, and current."""

from tools.capabilities import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: hatch run capabilities"


def test_every_contract_has_a_table() -> None:
    text = page()
    for title in ("ObjectStorage", "KeyValueStore", "MessageQueue", "PubSub", "Functions"):
        assert f"## {title}" in text
    assert "| `max_object_size` |" in text
