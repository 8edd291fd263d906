"""SHT3x: temperature and humidity of the air, by I2C.

Rules
1. Each of the two words counts by its CRC, within three tries. A chip that does not answer its address is NO_ANSWER,
   one whose words are wrong GARBAGE.
2. Of its full scale the ends are told as they are; the sampler knows what air can be.
"""

from wire import fields

WARM_MS = 5
CONVERT_MS = 20
TRIES = 3
_SINGLE_SHOT = b"\x24\x00"


def measure(sensor: dict, io, _known) -> dict:
    address = sensor.get("address", 0x44)
    fault = fields.FAULT_NO_ANSWER
    for _ in range(TRIES):
        try:
            io.write(sensor, address, _SINGLE_SHOT)
            io.rest(CONVERT_MS)
            got = io.read(sensor, address, 6)
        except OSError:
            continue
        found = air(got)
        if found is not None:
            return {fields.AIR_TEMPERATURE: found[0], fields.AIR_HUMIDITY: found[1]}
        fault = fields.FAULT_GARBAGE
    raise OSError(fields.FAULT_ERRNO + fault)


def air(got: bytes) -> tuple[int, int] | None:
    """(0.01 degC, 0.01 %) of six bytes, or None."""
    if len(got) != 6 or crc8(got[0:2]) != got[2] or crc8(got[3:5]) != got[5]:
        return None
    heat, wet = got[0] << 8 | got[1], got[3] << 8 | got[4]
    return 17_500 * heat // 65_535 - 4_500, 10_000 * wet // 65_535


def crc8(data: bytes) -> int:
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 0xFF if crc & 0x80 else crc << 1
    return crc
