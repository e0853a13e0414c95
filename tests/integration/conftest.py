"""What several folders of tests share: a receiver of webhooks under a public name, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.internet import joined
from tenantml.aws.clients import unbound_client
from tenantml.services import customer, https_post
from tests.integration import quick_moto, strict_moto
from tests.receiver import Receiver

quick_moto.apply()
strict_moto.apply()

HOST = "hooks.acme.example"


@pytest.fixture(autouse=True)
def new_clients() -> None:
    """A client has the events of its session as they were when it was made: each test's own. So are sessions."""
    unbound_client.cache_clear()
    customer._OURS.clear()


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """What answers as `hooks.acme.example`, in all tests."""
    folder = tmp_path_factory.mktemp("receiver")
    receiver = Receiver(folder / "authority.pem")
    receiver.start(HOST, folder)
    yield receiver
    receiver.stop()


@pytest.fixture
def receiver(serving: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """What answers as `hooks.acme.example`, with a certificate that is trusted; nothing has come yet."""
    serving.reset()
    monkeypatch.setenv("SSL_CERT_FILE", str(serving.authority))
    https_post._trust.cache_clear()
    with joined({HOST: serving.port, "other.acme.example": serving.port}):
        yield serving
    https_post._trust.cache_clear()
