"""The query language over a small graph."""

import pytest

from sandbox.twins.document import JsonObject
from sandbox.twins.errors import ServiceError
from sandbox.twins.graph_state import GraphState
from sandbox.twins.query import read_query
from sandbox.twins.query_page import QueryPage

MACHINE, PUMP, LINE = "dtmi:ex:Machine;1", "dtmi:ex:Pump;1", "dtmi:ex:Line;1"


def _is_a(model: str, ancestor: str) -> bool:
    return model == ancestor or (model, ancestor) == (PUMP, MACHINE)


def _twin(twin_id: str, model: str, **properties: object) -> JsonObject:
    twin: JsonObject = {"$dtId": twin_id, "$metadata": {"$model": model}}
    twin.update(properties)  # type: ignore[arg-type]  # the table's values are JSON
    return twin


@pytest.fixture(scope="module")
def graph() -> GraphState:
    state = GraphState()
    for twin in (
        _twin("line-1", LINE, name="Line D'Or"),
        _twin("line-2", LINE, name=None),
        _twin("m-1", PUMP, temp=20.5, on=True, note="hot-spot", place={"bay": 1}, tags=["a", "b"]),
        _twin("m-2", MACHINE, temp=30, on=False, note="cold"),
        _twin("m-3", MACHINE, order=3),
    ):
        state.put_twin(str(twin["$dtId"]), twin)
    for source, target, since in (("line-1", "m-1", 2014), ("line-1", "m-2", 2016), ("m-1", "m-2", 2017)):
        name = "contains" if source.startswith("line") else "feeds"
        state.put_relationship(
            source,
            f"{source}-{target}",
            {
                "$relationshipId": f"{source}-{target}",
                "$sourceId": source,
                "$targetId": target,
                "$relationshipName": name,
                "since": since,
            },
        )
    return state


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("temp = 20.5", "m-1"),
        ("T.temp >= 20.5 AND T.temp < 30", "m-1"),
        ("temp > 20 OR order = 3", "m-1 m-2 m-3"),
        ("temp != 30", "m-1"),
        ("temp <> 30", "m-1"),
        ("NOT temp = 30", "m-1"),
        ("NOT (temp = 30 OR note = 'hot-spot')", ""),
        ("temp = '30'", ""),
        ("temp > 'a'", ""),
        ("on", "m-1"),
        ("on = true", "m-1"),
        ("on = 1", ""),
        ("NOT on = true", "m-2"),
        ("$dtId IN ['m-1', 'm-3', 'none']", "m-1 m-3"),
        ("T.$dtId in ['m-1']", "m-1"),
        ("temp NIN [30, 31]", "m-1"),
        ("T.note NIN ['cold'] AND T.temp = 20.5", "m-1"),
        ("IS_OF_MODEL('dtmi:ex:Machine;1')", "m-1 m-2 m-3"),
        ("IS_OF_MODEL(T, 'dtmi:ex:Machine;1')", "m-1 m-2 m-3"),
        ("IS_OF_MODEL('dtmi:ex:Machine;1', exact)", "m-2 m-3"),
        ("IS_OF_MODEL(T, 'dtmi:ex:Pump;1', exact)", "m-1"),
        ("NOT IS_OF_MODEL(T, 'dtmi:ex:Machine;1')", "line-1 line-2"),
        ("STARTSWITH(T.$dtId, 'line')", "line-1 line-2"),
        ("startswith(note, 'hot')", "m-1"),
        ("ENDSWITH(T.note, 'spot')", "m-1"),
        ("CONTAINS(T.note, '-')", "m-1"),
        ("CONTAINS(T.temp, '3')", ""),
        ("ARRAY_CONTAINS(T.tags, 'b')", "m-1"),
        ("IS_DEFINED(T.temp)", "m-1 m-2"),
        ("IS_DEFINED(T.place.bay)", "m-1"),
        ("IS_NULL(T.name)", "line-2"),
        ("name = null", "line-2"),
        ("IS_BOOL(T.on)", "m-1 m-2"),
        ("IS_NUMBER(T.temp)", "m-1 m-2"),
        ("IS_STRING(note)", "m-1 m-2"),
        ("IS_OBJECT(place)", "m-1"),
        ("IS_PRIMITIVE(T.name)", "line-1 line-2"),
        ("T.place.bay = 1", "m-1"),
        ("T.[[order]] = 3", "m-3"),
        (r"T.name = 'Line D\'Or'", "line-1"),
        ('T.name = "Line D\'Or"', "line-1"),
        ("T.$metadata.$model = 'dtmi:ex:Pump;1'", "m-1"),
        ("temp = 30 OR temp = 20.5 AND on = false", "m-2"),
        ("(temp = 30 OR temp = 20.5) AND on = true", "m-1"),
        ("order = -3 OR order = 3e0", "m-3"),
    ],
)
def test_a_condition_finds_its_twins(graph: GraphState, condition: str, expected: str) -> None:
    rows = read_query(f"SELECT * FROM DIGITALTWINS T WHERE {condition}", _is_a).rows(graph)
    assert [row["$dtId"] for row in rows] == expected.split()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT COUNT() FROM DIGITALTWINS", [{"COUNT": 5}]),
        ("select count() from digitaltwins t where is_defined(t.temp)", [{"COUNT": 2}]),
        ("SELECT TOP(2) $dtId FROM DIGITALTWINS", [{"$dtId": "line-1"}, {"$dtId": "line-2"}]),
        ("SELECT T.temp AS t, T.on FROM DIGITALTWINS T WHERE T.temp = 30", [{"t": 30, "on": False}]),
        ("SELECT T.order, T.temp FROM DIGITALTWINS T WHERE T.$dtId = 'm-3'", [{"order": 3}]),
        ("SELECT T.place.bay FROM DIGITALTWINS T WHERE IS_DEFINED(T.place)", [{"bay": 1}]),
        (
            "SELECT M.$dtId FROM DIGITALTWINS L JOIN M RELATED L.contains WHERE L.$dtId = 'line-1'",
            [{"$dtId": "m-1"}, {"$dtId": "m-2"}],
        ),
        (
            (
                "SELECT M.$dtId AS id, R.since FROM DIGITALTWINS L JOIN M RELATED L.contains R "
                "WHERE L.$dtId = 'line-1' AND R.since > 2015"
            ),
            [{"id": "m-2", "since": 2016}],
        ),
        (
            (
                "SELECT N.$dtId FROM DIGITALTWINS L JOIN M RELATED L.contains JOIN N RELATED M.feeds "
                "WHERE L.$dtId = 'line-1' AND IS_OF_MODEL(N, 'dtmi:ex:Machine;1')"
            ),
            [{"$dtId": "m-2"}],
        ),
        (
            "SELECT L.$dtId FROM DIGITALTWINS L JOIN M RELATED L.contains WHERE M.$dtId IN ['m-1']",
            [{"$dtId": "line-1"}],
        ),
        ("SELECT R.$targetId FROM RELATIONSHIPS R WHERE R.since = 2017", [{"$targetId": "m-2"}]),
        ("SELECT COUNT() FROM RELATIONSHIPS WHERE $relationshipName = 'contains'", [{"COUNT": 2}]),
    ],
)
def test_a_query_gives_its_columns(graph: GraphState, query: str, expected: list[JsonObject]) -> None:
    assert read_query(query, _is_a).rows(graph) == expected


def test_a_collection_is_projected_under_its_alias(graph: GraphState) -> None:
    (row,) = read_query("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'm-3'", _is_a).rows(graph)
    assert row == {"T": graph.twins["m-3"]}


JOINS = " ".join(f"JOIN M{n + 1} RELATED M{n}.contains" for n in range(6))


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", "expected SELECT"),
        ("SELECT", "expected a name"),
        ("SELECT * FROM TABLES", "no collection TABLES"),
        ("SELECT * FROM DIGITALTWINS T WHERE", "expected a name"),
        ("SELECT * FROM DIGITALTWINS T WHERE T.a =", "expected a name"),
        ("SELECT * FROM DIGITALTWINS T WHERE T.a = 1 T", "expected the end"),
        ("SELECT * FROM DIGITALTWINS T WHERE (T.a = 1", "expected )"),
        ("SELECT * FROM DIGITALTWINS T WHERE T.a LIKE 'x'", "expected the end"),
        ("SELECT * FROM DIGITALTWINS T WHERE UPPER(T.a) = 'X'", "unknown function UPPER"),
        ("SELECT * FROM DIGITALTWINS T WHERE T.a = 'open", "unexpected"),
        ("SELECT * FROM DIGITALTWINS T WHERE T.a ; 1", "unexpected"),
        ("SELECT TOP(x) * FROM DIGITALTWINS", "a whole number"),
        ("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T.a)", "expected ,"),
        ("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 3)", "a model id"),
        ("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'x', close)", "expected EXACT"),
        ("SELECT * FROM DIGITALTWINS L JOIN M RELATED L.contains WHERE L.$dtId = 'x'", "not valid with JOIN"),
        ("SELECT M FROM DIGITALTWINS L JOIN M RELATED L.contains", "must have a condition on a $dtId"),
        ("SELECT M FROM DIGITALTWINS L JOIN M RELATED X.contains WHERE L.$dtId = 'x'", "RELATED needs"),
        ("SELECT X FROM DIGITALTWINS L JOIN M RELATED L.r WHERE L.$dtId = 'x'", "no collection X"),
        (f"SELECT M1 FROM DIGITALTWINS M0 {JOINS} WHERE M0.$dtId = 'x'", "more than 5 JOINs"),
        (f"SELECT * FROM DIGITALTWINS WHERE $dtId IN [{','.join(['1'] * 51)}]", "more than 50 values"),
        ("SELECT * FROM DIGITALTWINS WHERE name = '" + "x" * 8000 + "'", "longer than 8000"),
    ],
)
def test_a_query_that_is_none_says_where_it_went_wrong(query: str, complaint: str) -> None:
    with pytest.raises(ServiceError) as refused:
        read_query(query, _is_a)
    assert refused.value.code == "SqlQueryError"
    assert complaint in refused.value.message


def test_pages_follow_each_other_without_gap_or_overlap(graph: GraphState) -> None:
    page: QueryPage | None = QueryPage("SELECT $dtId FROM DIGITALTWINS")
    found: list[object] = []
    sizes: list[int] = []
    while page is not None:
        answer = page.answer(graph, _is_a, 2)
        rows = answer["value"]
        assert isinstance(rows, list)
        found += rows
        sizes.append(len(rows))
        page = QueryPage.read(answer) if "continuationToken" in answer else None
    assert sizes == [2, 2, 1]
    assert found == [{"$dtId": twin_id} for twin_id in graph.twins]


@pytest.mark.parametrize("token", ["x", "!!", "bnVsbA==", "WzEsMl0=", "ÿ"])
def test_a_token_that_is_none_of_ours_is_refused(token: str) -> None:
    with pytest.raises(ServiceError) as refused:
        QueryPage.read({"continuationToken": token})
    assert refused.value.code == "BadRequest"


def test_a_page_needs_a_query_or_a_token() -> None:
    with pytest.raises(ServiceError) as refused:
        QueryPage.read({"query": 3})
    assert refused.value.code == "InvalidArgument"
