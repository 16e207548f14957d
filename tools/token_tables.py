"""Write the generated tables of docs/token-api.md anew, out of the table of operations and the served description."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from docs_tables import code, regenerated, several, table

from scopegate import AuthorizationServer, Resource
from scopegate.flows.sealing import new_key
from scopegate.stores import MemoryStore
from scopegate.testing import MemoryDirectory
from scopegate.web.token_answers import TYPES
from scopegate.web.token_api import DOCUMENT, LIST, token_api
from scopegate.web.token_changes import EDITABLE
from scopegate.web.token_document import MEANINGS
from scopegate.web.token_operations import TOKEN_OPERATIONS

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "token-api.md"
PREFIX: Final = "/me"


def main() -> int:
    """Write the page anew, and answer with 0."""
    PAGE.write_text(regenerated(PAGE.read_text("utf-8"), TABLES), "utf-8")
    return 0


@cache
def described() -> dict[str, Any]:
    """The description that a usual host serves."""
    server = AuthorizationServer(
        issuer="https://acme.example",
        product="Acme IoT",
        directory=MemoryDirectory({}),
        resources=[Resource("https://acme.example/api", scopes=["all.Application.read"])],
        store=MemoryStore(),
        sealing_keys=[new_key(bytes)],
    )
    found: dict[str, Any] = json.loads(token_api(server.configuration, PREFIX).document.body)
    return found


def operations() -> str:
    """Each operation: what it does, and who may call it."""
    head = ["", "", "by a session", "by an access token", "answers"]
    rows = [
        [
            code(f"{each.http_method} {PREFIX}{LIST}{'/{id}' if each.is_of_one else ''}"),
            each.summary,
            "yes" if each.bearer else "yes, from a page of the server's own origin",
            "if its scope covers reading" if each.bearer else "never",
            ", ".join(str(status) for status in each.answers),
        ]
        for each in TOKEN_OPERATIONS
    ]
    everybody = [
        code(f"GET {PREFIX}{LIST}{DOCUMENT}"),
        "Describe all this.",
        "not needed",
        "not needed",
        "200, 304",
    ]
    return table(head, [*rows, everybody])


def parameters() -> str:
    """The parameters of a list."""
    rows = [
        [
            code(each["name"]),
            _values(each["schema"]),
            code(str(each["schema"].get("default", ""))),
            each["description"],
        ]
        for each in described()["paths"][PREFIX + LIST]["get"]["parameters"]
    ]
    return table(["parameter", "values", "default", "what it does"], rows)


def _values(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return several(schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return f"text, at most {schema['maxLength']} characters" if "maxLength" in schema else "text"


def properties() -> str:
    """The properties of a token."""
    found = described()["components"]["schemas"]["Token"]["properties"]
    rows = [
        [code(name), "yes" if name in EDITABLE else "", _meaning(schema)]
        for name, schema in sorted(found.items())
    ]
    return table(["property", "can be changed", "what it says"], rows)


def _meaning(schema: Mapping[str, Any]) -> str:
    values = f" One of {several(schema['enum'])}." if "enum" in schema else ""
    if "properties" in schema:
        return f"What was agreed with the app: {several(schema['properties'])}."
    return f"{schema['description']}{values}"


def problems() -> str:
    """What a problem is called, by its status."""
    return table(
        ["status", "`type`", "what it means"],
        ([str(status), code(TYPES[status]), MEANINGS[status]] for status in sorted(TYPES)),
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "operations": operations,
    "parameters": parameters,
    "properties": properties,
    "problems": problems,
}

if __name__ == "__main__":
    sys.exit(main())
