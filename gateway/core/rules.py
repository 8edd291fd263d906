"""The words of a decision: what came of it (verdict) and by which rule. Stable codes, kept in the store for years.

Rules
1. A code is never given another meaning; one that is no longer used keeps its line.
2. Every rule has a Vietnamese and an English sentence in ``gateway.core.reasons``; a test holds that.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a decision means for the garden."""

    START = "start"  # water is being let in
    WATERING = "watering"  # it goes on
    STOP = "stop"  # a run ends, or has ended
    REFUSED = "refused"  # water was wanted, by dry soil or by a person, and a guard said no
    WAIT = "wait"  # water is wanted and allowed, and its turn comes
    NO = "no"  # water is not wanted, or it is not known whether it is
    FAULT = "fault"  # something did not do what it was told


class Rule(StrEnum):
    """Why."""

    # Starting and going on
    SOIL_DRY = "soil_dry"
    GOES_ON = "goes_on"
    DEPLETED = "depleted"
    MODEL_DRY = "model_dry"
    BALANCE_DRY = "balance_dry"
    MANUAL_WATER = "manual_water"
    TRY = "try"
    WATER_ON = "water_on"
    FILL_SLUICE = "fill_sluice"
    FILL_LIFT = "fill_lift"
    DRAIN = "drain"
    GATEWAY_RESTARTED = "gateway_restarted"
    STILL_OPENING = "still_opening"
    STILL_CLOSING = "still_closing"

    # The ends that belong to a run
    TARGET_REACHED = "target_reached"
    DOSE_GIVEN = "dose_given"
    MAX_RUN = "max_run"
    MANUAL_DONE = "manual_done"
    TRY_DONE = "try_done"
    MANUAL_STOP = "manual_stop"
    ZONE_REMOVED = "zone_removed"
    RUN_ENDED = "run_ended"
    CYCLE_DONE = "cycle_done"
    HOURS_OVER = "hours_over"
    WINDOW_OVER = "window_over"
    HAND_OVER_FAILED = "hand_over_failed"
    DITCH_FULL = "ditch_full"
    HEAD_GONE = "head_gone"
    SLUICE_INSTEAD = "sluice_instead"
    FILL_REMOVED = "fill_removed"
    FILL_ENDED = "fill_ended"
    DITCH_DRAINED = "ditch_drained"
    DRAIN_HEAD_GONE = "drain_head_gone"
    DRAIN_ENDED = "drain_ended"

    # The soil does not ask for water, or nobody knows
    SOIL_OK = "soil_ok"
    STILL_MOIST = "still_moist"
    PERHAPS_DRY = "perhaps_dry"
    MODEL_WET = "model_wet"
    BALANCE_WET = "balance_wet"
    PROBES_BLIND = "probes_blind"
    PROBES_UNSURE = "probes_unsure"

    # Starting, for a plan
    WILTING = "wilting"
    KEEP_WET = "keep_wet"
    PART_DOSE = "part_dose"
    LOCK_OVER = "lock_over"
    FIELD_DRY = "field_dry"
    FIELD_FILLING = "field_filling"
    CALENDAR_DUE = "calendar_due"

    # The end of a run for a plan, and why there is none
    FIELD_FULL = "field_full"
    PHASE_LOCKED = "phase_locked"
    PHASE_PART = "phase_part"
    FIELD_WET = "field_wet"
    FIELD_DRAINED = "field_drained"
    FIELD_NO_RISE = "field_no_rise"
    FIELD_STUCK = "field_stuck"
    LEVEL_BLIND = "level_blind"
    LEVEL_UNSURE = "level_unsure"
    CALENDAR_WAIT = "calendar_wait"
    CALENDAR_SHORT = "calendar_short"
    CALENDAR_RAINED = "calendar_rained"
    CALENDAR_ZERO = "calendar_zero"
    SEASON_CAP = "season_cap"
    SEASON_OVER = "season_over"
    PLAN_MANUAL = "plan_manual"
    PLAN_PAUSED = "plan_paused"

    # What people say of a plan, and what is said to them
    PHASE_BEGUN = "phase_begun"
    PHASE_DUE = "phase_due"
    PHASE_SET = "phase_set"
    PHASE_SET_SALT = "phase_set_salt"
    PHASE_SAME = "phase_same"
    PHASE_WRONG = "phase_wrong"
    PAUSE_SET = "pause_set"
    PAUSE_OVER = "pause_over"

    # The same of a ditch: it needs no water, or nobody knows, or its canal is not high enough
    DITCH_OK = "ditch_ok"
    DITCH_UNKNOWN = "ditch_unknown"
    HEAD_SMALL = "head_small"
    DITCH_OVERFULL = "ditch_overfull"

    # The source must not be drawn from; to a ditch that is to be filled its canal is the source
    SOURCE_SALT = "source_salt"
    SOURCE_SALT_EASING = "source_salt_easing"
    SOURCE_SALT_UNKNOWN = "source_salt_unknown"
    SOURCE_LOW = "source_low"
    SOURCE_REFILLING = "source_refilling"
    SOURCE_LEVEL_UNKNOWN = "source_level_unknown"
    SOURCE_MISSING = "source_missing"

    # Water is wanted but not now
    HELD_BY_STOP = "held_by_stop"
    RAIN_COMING = "rain_coming"
    RESTING = "resting"
    DAILY_CAP = "daily_cap"
    PUMP_BUSY = "pump_busy"
    PUMP_RESTING = "pump_resting"
    PUMP_STARTS = "pump_starts"
    RUN_TOO_SHORT = "run_too_short"
    OUT_OF_HOURS = "out_of_hours"
    NOT_YET_WANTED = "not_yet_wanted"
    SOAKING = "soaking"
    REST_WAITS = "rest_waits"
    NODE_SILENT = "node_silent"
    VALVE_QUARANTINED = "valve_quarantined"
    PUMP_QUARANTINED = "pump_quarantined"

    # A person's request waits for the pump, or has waited too long
    WAITS_FOR_GARDEN = "waits_for_garden"
    WAITS_FOR_PUMP = "waits_for_pump"
    WAIT_TOO_LONG = "wait_too_long"
    WISH_OVER = "wish_over"

    # What a try of a garden's pipe has shown
    TRY_GOOD = "try_good"
    TRY_ANSWERS = "try_answers"
    TRY_BLIND = "try_blind"
    TRY_UNEVEN = "try_uneven"
    TRY_OTHER_FLOW = "try_other_flow"
    TRY_FAILED = "try_failed"

    # What a window, a pause or the rain has left of a dose
    WINDOW_SHORT = "window_short"
    SHORTFALL = "shortfall"
    REST_NOT_NEEDED = "rest_not_needed"

    # Locked until a person has looked
    PUMP_LOCKED = "pump_locked"
    VALVE_LOCKED = "valve_locked"
    UNLOCKED = "unlocked"
    NOTHING_LOCKED = "nothing_locked"
    PROBES_TRUSTED = "probes_trusted"

    # Requests of people that cannot be met
    INTENT_EXPIRED = "intent_expired"
    INTENT_WRONG = "intent_wrong"
    TAKEN_BACK = "taken_back"
    ALREADY_WATERING = "already_watering"
    NOTHING_TO_STOP = "nothing_to_stop"

    # What a flow meter says
    DRY_RUN = "dry_run"
    FLOW_NONE = "flow_none"
    FLOW_BURST = "flow_burst"
    LEAK = "leak"
    METER_SILENT = "meter_silent"

    # Something did not do what it was told
    NO_ANSWER = "no_answer"
    NODE_REFUSED = "node_refused"
    NODE_RESTARTED = "node_restarted"
    LEASE_ENDED = "lease_ended"
    OUTPUT_STRANGE = "output_strange"
    OUTPUT_BACK = "output_back"


# A run that began by one of these fills a ditch, or lets it out.
FILLS = frozenset({Rule.FILL_SLUICE, Rule.FILL_LIFT, Rule.DRAIN})

# What a person has asked for: it knows neither hours nor cycles, and is not ended by the soil.
PERSONS = frozenset({Rule.MANUAL_WATER, Rule.TRY})

# A run that ends by one of these was not ended by a decision of the gateway.
FAULTS = frozenset(
    {
        Rule.NO_ANSWER,
        Rule.NODE_REFUSED,
        Rule.NODE_RESTARTED,
        Rule.LEASE_ENDED,
    }
)
