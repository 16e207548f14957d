"""A clock that stands still until it is moved."""

START = 1_800_000_000.0


class Clock:
    """Gives POSIX seconds when called; tests move ``now``, forward or back."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time, now."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def back(self, seconds: float) -> None:
        """Set the clock back, as a host's operator or NTP may."""
        self.now -= seconds
