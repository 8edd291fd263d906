"""The cloud dies by SIGKILL between COMMIT and answer: the gateway sends again, nothing is lost and nothing doubled."""

from pathlib import Path

import httpx
import pytest

from tests.support.cloud import CloudProcess
from tests.support.readings import village

DYING = ("-m", "tests.support.crashing_cloud")


def test_a_batch_whose_answer_was_lost_is_the_same_when_sent_again(tmp_path: Path) -> None:  # P1 P2
    rows = village(5, 1_500)
    batches = [rows[n : n + 100] for n in range(0, 1_500, 100)]
    told = {"new": 0, "same": 0}
    lost_answers = 0
    cloud = CloudProcess(f"sqlite:///{tmp_path}/ledger.db", DYING)
    token = cloud.tenant("my-khanh")
    try:
        cloud.start(HOIQUAN_TEST_DIE_AT="4")
        for batch in batches:
            try:
                answer = cloud.ingest(token, batch)
            except httpx.HTTPError:
                lost_answers += 1
                cloud.wait()
                cloud.start(HOIQUAN_TEST_DIE_AT="4")
                answer = cloud.ingest(token, batch)
                assert (answer["new"], answer["same"]) == (0, 100)  # it was committed before the answer was due
            told["new"] += int(str(answer["new"]))
            told["same"] += int(str(answer["same"]))
        lines = cloud.csv("my-khanh")
    finally:
        cloud.kill()
    assert lost_answers >= 4
    assert told == {"new": 1_500 - 100 * lost_answers, "same": 100 * lost_answers}
    identities = [(line[1], int(line[2]), int(line[3])) for line in lines]
    assert sorted(identities) == sorted(row.identity for row in rows)


@pytest.mark.parametrize("signal_after", [1, 3])
def test_what_was_answered_survives_a_kill(tmp_path: Path, signal_after: int) -> None:  # P1
    rows = village(6, 400)
    with CloudProcess(f"sqlite:///{tmp_path}/ledger.db") as cloud:
        token = cloud.tenant("my-khanh")
        for n in range(signal_after):
            assert cloud.ingest(token, rows[n * 100 : n * 100 + 100])["new"] == 100
        cloud.kill()
        cloud.start()
        assert len(cloud.csv("my-khanh")) == 100 * signal_after
