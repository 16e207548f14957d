"""The ``scope`` that a client registers itself with (RFC 7591)."""

from scopegate.flows.outcomes import ConsentPrompt


def test_the_scope_a_client_registers_itself_with_is_no_limit(journey):
    """SDKs register with the scopes of their first request, and must be able to ask for more later."""
    registered = journey.register(scope="all.Application.read no.such.scope")
    assert "scope" not in registered.document
    prompt = journey.authorize(scope="all.Application.read all.Application.bounded")
    assert isinstance(prompt, ConsentPrompt)
    assert [sentence.scope for sentence in prompt.sentences] == [
        "all.Application.read",
        "all.Application.bounded",
    ]
