"""The signature is that of Standard Webhooks: others' libraries must find it good."""

from __future__ import annotations

import base64

from service.webhook import headers

# the example of the Standard Webhooks libraries
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signature_is_that_of_the_published_example() -> None:
    made = headers([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == SIGNATURE
    assert made["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert made["webhook-timestamp"] == "1614265330"


def test_two_secrets_make_two_signatures_the_newest_first() -> None:
    both = headers([SECRET, b"x" * 32], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    first, second = both["webhook-signature"].split(" ")
    assert first == SIGNATURE
    assert second.startswith("v1,")
    assert second != first


def test_another_body_time_or_id_has_another_signature() -> None:
    def signed(event: str = "a", at_s: int = 1, body: bytes = b"{}") -> str:
        return headers([SECRET], event, at_s, body)["webhook-signature"]

    assert len({signed(), signed(event="b"), signed(at_s=2), signed(body=b"[]")}) == 4
