"""The page of an evidence pack: what a planner reads first, what an auditor checks last, and the pack itself within."""

import json
from collections.abc import Iterable, Sequence
from html import escape

from domain.production import ISOLATION_NOTICE
from millwright.audit.offline_signatures import Row

_STYLE = """
:root{--ink:#1d2733;--dim:#66727f;--line:#d5dbe2;--soft:#f4f6f8;--good:#1f7a4d;--bad:#a8322b;--accent:#174e7c}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;max-width:72rem;
margin:0 auto;padding:1.5rem 1.5rem 4rem;color:var(--ink);background:#fff}
header{border-bottom:3px solid var(--accent);padding-bottom:.8rem;margin-bottom:1.2rem}h1{font-size:1.6rem;margin:0}
h2{font-size:1.15rem;margin:2.2rem 0 .5rem;color:var(--accent);border-bottom:1px solid var(--line);padding-bottom:.2rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}p{margin:.4rem 0;max-width:60rem}.dim{color:var(--dim)}.small{font-size:.85rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.9rem}td,th{padding:.3rem .9rem .3rem 0;
text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}
td{overflow-wrap:anywhere}td.n,th.n{text-align:right}.t{white-space:nowrap}code,pre{font-family:ui-monospace,
"DejaVu Sans Mono",monospace;font-size:.82em}pre{background:var(--soft);padding:.8rem;overflow-x:auto;
white-space:pre-wrap}code.h{color:var(--dim);overflow-wrap:anywhere}.facts{display:grid;
grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:.6rem 0}.facts dt{color:var(--dim)}.facts dd{margin:0;
overflow-wrap:anywhere}.short li{margin:.25rem 0}.rung{display:inline-block;padding:.05rem .6rem;border-radius:1rem;
background:var(--accent);color:#fff;font-size:.85rem}.yes{color:var(--good);font-weight:600}.no{color:var(--bad);
font-weight:600}details{margin:.5rem 0;border-left:3px solid var(--line);padding-left:.9rem}summary{cursor:pointer}
.box{background:var(--soft);padding:.7rem 1rem;border-radius:.4rem}
@media print{body{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}}
"""


def write_page(pack: Row) -> tuple[str, str]:
    """The page before and behind the pack that it carries; nothing in it is fetched from anywhere."""
    subject, parts = pack["subject"], pack["parts"]
    title = f"Evidence: {subject['kind']} {subject['id']}"
    sections = _of_case(parts) if subject["kind"] == "case" else _of_version(parts, subject["id"])
    head = "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<header><h1>{escape(title)}</h1>{_facts(_about(pack))}</header>",
            *sections,
            *_proof(pack),
            "",
        ]
    )
    return head, "\n</body></html>\n"


def _about(pack: Row) -> list[tuple[str, str]]:
    head, engine = pack["head"], pack["engine"]
    return [
        ("made", f"{_at(pack['made_at'])}; all times are the plant's, UTC, to the minute"),
        ("end of the ledger", f"<code>{head['seq']}:{head['hash']}</code>"),
        ("made again by", f"engine <code>{engine['digest'][:16]}</code> of build {escape(engine['build'])}"),
    ]


def _of_case(parts: Row) -> list[str]:
    [case] = parts["cases"]
    sentences = parts["outline"]["sentences"][case["id"]]
    deciding = [one for one in parts["decisions"] if one["role"] == "active" and one["standing"] and not one["aside"]]
    acting = [one for one in deciding if one["rung"] == case["rung"]] or deciding
    others = [one for one in parts["decisions"] if one not in acting[:1]]
    sections = ["<h2>In short</h2>", f'<ul class="short">{"".join(f"<li>{escape(one)}" for one in sentences)}</ul>']
    sections += ["<h2>The decision</h2>", *(_decision(one) for one in acting[:1])]
    if others:
        inside = "".join(_decision(one) for one in others)
        sections.append(
            f"<details><summary>{len(others)} other verdicts: further events, revisions, versions in shadow</summary>"
            f"{inside}</details>"
        )
    sections += ["<h2>What was observed</h2>", _events(parts["events"]), *_work(parts, case)]
    sections += _shelving(parts["suppressions"])
    digests = {one["digest"] for one in acting[:1]}
    sections += [
        text for one in parts["policies"] if one["digest"] in digests for text in _version(one, parts["people"])
    ]
    sections += [
        "<h2>Everything that was done</h2>",
        _acts([a for a in parts["acts"] if a["subject"] == f"case/{case['id']}"]),
    ]
    return sections


def _of_version(parts: Row, name: str) -> list[str]:
    policy, _, number = name.partition("@")
    [version] = [one for one in parts["policies"] if (one["policy"], one["version"]) == (policy, number)]
    sections = _version(version, parts["people"])
    judged = [
        [_name(one["role"]), escape(one["rule"]), _words(one["rung"]), str(one["verdicts"])] for one in parts["judged"]
    ]
    total = sum(one["verdicts"] for one in parts["judged"])
    sections += [f"<h2>What it decided: {total} verdicts</h2>", _table(("as", "rule", "asks for", "verdicts"), judged)]
    sections += [f"<h2>What came of it: {len(parts['cases'])} cases</h2>"]
    rows = []
    for case in parts["cases"]:
        order, outcome = case["order"] or {}, case["outcome"] or {}
        rows.append(
            [
                f"<code>{escape(case['id'])}</code>",
                escape(case["asset"]),
                escape(case["failure_mode"]),
                _words(case["rung"]),
                escape(f"{order.get('external_id') or '-'} {order.get('status') or ''}"),
                _words(outcome.get("outcome") or "-"),
                _words(case["closed_as"] or "open"),
            ]
        )
    sections.append(_table(("case", "asset", "mode", "asked for", "order", "the work found", "closed as"), rows))
    for case, sentences in parts["outline"]["sentences"].items():
        told = "".join(f"<li>{escape(one)}" for one in sentences)
        sections.append(f"<details><summary>Case {escape(case)}</summary><ul>{told}</ul></details>")
    sections += _shelving(parts["suppressions"])
    subject = f"policy/{version['digest']}"
    draft = f"draft/{version['policy']}/{version['version']}"
    sections += ["<h2>Everything that was done to it</h2>"]
    sections.append(_acts([one for one in parts["acts"] if one["subject"] in (subject, draft)]))
    return sections


def _decision(one: Row) -> str:
    mark = "" if one["standing"] else ", revised since"
    late = ", too late to be weighed" if one["aside"] else ""
    again = "made again: the same" if one["remade"] == "equal" else f"made again: {one['remade']} {one['note'] or ''}"
    tests = [
        [_held(test["held"]), escape(test["words"]), f"<code>{escape(test['expression'])}</code>"]
        for test in one["tests"]
    ]
    missed = [
        [escape(rule["rule"]), escape("; ".join(test["words"] for test in rule["tests"]) or rule["error"] or "")]
        for rule in one["missed"]
    ]
    changes = one["changes"]["inputs"] if one["changes"] else []
    nearest = [
        [escape(change["nearest"]["words"]), _words(change["nearest"]["rung"]), escape(change["nearest"]["rule"])]
        for change in changes
        if change["nearest"]
    ]
    parts = [
        (
            f'<p><span class="rung">{_words(one["rung"])}</span> by rule <b>{escape(one["rule"])}</b> of '
            f"{escape(one['policy'])} {escape(one['version'])} ({escape(one['role'])}{mark}{late}), severity "
            f"{escape(one['severity'])}, priority {one['priority']}, {_at(one['judged_at'])}. "
            f"<span class={'yes' if one['remade'] == 'equal' else 'no'}>{escape(again)}</span></p>"
        ),
        f"<p>{escape(one['because'])}</p>" if one["because"] else "",
        f'<p class="dim">{escape(one["response"])}</p>' if one["response"] else "",
    ]
    if tests:
        parts.append(f"<h3>What it tested</h3>{_table(('', 'value against threshold', 'as written'), tests)}")
    if missed:
        parts.append(f"<h3>Rules that were asked before and missed</h3>{_table(('rule', 'what it lacked'), missed)}")
    if nearest:
        heading = ("smallest change of one input", "would have asked for", "by rule")
        parts.append(f"<h3>What would have changed it</h3>{_table(heading, nearest)}")
    return "".join(parts)


def _events(events: Sequence[Row]) -> str:
    rows = []
    for event in events:
        anomaly = json.loads(event["anomaly"])
        told = {name: value for name, value in anomaly.items() if value not in (None, "", [], {})}
        value = ", ".join(
            f"{name} {told[name]}" for name in ("signal", "value", "score", "baseline", "code") if name in told
        )
        rows.append(
            [
                _at(event["at"]),
                f"<code>{escape(event['source'])}|{escape(event['external_id'])}</code>",
                _name(str(told.get("detector", ""))),
                escape(value),
            ]
        )
    return _table(("at", "event", "detector", "observed"), rows)


def _work(parts: Row, case: Row) -> list[str]:
    sections = []
    order, outcome = case["order"], case["outcome"]
    if order is not None:
        draft = order["draft"]
        facts = [
            ("number", escape(f"{order['external_id'] or 'not placed'} in {order['system']}")),
            ("status", _words(order["status"] or "-")),
            ("summary", escape(draft["summary"])),
            ("priority", str(draft["priority"])),
        ]
        text = "".join(f"<p>{escape(one)}</p>" for one in draft["paragraphs"])
        sections += ["<h2>The work order</h2>", _facts(facts), f'<div class="box small">{text}</div>']
    if case["decision"] is not None:
        said = case["decision"]
        word = "Approved" if said["approved"] else "Refused"
        sections += ["<h2>The review</h2>", f"<p>{word} by {escape(said['by'])}: {escape(said['reason'])}</p>"]
    for hold in parts["holds"]:
        claims = ", ".join(f"{case} ({_words(how)})" for case, how in sorted(hold["claims"].items()))
        facts = [
            ("hold", f"<code>{escape(hold['key'])}</code> in {escape(hold['system'])}"),
            ("equipment", escape(hold["equipment"])),
            ("state", _words(hold["state"])),
            *(
                (f"job {escape(str(row['plan']['job']))}", f"{_words(row['plan']['method'])}: {_words(row['state'])}")
                for row in hold["placements"]
            ),
            ("claimed by", escape(claims)),
            *((("released by", escape(_released(hold["release"]))),) if hold["release"] else ()),
        ]
        sections += ["<h2>The hold</h2>", _facts(facts), f"<p>{escape(ISOLATION_NOTICE)}</p>"]
    if outcome is not None:
        report = outcome["body"].get("report") or {}
        told = [(name.replace("_", " "), escape(str(value))) for name, value in report.items() if value]
        sections += ["<h2>The outcome</h2>", _facts([("the work found", _words(outcome["outcome"])), *told])]
    return sections


def _released(release: Row) -> str:
    return f"{release['by']}: {release['meaning'] or release['reason']}"


_KINDS = {"shelf": "shelf", "window": "window of planned work", "work": "work in progress"}


def _shelving(shelves: Sequence[Row]) -> list[str]:
    """What kept verdicts from acting: who, why, within which limit, and what came of each."""
    if not shelves:
        return []
    heading = ("what", "covers", "from", "limit", "ended", "returned", "by", "why")
    rows = [
        [
            f"{_KINDS[one['kind']]}<br><code>{escape(one['id'])}</code>",
            escape(f"{one['asset']} {one['failure_mode'] or ''}"),
            _at(one["from_at"]),
            _at(one["until_at"]),
            f"{_at(one['end_at'])} {escape(one['ended_by'] or '')} {escape(one['ended_because'] or '')}",
            _at(one["returned_at"]),
            f"<b>{_name(one['made_by'])}</b>",
            escape(one["reason"]),
        ]
        for one in shelves
    ]
    held = [
        [
            _at(each["at"]),
            f"<code>{escape(each['source'])}|{escape(each['external_id'])}</code>",
            escape(f"{each['asset']} {each['failure_mode']}"),
            _words(each["rung"]),
            "held back" if each["how"] == "held_back" else "acted on the return",
            f"<code>{escape(one['id'])}</code>",
        ]
        for one in shelves
        for each in one["held"]
    ]
    sections = ["<h2>What was held back</h2>", _table(heading, rows), "<h3>The verdicts that did not act</h3>"]
    return [*sections, _table(("at", "event", "fault", "asked for", "what became of it", "by"), held)]


def _version(version: Row, people: Sequence[Row]) -> list[str]:
    keys = {one["name"]: one["public_key"] for one in people}
    facts = [
        ("version", escape(f"{version['policy']} {version['version']}")),
        ("digest", f"<code>{version['digest']}</code>"),
        ("written by", escape(version["author"])),
        ("published", _at(version["published_at"])),
    ]
    signatures = [
        [
            _at(one["at"]),
            f"<b>{_name(one['person'])}</b>",
            _name(one["act"]),
            escape(one["meaning"])
            + f'<br><code class="h">signature {one["signature"]}</code>'
            + f'<br><code class="h">public key {keys.get(one["person"], "-")}</code>',
        ]
        for one in version["signatures"]
    ]
    places = [
        [
            _name(one["role"]),
            escape(one["scope"]),
            _at(one["from"]),
            _at(one["to"]),
            _name(one["by"]),
            escape(one["reason"]),
        ]
        for one in version["assignments"]
    ]
    ends = [
        [
            _name(one["role"]),
            escape(one["scope"]),
            _at(one["at"]),
            _name(one["cause"].replace("_", " ")),
            _name(one["by"]),
            escape(one["reason"]),
        ]
        for one in version["ends"]
    ]
    found = [
        [
            _at(one["at"]),
            _name(one["kind"]),
            _name(one["result"]),
            _name(one["by"]),
            f"<code>{escape(one['body'][:300])}</code>",
        ]
        for one in version["evidence"]
    ]
    sections = ["<h2>The version</h2>", _facts(facts)]
    sections += ["<h3>Who signed</h3>", _table(("at", "person", "act", "meaning, signature, key"), signatures)]
    sections += ["<h3>Where it judged</h3>", _table(("as", "reach", "from", "to", "by", "why"), places)]
    if ends:
        sections += ["<h3>What ended early</h3>", _table(("as", "reach", "at", "cause", "by", "why"), ends)]
    if found:
        sections += ["<h3>What machines found of it</h3>", _table(("at", "what", "result", "by", "finding"), found)]
    sections.append(f"<details><summary>Its text</summary><pre>{escape(version['document'])}</pre></details>")
    return sections


def _acts(acts: Iterable[Row]) -> str:
    rows = []
    for act in acts:
        detail = json.loads(act["body"])["detail"]
        words = next(
            (str(detail[name]) for name in ("meaning", "reason", "how", "rung", "hold") if detail.get(name)), ""
        )
        place = f'<code class="h">{act["seq"]}/{act["leaf"]}</code>'
        rows.append([_at(act["at"]), _name(act["actor"]), _words(act["kind"].replace("-", " ")), escape(words), place])
    return _table(("at", "by", "did", "words", "ledger"), rows)


def _proof(pack: Row) -> list[str]:
    parts = pack["parts"]
    name = f"evidence-{pack['subject']['id']}.json".replace("@", "-")
    hashes = [[escape(part), f"<code>{digest}</code>"] for part, digest in sorted(pack["hashes"].items())]
    proved = len(parts["acts"]) + len(parts["verdicts"])
    return [
        "<h2>How to check it</h2>",
        (
            f"<p>This page carries the whole pack. {proved} acts and verdicts are proved by their paths into "
            f"{len(parts['ledger'])} ledger rows, chained from the first to the head above. Compare the head with "
            "one that was published; then, anywhere, with nothing but Python:</p>"
        ),
        f"<pre>python offline_verify.py {escape(name)} --head SEQ:HASH</pre>",
        f"<details><summary>SHA-256 of every part</summary>{_table(('part', 'SHA-256'), hashes)}</details>",
    ]


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    if not rows:
        return '<p class="dim">None.</p>'
    head = "".join(f"<th>{escape(one)}</th>" for one in heading)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    """Values are HTML already."""
    return f'<dl class="facts">{"".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in facts)}</dl>'


def _held(held: bool) -> str:
    return '<span class="yes">✓</span>' if held else '<span class="no">✗</span>'


def _words(name: str) -> str:
    return escape(name.replace("_", " "))


def _name(name: str) -> str:
    """A name or a single word, kept on one line however narrow its column."""
    return f'<span class="t">{escape(name)}</span>'


def _at(moment: str | None) -> str:
    """An instant to the minute, kept on one line."""
    return f'<span class="t">{escape(moment[:16].replace("T", " "))}</span>' if moment else "-"
