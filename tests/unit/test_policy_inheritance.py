"""From class over cohort and machine to the asset: parameters, other rules, rules put off, and waivers that end."""

from datetime import timedelta

import pytest

from domain.verdict import Context, Memory
from policies.engine.explanation import explain
from policies.engine.judging import CompiledPolicy, compile_policy
from policies.language.text import TextRejected
from tests.support.drafts import T0, about, decided, deviation, draft, row, rule, table, text

LIMITS = """\
parameters: { limit: 5.0 }
cohorts:
  - { id: old, when: "asset.machine in ['M1', 'M2']" }
  - { id: first-line, when: "asset.line == 'LINE-1'" }
overrides:
  - { for: { asset: M1/comp2 }, because: It is so., parameters: { limit: 1.0 } }
  - { for: { class: pump }, because: It is so., parameters: { limit: 4.0 } }
  - { for: { cohort: first-line }, because: It is so., parameters: { limit: 3.5 } }
  - { for: { cohort: old }, because: It is so., parameters: { limit: 3.0 } }
  - { for: { machine: M2 }, because: It is so., parameters: { limit: 2.0 } }
"""


def least(policy: CompiledPolicy, context: Context) -> float:
    """The lowest score that the one rule of a policy takes."""
    scores = (0.5, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0)
    return next(score for score in scores if decided(policy, deviation(score=score), context=context) == ["high"])


@pytest.mark.parametrize(
    ("context", "limit"),
    [
        (about("M9/comp1", "M9", "motor").model_copy(update={"line": "LINE-2"}), 5.0),
        (about("M9/comp1", "M9", "pump").model_copy(update={"line": "LINE-2"}), 4.0),
        (about("M9/comp1", "M9", "pump"), 3.5),
        (about("M1/comp1", "M1", "pump"), 3.0),
        (about("M2/comp1", "M2", "pump"), 2.0),
        (about("M1/comp2", "M1", "pump"), 1.0),
    ],
)
def test_the_more_particular_scope_wins_and_an_asset_is_of_the_first_cohort_that_holds(
    context: Context, limit: float
) -> None:
    policy = draft(rule("high", "anomaly.score >= param.limit"), more=LIMITS)

    assert least(policy, context) == limit


STAND_IN = """\
cohorts: [{ id: old, when: "asset.machine == 'M1'" }]
overrides:
  - for: { class: pump }
    because: It is so.
    rules:
      - replaces: high
        id: high-pump
        when: anomaly.score >= 2.0
        then: { rung: inspect }
        because: Pumps vibrate less.
        response: Look.
  - for: { cohort: old }
    because: It is so.
    off: [high]
  - for: { asset: M1/comp2 }
    because: It is so.
    rules:
      - { replaces: high, id: high-here, then: { rung: inspect }, because: Here., response: Look. }
"""


@pytest.mark.parametrize(
    ("context", "decides"),
    [
        (about("M9/comp1", "M9", "motor"), ["high", "nothing"]),
        (about("M9/comp1", "M9", "pump"), ["high-pump", "high-pump"]),
        (about("M1/comp1", "M1", "pump"), ["nothing", "nothing"]),
        (about("M1/comp2", "M1", "pump"), ["high-here", "nothing"]),
    ],
)
def test_a_rule_may_be_replaced_or_put_off_for_some(context: Context, decides: list[str]) -> None:
    policy = draft(rule("high", "anomaly.score >= 5.0"), more=STAND_IN)

    assert decided(policy, deviation(score=6.0), deviation(score=3.0), context=context) == decides


def test_a_row_of_a_table_may_be_replaced_too_and_keeps_its_place() -> None:
    rows = (row("low", "{}"), row("high", "{ anomaly.score: '>= 5' }", "draft"))
    policy = draft(table("t", "highest", *rows), more=STAND_IN)

    assert decided(policy, deviation(score=6.0), context=about("M9/comp1", "M9", "pump")) == ["high-pump"]
    assert decided(policy, deviation(score=6.0), context=about("M1/comp1", "M1", "pump")) == ["low"]


WAIVED = """\
waivers:
  - id: trial
    for: { machine: M1 }
    rules: [high]
    owner: Ada
    reason: A trial.
    until: 2026-01-05T13:00:00+01:00
"""


def test_a_waiver_ends_at_its_instant_by_the_time_of_the_event() -> None:
    policy = draft(rule("high", "anomaly.score >= 5.0"), more=WAIVED)

    assert T0.isoformat() == "2026-01-05T12:00:00+00:00"
    assert decided(policy, deviation(-1), deviation(0)) == ["nothing", "high"]
    assert decided(policy, deviation(-1), context=about("M2/comp1", "M2")) == ["high"]


NIGHT = """\
calendars:
  - id: night
    zone: Europe/Berlin
    hours: [{ days: [mon, fri], start: '22:00', end: '06:00' }]
    except: [2026-01-09]
  - id: weekend
    zone: Europe/Berlin
    hours: [{ days: [sat, sun] }]
"""


@pytest.mark.parametrize(
    ("hours", "decides"),
    [
        (8.9, "nothing"),  # Monday 21:54 in Berlin
        (9, "night"),  # Monday 22:00
        (16.9, "night"),  # Tuesday 05:54
        (17, "nothing"),  # Tuesday 06:00
        (33, "nothing"),  # Tuesday 22:00
        (105, "nothing"),  # Friday the 9th 22:00, which is left out
        (107, "weekend"),  # Saturday 00:00
        (154.9, "weekend"),  # Sunday 23:54
        (155, "nothing"),  # Monday 00:00
        (177, "night"),  # Monday 22:00 of the week after
    ],
)
def test_a_calendar_goes_by_the_clock_on_the_wall_of_the_event(hours: float, decides: str) -> None:
    policy = draft(rule("night", "calendar.night"), rule("weekend", "calendar.weekend"), more=NIGHT)

    assert decided(policy, deviation(hours * 60)) == [decides]


def test_a_calendar_follows_the_clock_when_it_is_moved() -> None:
    policy = draft(rule("night", "calendar.night"), more=NIGHT)
    summer = (T0.replace(month=7, day=6, hour=20) - T0) / timedelta(minutes=1)

    assert decided(policy, deviation(summer - 1), deviation(summer)) == ["nothing", "night"]


BROKEN = [
    ("parameters: { limit: [1] }", "parameters.limit", "number, a text", None),
    ("parameters: { Limit: 1 }", "parameters.Limit", "cannot be 'Limit'", "without hyphens"),
    (
        "calendars: [{ id: n, zone: Berlin/Mitte, hours: [{ days: [mon] }] }]",
        "calendars.0.zone",
        "no time zone",
        "Europe",
    ),
    ("calendars: [{ id: n, zone: ../passwd, hours: [{ days: [mon] }] }]", "calendars.0.zone", "no time zone", "Europe"),
    ("calendars: [{ id: n, zone: UTC, hours: [{ days: [mo] }] }]", "calendars.0.hours.0.days.0", "'mo'", "mon"),
    (
        "calendars: [{ id: n, zone: UTC, hours: [{ days: [mon], start: '25:00', end: '26:00' }] }]",
        "calendars.0.hours.0.start",
        "no time of day",
        "22:00",
    ),
    (
        "calendars: [{ id: n, zone: UTC, hours: [{ days: [mon], start: '22:00' }] }]",
        "calendars.0.hours.0.end",
        "is missing",
        "both",
    ),
    (
        "calendars: [{ id: n, zone: UTC, hours: [{ days: [mon] }], except: [2026-02-30] }]",
        "calendars.0.except.0",
        "no day",
        "2026-12-25",
    ),
    ("overrides: [{ for: { class: pump }, because: So. }]", "overrides.0", "overrides nothing", "off"),
    ("overrides: [{ for: {}, because: So., off: [high] }]", "overrides.0.for", "exactly one", "cohort"),
    (
        "overrides: [{ for: { class: a, asset: b }, because: So., off: [high] }]",
        "overrides.0.for",
        "exactly one",
        "cohort",
    ),
    ("overrides: [{ for: { cohort: x }, because: So., off: [high] }]", "overrides.0.for.cohort", "no cohort", "none"),
    ("overrides: [{ for: { class: a }, because: So., off: [hihg] }]", "overrides.0.off.0", "no rule", "high"),
    (
        "overrides: [{ for: { class: a }, because: So., off: [nothing] }]",
        "overrides.0.off.0",
        "must always hold",
        "before",
    ),
    ("overrides: [{ for: { class: a }, because: So., off: [high, high] }]", "overrides.0.off.1", "twice", "keep"),
    (
        "overrides: [{ for: { class: a }, because: So., parameters: { x: 1 } }]",
        "overrides.0.parameters.x",
        "no parameter",
        "none",
    ),
    (
        "parameters: { x: 1.0 }\noverrides: [{ for: { class: a }, because: So., parameters: { x: 1 } }]",
        "overrides.0.parameters.x",
        "another kind",
        "1.0",
    ),
    (
        "overrides: [{ for: { class: a }, because: S., off: [high] }, { for: { class: a }, because: S., off: [high] }]",
        "overrides.1.for",
        "overridden already",
        "one",
    ),
    (
        "cohorts: [{ id: c, when: anomaly.score > 1.0 }]",
        "cohorts.0.when",
        "anomaly.score does not exist here",
        None,
    ),
    (
        "waivers: [{ id: w, for: { class: a }, rules: [high], owner: A, reason: B, until: 2026-03-01 }]",
        "waivers.0.until",
        "no instant",
        "zone",
    ),
    (
        "waivers: [{ id: w, for: { class: a }, rules: [high], reason: B, until: 2026-03-01T00:00:00Z }]",
        "waivers.0.owner",
        "is missing",
        "owner",
    ),
    (
        "states: [{ id: s, says: S., observe: true, raise_when: state.s.raised }]",
        "states.0.raise_when",
        "does not exist",
        None,
    ),
    (
        "states: [{ id: s, says: S., observe: true, raise_when: true, of: 99 }]",
        "states.0.of",
        "less than or equal to 32",
        None,
    ),
    ("states: [{ id: a-b, says: S., observe: true, raise_when: true }]", "states.0.id", "cannot be 'a-b'", "hyphens"),
    ("properties: [{ id: p, says: S. }]", "properties.0", "claims 0 things", "always"),
    (
        "properties: [{ id: p, says: S., acts_superset_of: 1.0.0, monotone: { in: anomaly.score, direction: up } }]",
        "properties.0",
        "claims 2 things",
        "exactly one",
    ),
    (
        "properties: [{ id: p, says: S., monotone: { in: a, direction: left } }]",
        "properties.0.monotone.direction",
        "'left'",
        "up",
    ),
]


@pytest.mark.parametrize(("more", "field", "problem", "fix"), BROKEN)
def test_what_is_broken_is_refused_at_its_place_with_a_fix(
    more: str, field: str, problem: str, fix: str | None
) -> None:
    with pytest.raises(TextRejected) as refused:
        compile_policy(text(rule("high", "anomaly.score >= 5.0"), more=f"{more}\n"), "draft.yaml")

    assert (refused.value.field, problem in refused.value.problem) == (field, True), str(refused.value)
    assert fix is None or fix in (refused.value.fix or "")
    assert refused.value.line > 7


def test_an_explanation_shows_what_the_parameter_is_for_this_asset() -> None:
    policy = draft(rule("high", "anomaly.score >= param.limit"), more=LIMITS)

    told = explain(policy, Memory(), deviation(), about("M1/comp2"))

    assert told.values["param.limit"] == "1"
    assert told.traces[-1].comparisons[0].value == "6 against 1"
