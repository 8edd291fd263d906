"""Modbus RTU, as much of it as a probe needs: read registers of one device.

Rules
1. A frame counts by its CRC alone. What lies before it is skipped: the 0x00 that a line leaves when its direction
   turns, our own request where the transceiver hears itself, the tail of a late answer.
2. Three tries. Silence is NO_ANSWER, bytes without a whole frame are GARBAGE, and a device that says no is REFUSED and
   not asked again.
"""

from struct import pack, unpack

from wire import fields

READ_HOLDING = 3
TRIES = 3
WAIT_MS = 200
BAUD = 9600


def crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def request(address: int, function: int, first: int, count: int) -> bytes:
    body = pack(">BBHH", address, function, first, count)
    return body + pack("<H", crc16(body))


def reply(got: bytes, address: int, function: int, count: int) -> bytes | None:
    """The registers' bytes of the first whole answer in these bytes. OSError when the device refuses."""
    for at in range(len(got) - 4):
        if got[at] != address:
            continue
        if got[at + 1] == function and got[at + 2] == 2 * count:
            end = at + 3 + 2 * count
        elif got[at + 1] == function | 0x80:
            end = at + 3
        else:
            continue
        if len(got) < end + 2 or crc16(got[at:end]) != got[end] | got[end + 1] << 8:
            continue
        if got[at + 1] != function:
            raise OSError(fields.FAULT_ERRNO + fields.FAULT_REFUSED)
        return got[at + 3 : end]
    return None


def ask(sensor: dict, io, first: int, count: int) -> bytes:
    """The bytes of ``count`` registers of a sensor."""
    address = sensor.get("address", 1)
    function = sensor.get("function", READ_HOLDING)
    asked = request(address, function, first, count)
    fault = fields.FAULT_NO_ANSWER
    for _ in range(TRIES):
        got = io.talk(
            sensor, sensor.get("baud", BAUD), asked, WAIT_MS, lambda b: reply(b, address, function, count) is not None
        )
        found = reply(got, address, function, count)
        if found is not None:
            return found
        if got.replace(asked, b"").strip(b"\x00"):
            fault = fields.FAULT_GARBAGE
    raise OSError(fields.FAULT_ERRNO + fault)


def words(data: bytes) -> tuple[int, ...]:
    """Registers as whole numbers from 0."""
    return unpack(">%dH" % (len(data) // 2), data)


def signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word


def median(rows: list) -> list:
    """The median of each column."""
    return [sorted(row[place] for row in rows)[len(rows) // 2] for place in range(len(rows[0]))]
