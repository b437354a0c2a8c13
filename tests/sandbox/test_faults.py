import pytest

from sandbox.faults import Fault, Faults


def test_the_oldest_fault_that_matches_is_met_first_and_used_up() -> None:
    faults = Faults()
    faults.add(Fault("maximo", "create", "status_500", times=2))
    faults.add(Fault("maximo", "*", "slow", times=None, params={"seconds": 3}))
    met = [faults.take("maximo", operation) for operation in ("query", "create", "create", "create")]
    assert [fault.kind for fault in met if fault is not None] == ["slow", "status_500", "status_500", "slow"]
    assert [fault.kind for fault in faults.list()] == ["slow"]


def test_a_fault_is_met_by_its_target_only() -> None:
    faults = Faults()
    faults.add(Fault("bus", "*", "status_500"))
    assert faults.take("maximo", "create") is None


def test_down_lasts_until_cleared() -> None:
    faults = Faults()
    faults.add(Fault("maximo", "*", "down"))
    faults.add(Fault("bus", "*", "down"))
    assert [faults.take("maximo", "query") is not None for _ in range(3)] == [True] * 3
    faults.clear("maximo")
    assert (faults.take("maximo", "query"), len(faults.list())) == (None, 1)
    faults.clear()
    assert faults.list() == ()


def test_one_kind_of_one_target_is_cleared_alone_and_what_was_met_is_counted() -> None:
    faults = Faults()
    for target, kind in (("maximo", "down"), ("maximo", "slow"), ("bus", "down")):
        faults.add(Fault(target, "*", kind))
    faults.take("maximo", "query")
    faults.clear("maximo", "down")
    assert [(fault.target, fault.kind) for fault in faults.list()] == [("maximo", "slow"), ("bus", "down")]
    assert faults.met() == {("maximo", "down"): 1}


@pytest.mark.parametrize(
    ("kind", "times", "params", "named"),
    [
        ("explode", 1, {}, "kind"),
        ("status_500", 0, {}, "times"),
        ("refuse_field", 1, {"field": "wopriority"}, "params.code"),
        ("slow", 1, {"seconds": "long"}, "params.seconds"),
        ("status_429", 1, {"retry_after": -1}, "params.retry_after"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    kind: str, times: int, params: dict[str, str | int | float], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        Fault("maximo", "*", kind, times, params)


def test_a_kind_the_target_cannot_show_is_refused() -> None:
    faults = Faults()
    faults.declare("jobcontrol", {"down", "slow"})
    with pytest.raises(ValueError, match="jobcontrol cannot show 'html'"):
        faults.add(Fault("jobcontrol", "*", "html"))


def test_a_kind_that_waits_already_is_refused_when_its_target_declares() -> None:
    faults = Faults()
    faults.add(Fault("jobcontrol", "*", "html"))
    with pytest.raises(ValueError, match="html"):
        faults.declare("jobcontrol", {"down"})


def test_lengths_have_defaults() -> None:
    assert [Fault("bus", "*", kind).seconds for kind in ("timeout", "status_429", "slow", "html")] == [30, 1, 1, 0]
