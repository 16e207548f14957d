"""Law 2: what is sensitive is out of reach of `.read` and `.bounded`, and what writes is out of reach of `.read`."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.situations import situations, with_everything, with_token

SUFFIXES = {".read": {"read"}, ".bounded": {"read", "write"}}


@given(situations(), st.sampled_from(sorted(SUFFIXES)))
def test_no_cap_and_no_role_open_what_the_suffix_leaves_out(situation, suffix):
    """With every scope of that suffix there is, and with the highest roles everywhere."""
    scopes = [name for name in situation.world["offered"] if name.endswith(suffix)]
    for asked in (situation, with_everything(situation)):
        allowed = with_token(asked, scopes=scopes).permitted()
        assert {situation.world["actions"][name]["access"] for name in allowed} <= SUFFIXES[suffix]


def test_in_the_seeds_world_nothing_sensitive_is_open_at_all(everywhere_admin):
    """None of the seven scopes opens any of the 37, nor the pairs of their levels."""
    asked = with_token(everywhere_admin, scopes=everywhere_admin.world["offered"])
    actions = everywhere_admin.world["actions"]
    assert sum(found["access"] == "sensitive" for found in actions.values()) == 37 + 4
    assert "sensitive" not in {actions[name]["access"] for name in asked.permitted()}
    assert len([name for name in asked.permitted() if name in actions]) > 250
