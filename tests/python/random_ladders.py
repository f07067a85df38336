"""Random ladders, for tests beside the slow model."""

from __future__ import annotations

from hypothesis import strategies as st

import loyalty

LEVELS = ("one", "two", "three")

WINDOWS = (
    'model = "trailing", days = 90',
    'model = "trailing", months = 6',
    'model = "calendar_year"',
    'model = "since_change"',
    'model = "lifetime"',
)
VALIDITIES = (
    "",
    "validity = { days = 100 }",
    'validity = { months = 3, round_up = "month" }',
    'validity = { months = 12, round_up = "year" }',
)


def ladder_program(ladder: str, zone: str) -> loyalty.Program:
    """A programme of one currency with the ladder."""
    return loyalty.Program.from_toml(
        f'name = "Test"\ntime_zone = "{zone}"\n[currencies.points]\n{ladder}'
    )


@st.composite
def ladders(draw: st.DrawFn, upgrade: str = "at_run") -> str:
    """A ladder of three levels, as TOML."""
    of = draw(st.sampled_from(("points", "money", "postings", "days", "balance", "tenure_months")))
    most = {"points": 400, "money": 4000, "balance": 400}.get(of, 12)
    first, second = sorted(draw(st.tuples(st.integers(1, most), st.integers(1, most))))
    also = draw(st.sampled_from(("", ", visits = 2")))
    downgrade = draw(st.sampled_from(("full", "one_level", "never")))
    validity = draw(st.sampled_from(VALIDITIES)) if downgrade != "never" else ""
    grace = draw(st.sampled_from((0, 20))) if validity else 0
    lifetime = draw(st.sampled_from(("", 'lifetime = { level = "two", years = 1 }')))
    currency = 'currency = "points"' if of in ("points", "balance") else ""
    invited = draw(st.booleans())
    two = "by_invitation = true" if invited else f"when = {{ main = {first} }}"
    return f"""
[ladders.test]
upgrade = "{upgrade}"
window = {{ {draw(st.sampled_from(WINDOWS))} }}
downgrade = "{downgrade}"
{validity}
{f"grace_days = {grace}" if grace else ""}
{lifetime}
metrics.main = {{ of = "{of}"{", " + currency if currency else ""} }}
metrics.visits = {{ of = "postings", channels = ["store"] }}
[[ladders.test.levels]]
name = "one"
[[ladders.test.levels]]
name = "two"
{two}
[[ladders.test.levels]]
name = "three"
when = [{{ main = {second}{also} }}, {{ main = {second * 2} }}]
"""
