"""Policies that ask for the least cost, for tests."""

from functools import cache

from policies.engine.judging import CompiledPolicy, compile_policy
from tests.support.drafts import rule, text
from tests.support.policy_people import candidate

PRICES = """\
prices:
  currency: EUR
  lost_production_per_hour: param.loss
  changeover: 350
  scrap: 600
  crew: { per_hour: 85, otherwise_per_hour: '140.00', regular: day_shift }
  repair: { planned: PT4H, after_failure: PT14H }
  stop_lasts: PT8H
  damage: 2500
  lead_time: { distribution: uniform, shortest: PT0S, longest: PT72H }
  derating: { lost_production_per_hour: 100, stretches_life: 2 }
  unknown_production: { oldest: PT15M, urgency: after_batch, because: The shift leader decides. }
  unpriced:
    - id: leaks
      consequence: environment
      when: anomaly.failure_mode == 'LEA'
      says: Coolant reaches the drain.
    - id: guards
      consequence: safety
      when: anomaly.failure_mode == 'GRD'
      says: The guard does not close.
"""
_ENDANGERS = "anomaly.failure_mode == 'LEA' || anomaly.failure_mode == 'GRD'"
_MORE = f"""\
parameters: {{ loss: 900 }}
calendars:
  - {{ id: day_shift, zone: UTC, hours: [{{ days: [mon, tue, wed, thu, fri], start: '06:00', end: '18:00' }}] }}
overrides:
  - {{ for: {{ machine: M9 }}, because: It is the bottleneck., parameters: {{ loss: 1500 }} }}
{PRICES}"""
_TIMING = "  - { id: ordinary, when: true, urgency: after_batch, because: There is time. }\n"


def priced_text(endangers: str = _ENDANGERS) -> str:
    """The document. Its first timing rule decides for what endangers people, its last asks for the least cost.

    Args:
        endangers: the condition of the first timing rule.
    """
    rules = (rule("high", "anomaly.score > 5.0", "draft"), rule("higher", "anomaly.score > 4.0", "inspect"))
    timing = (
        f'  - {{ id: endangers, when: "{endangers}", urgency: now, because: It endangers people. }}\n'
        "  - { id: ordinary, when: true, urgency: least_cost, because: It may wait if that costs less. }\n"
    )
    return text(*rules, more=_MORE).replace(_TIMING, timing)


@cache
def priced_candidate(version: str = "1.2.0", author: str = "anna") -> CompiledPolicy:
    """The shipped policy with prices, under another number: its last timing rule asks for the least cost."""
    shipped = candidate(version, author)
    ordinary = "  - id: ordinary\n    when: true\n    urgency: planned_stop\n    because: There is time until the next"
    priced = ordinary.replace("planned_stop", "least_cost")
    important = "  - id: important\n    when: verdict.severity == 'S2'\n    urgency: after_batch\n"
    more = PRICES.replace("param.loss", "900").replace(", regular: day_shift", "")
    changes = (
        ("timing:\n", f"{more}timing:\n{_SPILLS}"),
        (ordinary, priced),
        (important, important.replace("after_batch", "least_cost")),
        (
            "'S2' && production.job_remaining_minutes",
            "'S2' && verdict.rung == 'watch' && production.job_remaining_minutes",
        ),
    )
    text = shipped.text
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"the shipped policy has another text than {old!r}")
        text = text.replace(old, new)
    return compile_policy(text, f"{version}.yaml")


_SPILLS = f"""\
  - id: endangers
    when: {_ENDANGERS}
    urgency: now
    because: It endangers people or the environment.

"""
