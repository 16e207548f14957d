"""Which parameters may be sent twice."""

import pytest

from scopegate.errors import OAuthError
from scopegate.flows.client_authentication import credentials
from scopegate.flows.requests import DEFINED, ClientRequest, Parameters


@pytest.mark.parametrize("name", sorted(DEFINED))
def test_a_parameter_with_a_meaning_is_sent_once(name):
    """GEN-4: two of it are refused by name, and neither counts."""
    parameters = Parameters.of([("client_id", "bot"), (name, "one"), (name, "two")])
    assert parameters.clashing == {name}
    assert parameters.get(name) is None
    with pytest.raises(OAuthError, match=f"^invalid_request: {name} is sent more than once$"):
        credentials(ClientRequest(parameters))


@pytest.mark.parametrize("name", ["audience", "foo", "resource"])
def test_a_parameter_without_a_meaning_here_may_be_sent_twice(name):
    """GEN-3, GEN-4: it is ignored, however often it comes; ``resource`` is a list."""
    parameters = Parameters.of([("client_id", "bot"), (name, "one"), (name, "two")])
    assert not parameters.clashing
    assert credentials(ClientRequest(parameters)).client_id == "bot"
