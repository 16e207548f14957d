"""The description of the JSON API: it is OpenAPI 3.1, says what the table says, and both applications keep to it."""

import json
import re
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.config._checks import NegativeDataRejectionConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks
from tests.support import Journey
from tests.web.driver import Served

from scopegate import presets
from scopegate.web.token_operations import TOKEN_OPERATIONS

LIST = "/me/oauth-tokens"
DOCUMENT = f"{LIST}/openapi.json"
OPERATIONS = [
    f"GET {LIST}",
    f"GET {LIST}/{{id}}",
    f"PATCH {LIST}/{{id}}",
    f"DELETE {LIST}/{{id}}",
    f"GET {DOCUMENT}",
]
SIGNED_IN = {"session": "of ann"}
OURS = {"Sec-Fetch-Site": "same-origin"}
GENERATION = GenerationConfig(with_security_parameters=False)
REJECTED = NegativeDataRejectionConfig(expected_statuses=[400, 401, 403, 404, 405, 412, 415])
CONFIG = SchemathesisConfig(
    projects=ProjectsConfig(
        default=ProjectConfig(generation=GENERATION, checks=ChecksConfig(negative_data_rejection=REJECTED))
    )
)
MET = {
    OPERATIONS[0]: {200, 400},
    OPERATIONS[1]: {200, 404},
    OPERATIONS[2]: {200, 400, 404, 412, 415},
    OPERATIONS[3]: {204, 400, 404, 412},
    OPERATIONS[4]: {200},
}
"""The answers that each must have given at least once."""
EXAMPLES = settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))


class Described:
    """A site where the session of the description is real, with tokens of ann's and of bob's."""

    def __init__(self, kind) -> None:
        self.site = Served(kind, site={"current_user": self._who})
        load = {"asgi": schemathesis.openapi.from_asgi, "wsgi": schemathesis.openapi.from_wsgi}[kind]
        self.schema = load(DOCUMENT, self.site.app, config=CONFIG)
        self.journey = Journey(self.site.world).connect()
        self.answered = Counter()

    def _who(self, asked):
        """The user of the session in a scope or an environ."""
        sent = (
            dict(asked["headers"]).get(b"cookie", b"").decode()
            if "headers" in asked
            else asked.get("HTTP_COOKIE", "")
        )
        return "ann" if "session=of ann" in sent.replace('"', "") else None

    def token_id(self):
        """The id of a token that is there: the same one until it is deleted."""
        if self.site.world.record(self.journey.token_id) is None:
            self.journey.approve()
            self.journey.redeem()
        return self.journey.token_id

    def call(self, case, *, real=True, fits=False):
        """Send a case as ann and judge the answer.

        Args:
            case: the case.
            real: for a token that is there.
            fits: with the version that it has, and for no place that ann may not be in; what is wrong stays wrong.
        """
        case.cookies = dict(SIGNED_IN)
        if real and "id" in (case.path_parameters or {}) and case.path_parameters["id"].isalnum():
            case.path_parameters["id"] = self.token_id()
        tag = case.headers.get("If-Match", "").strip('"')  # quoted, it was taken for JSON on the way
        if tag.isdecimal():
            version = self.site.world.token(self.token_id()).edition
            case.headers["If-Match"] = f'"{version if fits else tag}"'
        if fits and case.method == "PATCH" and case.meta.generation.mode.is_positive:
            case.body.pop("orgRoles", None)
        response = case.call(headers=OURS)
        self.answered[response.status_code] += 1
        # Which of the two securities it is, it cannot know; that one is needed has a test of its own.
        without = [checks.ignored_auth]
        if may_be_refused(case):
            without.append(checks.positive_data_acceptance)
        case.validate_response(response, excluded_checks=without, headers=OURS)


def may_be_refused(case):
    """Whether more is asked of it than a schema can say: places and versions that exist, say."""
    query = case.query or {}
    return (
        case.method == "PATCH"
        or "If-Match" in case.headers
        or "cursor" in query
        or query.get("filterField") == "status"
    )


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def described(request):
    """Each application."""
    found = Described(request.param)
    yield found
    found.site.close()


@pytest.mark.parametrize("label", OPERATIONS)
def test_an_application_keeps_to_the_description(described, label):
    """Whatever is sent, right or wrong: status, type and body are those described, and what is wrong is refused."""
    operation, before = described.schema.find_operation_by_label(label), described.answered.copy()
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    for case in described.schema.iter_coverage_cases(
        operation, generation_modes=modes, generation_config=GENERATION
    ):
        described.call(case)
    whichever = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @EXAMPLES
    @given(whichever, st.booleans(), st.booleans())
    def tried(case, real, fits):
        described.call(case, real=real, fits=fits)

    tried()
    assert MET[label] <= (described.answered - before).keys(), "too little was tried"


def test_an_application_that_does_not_keep_to_it_is_noticed(described):
    """One property more than is described."""
    operation = described.schema.find_operation_by_label(OPERATIONS[1])
    case = operation.Case(path_parameters={"id": described.token_id()})
    case.cookies = dict(SIGNED_IN)
    response = case.call(headers=OURS)
    response.content = response.content.replace(b'"state"', b'"colour": "red", "state"')
    with pytest.raises(FailureGroup, match="colour"):
        case.validate_response(response, checks=[checks.response_schema_conformance])


def test_the_description_is_openapi_3_1(described):
    """By the rules of OpenAPI, and each schema by those of JSON Schema 2020-12; every reference leads somewhere."""
    described.schema.validate()
    document = described.schema.raw_schema
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    written = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', written)):
        found = document
        for name in reference.split("/"):
            found = found[name]
    assert not [
        each
        for each in objects(document["components"]["schemas"])
        if each.get("additionalProperties") is not False
    ]


def objects(schema):
    """Every schema of an object with properties, wherever it stands."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for each in schema.values():
            yield from objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from objects(each)


def test_the_description_says_what_the_table_says(described):
    """Each operation once, with the statuses of its answers and who may call it."""
    document = described.schema.raw_schema
    for operation in TOKEN_OPERATIONS:
        path = f"{LIST}/{{id}}" if operation.is_of_one else LIST
        found = document["paths"][path][operation.http_method.lower()]
        assert found["operationId"] == operation.name
        assert [int(status) for status in found["responses"]] == list(operation.answers)
        assert ({"bearer": []} in found["security"]) == operation.bearer
    assert len([each for path in document["paths"].values() for each in path if each != "parameters"]) == len(
        OPERATIONS
    )


def test_the_description_has_the_roles_and_scopes_of_the_catalogue(serve):
    """Of another host, under another prefix."""
    site = serve(catalogue=presets.user_tokens(), site={"account_prefix": "/you"})
    document = site.get("/you/oauth-tokens/openapi.json").json
    roles = document["components"]["schemas"]["Role"]["enum"]
    assert roles == ["none", "view", "collaborate", "edit", "admin"]
    scopes = document["components"]["schemas"]["Token"]["properties"]["scope"]["items"]["examples"]
    assert scopes == list(presets.user_tokens().scopes)
    bearer = document["components"]["securitySchemes"]["bearer"]["description"]
    assert "userOauthTokens.get and userOauthToken.get" in bearer


def test_the_description_is_made_once_and_kept(site):
    """As the discovery documents: an entity tag, 304, any origin, whoever is signed in."""
    site.who = None
    reply = site.get(DOCUMENT)
    assert reply.header("Access-Control-Allow-Origin") == "*"
    assert reply.header("Cache-Control") == "public, max-age=3600"
    again = site.get(DOCUMENT, ("If-None-Match", reply.header("ETag")))
    assert (again.status, again.body) == (304, b"")
    assert site.ask("HEAD", DOCUMENT).headers == reply.headers
    wrong = site.ask("POST", DOCUMENT)
    assert (wrong.status, wrong.header("Allow")) == (405, "GET, HEAD, OPTIONS")
