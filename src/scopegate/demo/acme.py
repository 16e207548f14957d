"""What Acme IoT knows: people, organizations, applications, devices. A real host reads it from its tables."""

from typing import Final

from scopegate import SANDBOX, Membership, Role

ROLES: Final = (
    Role("viewer", "Viewer", "Can look at devices."),
    Role("editor", "Editor", "Can also add and rename devices."),
    Role("admin", "Admin", "Can also manage members and keys."),
)
PORT: Final = 8737
ADA: Final = "ada@acme.example"
VIC: Final = "vic@acme.example"
PEOPLE: Final = {ADA: "Ada", VIC: "Vic"}
ORGANIZATIONS: Final = {
    "northwind": ("Northwind", {"greenhouse": "Greenhouse", "rooftop": "Rooftop station"}),
    "southwind": ("Southwind", {"harbour": "Harbour"}),
    "eastwind": ("Eastwind", {"lighthouse": "Lighthouse"}),
}


class Acme:
    """The state of the host. It lives in memory: only scopegate's tokens survive a restart.

    Attributes:
        roles: by user and organization.
        devices: by application.
    """

    def __init__(self) -> None:
        self.roles = {
            ADA: {"northwind": "admin", "southwind": "admin", "eastwind": "viewer"},
            VIC: dict.fromkeys(ORGANIZATIONS, "viewer"),
        }
        self.devices = {
            "greenhouse": ["Thermometer", "Hygrometer"],
            "rooftop": ["Anemometer"],
            "harbour": ["Tide gauge"],
            "lighthouse": ["Barometer"],
            "workbench": ["Prototype"],
        }

    async def memberships(self, user: str) -> list[Membership]:
        """The directory, in one function: where a user has a role, now."""
        found = [
            Membership(organization, label, self.roles[user][organization], applications)
            for organization, (label, applications) in ORGANIZATIONS.items()
            if user in self.roles
        ]
        if user == ADA:
            found.append(Membership(SANDBOX, "Ada's sandbox", "admin", {"workbench": "Workbench"}))
        return found
