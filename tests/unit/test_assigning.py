"""Which versions judge an asset, for any assignments."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.assigning import EVERYWHERE, End, Place, Placement, Scope, choose, judging_since, share_of

START = datetime(2026, 1, 1, tzinfo=UTC)
HERE = Place(asset="m-1-c1", machine="m-1", asset_class="pump", line="LINE-1", site="BEDFORD")


def hours(number: float) -> datetime:
    return START + timedelta(hours=number)


_moments = st.integers(0, 20).map(hours)
_scopes = st.one_of(
    st.just(EVERYWHERE),
    st.sampled_from(["LINE-1", "LINE-2"]).map(lambda value: Scope(line=value)),
    st.sampled_from(["BEDFORD", "LUTON"]).map(lambda value: Scope(site=value)),
    st.sampled_from(["pump", "motor"]).map(lambda value: Scope(asset_class=value)),
    st.integers(1, 99).map(lambda value: Scope(percent=float(value))),
)
_places = st.builds(
    Place,
    asset=st.just("a"),
    machine=st.sampled_from(["m-1", "m-2", "m-3"]),
    asset_class=st.sampled_from(["pump", "motor"]),
    line=st.sampled_from(["LINE-1", "LINE-2"]),
    site=st.sampled_from(["BEDFORD", "LUTON"]),
)
_ends = st.builds(End, _moments, _moments, st.just("withdrawn"))


@st.composite
def placements(draw: st.DrawFn) -> list[Placement]:
    return [
        Placement(
            id=number,
            digest=draw(st.sampled_from("abcd")),
            role=draw(st.sampled_from(["active", "canary", "shadow"])),
            scope=draw(_scopes),
            effective_from=draw(_moments),
            effective_to=draw(st.none() | _moments),
            recorded_at=draw(_moments),
            ends=tuple(draw(st.lists(_ends, max_size=2))),
            expires_at=draw(st.none() | _moments),
            approved_at=draw(st.none() | _moments),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


def placement(number: int, digest: str, role: str = "active", scope: Scope = EVERYWHERE, at: float = 0) -> Placement:
    return Placement(number, digest, role, scope, hours(at), None, hours(at))  # type: ignore[arg-type]


@given(placements(), _places, _moments)
def test_an_asset_has_one_active_version_wherever_one_reaches_it(
    all_placed: list[Placement], place: Place, at: datetime
) -> None:
    chosen = choose(all_placed, place, at)
    reaching = [placed for placed in all_placed if placed.scope.covers(place) and placed.in_force(at, hours(100))]
    acting = [placed for placed in reaching if placed.role != "shadow"]
    assert (chosen.active is None) == (not acting)
    assert chosen.active is None or chosen.active in acting
    assert len(set(chosen.digests)) == len(chosen.digests)


@given(placements(), _places, _moments)
def test_a_canary_beats_the_active_version_on_its_assets(
    all_placed: list[Placement], place: Place, at: datetime
) -> None:
    chosen = choose(all_placed, place, at)
    reaching = [placed for placed in all_placed if placed.scope.covers(place) and placed.in_force(at, hours(100))]
    if any(placed.role == "canary" for placed in reaching):
        assert chosen.active is not None
        assert chosen.active.role == "canary"


@given(placements(), _places, _moments, st.randoms())
def test_the_order_in_which_assignments_are_read_changes_nothing(
    all_placed: list[Placement], place: Place, at: datetime, random: object
) -> None:
    assert choose(all_placed, place, at) == choose(all_placed[::-1], place, at)


@given(placements(), _places, _moments, _moments)
def test_what_is_recorded_later_changes_no_answer_as_it_was_known_before(
    all_placed: list[Placement], place: Place, at: datetime, known: datetime
) -> None:
    def ends_known(placed: Placement) -> tuple[End, ...]:
        return tuple(end for end in placed.ends if end.recorded_at <= known)

    before = [
        Placement(
            placed.id,
            placed.digest,
            placed.role,
            placed.scope,
            placed.effective_from,
            placed.effective_to,
            placed.recorded_at,
            ends_known(placed),
            placed.expires_at,
            placed.approved_at if placed.approved_at is not None and placed.approved_at <= known else None,
        )
        for placed in all_placed
        if placed.recorded_at <= known
    ]
    then, now = choose(before, place, at, known), choose(all_placed, place, at, known)
    assert (then.active and then.active.id, then.digests) == (now.active and now.active.id, now.digests)


@given(st.text(min_size=1), st.floats(0.1, 99.9), st.floats(0.1, 99.9))
def test_a_larger_share_holds_every_machine_of_a_smaller_one(machine: str, share: float, other: float) -> None:
    place = Place(machine=machine)
    small, large = sorted((share, other))
    assert not Scope(percent=small).covers(place) or Scope(percent=large).covers(place)


def test_a_share_of_many_machines_is_near_what_it_says() -> None:
    drawn = sum(share_of(f"machine-{number:04}") < 20 for number in range(5000))
    assert 900 < drawn < 1100


def test_the_narrower_scope_wins_and_of_two_alike_the_later() -> None:
    wide, line = placement(1, "wide", at=5), placement(2, "line", scope=Scope(line="LINE-1"), at=1)
    later = placement(3, "later", scope=Scope(line="LINE-1"), at=2)
    assert choose([wide, line, later], HERE, hours(1)).active == line
    assert choose([wide, line, later], HERE, hours(6)).active == later
    assert choose([wide, line, later], Place(line="LINE-2"), hours(6)).active == wide


def test_what_a_canary_displaces_judges_on_beside_it() -> None:
    chosen = choose([placement(1, "old"), placement(2, "new", "canary", Scope(line="LINE-1"))], HERE, hours(1))
    assert chosen.digests == ("new", "old")
    assert chosen.active is not None
    assert chosen.active.role == "canary"


def test_an_emergency_change_ends_unless_it_was_approved_in_time() -> None:
    emergency = Placement(1, "new", "active", EVERYWHERE, START, None, START, expires_at=hours(8))
    assert emergency.in_force(hours(7), hours(7))
    assert not emergency.in_force(hours(8), hours(9))
    approved = Placement(1, "new", "active", EVERYWHERE, START, None, START, (), hours(8), hours(6))
    assert approved.in_force(hours(9), hours(9))
    assert approved.until(hours(5)) == hours(8)
    late = Placement(1, "new", "active", EVERYWHERE, START, None, START, (), hours(8), hours(9))
    assert not late.in_force(hours(10), hours(10))


def test_a_version_that_comes_back_judges_since_it_came_back() -> None:
    old, new = placement(1, "old"), placement(2, "new", at=2)
    back = placement(3, "old", at=5)
    assert judging_since([old, new], HERE, "old", hours(1)) == START
    assert judging_since([old, new, back], HERE, "old", hours(6)) == hours(5)
    ended = Placement(2, "new", "active", EVERYWHERE, hours(2), hours(4), hours(2))
    assert judging_since([old, ended], HERE, "old", hours(6)) == hours(4)


def test_a_version_displaced_by_a_canary_never_stopped_judging() -> None:
    canary = Placement(2, "new", "canary", EVERYWHERE, hours(2), None, hours(2), (End(hours(4), hours(4), "halted"),))
    assert judging_since([placement(1, "old"), canary], HERE, "old", hours(6)) == START


def test_a_scope_contains_itself_and_smaller_shares_and_everything_contains_all() -> None:
    assert Scope().contains(Scope(line="LINE-1"))
    assert Scope(percent=20).contains(Scope(percent=10))
    assert not Scope(percent=10).contains(Scope(percent=20))
    assert not Scope(site="A").contains(Scope(line="LINE-1"))
    assert not Scope(line="LINE-1").contains(Scope())
