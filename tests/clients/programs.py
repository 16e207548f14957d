"""The host and the clients, each a process of its own that speaks JSON by line."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Timer

import httpx2

HERE = Path(__file__).parent
SECONDS = 60.0


class Program:
    """A process that speaks JSON by line. ``ready`` is what it said first; what it complains of is kept in a log."""

    def __init__(self, folder, script, *arguments) -> None:
        self._log = folder / f"{script}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", str(HERE / script), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.ready = self.hear()["ready"]

    def say(self, **order) -> None:
        """Give an order."""
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict:
        """The next event; a process that says nothing is ended, which fails the test."""
        late = Timer(SECONDS, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        assert line, f"the process ended, or said nothing: {self._log.read_text('utf-8')[-4000:]}"
        return json.loads(line)

    def ask(self, **order) -> dict:
        """Give an order and hear what comes of it."""
        self.say(**order)
        return self.hear()

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        self._process.stdin.close()
        self._process.stdout.close()


class Host(Program):
    """The host; ``address`` is where it is."""

    def __init__(self, folder) -> None:
        super().__init__(folder, "host.py", str(folder / "store.db"))
        self.address = self.ready

    def control(self, do, **order) -> list[dict]:
        """Do something to it; gives Ann's tokens, the newest first."""
        response = httpx2.post(f"{self.address}/control", json={"do": do} | order)
        assert response.status_code == 200, response.text
        return response.json()
