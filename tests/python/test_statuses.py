"""docs/statuses.md lists every status, with its number, its name and whether it is journaled."""

import re
from dataclasses import dataclass
from pathlib import Path

import loyalty

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/statuses.md"
ROW = re.compile(r"\| (\d+) \| `(\w+)` \| (.+) \| (yes|no) \| (.+) \|")


@dataclass(frozen=True)
class Row:
    number: int
    name: str
    meaning: str
    journaled: bool


def rows() -> list[Row]:
    """The table's rows; every line that starts like a row must be one."""
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| *\d", line):
            match = ROW.fullmatch(line)
            assert match, line
            found.append(Row(int(match[1]), match[2], match[3], match[4] == "yes"))
    return found


def test_every_status_is_there_once_and_nothing_more() -> None:
    documented = [(row.number, row.name) for row in rows()]
    offered = {
        (int(status), status.name.lower()) for status in loyalty.PostingStatus if int(status) != 0
    }
    assert len(documented) == len(set(documented))
    assert set(documented) == offered
    assert loyalty.PostingStatus(0).name == "UNSPECIFIED"


def test_malformed_postings_and_duplicates_are_not_journaled_and_all_others_are() -> None:
    not_journaled = {*range(10, 60), *range(90, 100)}
    assert [row.name for row in rows() if row.journaled == (row.number in not_journaled)] == []


def test_the_order_is_that_of_precedence() -> None:
    """Form, then id, then the programme and the chain, then the state of the ledger, then success.

    By number within form and id, but that a repeated id names the field that differs, and only then
    is the same.
    """
    numbers = [row.number for row in rows()]
    forms, ids, states = (
        [n for n in numbers if n // 10 in tens] for tens in ((1, 2, 9), (3, 4), (6, 7, 8, 10))
    )
    later = [27, 28, 29, 92]  # by the programme, by other postings
    forms = [n for n in forms if n not in later]
    assert numbers == [*forms, *ids, *later, *states, 2, 1]
    assert forms == sorted(forms)
    assert ids == [*sorted(ids)[1:], 30]


def test_what_the_table_says_of_the_journal_is_what_happens(ledger: loyalty.Ledger) -> None:
    journaled = {row.name: row.journaled for row in rows()}
    first = loyalty.Posting("open_member", "ada")
    replies = [
        ledger.post(first),
        ledger.post(first),
        ledger.open_member("ada"),
        ledger.earn("ada", -1),
        ledger.earn("ben", 1),
        ledger.earn("ada", 1, money=-1),
        ledger.redeem("ada", 1),
        ledger.earn("ada", 2**63 - 1),
        ledger.earn("ada", 2**63 - 1),
        ledger.reverse("ada", "nothing"),
        ledger.reverse("ada", first.id),
        ledger.earn("ada", 1, id=first.id),
    ]
    sequence = ledger.info().sequence
    expected = 1 + sum(journaled[reply.status] for reply in replies)  # 1: the currency
    assert len({reply.status for reply in replies}) == 11
    assert sequence == expected
