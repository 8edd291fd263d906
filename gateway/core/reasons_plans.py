"""The sentences of the rules about plans, as ``gateway.core.reasons`` has those of all others; and the names of phases.

Rules
1. As there: twelve words a sentence at most, words of the south.
2. A phase is called what farmers call it when they talk about the garden: "đang nuôi trái".
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.rules import Rule

PHASES_VI: Mapping[str, str] = {
    "rest": "nghỉ",
    "induce": "xử lý ra hoa",
    "flower": "trổ bông",
    "fruit": "nuôi trái",
    "harvest": "hái trái",
    "establish": "lúa mới cấy",
    "tiller": "đẻ nhánh",
    "heading": "trổ bông",
    "grain": "vào chắc",
    "drain": "rút nước",
    "seedling": "cây con",
    "growth": "đang lớn",
    "yield": "cho trái",
    "last": "cuối vụ",
}
PHASES_EN: Mapping[str, str] = {
    "rest": "rest",
    "induce": "flower induction",
    "flower": "flowering",
    "fruit": "fruiting",
    "harvest": "harvest",
    "establish": "establishment",
    "tiller": "tillering",
    "heading": "flowering",
    "grain": "grain filling",
    "drain": "drained for harvest",
    "seedling": "seedlings",
    "growth": "growth",
    "yield": "bearing",
    "last": "end of the season",
}

VIETNAMESE: Mapping[Rule, str] = {
    Rule.WILTING: "Đất {garden} khô quá, tưới cứu cây. Vẫn đang {phase}.",
    Rule.KEEP_WET: "Tưới {garden}, bù {dose}. Mới {phase}, giữ đất ướt.",
    Rule.PART_DOSE: "Tưới {garden} {dose}. Đang {phase}, cho {water_pct} % nước.",
    Rule.LOCK_OVER: "Tưới {garden}: {phase} {phase_days} ngày là lâu quá. Coi lại giai đoạn.",
    Rule.PHASE_LOCKED: "{lead}: đang {phase}, được {phase_days} ngày. Khô quá mới cứu.",
    Rule.PHASE_PART: "{lead}: {phase}, chỉ cho {water_pct} % nước.",
    Rule.PHASE_BEGUN: "Theo sổ, {garden} đang {phase}, được {phase_days} ngày.",
    Rule.PHASE_DUE: "{garden} {phase} được {phase_days} ngày. Thấy {next_phase} thì bấm đổi.",
    Rule.PHASE_SET: "{who} báo: {garden} chuyển qua {phase}.",
    Rule.PHASE_SET_SALT: "{who} báo: {garden} chuyển qua {phase}. Đang mùa mặn, coi chừng hư bông.",
    Rule.PHASE_SAME: "{garden} đang {phase} rồi, không đổi gì.",
    Rule.PHASE_WRONG: "Không làm: vườn này không có giai đoạn đó.",
    Rule.FIELD_DRY: "Cho nước vô {garden}: nước {field_level}, mốc {fill_at}.",
    Rule.FIELD_FILLING: "Cho nước tiếp vô {garden}. Mới {field_level}, cần {fill_to}.",
    Rule.FIELD_WET: "{lead}: nước ruộng {field_level}, tới {fill_at} mới cho.",
    Rule.FIELD_FULL: "{lead}: nước ruộng đã {field_level}, đủ rồi.",
    Rule.FIELD_DRAINED: "{lead}: {phase}, không cho nước vô.",
    Rule.FIELD_NO_RISE: "Cho vô {water} mà ruộng không lên. Coi lại bờ và ống đo.",
    Rule.FIELD_STUCK: "{lead}: nước ruộng không lên. Coi lại bờ và ống đo.",
    Rule.LEVEL_BLIND: "{lead}: ống đo nước ruộng im tiếng hoặc bị hư.",
    Rule.LEVEL_UNSURE: "{lead}: các ống đo nước ruộng không khớp nhau.",
    Rule.CALENDAR_DUE: "Tưới {garden} theo lịch, trong {run}.",
    Rule.CALENDAR_WAIT: "{lead}: theo lịch tới {next} mới tưới.",
    Rule.CALENDAR_SHORT: "Lịch tưới tới {over} còn thiếu {water} trong {asked}.",
    Rule.CALENDAR_RAINED: "Bỏ một lần theo lịch: đã mưa {rain}.",
    Rule.CALENDAR_ZERO: "Bỏ một lần theo lịch: tháng {month} để 0 %.",
    Rule.SEASON_CAP: "Bỏ một lần theo lịch. Vụ này đã tưới {water}, mức {cap}.",
    Rule.SEASON_OVER: "{lead}: lịch của vụ này đã hết. Ghi lịch vụ mới.",
    Rule.PLAN_MANUAL: "{lead}: vườn này có người bấm mới tưới.",
    Rule.PLAN_PAUSED: "{lead}: {user} đã cho nghỉ tới {until}.",
    Rule.PAUSE_SET: "{user} cho {garden} nghỉ tưới tới {until}.",
    Rule.PAUSE_OVER: "{user} cho {garden} tưới lại theo máy.",
}

ENGLISH: Mapping[Rule, str] = {
    Rule.WILTING: "To save the trees: {garden} is too dry, watered in spite of {phase}.",
    Rule.KEEP_WET: "Watering {garden}: {phase} has begun, the soil is kept wet, {dose}.",
    Rule.PART_DOSE: "Watering {garden}, {dose}: {phase}, {water_pct} % of the water is given.",
    Rule.LOCK_OVER: "Watering {garden}: {phase} for {phase_days} days is too long. Check the phase.",
    Rule.PHASE_LOCKED: "{lead}: {phase}, day {phase_days}. Only when it is far too dry.",
    Rule.PHASE_PART: "{lead}: {phase}, only {water_pct} % of the water is given.",
    Rule.PHASE_BEGUN: "{garden}: {phase} since {phase_days} days, says the registry.",
    Rule.PHASE_DUE: "{garden}: {phase} for {phase_days} days. Confirm when {next_phase} has begun.",
    Rule.PHASE_SET: "{who} says: {garden} goes on to {phase}.",
    Rule.PHASE_SET_SALT: "{who} says: {garden} goes on to {phase}. In the season of salt that is risky.",
    Rule.PHASE_SAME: "{garden} is in {phase} already, nothing changes.",
    Rule.PHASE_WRONG: "Not done: this garden has no such phase.",
    Rule.FIELD_DRY: "Filling {garden}: water at {field_level}, mark {fill_at}.",
    Rule.FIELD_FILLING: "Filling {garden} further: water at {field_level}, up to {fill_to}.",
    Rule.FIELD_WET: "{lead}: the field's water is at {field_level}, filled from {fill_at} on.",
    Rule.FIELD_FULL: "{lead}: the field's water is at {field_level}, enough.",
    Rule.FIELD_DRAINED: "{lead}: {phase}, no more water is let in.",
    Rule.FIELD_NO_RISE: "{water} were let in and the field did not rise. Check bund and tube.",
    Rule.FIELD_STUCK: "{lead}: the field did not rise. Check bund and tube.",
    Rule.LEVEL_BLIND: "{lead}: the field's water tubes are silent or broken.",
    Rule.LEVEL_UNSURE: "{lead}: the field's water tubes do not agree.",
    Rule.CALENDAR_DUE: "Watering {garden} by the calendar, for {run}.",
    Rule.CALENDAR_WAIT: "{lead}: by the calendar it is watered at {next}.",
    Rule.CALENDAR_SHORT: "By {over} the calendar fell short by {water} of {asked}.",
    Rule.CALENDAR_RAINED: "One time of the calendar is left out: it rained {rain}.",
    Rule.CALENDAR_ZERO: "One time of the calendar is left out: month {month} is set to 0 %.",
    Rule.SEASON_CAP: "One time is left out: {water} this season, the limit is {cap}.",
    Rule.SEASON_OVER: "{lead}: the calendar of this season is over. Write the new one.",
    Rule.PLAN_MANUAL: "{lead}: only people water this garden.",
    Rule.PLAN_PAUSED: "{lead}: {user} has paused it until {until}.",
    Rule.PAUSE_SET: "{user} pauses the watering of {garden} until {until}.",
    Rule.PAUSE_OVER: "{user} lets {garden} be watered by the system again.",
}
