"""The sentences of the rules about how water is let out, as ``gateway.core.reasons`` has those of all others.

Rules
1. As there: twelve words a sentence at most, words of the south.
2. What is locked says where to look and what to press afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.rules import Rule

VIETNAMESE: Mapping[Rule, str] = {
    Rule.GOES_ON: "Tưới tiếp {garden} phần còn lại.",
    Rule.CYCLE_DONE: "{lead}: chờ nước thấm rồi tưới tiếp.",
    Rule.HOURS_OVER: "{lead}: hết giờ được bơm, chờ tới giờ tưới tiếp.",
    Rule.WINDOW_OVER: "{lead}: tới giờ phải xong.",
    Rule.HAND_OVER_FAILED: "{lead}: chưa nhận được bơm, chờ tới lượt.",
    Rule.PUMP_STARTS: "{lead}: máy bơm đã mở {starts} lần trong một giờ. Chờ tới {until}.",
    Rule.RUN_TOO_SHORT: "{lead}: chỉ cần {run}. Bơm phải chạy ít nhất {min_run}.",
    Rule.OUT_OF_HOURS: "{lead}: chưa tới giờ được bơm, chờ tới {until}.",
    Rule.NOT_YET_WANTED: "{lead}: chưa tới giờ tưới, chờ tới {until}.",
    Rule.SOAKING: "{lead}: đang chờ nước thấm, {until} tưới tiếp.",
    Rule.REST_WAITS: "{lead}: còn phần chưa tưới, chờ máy đo đất rõ lại.",
    Rule.WINDOW_SHORT: "Giờ bơm không đủ: {garden} sẽ thiếu {missing}.",
    Rule.SHORTFALL: "Chưa tưới đủ, còn thiếu {left}. Hết giờ chờ, máy tính lại.",
    Rule.REST_NOT_NEEDED: "Phần còn lại khỏi tưới: đất đã đủ nước.",
    Rule.PUMP_LOCKED: "{lead}: máy bơm đã khóa ({because}). Coi lại rồi bấm MỞ KHÓA.",
    Rule.VALVE_LOCKED: "{lead}: van đã khóa ({because}). Coi lại rồi bấm MỞ KHÓA.",
    Rule.UNLOCKED: "{user} đã coi lại và mở khóa.",
    Rule.NOTHING_LOCKED: "Không có gì đang khóa.",
    Rule.DRY_RUN: "{lead}: bơm chạy mà không ra nước ({flow}). Coi ống hút, lú lọc.",
    Rule.FLOW_NONE: "{lead}: mở van mà không có nước ({flow}). Coi van, đường ống.",
    Rule.FLOW_BURST: "{lead}: nước ra quá nhiều ({flow}, thường {usual}). Coi bể ống.",
    Rule.LEAK: "{lead}: đã tắt hết mà nước còn chảy ({flow}). Coi van, ống rỉ.",
    Rule.DRAIN: "Xả bớt mương: nước tới {ditch_level}, {source} đang thấp hơn.",
    Rule.DITCH_DRAINED: "Ngưng xả: mương còn {ditch_level}.",
    Rule.DRAIN_HEAD_GONE: "Ngưng xả: {source} gần bằng mương, đóng kẻo nước vô.",
    Rule.DRAIN_ENDED: "Đã đóng cống: xả mương được {run}.",
    Rule.DITCH_OVERFULL: "Mương đầy quá, {ditch_level}. Chờ {source} thấp hơn để xả.",
    Rule.METER_SILENT: "Nước đang chảy nhưng đồng hồ nước im. Không canh được bể ống.",
    Rule.WAITS_FOR_GARDEN: "Chờ {other_garden} tưới xong, khoảng {wait} nữa.",
    Rule.WAITS_FOR_PUMP: "Chờ máy bơm nghỉ, khoảng {wait} nữa.",
    Rule.WAIT_TOO_LONG: "Không tưới: máy bơm còn bận khoảng {wait} nữa. Lát nữa bấm lại.",
    Rule.WISH_OVER: "Không tưới: đã chờ máy bơm {wait}. Bấm lại nếu còn cần.",
    Rule.TRY: "{user} thử ống {garden}, trong {run}.",
    Rule.TRY_DONE: "Thử xong, đang coi còn rỉ nước không.",
    Rule.TRY_GOOD: "Ống {garden} chạy tốt: {flow}.",
    Rule.TRY_ANSWERS: "Van và bơm {garden} trả lời tốt. Không có đồng hồ nên chưa biết nước ra bao nhiêu.",
    Rule.TRY_BLIND: "Van, bơm {garden} trả lời tốt. Đồng hồ nước im: coi đồng hồ, coi dây.",
    Rule.TRY_UNEVEN: "Nước {garden} chảy không đều, từ {least} tới {most}. Coi ống hút, lú lọc.",
    Rule.TRY_OTHER_FLOW: "{garden} ra {flow}, sổ tính {usual}. Coi lọc, coi ống; đúng vậy thì sửa sổ.",
    Rule.TRY_FAILED: "Thử ống {garden} không xong. Lý do: {failed}.",
}

ENGLISH: Mapping[Rule, str] = {
    Rule.GOES_ON: "Watering {garden} goes on with the rest.",
    Rule.CYCLE_DONE: "{lead}: waiting for the water to soak in, then it goes on.",
    Rule.HOURS_OVER: "{lead}: the hours of the pump are over, it goes on in the next.",
    Rule.WINDOW_OVER: "{lead}: it was to be over by now.",
    Rule.HAND_OVER_FAILED: "{lead}: the pump was not taken over from the last garden, waiting its turn.",
    Rule.PUMP_STARTS: "{lead}: the pump was started {starts} times in an hour. Waiting until {until}.",
    Rule.RUN_TOO_SHORT: "{lead}: only {run} are needed, a pump runs {min_run} at least. Waiting for more.",
    Rule.OUT_OF_HOURS: "{lead}: not in the hours of the pump, waiting until {until}.",
    Rule.NOT_YET_WANTED: "{lead}: wanted later, waiting until {until}.",
    Rule.SOAKING: "{lead}: the water is soaking in, going on at {until}.",
    Rule.REST_WAITS: "{lead}: a rest is left, waiting for the soil probes.",
    Rule.WINDOW_SHORT: "The hours do not suffice: {garden} will lack {missing}.",
    Rule.SHORTFALL: "Not all was given, {left} are missing. The wait is over, it is reckoned anew.",
    Rule.REST_NOT_NEEDED: "The rest is not needed: the soil has enough.",
    Rule.PUMP_LOCKED: "{lead}: the pump is locked ({because}). Look at it, then press UNLOCK.",
    Rule.VALVE_LOCKED: "{lead}: the valve is locked ({because}). Look at it, then press UNLOCK.",
    Rule.UNLOCKED: "{user} has looked and unlocked it.",
    Rule.NOTHING_LOCKED: "Nothing is locked.",
    Rule.DRY_RUN: "{lead}: the pump runs without water ({flow}). Look at suction and filter.",
    Rule.FLOW_NONE: "{lead}: the valve is open but nothing flows ({flow}). Look at valve and pipe.",
    Rule.FLOW_BURST: "{lead}: far too much flows ({flow}, usually {usual}). Look for a burst pipe.",
    Rule.LEAK: "{lead}: all is off but water flows ({flow}). Look for a leak.",
    Rule.DRAIN: "Letting the ditch out: it is at {ditch_level}, and {source} is lower.",
    Rule.DITCH_DRAINED: "Shut: the ditch is down to {ditch_level}.",
    Rule.DRAIN_HEAD_GONE: "Shut: {source} is hardly lower, water would run in.",
    Rule.DRAIN_ENDED: "Shut: the ditch was let out for {run}.",
    Rule.DITCH_OVERFULL: "The ditch is too full, {ditch_level}. Waiting for {source} to be lower.",
    Rule.METER_SILENT: "Water flows but the meter is silent. A burst would not be seen.",
    Rule.WAITS_FOR_GARDEN: "Waiting for {other_garden} to be done, about {wait} more.",
    Rule.WAITS_FOR_PUMP: "Waiting for the pump to rest, about {wait} more.",
    Rule.WAIT_TOO_LONG: "Not watering: the pump is taken for about {wait} more. Ask again later.",
    Rule.WISH_OVER: "Not watering: it has waited {wait} for the pump. Ask again if needed.",
    Rule.TRY: "{user} tries the pipe of {garden} for {run}.",
    Rule.TRY_DONE: "The try is over, looking whether anything still flows.",
    Rule.TRY_GOOD: "The pipe of {garden} is well: {flow}.",
    Rule.TRY_ANSWERS: "Valve and pump of {garden} answer. Without a meter nobody knows how much comes.",
    Rule.TRY_BLIND: "Valve and pump of {garden} answer, but the meter is silent. Look at it and its wire.",
    Rule.TRY_UNEVEN: "Water of {garden} flows unevenly, {least} to {most}. Look at suction and filter.",
    Rule.TRY_OTHER_FLOW: "{garden} gets {flow}, not {usual} as reckoned. Look at filter and pipe, or change flow_lpm.",
    Rule.TRY_FAILED: "The try of {garden} did not come to its end: {failed}.",
}

# Why a try has failed, and what to do: its end as it is told there.
FAILED_VI: Mapping[str, str] = {
    "dry_run": "bơm chạy khô, coi ống hút và lú lọc",
    "flow_none": "không có nước, coi van và đường ống",
    "flow_burst": "nước ra quá nhiều, coi bể ống",
    "leak": "đã tắt mà còn chảy, coi van và ống rỉ",
    "no_answer": "hộp van không trả lời, coi điện và sóng",
    "node_refused": "hộp van không nhận lệnh, nhờ thợ coi hộp",
    "node_restarted": "hộp van khởi động lại, coi nguồn điện",
    "lease_ended": "hộp van tự tắt, coi sóng",
    "manual_stop": "có người bấm DỪNG",
    "source_salt": "nước mặn, chờ nước ngọt",
    "source_salt_unknown": "máy đo độ mặn im, coi máy đo",
    "source_low": "nước cạn, chờ nước lên",
    "source_level_unknown": "máy đo mực nước im, coi máy đo",
    "other": "coi lý do ngay trước đó",
}
FAILED_EN: Mapping[str, str] = {
    "dry_run": "the pump ran dry, look at suction and filter",
    "flow_none": "no water came, look at valve and pipe",
    "flow_burst": "far too much came, look for a burst pipe",
    "leak": "water flows though all is off, look at valve and pipe",
    "no_answer": "the valve box does not answer, look at its power and radio",
    "node_refused": "the valve box refused the command, look at the box",
    "node_restarted": "the valve box restarted, look at its power",
    "lease_ended": "the valve box closed by itself, look at its radio",
    "manual_stop": "somebody pressed STOP",
    "source_salt": "the water is salty, wait for fresh water",
    "source_salt_unknown": "the salt probe is silent, look at it",
    "source_low": "the water is low, wait for it to rise",
    "source_level_unknown": "the level probe is silent, look at it",
    "other": "see the reason right before",
}

# Why something is locked, in brackets.
BECAUSE_VI: Mapping[str, str] = {
    "dry_run": "bơm chạy khô",
    "flow_none": "không ra nước",
    "flow_burst": "bể ống",
    "leak": "rỉ nước",
}
BECAUSE_EN: Mapping[str, str] = {
    "dry_run": "ran dry",
    "flow_none": "no flow",
    "flow_burst": "burst",
    "leak": "leak",
}
