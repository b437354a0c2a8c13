"""Promise 6: "why was there no work order?" has an answer as good as "why was there one?"."""

from sqlalchemy import text

from domain.verdict import Context, Memory, Rung
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation


async def test_promise_6_what_led_to_no_order_has_its_verdict_its_inputs_and_its_place_in_the_ledger(
    judged: Plant,
) -> None:
    await judged.take(deviation(1), code(30), deviation(60, score=2.0))
    assert await judged.rows("SELECT count(*) FROM cases") == [(0,)]
    kept = await judged.rows(
        "SELECT v.rung, v.body <> '' AND c.body <> '' AND l.hash <> '' FROM verdicts v "
        "JOIN contexts c ON c.digest = v.body::json->>'context' JOIN ledger l ON l.seq = v.ledger_seq "
        "WHERE v.role = 'active' ORDER BY v.position"
    )
    assert kept == [(int(Rung.WATCH), True), (int(Rung.WATCH), True), (int(Rung.IGNORE), True)]


async def test_promise_6_the_answer_names_every_rule_asked_and_the_numbers(judged: Plant) -> None:
    anomaly = deviation(60, score=2.0).anomaly
    assert anomaly is not None
    await judged.take(deviation(60, score=2.0))
    ((context,),) = await judged.rows("SELECT body FROM contexts")
    judge, version = judged.catalogue, judged.digests["1.1.0"]
    explained = judge.explain(version, Memory(), anomaly, Context.model_validate_json(str(context)))
    assert explained.verdict.rung is Rung.IGNORE
    assert "noise" in explained.because
    decisive = explained.traces[-1]
    assert decisive.matched
    assert any("2" in comparison.value for comparison in decisive.comparisons)


async def test_promise_6_evidence_after_the_work_is_noted_where_a_planner_looks(judged: Plant) -> None:
    await judged.take(code(1), deviation(2))
    async with judged.engine.begin() as connection:
        await connection.execute(text("UPDATE cases SET closed_at = now(), closed_as = 'done'"))
    await judged.take(deviation(12))
    assert await judged.rows("SELECT how FROM evidence ORDER BY id") == [("opened",), ("noted",)]
