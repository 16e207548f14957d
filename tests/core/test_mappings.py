"""Mappings that nobody changes."""

import json
import pickle
from copy import copy, deepcopy

import pytest
from attrs import evolve

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.mappings import FrozenMapping, frozen_mapping
from scopegate.testing._store_samples import make_token

CHANGES = {
    "setting an item": lambda mapping: mapping.__setitem__("acme", "admin"),
    "deleting an item": lambda mapping: mapping.__delitem__("acme"),
    "updating in place": lambda mapping: mapping.__ior__({"acme": "admin"}),
    "clearing": lambda mapping: mapping.clear(),
    "taking an item": lambda mapping: mapping.pop("acme"),
    "taking any item": lambda mapping: mapping.popitem(),
    "setting a default": lambda mapping: mapping.setdefault("other", "admin"),
    "updating": lambda mapping: mapping.update(acme="admin"),
}


def held():
    """The mappings of frozen values, each with acme in it."""
    given = {"acme": "view"}
    cap = RoleCap("view", given, None, {"acme": ApplicationCap("view")})
    return {
        "organizations": cap.organizations,
        "applications": cap.applications,
        "of a newer release": make_token(unknown=given).unknown,
    }


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", held())
def test_what_a_frozen_value_holds_does_not_change(place, change):
    """For stores hand the same value to every request: what one of them changed would be the power of the next."""
    mapping = held()[place]
    with pytest.raises(TypeError, match="part of a frozen value"):
        CHANGES[change](mapping)
    assert mapping == held()[place]


def test_every_method_that_changes_a_dict_is_refused():
    """So that one that Python adds is noticed here."""
    frozen = {name for name in vars(FrozenMapping) if name in vars(dict) and name != "__doc__"}
    reading = {"copy", "fromkeys", "get", "items", "keys", "values"}
    public = {name for name in vars(dict) if not name.startswith("_")}
    assert public - reading == frozen - {"__setitem__", "__delitem__", "__ior__", "__reduce__"}


def test_it_is_a_dict_in_all_else():
    """Equal to one, and the same as JSON."""
    mapping = frozen_mapping({"acme": "view"})
    assert mapping == {"acme": "view"}
    assert json.dumps(mapping) == '{"acme": "view"}'
    assert {**mapping, "other": "edit"} == mapping | {"other": "edit"} == {"acme": "view", "other": "edit"}


def test_copies_are_frozen_too():
    """Those of a cap, and what comes out of a pickle."""
    cap = RoleCap("view", {"acme": "view"})
    for twin in (copy(cap), deepcopy(cap), pickle.loads(pickle.dumps(cap))):  # noqa: S301 - our own bytes
        assert twin == cap
        with pytest.raises(TypeError):
            twin.organizations["acme"] = "admin"


def test_one_that_is_frozen_is_shared():
    """Evolving a value copies no mapping, and does not see what becomes of the one it was given."""
    given = {"acme": "view"}
    cap = RoleCap("view", given)
    given["acme"] = "admin"
    assert cap.organizations == {"acme": "view"}
    assert evolve(cap, default="edit").organizations is cap.organizations
