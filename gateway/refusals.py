"""Why a registry is refused, in the words of the person who has to mend it: Vietnamese for each English reason.

Rules
1. Key and value stand in front as they are in the file; here is only what follows: what is wrong, and what is allowed.
   Numbers keep their decimal point, because that is how they must be written there.
2. One catalogue. Its keys are the English reasons with ``{places}``; a test finds every reason that the code can give
   and refuses one that is not here.
3. A reason that is not here is told in English behind a Vietnamese lead, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

MISSING = "(missing)"
MISSING_VI = "(chưa ghi)"

VIETNAMESE: Mapping[str, str] = {
    # ---- the file
    "larger than {n} bytes": "tệp lớn hơn {n} byte",
    "not found; write the village's registry there": "không có tệp này; hãy ghi sổ làng vào đó",
    "cannot be read: {why}": "không đọc được: {why}",
    "not TOML: {why}": "sai cách ghi TOML: {why}",
    # ---- one value
    "must be a table": "phải là một bảng [ ]",
    "unknown key; allowed here: {known}": "không có mục này; ở đây chỉ được ghi: {known}",
    "must be an id: 1 to 32 of a-z, 0-9 and -": "phải là mã 1 đến 32 chữ a-z, số 0-9 và dấu -",
    "must be a text of 1 to {most} printable characters": "phải là chữ, dài 1 đến {most} ký tự",
    "must be one of {choices}": "phải là một trong: {choices}",
    "must be a host name or IPv4 address": "phải là tên máy hoặc địa chỉ IPv4",
    "must be another port than that of the broker": "phải khác cổng của máy chủ tin nhắn (port)",
    "must be the id of another node of this file": "phải là mã của một hộp khác trong sổ này",
    "must be a node that is in reach of the Wi-Fi itself": "phải là hộp tự vào được Wi-Fi",
    "must be a node that does not sleep": "phải là hộp không ngủ (không có send_s)",
    "must speak for at most {n} others": "chỉ chuyển tin cho nhiều nhất {n} hộp",
    "must not speak for two nodes whose ids look alike on the air": "không chuyển tin được cho hai hộp có mã trùng trên"
    " sóng: hãy đổi mã một hộp",
    "must be an address such as https://cloud.example:8443": "phải là địa chỉ như https://cloud.example:8443",
    "must be a whole number in {range}": "phải là số nguyên trong {range}",
    "must be a number in {range}": "phải là số trong {range}",
    "must be two numbers in {range}, such as {example}": "phải là hai số trong {range}, như {example}",
    "must be {count} whole numbers in {range}": "phải là {count} số nguyên trong {range}",
    "must be {count} numbers in {range}": "phải là {count} số trong {range}",
    "must be a day such as 2024-03-01, from 1990 to 2100": "phải là ngày như 2024-03-01, từ 1990 đến 2100",
    "must be {low} to {high} tables": "phải có {low} đến {high} bảng",
    "must be given only once": "chỉ được ghi một lần",
    # ---- what-if
    "must be zone.ID.KEY=VALUE, such as zone.xoai.dry_vwc=0.25": (
        "phải là zone.ID.KEY=VALUE, như zone.xoai.dry_vwc=0.25"
    ),
    "must be a setting of the garden, not what it consists of": (
        "phải là cách đặt của vườn, không phải van, bơm, máy đo của nó"
    ),
    "must be a week such as 2024-W09": "phải là tuần như 2024-W09",
    "must be written as in village.toml": "phải ghi như trong village.toml",
    # ---- nodes
    "must be the one address at which the nodes reach this gateway": "phải là địa chỉ mà các hộp gọi được máy chủ này",
    "must be different in field and channel (or index) from the others of the node": (
        "phải khác loại và kênh (hoặc số ngõ) với các mục kia của hộp"
    ),
    'must be "valve" or "pump", because the node has outputs': 'phải là "valve" hay "pump", vì hộp này có ngõ ra',
    'must be another than "relay", because the node has sensors': 'không được là "relay", vì hộp này có máy đo',
    "must be the index of an output of node {node}": "phải là số ngõ ra của hộp {node}",
    "must be different outputs of node {node}": "phải là các ngõ ra khác nhau của hộp {node}",
    "must be with a valve before the pump": "phải có van đứng trước máy bơm",
    "must be with the board of the node beside it": "phải ghi kèm board của hộp",
    "must be one of those of its board: {known}": "phải là một trong các ngõ của bo mạch: {known}",
    "must have ids that rise": "các số id phải tăng dần",
    "must be two different whole numbers": "phải là hai số nguyên khác nhau",
    "must be in {unit} with at most {n} decimals": "phải tính bằng {unit}, nhiều nhất {n} số lẻ",
    "must be the id of a node of this file": "phải là mã một hộp có trong tệp này",
    "must be the index of a {kind} of node {node}": "phải là số ngõ {kind} của hộp {node}",
    "must be a channel on which node {node} measures {what}": "phải là kênh mà hộp {node} đo {what}",
    "must be on the node of the valve ({node})": "phải ở cùng hộp với van ({node})",
    "must be at most the hard_max_s of its valve and pump ({most})": (
        "không được quá hard_max_s của van và máy bơm ({most})"
    ),
    "must not be in use elsewhere too ({where})": "đã dùng ở chỗ khác rồi ({where})",
    # ---- gardens
    "must be different probes": "phải là các máy đo khác nhau",
    "must be the id of a source of this file": "phải là mã một nguồn nước có trong tệp này",
    "must not be the id of a zone too, because it is filled": "không được trùng mã vườn, vì mương này được lấy nước vô",
    "must be a number in {range}, below fc ({fc})": "phải là số trong {range}, nhỏ hơn fc ({fc})",
    "must be a known crop, or a table { name, kc, p } with its figures": (
        "phải là cây có sẵn, hoặc bảng { name, kc, p } với số liệu của cây"
    ),
    "must be between wp ({wp}) and fc ({fc}) of its soil": "phải nằm giữa wp ({wp}) và fc ({fc}) của đất",
    "must be at most fc ({fc}) of its soil": "không được quá fc ({fc}) của đất",
    "must be at least {band} below target_vwc ({target})": "phải thấp hơn target_vwc ({target}) ít nhất {band}",
    "must be given, because {name} is not a known crop": "phải ghi, vì {name} không phải cây có sẵn",
    "must be with start, the day of planting, beside it": "phải ghi kèm start, là ngày trồng",
    "must be with stages_days beside it": "phải ghi kèm stages_days",
    "empty; allowed here: {known}": "còn trống; ở đây được ghi: {known}",
    # ---- plans
    "must be {low} to {high} whole numbers in {range}": "phải có {low} đến {high} số nguyên trong {range}",
    "must be {low} to {high} texts": "phải có {low} đến {high} chữ",
    "must be different phases, each only once": "mỗi giai đoạn chỉ được ghi một lần",
    "must be the day after the phase before it ({day}), so that none overlaps": (
        "phải là ngày liền sau giai đoạn trước ({day}), không chồng lên nhau và không hở ngày"
    ),
    "must be left out where from_day and to_day are given": "phải bỏ, vì đã ghi from_day và to_day",
    "must be 0 or 100, because nothing is reckoned for this garden (it needs a [zone.soil])": (
        "phải là 0 hoặc 100, vì vườn này không tính được nước (phải ghi [zone.soil])"
    ),
    "must be below fill_to_mm ({most})": "phải thấp hơn fill_to_mm ({most})",
    "must be a number in {range}, because nothing is said of the soil": (
        "phải là số trong {range}, vì chưa ghi đất của vườn"
    ),
    "must be above wp ({wp}) and below dry_vwc ({dry})": "phải cao hơn wp ({wp}) và thấp hơn dry_vwc ({dry})",
    "must be different tubes": "phải là các ống đo khác nhau",
    "must be tubes in the field, not the level of a ditch or canal": (
        "phải là ống đo trong ruộng, không phải mực nước mương hay kinh"
    ),
    "must be at least twice the sample_s of its tubes ({every_s}), in minutes": (
        "tính ra phút phải ít nhất gấp đôi sample_s của ống đo ({every_s})"
    ),
    "must be more than every mark of its phases ({most})": "phải lớn hơn mọi mốc của các giai đoạn ({most})",
    "must be given, or every_days instead, and not both": "phải ghi một trong hai: weekdays hoặc every_days",
    "must be left out where weekdays are given": "phải bỏ, vì đã ghi weekdays",
    "must be given, or by instead, and not both": "phải ghi một trong hai: at hoặc by",
    "must be different days of {known}": "phải là các ngày khác nhau trong: {known}",
    'must be a time such as "05:30", "sunrise-30" or "sunset+15"': (
        'phải là giờ như "05:30", "sunrise-30" (trước mặt trời mọc) hoặc "sunset+15" (sau mặt trời lặn)'
    ),
    "must be given, or depth_mm instead, and not both": "phải ghi một trong hai: minutes hoặc depth_mm",
    "must be a day from {first} on, {most} days later at the latest": (
        "phải là ngày từ {first} trở đi, trễ nhất {most} ngày sau"
    ),
    "must be left out where cap_mm is given": "phải bỏ, vì đã ghi cap_mm",
    "must be at least {n}, as long as its water flows": "phải ít nhất {n}, bằng thời gian nước chảy",
    # ---- pumps, cycles and meters
    "must be left out where infiltration_mm_h is given": "phải bỏ, vì đã ghi infiltration_mm_h",
    "must be with cycle_min beside it": "phải ghi kèm cycle_min",
    "must be the pump of a zone of this file, or the lift of a source": (
        "phải là máy bơm của một vườn, hay bơm lấy nước của một mương, trong tệp này"
    ),
    "must be at most the hard_max_s of the output ({most})": "không được quá hard_max_s của ngõ ra ({most})",
    "must be a main valve that no other pump has": "phải là van tổng chưa dùng cho máy bơm khác",
    "must be on the node of the pump ({node})": "phải ở cùng hộp với máy bơm ({node})",
    "must be with a meter beside it": "phải ghi kèm đồng hồ nước (meter)",
    "must be one that is read every {n} s at least while water runs (it is every {every_s} s)": (
        "phải là đồng hồ được đọc ít nhất mỗi {n} giây khi nước chảy (đang là {every_s} giây)"
    ),
    "must be another time than from": "phải khác giờ bắt đầu (from)",
    'must be a time such as "05:30"': 'phải là giờ như "05:30"',
    "must be hours that leave the pump some time to run": "phải chừa lại giờ cho máy bơm chạy",
    "must be at most the max_run_s of zone {zone}, less lead_s ({most})": (
        "không được quá max_run_s của vườn {zone} trừ đi lead_s ({most})"
    ),
    "must be at most the cycle of zone {zone} ({most} s)": "không được quá một đợt tưới của vườn {zone} ({most} giây)",
    "must be an output with the hard_max_s of its pump at least ({least})": (
        "phải có hard_max_s ít nhất bằng của máy bơm ({least})"
    ),
    # ---- waters
    "must be with a target_level_mm above reopen_level_mm ({mm})": (
        "phải có target_level_mm cao hơn reopen_level_mm ({mm})"
    ),
    "must be with a limit_us_cm of at most that of the source ({most})": (
        "phải có limit_us_cm không quá của nguồn nước ({most})"
    ),
    "must be with probes in the canal, other than those in the ditch": (
        "phải có máy đo ngoài kinh, khác máy đo trong mương"
    ),
    "must be at least min_level_mm ({least})": "phải từ min_level_mm ({least}) trở lên",
    "must be at most limit_us_cm ({most})": "không được quá limit_us_cm ({most})",
    "must be the sluice, or a lift: the ditch must be filled by something": (
        "phải ghi cống (sluice) hoặc máy bơm (lift): mương phải có chỗ lấy nước"
    ),
    "must be left out where there is no sluice": "phải bỏ, vì không có cống",
    "must be left out where the node has outputs or a via: who sleeps ends nothing": (
        "phải bỏ, vì hộp này có ngõ ra hoặc via: hộp ngủ thì không tắt được gì"
    ),
    "must be left out where the node has rain or flow: who sleeps counts nothing": (
        "phải bỏ, vì hộp này đo mưa hoặc lưu lượng: hộp ngủ thì không đếm được gì"
    ),
    "must be at least sample_s ({n})": "phải ít nhất bằng sample_s ({n})",
    "must be nodes that are heard in time; send_s of {id} may be {most} at most for a garden": (
        "phải là hộp gửi kịp; send_s của {id} nhiều nhất {most} nếu dùng cho vườn"
    ),
    "must be more than target_level_mm ({least})": "phải cao hơn target_level_mm ({least})",
    "must be less than target_level_mm ({most})": "phải thấp hơn target_level_mm ({most})",
    "must be at most 0.8 times limit_us_cm ({most})": "không được quá 0,8 lần limit_us_cm ({most})",
    "must be at least twice the sample_s of {name} ({every_s}); read that more often": (
        "phải ít nhất gấp đôi sample_s của {name} ({every_s}); hãy đo thường hơn"
    ),
}

_PLACE = re.compile(r"\{(\w+)\}")


def vietnamese(reason: str) -> str:
    """What is wrong, in Vietnamese."""
    for pattern, template in _patterns():
        found = pattern.fullmatch(reason)
        if found:
            return _filled(template, found.groupdict())
    return f"không dùng được: {reason}"


def _filled(template: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: places[place[1]], template)


def is_known(reason: str) -> bool:
    return any(pattern.fullmatch(reason) for pattern, _ in _patterns())


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The reason with the most fixed letters is tried first, so that a loose one cannot shadow an exact one."""
    ordered = sorted(VIETNAMESE, key=lambda reason: -len(_PLACE.sub("", reason)))
    return [(_pattern(reason), VIETNAMESE[reason]) for reason in ordered]


def _pattern(reason: str) -> re.Pattern[str]:
    pieces, end = [], 0
    for place in _PLACE.finditer(reason):
        pieces += [re.escape(reason[end : place.start()]), f"(?P<{place[1]}>.+?)"]
        end = place.end()
    return re.compile("".join(pieces) + re.escape(reason[end:]), re.DOTALL)
