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
