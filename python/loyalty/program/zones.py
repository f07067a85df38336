"""Time zones by their IANA names, and the nearest one to a name that is none."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from loyalty.program.problems import near

# Names that zone directories have, and that mean nothing, or another zone on another machine.
_NO_ZONES = {"Factory", "localtime", "posixrules"}


@cache
def zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset(available_timezones() - _NO_ZONES | {"UTC"})


def zone_hint(name: str) -> str | None:
    """None for a time zone; else how to go on in a message: the zone that was perhaps meant."""
    known = zones()
    if name in known:
        return None
    meant = name.strip().casefold().replace(" ", "_")
    by_folded = {zone.casefold(): zone for zone in known}
    by_city = {folded.rpartition("/")[2]: zone for folded, zone in sorted(by_folded.items())}
    if zone := by_folded.get(meant) or by_city.get(meant):
        return f'; did you mean "{zone}"?'
    return near(name, known, otherwise=False)
