"""The demo as a transcript: the same pages and programs, with a program in the person's place."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from scopegate.demo.acme import ADA
from scopegate.demo.person import DemoError, Person
from scopegate.demo.programs import Addresses, both

READ, ADD, ASK = "Look at ", "Add a rain gauge to ", "Ask the MCP tool about "
REFUSED = '-> 403 {"error": "access_denied", "reason": "role_too_low"'
GREENHOUSE, HARBOUR, LIGHTHOUSE = (
    "Greenhouse (Northwind)",
    "Harbour (Southwind)",
    "Lighthouse (Eastwind)",
)


class Story:
    """Tells what happens, and stops at the first thing that is not as it should be."""

    def __init__(self, at: Addresses, ada: Person, say: Callable[[str], None]) -> None:
        self.at = at
        self.ada = ada
        self.say = say
        self._steps = 0

    def step(self, text: str) -> None:
        """A new step."""
        self._steps += 1
        self.say(f"\n{self._steps}. {text}")

    def opens(self, address: str) -> None:
        """The person goes to an address."""
        self.ada.open(address)
        self._tell()

    def presses(self, button: str, **chosen: str) -> None:
        """The person presses a button."""
        choice = ", ".join(f"{field} = {value or 'as above'}" for field, value in chosen.items())
        self.say(f"   [{button}] with {choice}" if choice else f"   [{button}]")
        self.ada.press(button, **chosen)
        self._tell()

    def _tell(self) -> None:
        for line in self.ada.visited:
            self.say(f"   {line}")

    def sees(self, *texts: str) -> None:
        """The page says all of this.

        Raises:
            DemoError: it does not.
        """
        for text in texts:
            if text not in self.ada.text:
                raise DemoError(
                    f"expected {text!r} at {self.ada.address} ({self.ada.status}), which says: {self.ada.text}"
                )
            self.say(f"   > {text}")

    def page_of_weather_bot(self) -> None:
        """The page at Acme where Weather Bot can be limited."""
        self.ada.open(f"{self.at.acme}/connected")
        link = next((link for link in self.ada.links if link.startswith("/connected/")), "")
        self.opens(link)


def _connects(story: Story) -> None:
    story.step(
        "Ada opens Weather Bot, an app of somebody else, and connects it. Acme asks her to sign in first."
    )
    story.opens(story.at.weather_bot)
    story.presses("Connect to Acme IoT")
    story.presses("Sign in as Ada")
    story.step("Acme asks her what Weather Bot may do. She makes it Editor, but only Viewer in Southwind.")
    story.sees("Allow Weather Bot to use your Acme IoT account?", ADA, "Eastwind")
    story.presses("Authorize", **{"default": "editor", "organization:southwind": "viewer"})
    story.sees("You are connected.", GREENHOUSE, HARBOUR, LIGHTHOUSE)


def _limits(story: Story) -> None:
    story.step(
        "What the token may do is worked out now, from her roles and her limits; Acme shows it as a table."
    )
    story.page_of_weather_bot()
    story.sees(
        "Greenhouse Northwind Yes as Editor Yes as Editor No not asked for",
        "Harbour Southwind Yes as Viewer No limited to Viewer",
        "Lighthouse Eastwind Yes as Viewer No you are Viewer",
    )
    story.step(
        "So Weather Bot can change the greenhouse, and is refused in the harbour: by the limit, not by a scope."
    )
    story.opens(story.at.weather_bot)
    story.presses(ADD + GREENHOUSE)
    story.sees('-> 201 ["Thermometer","Hygrometer","Rain gauge"]')
    story.presses(ADD + HARBOUR)
    story.sees(REFUSED)
    story.presses(ASK + HARBOUR)
    story.sees("The tool list_devices says: Tide gauge")


def _changes_her_mind(story: Story) -> None:
    story.step(
        "She lowers the limit to Viewer everywhere. Weather Bot's token is the same one; only its power is less."
    )
    story.page_of_weather_bot()
    story.presses("Save the limit", **{"default": "viewer", "organization:southwind": ""})
    story.sees("Greenhouse Northwind Yes as Viewer No limited to Viewer")
    story.opens(story.at.weather_bot)
    story.presses(ADD + GREENHOUSE)
    story.sees(REFUSED)
    story.step("She raises it to Admin. In Eastwind she is a viewer herself, so nobody becomes more there.")
    story.page_of_weather_bot()
    story.presses("Save the limit", default="admin")
    story.sees(
        "Greenhouse Northwind Yes as Admin Yes as Admin",
        "Lighthouse Eastwind Yes as Viewer No you are Viewer",
    )
    story.step(
        "Northwind makes her a viewer. Every token of hers loses it at once; nobody had to think of them."
    )
    story.opens(story.at.acme)
    story.presses("Change in Northwind", role="viewer")
    story.opens(story.at.weather_bot)
    story.presses(ADD + GREENHOUSE)
    story.sees(REFUSED)


def _switches_off(story: Story) -> None:
    story.step(
        "She pauses Weather Bot. It is refused everywhere, without being told to throw its tokens away."
    )
    story.page_of_weather_bot()
    story.presses("Pause")
    story.opens(story.at.weather_bot)
    story.sees("Acme IoT says 403: paused.")
    story.step("She resumes it. It goes on where it stopped, and nobody is asked again.")
    story.page_of_weather_bot()
    story.presses("Resume")
    story.opens(story.at.weather_bot)
    story.sees("Connected to Acme IoT. It shows 5 applications.")
    story.step("She removes it. Access and refresh tokens are dead; Weather Bot would have to ask her again.")
    story.page_of_weather_bot()
    story.presses("Remove it")
    story.sees("No app is connected to your account.")
    story.opens(story.at.weather_bot)
    story.sees("Acme IoT says 401: invalid_token.")


CHAPTERS = (_connects, _limits, _changes_her_mind, _switches_off)


def play(say: Callable[[str], None] = print) -> None:
    """Play the demo without a browser.

    Args:
        say: gets each line.

    Raises:
        DemoError: something is not as it should be; says what, and where.
    """
    with TemporaryDirectory(prefix="scopegate-demo-") as folder, both(Path(folder), port=0) as at:
        say(f"Acme IoT, which uses scopegate, is at {at.acme}.")
        say(
            f"Weather Bot, somebody else's app, is at {at.weather_bot}; it knows that address and nothing more."
        )
        with Person() as ada:
            story = Story(at, ada, say)
            for chapter in CHAPTERS:
                chapter(story)
    say("\nAll of it behaved.")
