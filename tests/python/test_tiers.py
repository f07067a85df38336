"""Ladders from Python: runs, where members stand, what they lack, and levels that are given."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import loyalty

from .tier_shop import PROGRAM, WHO, day, make_shop

MICROSECOND = dt.timedelta(microseconds=1)


@pytest.fixture
def shop(path: Path) -> Iterator[loyalty.Ledger]:
    with make_shop(path) as ledger:
        yield ledger


def moves(run: loyalty.TierRun) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in run.moves.to_pylist()]


def levels(shop: loyalty.Ledger, *members: str, **options: Any) -> list[str]:
    return [row["level"] for row in shop.tiers(members, ladder="status", **options).to_pylist()]


def test_a_run_gives_levels_and_says_why(shop: loyalty.Ledger) -> None:
    run = shop.recompute_tiers(day(2024, 1))
    assert moves(run) == [
        ("status", "blue", "blue", 2),
        ("status", "blue", "silver", 1),
        ("status", "blue", "gold", 1),
        ("badge", "none", "none", 3),
        ("badge", "none", "collector", 1),
    ]
    assert run.changes.to_pylist()[0] == {
        "member": "ada",
        "ladder": "status",
        "from": "blue",
        "to": "silver",
        "effective_time": day(2024, 1),
        "assessed_time": day(2024, 1),
        "until": day(2025, 1),
        "metrics": [("spent", 150), ("visits", 1)],
    }
    assert run.changes["member"].tolist() == ["ada", "eve", "eve"]
    assert np.isnat(run.changes["until"]).tolist() == [False, False, True]
    assert (run.at, run.assessed, run.passed_over) == (day(2024, 1), 4, 0)
    assert levels(shop, "ada", "ben", "eve") == ["silver", "blue", "gold"]
    recorded = shop.changes(run.started_sequence).to_pylist()
    assert [entry["kind"] for entry in recorded] == [
        "run_started",
        *["change_level"] * 3,
        "run_finished",
    ]
    assert recorded[-1]["sequence"] == run.finished_sequence
    again = shop.recompute_tiers(day(2024, 1))
    assert len(again.changes) == 0
    assert [(was, now) for _, was, now, _ in moves(again) if was != now] == []
    assert shop.verify().ok


def test_a_dry_run_tells_the_same_and_journals_nothing(shop: loyalty.Ledger) -> None:
    before = shop.info().sequence
    dry = shop.recompute_tiers(day(2024, 1), dry_run=True)
    assert shop.info().sequence == before
    assert (dry.dry_run, dry.started_sequence, dry.finished_sequence) == (True, 0, 0)
    run = shop.recompute_tiers(day(2024, 1))
    assert dry.changes.to_pylist() == run.changes.to_pylist()
    assert moves(dry) == moves(run)


def test_validity_ends_as_of_its_end_however_late_the_run_is(shop: loyalty.Ledger) -> None:
    shop.recompute_tiers(day(2024, 1))
    run = shop.recompute_tiers(day(2025, 4), ladders=["status"])
    ada, eve = run.changes.to_pylist()
    assert (ada["member"], ada["from"], ada["to"]) == ("ada", "silver", "blue")
    assert ada["effective_time"] == day(2025, 1)
    assert ada["assessed_time"] == day(2025, 1) - MICROSECOND
    assert ada["metrics"] == [("spent", 0), ("visits", 0)]
    assert (eve["from"], eve["to"], eve["until"]) == ("gold", "gold", day(2026, 1))
    assert eve["metrics"] == [("spent", 1000), ("visits", 2)]
    assert run.matrix("status").tolist() == [[2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_levels_as_of_a_time(shop: loyalty.Ledger) -> None:
    for at in (day(2024, 1), day(2025, 4)):
        shop.recompute_tiers(at)
    assert levels(shop, "ada", "eve", as_of=day(2024, 1) - MICROSECOND) == ["blue", "blue"]
    assert levels(shop, "ada", "eve", as_of=day(2024, 1)) == ["silver", "gold"]
    assert levels(shop, "ada", "eve", as_of=day(2025, 1) - MICROSECOND) == ["silver", "gold"]
    assert levels(shop, "eve", "ada", as_of=day(2025, 1)) == ["gold", "blue"]
    with pytest.raises(loyalty.InvalidInputError, match="name them"):
        shop.tiers(as_of=day(2024, 1))


def test_where_all_members_stand(shop: loyalty.Ledger) -> None:
    run = shop.recompute_tiers(day(2024, 1))
    rows = shop.tiers().to_pylist()
    assert [row["ladder"] for row in rows] == ["status", "badge"] * 4
    by_member = {row["member"]: row for row in rows if row["ladder"] == "status"}
    assert by_member["7"]["member_is_text"] is False
    told = {key: by_member["ada"][key] for key in ("level", "since", "until", "kept")}
    assert told == {"level": "silver", "since": day(2024, 1), "until": day(2025, 1), "kept": None}
    assert by_member["ada"]["sequence"] == run.started_sequence + 1
    assert (by_member["ben"]["since"], by_member["ben"]["sequence"]) == (None, None)
    assert len(shop.tiers([])) == 0
    with pytest.raises(loyalty.MemberNotFoundError, match="there is no member 'zoe'"):
        shop.tiers(["ada", "zoe"])
    with pytest.raises(loyalty.InvalidInputError, match="no 'colour'; there are: status, badge"):
        shop.tiers(ladder="colour")


def test_of_merged_members_the_survivor_stands(shop: loyalty.Ledger) -> None:
    shop.merge_members("ben", "ada", effective_time=day(2023, 9), **WHO).raise_for_status()
    run = shop.recompute_tiers(day(2024, 1), members=["ada"], ladders=["status"])
    (change,) = run.changes.to_pylist()
    assert (change["member"], change["metrics"]) == ("ben", [("spent", 170), ("visits", 2)])
    assert shop.tiers(["ada"]).to_pylist() == shop.tiers(["ben"]).to_pylist()


def test_some_members_and_ladders(shop: loyalty.Ledger) -> None:
    run = shop.recompute_tiers(day(2024, 1), ladders=["badge"], members=np.array(["eve", "ben"]))
    assert (run.assessed, list(run.levels)) == (2, ["badge"])
    assert [row["to"] for row in run.changes.to_pylist()] == ["collector"]
    assert shop.recompute_tiers(day(2024, 1), members=[7]).assessed == 1
    assert shop.recompute_tiers(day(2024, 1), members=pa.array([], pa.string())).assessed == 0
    assert levels(shop, "ada", "eve") == ["blue", "blue"]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"at": day(2200, 1)}, loyalty.InvalidInputError, "that one is to come"),
        ({"at": day(2020, 1)}, loyalty.InvalidInputError, "before the first member was opened"),
        ({"at": "today"}, loyalty.InvalidInputError, "^at"),
        ({"ladders": ["colour"]}, loyalty.NotFoundError, "no ladder 'colour'"),
        ({"members": ["ada", "zoe"]}, loyalty.NotFoundError, "there is no member .*zoe"),
        ({"members": "ada"}, loyalty.InvalidInputError, "give a list or an array"),
        ({"members": [0.5]}, loyalty.InvalidInputError, "integers or texts"),
        ({"threads": 0}, loyalty.InvalidInputError, "^threads: 0"),
    ],
)
def test_what_cannot_be_run(
    shop: loyalty.Ledger, wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    before = shop.info().sequence
    with pytest.raises(error, match=message):
        shop.recompute_tiers(**({"at": day(2024, 1)} | wrong))
    assert shop.info().sequence == before


def test_a_programme_without_ladders(ledger: loyalty.Ledger) -> None:
    ledger.open_member("ada")
    assert len(ledger.tiers()) == 0
    for call in (ledger.recompute_tiers, lambda: ledger.tier_progress("ada")):
        with pytest.raises(loyalty.InvalidInputError, match="has no ladders"):
            call()


def test_many_members_on_many_threads_keep_their_own_metrics(path: Path) -> None:
    """Ranges of 4,096 end in any order: the first one has most to read."""
    program = loyalty.Program.from_toml(PROGRAM)
    count, most = 30_000, 40
    members = np.concatenate([np.arange(count), np.repeat(np.arange(4_096), most)])
    with loyalty.create(path, program=program) as ledger:
        ledger.open_members(np.arange(count), day(2023, 1))
        frame = {
            "id": loyalty.new_ids(len(members)),
            "kind": "earn",
            "member": members,
            "points": 60,
            "money": 1_000 + members,
            "effective_time": day(2023, 6),
        }
        ledger.post(frame).raise_for_status()
        told: list[tuple[int, int]] = []
        run = ledger.recompute_tiers(
            day(2024, 1), threads=4, progress=lambda done, total: told.append((done, total))
        )
        changes = run.changes.to_polars()
        assert run.changes["member"].tolist() == np.repeat(np.arange(count), 2).tolist()
        of_status = [dict(row) for row in run.changes.to_arrow()["metrics"].to_pylist()[::2]]
        of_badge = [dict(row) for row in run.changes.to_arrow()["metrics"].to_pylist()[1::2]]
        assert len(changes) == 2 * count
    visits = np.where(np.arange(count) < 4_096, most + 1, 1)
    assert [row["spent"] for row in of_status] == (visits * (1_000 + np.arange(count))).tolist()
    assert [row["visits"] for row in of_status] == visits.tolist()
    assert of_badge == [{"points": 60 * many} for many in visits.tolist()]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (8, 8)


def test_a_run_that_was_stopped_is_run_again(shop: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.StoppedError, match="run it again, and it goes on"):
        shop.recompute_tiers(day(2024, 1), progress=lambda done, total: False)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.recompute_tiers(day(2024, 1), progress=interrupt)
    shop.recompute_tiers(day(2024, 1))
    assert levels(shop, "ada", "ben", "eve") == ["silver", "blue", "gold"]
    entries = [entry["kind"] for entry in shop.changes().to_pylist()]
    assert entries.count("change_level") == 3
    assert (entries.count("run_started"), entries.count("run_finished")) == (3, 1)


def test_a_level_is_given(shop: loyalty.Ledger) -> None:
    until = day(2024, 6)
    reply = shop.set_level(
        "ben", "status", "black", until=until, effective_time=day(2023, 9), **WHO
    )
    assert reply.status == "posted"
    (row,) = shop.tiers(["ben"], ladder="status").to_pylist()
    assert (row["level"], row["since"]) == ("black", day(2023, 9))
    assert (row["kept"], row["kept_until"]) == ("black", until)
    (progress, _) = shop.tier_progress("ben")
    assert (progress.kept, progress.kept_until, progress.evidence) == ("black", until, None)
    shop.recompute_tiers(day(2024, 1))
    assert levels(shop, "ben") == ["black"]
    for_good = shop.set_level("ada", "status", "silver", effective_time=day(2024, 2), **WHO)
    assert for_good.ok
    shop.recompute_tiers(day(2025, 1, 15))
    assert levels(shop, "ada", "ben") == ["silver", "blue"]


def test_levels_that_cannot_be_given(shop: loyalty.Ledger) -> None:
    shop.recompute_tiers(day(2024, 1))
    at: dict[str, Any] = {"effective_time": day(2024, 2), **WHO}
    assert shop.set_level("ada", "colour", "black", **at).status == "level_not_found"
    assert shop.set_level("ada", "status", "none", **at).status == "level_not_found"
    late = at | {"effective_time": day(2024, 1) - MICROSECOND}
    assert shop.set_level("ada", "status", "black", **late).status == "level_changed_since"
    assert shop.set_level("zoe", "status", "black", **at).status == "member_not_found"
    assert shop.set_level("ada", "status", "gold", id="gift", **at).ok
    assert shop.set_level("ada", "status", "gold", id="gift", **at).status == "already_exists"
    other = shop.set_level("ada", "status", "black", id="gift", **at)
    assert other.status == "exists_with_different_level"
    assert levels(shop, "ada") == ["gold"]


def test_levels_in_frames(shop: loyalty.Ledger) -> None:
    frame: dict[str, Any] = {
        "id": ["a", "b", "c", "d", "e"],
        "kind": ["set_level", "set_level", "earn", "earn", "set_level"],
        "member": ["ada", "ben", "ada", "ada", "eve"],
        "points": [0, 0, 5, 5, 0],
        "effective_time": day(2023, 9),
        "expires_time": [day(2030, 1), None, None, None, None],
        "ladder": ["status", "badge", None, "status", "status"],
        "level": ["black", "collector", None, None, "black"],
        "actor": ["mia", "mia", None, None, None],
        "reason": "invited",
    }
    statuses = shop.post(frame).status.tolist()
    assert statuses == ["posted", "posted", "posted", "level_not_found", "actor_missing"]
    rows = shop.tiers(["ada", "ben"]).to_pylist()
    assert [row["level"] for row in rows] == ["black", "none", "blue", "collector"]
    assert [row["kept_until"] for row in rows] == [day(2030, 1), None, None, None]
    with pytest.raises(loyalty.InvalidInputError, match="did you mean 'ladder'"):
        shop.post(frame | {"laddder": "status"})


def test_entries_about_levels_in_changes_and_statements(shop: loyalty.Ledger) -> None:
    names = ("kind", "ladder", "from_level", "level", "assessed_time", "metrics", "actor")
    shop.set_level("ada", "status", "gold", effective_time=day(2023, 5), **WHO)
    run = shop.recompute_tiers(day(2024, 1))
    rows = [{name: row[name] for name in names} for row in shop.changes().to_pylist()]
    (given,) = (row for row in rows if row["kind"] == "set_level")
    assert given == {
        "kind": "set_level",
        "ladder": "status",
        "from_level": "blue",
        "level": "gold",
        "assessed_time": None,
        "metrics": None,
        "actor": "mia",
    }
    of_eve = shop.statement("eve").to_pylist()
    (changed, badge) = (row for row in of_eve if row["kind"] == "change_level")
    told = {name: changed[name] for name in names}
    assert told == {
        "kind": "change_level",
        "ladder": "status",
        "from_level": "blue",
        "level": "gold",
        "assessed_time": day(2024, 1),
        "metrics": [600, 2],
        "actor": None,
    }
    assert (badge["from_level"], badge["level"], badge["metrics"]) == ("none", "collector", [60])
    assert (changed["effective_time"], changed["program_version"]) == (day(2024, 1), 1)
    earn = of_eve[1]
    assert {earn[name] for name in names[1:]} == {None}
    assert changed["sequence"] > run.started_sequence


def test_what_a_member_lacks(shop: loyalty.Ledger) -> None:
    shop.recompute_tiers(day(2024, 1))
    status, badge = shop.tier_progress("ada")
    assert (status.ladder, status.level, status.next_level) == ("status", "silver", "gold")
    assert (status.evidence, status.evidence_time) == ({"spent": 150, "visits": 1}, day(2024, 1))
    assert status.metrics == {"spent": 0, "visits": 0}
    assert status.to_next == [
        [loyalty.Need("spent", 500, 0), loyalty.Need("visits", 2, 0)],
    ]
    assert [[need.metric for need in needs] for needs in status.to_stay] == [["spent"], ["visits"]]
    assert (status.ends, status.projected) == (day(2025, 1), "blue")
    assert (badge.metrics, badge.to_next[0][0].missing) == ({"points": 15}, 35)
    assert "to gold: 500 spent, 2 visits" in str(status)
    with pytest.raises(loyalty.NotFoundError, match="zoe"):
        shop.tier_progress("zoe")


def test_what_a_member_lacked_as_of_a_time(shop: loyalty.Ledger) -> None:
    shop.recompute_tiers(day(2024, 1))
    status, _ = shop.tier_progress("eve", as_of=day(2024, 6, 15))
    assert (status.level, status.metrics) == ("gold", {"spent": 700, "visits": 2})
    assert status.evidence == {"spent": 600, "visits": 2}
    assert (status.ends, status.metrics_at_end) == (day(2025, 1), {"spent": 500, "visits": 1})
    assert status.projected == "silver"
    status, _ = shop.tier_progress("eve", as_of=day(2023, 6, 15))
    assert (status.level, status.evidence, status.reached) == ("blue", None, "silver")
    with pytest.raises(loyalty.NotFoundError, match="no member eve as of then"):
        shop.tier_progress("eve", as_of=day(2022, 12))
    with pytest.raises(loyalty.InvalidInputError, match="is to come"):
        shop.tier_progress("eve", as_of=day(2199, 1))


def test_evidence_has_the_names_of_its_time(shop: loyalty.Ledger) -> None:
    shop.recompute_tiers(day(2024, 1))
    before = shop.tier_progress("ada")[0].evidence
    assert before is not None
    spent = '[ladders.status.metrics.spent]\nof = "money"\n\n'
    swapped = PROGRAM.replace(spent, "").replace(
        'of = "postings"\n', f'of = "postings"\n\n{spent}', 1
    )
    shop.apply_program(loyalty.Program.from_toml(swapped))
    assert shop.tier_progress("ada")[0].evidence == before


def test_a_ladder_named_twice_is_assessed_once(shop: loyalty.Ledger) -> None:
    run = shop.recompute_tiers(day(2024, 1), ladders=["badge", "badge"])
    assert run.passed_over == 0
    assert len(set(run.changes["member"])) == len(run.changes)
    with pytest.raises(loyalty.InvalidInputError, match="list of names"):
        shop.recompute_tiers(ladders="badge")


def test_a_run_shows_itself(shop: loyalty.Ledger) -> None:
    run = shop.recompute_tiers(day(2024, 1))
    first, last = run.started_sequence, run.finished_sequence
    assert repr(run).splitlines() == [
        f"Tiers as of 2024-01-01 00:00:00 UTC: 4 members, entries {first} to {last}",
        "status: 1 blue to silver, 1 blue to gold, 2 stay",
        "badge: 1 none to collector, 3 stay",
    ]
    dry = shop.recompute_tiers(day(2024, 1), ladders=["badge"], dry_run=True)
    assert repr(dry).splitlines() == [
        "Tiers as of 2024-01-01 00:00:00 UTC: 4 members, a dry run",
        "badge: 4 stay",
    ]
    page = run._repr_html_()
    assert page.count("<table>") == 2
    assert '<tr><th>from blue</th><td style="color: gray">2</td><td>1</td><td>1</td>' in page
    assert "<tr><th>after</th><td>2</td><td>1</td><td>1</td><td>0</td><td>4</td></tr>" in page
    with pytest.raises(loyalty.InvalidInputError, match="no 'colour'; it has: status, badge"):
        run.matrix("colour")


def test_names_are_text_in_html_and_in_pictures(path: Path) -> None:
    text = PROGRAM.replace('"silver"', '"<b>$x_$"')
    with loyalty.create(path, program=loyalty.Program.from_toml(text)) as ledger:
        ledger.open_member("ada", effective_time=day(2023, 1))
        run = ledger.recompute_tiers(day(2024, 1), dry_run=True)
    assert "&lt;b&gt;$x_$" in run._repr_html_()
    figure: Any = run.picture("status")
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_picture_has_each_count_in_its_place(shop: loyalty.Ledger) -> None:
    run = shop.recompute_tiers(day(2024, 1))
    status, badge = run.picture().axes
    assert [label.get_text() for label in status.get_xticklabels()] == [
        *("to blue", "to silver", "to gold", "to black", "before"),
    ]
    assert [label.get_text() for label in badge.get_yticklabels()][:2] == [
        "from none",
        "from collector",
    ]
    cells = {text.get_position(): text.get_text() for text in status.texts}
    assert {place: cells[place] for place in ((0, 0), (1, 0), (2, 0), (3, 0), (4, 0))} == {
        (0, 0): "2",
        (1, 0): "1",
        (2, 0): "1",
        (3, 0): "",
        (4, 0): "4",
    }
    assert (cells[0, 4], cells[1, 4]) == ("2\n-2", "1\n+1")
    image: Any = status.images[0].get_array()
    red, _, blue = image[0, 1][:3]
    assert blue > red, "who climbs is blue"
    assert image[0, 0].tolist() != image[0, 1].tolist()
    assert "2 climbed, 0 fell, 2 stayed" in status.get_title(loc="left")
    (only,) = run.picture("badge").axes
    assert only.get_title(loc="left").startswith("badge")
    with pytest.raises(loyalty.InvalidInputError, match="no 'colour'"):
        run.picture("colour")
