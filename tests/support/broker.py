"""A real MQTT broker of the test's own: Debian's mosquitto, on a free port, to be killed and restarted."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from .live import free_port

PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Mosquitto:
    """What it holds outlives its restart: it writes after each change."""

    def __init__(self, *, password: str = "", lines: str = "", port: int = 0) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ccm"))
        self.port = port or free_port()
        self.process: subprocess.Popen | None = None
        conf = (
            f"listener {self.port} 127.0.0.1\nallow_anonymous {'false' if password else 'true'}\n"
            f"persistence true\npersistence_location {self.home}/\nautosave_interval 1\n"
            f"autosave_on_changes true\nlog_type error\nlog_type warning\nlog_dest stderr\n"
            f"max_queued_messages 100000\n{lines}\n"
        )
        if os.getuid() == 0:
            conf += "user root\n"
        if password:
            subprocess.run(
                ["mosquitto_passwd", "-b", "-c", str(self.home / "passwords"), "hub", password], check=True
            )
            conf += f"password_file {self.home}/passwords\n"
        (self.home / "conf").write_text(conf)

    def start(self) -> "Mosquitto":
        log = (self.home / "log").open("ab")
        self.process = subprocess.Popen([PROGRAM, "-c", str(self.home / "conf")], stdout=log, stderr=log)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        raise AssertionError((self.home / "log").read_text())

    def end(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        self.end(signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)


class Publisher:
    """A device that sends with QoS 1, and again until the broker has said that it has it."""

    def __init__(self, port: int, *, v5: bool = False, password: str = "", name: str = "device") -> None:
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
            **({} if v5 else {"clean_session": False}),
        )  # fmt: skip
        if password:
            self.client.username_pw_set("hub", password)
        self.client.reconnect_delay_set(0.1, 0.5)
        self.client.connect("127.0.0.1", port, 10)
        self.client.loop_start()

    def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False):
        return self.client.publish(topic, payload, qos=qos, retain=retain)

    def say(self, topic: str, payload: bytes | str, **more) -> None:
        """And wait until the broker has it."""
        self.publish(topic, payload, **more).wait_for_publish(20)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
