"""A small Spark cluster of this machine: a master and two workers, as the PyPI package brings them."""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

STARTED = re.compile(r"Starting Spark master at (spark://\S+)")
REGISTERED = "Registering worker"
WAIT_S = 60
# Java made for short lives: little memory, no second compiler.
SHORT_LIVED = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
# Whoever kills the test run closes this input, and nothing stays behind.
GUARD = '"$@" </dev/null & child=$!; cat; kill $child; wait $child'
DEFAULTS = f"""
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.driver.memory 640m
spark.driver.extraJavaOptions {SHORT_LIVED}
spark.executor.memory 512m
spark.executor.cores 1
spark.cores.max 2
spark.executor.extraJavaOptions {SHORT_LIVED}
spark.sql.shuffle.partitions 2
spark.default.parallelism 2
"""
LOG = """
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_OUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
logger.deploy.name = org.apache.spark.deploy.master
logger.deploy.level = info
"""


@dataclass
class Cluster:
    """url: what LAKE_ENGINE is set to. Listens on the loopback only, on ports that the machine chooses."""

    folder: Path
    home: Path
    url: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the driver needs too: the city's spark-defaults.conf lies in SPARK_CONF_DIR."""
        return {"SPARK_CONF_DIR": str(self.folder / "conf"), "SPARK_LOCAL_IP": "127.0.0.1"}

    def start(self) -> "Cluster":
        conf = self.folder / "conf"
        conf.mkdir(parents=True)
        (conf / "spark-defaults.conf").write_text(DEFAULTS)
        (conf / "log4j2.properties").write_text(LOG)
        here = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        self._spawn("master", "master.Master", *here)
        self.url = self._wait(STARTED).group(1)
        for n in (1, 2):
            room = ["--cores", "1", "--memory", "640m", "--work-dir", str(self.folder / f"work{n}")]
            self._spawn(f"worker{n}", "worker.Worker", *here, *room, self.url)
        return self

    def wait_for_workers(self) -> None:
        self._wait(re.compile(f"{REGISTERED}.*{REGISTERED}", re.DOTALL))

    def stop(self) -> None:
        """Each ends when its input does; a worker takes its executors along."""
        for process in reversed(self.processes):
            assert process.stdin is not None
            process.stdin.close()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _spawn(self, name: str, what: str, *arguments: str) -> None:
        environment = {
            **os.environ,
            **self.environment,
            "SPARK_HOME": str(self.home),
            "SPARK_DAEMON_MEMORY": "192m",
            "SPARK_DAEMON_JAVA_OPTS": SHORT_LIVED,
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [
                        "bash",
                        "-c",
                        GUARD,
                        name,
                        str(self.home / "bin/spark-class"),
                        f"org.apache.spark.deploy.{what}",
                        *arguments,
                    ],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _wait(self, pattern: re.Pattern[str]) -> re.Match[str]:
        log = self.folder / "master.log"
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if found := pattern.search(log.read_text(errors="replace")):
                return found
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.1)
        raise RuntimeError(f"the cluster did not start: {log.read_text(errors='replace')[-2000:]}")
