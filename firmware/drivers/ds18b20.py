"""DS18B20: temperature on one wire.

Rules
1. The scratchpad counts by its CRC, within three tries. Nobody at reset is NO_ANSWER; nine zeros pass the CRC and are
   a wire that lies at ground: SHORT.
2. 85 degC exactly is what a chip says that lost its supply while it converted: POWER_ON_VALUE. No water or soil that a
   node can survive in has it.
3. ``rom`` (hex) chooses one of several on the wire; without it there must be one alone.
"""

from binascii import unhexlify

from wire import fields

WARM_MS = 20
CONVERT_MS = 750
TRIES = 3
_POWER_ON = 85 * 16


def measure(sensor: dict, io, _known) -> dict:
    pin = sensor["pin"]
    rom = sensor.get("rom")
    choose = b"\xcc" if rom is None else b"\x55" + unhexlify(rom)
    if not io.reset(pin):
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_NO_ANSWER)
    io.write(pin, choose + b"\x44")
    io.rest(CONVERT_MS)
    for _ in range(TRIES):
        if not io.reset(pin):
            continue
        io.write(pin, choose + b"\xbe")
        pad = io.read(pin, 9)
        if len(pad) == 9 and crc8(pad) == 0:
            return {sensor["field"]: temperature(pad)}
    raise OSError(fields.FAULT_ERRNO + fields.FAULT_GARBAGE)


def temperature(pad: bytes) -> int | None:
    """0.01 degC out of a scratchpad whose CRC is right."""
    if not any(pad):
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_SHORT)
    sixteenths = pad[0] | pad[1] << 8
    if sixteenths & 0x8000:
        sixteenths -= 0x10000
    if sixteenths == _POWER_ON:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_POWER_ON)
    return sixteenths * 100 // 16 if -55 * 16 <= sixteenths <= 125 * 16 else None


def crc8(data: bytes) -> int:
    """CRC of Dallas; over data and its CRC it is 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc
