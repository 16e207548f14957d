"""What a store tells of its changes, as text that any channel carries. Pure."""

from collections.abc import Sequence
from json import dumps, loads
from typing import Final

from scopegate.core.changes import (
    AdvanceToken,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    ReviseToken,
    RevokeToken,
)
from scopegate.protocols import Changed

_LONGEST: Final = 7000
"""A notice of PostgreSQL has room for hardly more."""


def concerned(changes: Sequence[Change]) -> tuple[set[str], set[str]]:
    """The tokens and the clients that a commit changes for those who have read them; touches do not count."""
    tokens: set[str] = set()
    clients: set[str] = set()
    for change in changes:
        match change:
            case CreateToken(token):
                tokens.add(token.id)
            case ReviseToken() | AdvanceToken() | RevokeToken() | DeleteToken() | DropCredential():
                tokens.add(change.token_id)
            case PutClient(client):
                clients.add(client.id)
            case _:
                pass
    return tokens, clients


def tell(realm: str, changes: Sequence[Change]) -> str | None:
    """What to tell of a commit, if it changes what a token or a client was read to be."""
    tokens, clients = concerned(changes)
    if not tokens and not clients:
        return None
    told = dumps([realm, sorted(tokens), sorted(clients)])
    return told if len(told) <= _LONGEST else tell_all(realm)


def tell_all(realm: str) -> str:
    """What to tell when anything in a realm may have changed."""
    return dumps([realm, [], []])


def heard(told: str) -> Sequence[Changed]:
    """What `tell` told; nothing if it was not by `tell`."""
    try:
        realm, tokens, clients = loads(told)
    except ValueError:
        return ()
    found = [Changed(realm, token_id=each) for each in tokens]
    found += [Changed(realm, client_id=each) for each in clients]
    return found or [Changed(realm)]
