"""The report of a season as one self-contained page: no script, no second request, Vietnamese with English beside it.

Rules of this module:
- Pure: a season in, HTML out. Names from the village's file are escaped.
- The first SHOWN_ZONES gardens have pictures of their own; all of them are in summary.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape

from gateway.core.reasons_plans import PHASES_VI
from simulators.season import charts, words
from simulators.season.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Bars,
    Level,
    Line,
    Span,
    Stretch,
)
from simulators.season.figures import DRY, PARTS, RAINY, WHOLE, saved_pct
from simulators.season.gateway import Sight
from simulators.season.season import Season
from simulators.season.words import COLUMNS, CONTROLLERS, Words, figure

SHOWN_ZONES = 12
HOURS_A_DAY = 24.0
AWD_MM = -150.0
REASON_COLOURS = dict(
    zip(words.REASONS, (BLUE, SKY, RED, ORANGE, PURPLE, "#000000", GREY, YELLOW, "#d9ead3"), strict=True)
)
STYLE = """
body{font:16px/1.45 sans-serif;color:#222;background:#fff;max-width:1100px;margin:0 auto;padding:12px}
h1{font-size:1.5em;margin:.3em 0}h2{font-size:1.2em;margin:1.6em 0 .3em;border-top:2px solid #009e73;padding-top:.5em}
.en{color:#666;font-size:.85em}p{margin:.4em 0}.wide{overflow-x:auto}.wide svg{min-width:720px;width:100%;display:block}
table{border-collapse:collapse;font-size:.9em}th,td{border:1px solid #bbb;padding:3px 8px;text-align:right}
th{background:#eef6f2;vertical-align:bottom}td:first-child,th:first-child{text-align:left;min-width:9em}
tr.ours td{font-weight:bold}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}
.pair{gap:14px 24px}
.pair figure{margin:0}.pair svg{width:100%;max-width:520px}svg text{paint-order:stroke;stroke:#fff;stroke-width:3px}
figcaption,.key{font-size:.9em}.key span{white-space:nowrap;margin-right:14px}
.key i{display:inline-block;width:12px;height:12px;margin-right:4px;vertical-align:-1px}
"""


def page(season: Season) -> str:
    """The whole page."""
    scenario = season.scenario
    title = f"{scenario.village.name}: {scenario.first:%d/%m/%Y} – {scenario.last:%d/%m/%Y}"
    body = [
        f"<h1>{escape(title)}</h1>",
        _about(season),
        _heading(Words("So với cách tưới khác", "Compared with other ways of watering")),
        *_comparison(season),
        *_gardens(season),
        _heading(Words("Mương và kinh", "Ditch and canal")),
        *_waters(season),
    ]
    return (
        '<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body>{''.join(body)}</body></html>\n"
    )


# ---- what it was


def _about(season: Season) -> str:
    scenario, climate = season.scenario, season.climate
    faults = len(scenario.faults.probes) + len(scenario.faults.links)
    kept = figure(climate.driest_et0_mm)
    return _paragraph(
        f"Chạy thử {scenario.days} ngày trên đồng mô phỏng, không phải ruộng thật. "
        f"Thời tiết: {scenario.weather.label}; số ngẫu nhiên {scenario.seed}; {faults} lỗi theo lịch. "
        f"Hẹn giờ đặt theo tháng khô nhất, {climate.driest_month}, ET0 {kept} mm mỗi ngày.",
        f"A run of {scenario.days} days on a simulated field, not a real one. Weather: {scenario.weather.label}; seed "
        f"{scenario.seed}; {faults} faults by schedule. The timer is set for the driest month, {climate.driest_month}.",
    )


def _comparison(season: Season) -> Iterator[str]:
    for which in _parts(season):
        yield f"<h3>{_both(words.PARTS[which])}</h3>"
        yield f'<div class="wide">{_table(season, which)}</div>'
    yield from _savings(season)
    yield '<div class="pair">'
    for which in _parts(season)[1:] or [WHOLE]:
        yield _bars(season, which, "irrigation_mm", "mm")
    yield _bars(season, WHOLE, "stress_days", "")
    yield _bars(season, WHOLE, "lost_pct", "%")
    yield "</div>"
    yield _paragraph(
        "Các cách khác được cài sẵn đất và cây đúng như đồng mô phỏng, và không xem nước có mặn hay không. "
        "Ngày cây khát tính theo từng vườn; hại do nước mặn thì không tính ở đây.",
        "The other ways are set for exactly this soil and crop, and never look whether the water is salty. Stress days "
        "are days of gardens, by lack of water only: what salty water does to a crop is not in them.",
    )


def _parts(season: Season) -> list[str]:
    """The whole run, and the parts of the year if it has days of both."""
    both = all(season.ours.village[which].days for which in (DRY, RAINY))
    return list(PARTS) if both else [WHOLE]


def _table(season: Season, which: str) -> str:
    head = "".join(f"<th>{_both(column)}</th>" for column in COLUMNS.values())
    rows = ""
    for name, outcome in season.outcomes.items():
        found = outcome.village[which]
        cells = "".join(
            f"<td>{figure(getattr(found, column), words.DECIMALS.get(column, 1))}</td>" for column in COLUMNS
        )
        rows += f"<tr{' class=ours' if outcome is season.ours else ''}><td>{_both(_name(name))}</td>{cells}</tr>"
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _savings(season: Season) -> Iterator[str]:
    for name, outcome in season.outcomes.items():
        if outcome is season.ours:
            continue
        said = [
            (words.PARTS[which], saved_pct(season.ours.village[which], outcome.village[which]))
            for which in _parts(season)
        ]
        vi = "; ".join(f"{part.vi} {figure(saved)} %" for part, saved in said)
        en = "; ".join(f"{part.en} {'–' if saved is None else f'{saved:.1f}'} %" for part, saved in said)
        yield _paragraph(f"Bớt nước so với {_name(name).vi}: {vi}.", f"Water saved against {_name(name).en}: {en}.")


def _bars(season: Season, which: str, column: str, unit: str) -> str:
    decimals = words.DECIMALS.get(column, 1)
    bars = []
    for name, outcome in season.outcomes.items():
        value = getattr(outcome.village[which], column)
        bars.append((_name(name).vi, value, figure(value, decimals)))
    what, when = COLUMNS[column], words.PARTS[which]
    caption = _both(Words(f"{what.vi}, {when.vi}", f"{what.en}, {when.en}"))
    return f"<figure><figcaption>{caption}</figcaption>{charts.compared(what.vi, bars, unit)}</figure>"


# ---- gardens


def _gardens(season: Season) -> Iterator[str]:
    for id in list(season.ours.trial.zones)[:SHOWN_ZONES]:
        name = season.scenario.village.zones[id].name
        yield _heading(Words(name, "soil water, rain, irrigation, reasons"))
        yield f'<div class="wide">{_soil(season, id)}{_reasons(season, id)}</div>'
        yield _key((
            (BLUE, Words("độ ẩm đất, %", "soil water, %")), (GREEN, Words("vùng nên giữ", "band to keep")),
            (SKY, Words("mưa (từ trên xuống)", "rain (from the top)")), (ORANGE, Words("tưới", "irrigation")),
        ))  # fmt: skip
        yield _paragraph("Mỗi cột là một ngày, chia theo lý do:", "Each column is a day, shared out by reason:")
        yield _key((colour, reason) for reason, colour in REASON_COLOURS.items())


def _soil(season: Season, id: str) -> str:
    if season.ours.trial.zones[id].soil.percolation_mm_h is not None:
        return _field(season, id)
    zone, registry = season.ours.trial.zones[id], season.scenario.village.zones[id]
    soil, days = zone.soil, season.ours.trial.days[id]
    stress = soil.field_capacity - soil.depletion_fraction * (soil.field_capacity - soil.wilting_point)
    most = max([1.0, *(day.rain_mm for day in days)])
    given = max([1.0, *(day.irrigation_mm for day in days)])
    return charts.over_time(
        _span(season),
        f"Độ ẩm đất, mưa và nước tưới: {registry.name}",
        [_line(season, lambda sight: 100.0 * sight.vwc[id], BLUE)],
        bars=[
            Bars([(day.date, day.rain_mm) for day in days], SKY, most, hanging=True),
            Bars([(day.date, day.irrigation_mm) for day in days], ORANGE, given, share=0.2),
        ],
        levels=[
            Level(100.0 * soil.field_capacity, f"đất no nước · field capacity; mưa lớn nhất {figure(most, 0)} mm"),
            Level(100.0 * stress, f"cây bắt đầu khát · stress; tưới nhiều nhất {figure(given, 0)} mm", RED),
        ],
        band=(100.0 * registry.dry_vwc, 100.0 * registry.target_vwc),
        stretches=[Stretch(at_ms, PHASES_VI[phase]) for at_ms, phase in season.diary.phases.get(id, ())],
    )


def _field(season: Season, id: str) -> str:
    """The water of a paddy, from the soil's surface on."""
    days, name = season.ours.trial.days[id], season.scenario.village.zones[id].name
    most = max([1.0, *(day.rain_mm for day in days)])
    given = max([1.0, *(day.irrigation_mm for day in days)])
    return charts.over_time(
        _span(season),
        f"Mực nước ruộng (mm), mưa và nước tưới: {name}",
        [_line(season, lambda sight: sight.field_mm[id], BLUE)],
        bars=[
            Bars([(day.date, day.rain_mm) for day in days], SKY, most, hanging=True),
            Bars([(day.date, day.irrigation_mm) for day in days], ORANGE, given, share=0.2),
        ],
        levels=[
            Level(0.0, f"mặt đất · soil surface; mưa lớn nhất {figure(most, 0)} mm, tưới {figure(given, 0)} mm"),
            Level(AWD_MM, "mốc khô · safe AWD", RED),
        ],
        stretches=[Stretch(at_ms, PHASES_VI[phase]) for at_ms, phase in season.diary.phases.get(id, ())],
    )


def _reasons(season: Season, id: str) -> str:
    days = []
    for date, rules in season.diary.hours[id].items():
        hours = dict.fromkeys(words.REASONS, 0.0)
        for rule, spent in rules.items():
            hours[words.reason(rule)] += spent
        days.append((date, [hours[reason] / HOURS_A_DAY for reason in words.REASONS]))
    title = f"Lý do trong ngày: {season.scenario.village.zones[id].name}"
    return charts.shares(_span(season), title, days, list(REASON_COLOURS.values()))


# ---- ditch and canal


def _waters(season: Season) -> Iterator[str]:
    sources = list(season.scenario.village.sources.values())
    ditch, canal = Words("mương", "ditch"), Words("kinh", "canal")
    levels = [Level(source.min_level_mm, f"thấp nhất để bơm: {source.name}", RED) for source in sources[:1]]
    limits = [Level(source.limit_us_cm, f"mặn quá: {source.name}", RED) for source in sources[:1]]
    yield _paragraph("Mực nước, mm", "water level, mm")
    yield '<div class="wide">'
    yield charts.over_time(
        _span(season), "Mực nước mương và kinh",
        [_line(season, lambda s: s.canal_mm, SKY), _line(season, lambda s: s.ditch_mm, BLUE)], levels=levels,
    )  # fmt: skip
    yield "</div>"
    yield _paragraph("Độ mặn (độ dẫn điện ở 25 °C), µS/cm", "salinity (conductivity at 25 °C), µS/cm")
    yield '<div class="wide">'
    yield charts.over_time(
        _span(season), "Độ mặn của mương và kinh",
        [_line(season, lambda s: s.canal_us_cm, SKY), _line(season, lambda s: s.ditch_us_cm, BLUE)], levels=limits,
    )  # fmt: skip
    yield "</div>"
    yield _key(((BLUE, ditch), (SKY, canal)))


# ---- pieces


def _span(season: Season) -> Span:
    return Span(season.scenario.start_ms, season.scenario.end_ms)


def _line(season: Season, value: Callable[[Sight], float], colour: str) -> Line:
    return Line([(sight.at_ms, value(sight)) for sight in season.diary.sights], colour)


def _name(controller: str) -> Words:
    return CONTROLLERS.get(controller, Words(controller, controller))


def _both(pair: Words) -> str:
    return f'{escape(pair.vi)} <span class="en" lang="en">{escape(pair.en)}</span>'


def _heading(pair: Words) -> str:
    return f"<h2>{_both(pair)}</h2>"


def _paragraph(vi: str, en: str) -> str:
    return f"<p>{_both(Words(vi, en))}</p>"


def _key(entries: Iterable[tuple[str, Words]]) -> str:
    keys = "".join(f'<span><i style="background:{colour}"></i>{_both(name)}</span>' for colour, name in entries)
    return f'<p class="key">{keys}</p>'
