"""The description of the JSON API (OpenAPI 3.1), made of its table of operations and the host's catalogue."""

from collections.abc import Mapping
from typing import Any, Final

from scopegate.core.roles import RoleLadder
from scopegate.core.tokens import MAXIMUM_DESCRIPTION, MAXIMUM_NAME
from scopegate.web.token_answers import TYPES, Account
from scopegate.web.token_changes import EDITABLE, SWITCH
from scopegate.web.token_lists import (
    DIRECTIONS,
    FILTERS,
    MAXIMUM_FILTER,
    MAXIMUM_PAGE,
    MAXIMUM_PER_PAGE,
    PER_PAGE,
    SORTS,
    STATES,
)
from scopegate.web.token_operations import TOKEN_OPERATIONS, TokenOperation
from scopegate.web.token_places import MAXIMUM_ID

Schema = dict[str, Any]

MEANINGS: Final[Mapping[int, str]] = {
    400: "Something that was sent is not acceptable; `field` is its path or parameter.",
    401: "Nobody is signed in, or the access token is not valid.",
    403: "This credential may not do this, or the request comes from another origin.",
    404: "The user has no such token.",
    405: "The path does not have this method; `Allow` says which it has.",
    409: "The status of the token does not allow this.",
    412: "The token was changed meanwhile: `differences` has both values of each property that differs.",
    413: "The body is longer than 1 MiB.",
    414: "The query is longer than 16 KiB.",
    415: "The body is not `application/json`.",
    503: "Nothing was decided: try again.",
}
"""What a problem means, by its HTTP status."""
PROPERTIES: Final[Mapping[str, str]] = {
    "name": "The user's name for the token.",
    "description": "The user's own note.",
    "defaultRole": "The maximum role wherever `orgRoles` has nothing more specific.",
    "orgRoles": "The overrides; a change replaces all of them.",
    "status": "The switch: an inactive token is paused, and works again when it is active.",
}
"""What can be changed, and what it is."""


def token_document(account: Account, path: str, document: str) -> Schema:
    """The whole description.

    Args:
        account: what the operations know.
        path: the path of the list, beneath the issuer.
        document: the path of the description, beneath the list.
    """
    paths: Schema = {path: {}, f"{path}/{{id}}": {"parameters": [_ID]}}
    for operation in TOKEN_OPERATIONS:
        place = f"{path}/{{id}}" if operation.is_of_one else path
        paths[place][operation.http_method.lower()] = _operation(operation)
    paths[path + document] = {"get": _DESCRIPTION}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Tokens of {account.configuration.product}",
            "version": account.catalogue.version,
            "description": _INTRODUCTION,
        },
        "servers": [{"url": account.configuration.issuer}],
        "paths": paths,
        "components": {
            "schemas": _schemas(account),
            "responses": {TYPES[status]: _problem(status) for status in sorted(MEANINGS)},
            "securitySchemes": _security(account),
        },
    }


_INTRODUCTION: Final = (
    "What apps may do for the signed-in user: each token is one app that the user let in, with its limits."
    " Changes need the session of the user, and come from a page of this server's own origin:"
    " `Sec-Fetch-Site: same-origin`, or where it is missing the `Origin`."
    " An access token may read, if its scope covers that, and never changes anything."
    " A path that is there answers `OPTIONS`, and `HEAD` where it answers `GET`."
)
_DATE: Final = {"type": "string", "format": "date-time"}
_TAG: Final = {
    "ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}, "required": True}
}
_ID: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The id of a token.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"},
}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` that was read: if the token has another by now, nothing is changed.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
}
_DESCRIPTION: Final[Schema] = {
    "operationId": "describeTokens",
    "summary": "This description.",
    "security": [],
    "responses": {
        "200": {
            "description": "The description.",
            "headers": _TAG,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "304": {"description": "It has not changed: `If-None-Match` names its `ETag`."},
    },
}


def _operation(operation: TokenOperation) -> Schema:
    found: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{"session": []}, *([{"bearer": []}] if operation.bearer else [])],
        "responses": {str(status): _response(operation, status) for status in operation.answers},
    }
    if not operation.is_of_one:
        found["parameters"] = _PARAMETERS
    elif not operation.bearer:
        found["parameters"] = [_IF_MATCH]
    if operation.http_method == "PATCH":
        schema = {"schema": {"$ref": "#/components/schemas/Changes"}}
        found["requestBody"] = {"required": True, "content": {"application/json": schema}}
    return found


def _response(operation: TokenOperation, status: int) -> Schema:
    if status in TYPES:
        return {"$ref": f"#/components/responses/{TYPES[status]}"}
    if status == 204:  # noqa: PLR2004 - an HTTP status
        return {"description": "It is deleted."}
    name = "Token" if operation.is_of_one else "Tokens"
    headers = {"headers": _TAG} if operation.is_of_one else {}
    schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    return {"description": "Done.", **headers, "content": {"application/json": schema}}


def _problem(status: int) -> Schema:
    name = "Stale" if status == 412 else "Problem"  # noqa: PLR2004 - an HTTP status
    schema = {
        "allOf": [{"$ref": f"#/components/schemas/{name}"}],
        "properties": {"type": {"const": TYPES[status]}},
    }
    return {"description": MEANINGS[status], "content": {"application/json": {"schema": schema}}}


def _query(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_PARAMETERS: Final = [
    _query(
        "sortField",
        "What to sort by; equal ones by their ids.",
        {"type": "string", "enum": list(SORTS), "default": "name"},
    ),
    _query(
        "sortDirection", "In which direction.", {"type": "string", "enum": [*DIRECTIONS], "default": "asc"}
    ),
    _query(
        "page",
        "The number of the page, from 0; not together with `cursor`.",
        {"type": "integer", "minimum": 0, "maximum": MAXIMUM_PAGE, "default": 0},
    ),
    _query(
        "perPage",
        "How many at most.",
        {"type": "integer", "minimum": 1, "maximum": MAXIMUM_PER_PAGE, "default": PER_PAGE},
    ),
    _query(
        "filterField",
        "What `filter` is compared with; `status` is the `state` of a token, `client` the id of its app.",
        {"type": "string", "enum": [*FILTERS], "default": "name"},
    ),
    _query(
        "filter",
        "Only these. A name is a pattern with `*`, `?` and `[...]`, or else a part of it, whatever the case.",
        {"type": "string", "maxLength": MAXIMUM_FILTER},
    ),
    _query(
        "cursor",
        "`next` of the answer before: goes on behind it, whatever came or went meanwhile.",
        {"type": "string"},
    ),
]


def _object(properties: Schema, *optional: str) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas(account: Account) -> Schema:
    text, whole = {"type": "string"}, {"type": "integer", "minimum": 0}
    editable = _editable()
    problem = {
        "type": {"type": "string", "enum": list(TYPES.values()), "description": "It never changes."},
        "message": {**text, "description": "What happened and what to do; for developers, and may change."},
        "field": {**text, "description": "The path or the parameter that it is about."},
        "error": {**text, "description": "The error code of RFC 6750, where an access token is refused."},
        "reason": {**text, "description": "Why an access token is refused."},
        "error_description": text,
    }
    difference = {"current": editable, "wanted": editable}
    return {
        "Role": _role(account.catalogue.roles),
        "OrgRole": _org_role(account.catalogue.roles),
        "Changes": {**_object(editable, *editable), "description": "What is to be changed."},
        "Token": _token(account),
        "Tokens": _object(
            {
                "items": _array(_ref("Token")),
                "count": {**whole, "description": "How many are on this page."},
                "totalCount": {**whole, "description": "How many there are on all pages."},
                "perPage": whole,
                "page": {**whole, "description": "Missing where `cursor` was sent."},
                "filter": text,
                "filterField": {**text, "enum": [*FILTERS]},
                "sortField": {**text, "enum": list(SORTS)},
                "sortDirection": {**text, "enum": [*DIRECTIONS]},
                "next": {**text, "description": "The `cursor` of what comes next; missing at the end."},
            },
            *("page", "filter", "filterField", "next"),
        ),
        "Problem": _object(problem, "field", "error", "reason", "error_description"),
        "Stale": _object(
            {
                "type": {"const": TYPES[412]},
                "message": text,
                "current": {**whole, "description": "The version that stands now."},
                "differences": {
                    "type": "object",
                    "description": "By property, what stands now and what was wanted.",
                    "properties": {
                        name: _object({side: difference[side][name] for side in difference})
                        for name in editable
                    },
                    "additionalProperties": False,
                },
            }
        ),
    }


def _role(roles: RoleLadder) -> Schema:
    words = "; ".join(f"{role.name}: {role.label or role.name}" for role in roles.roles)
    return {
        "type": "string",
        "enum": [role.name for role in roles.roles],
        "description": f"The roles, from the weakest to the strongest. {words}",
    }


def _org_role(roles: RoleLadder) -> Schema:
    id_: Schema = {"type": "string", "minLength": 1, "maxLength": MAXIMUM_ID}
    most = roles.roles[roles.most_on_application].name
    role = {**_ref("Role"), "description": f"The maximum role on it, which is at most {most}."}
    application = _object({"resourceId": id_, "role": role})
    entry = _object(
        {
            "orgId": {
                **id_,
                "description": "The id of an organization, or `sandbox` for the user's own. An organization that is"
                " itself called `sandbox` is written `organization:sandbox`.",
            },
            "role": {
                **_ref("Role"),
                "description": "The maximum role there; missing: as without the entry, so the default.",
            },
            "applicationRoles": _array(application),
        },
        *("role", "applicationRoles"),
    )
    needed = [
        {"required": ["role"]},
        {"properties": {"applicationRoles": {"minItems": 1}}, "required": ["applicationRoles"]},
    ]
    return {**entry, "anyOf": needed}


def _editable() -> Schema:
    kinds: Schema = {
        "name": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_NAME, "pattern": r"\S"},
        "description": {"type": "string", "maxLength": MAXIMUM_DESCRIPTION},
        "defaultRole": _ref("Role"),
        "orgRoles": _array(_ref("OrgRole")),
        "status": {"type": "string", "enum": [*SWITCH]},
    }
    return {name: {**kinds[name], "description": PROPERTIES[name]} for name in EDITABLE}


def _token(account: Account) -> Schema:
    text: Schema = {"type": "string"}
    oauth = _object(
        {
            "client_id": text,
            "client_name": {**text, "description": "Empty where the client was removed."},
            "client_uri": text,
            "logo_uri": text,
            "redirect_uri": text,
            "resource": {**_array(text), "description": "Where the token may be used, as URIs."},
            "authorizationStatus": {**text, "enum": ["pending", "authorized"]},
        },
        *("client_uri", "logo_uri"),
    )
    scope = {
        **_array({**text, "examples": list(account.catalogue.scopes)}),
        "description": "What the token may do at all; a scope that is no longer on offer covers nothing.",
    }
    return _object(
        {
            "id": {**text, "description": "Names the token; it is no secret."},
            "oauthTokenId": {**text, "description": "The same as `id`."},
            "creationDate": {**_DATE, "description": "When the user let the app in."},
            "lastUpdated": {**_DATE, "description": "When people changed it last; at first its creation."},
            "lastUsedDate": {**_DATE, "description": "Missing where it was never used."},
            "expirationDate": {**_DATE, "description": "Missing where it does not expire."},
            **_editable(),
            "scope": scope,
            "state": {
                **text,
                "enum": [*STATES],
                "description": "What the token is now. A revoked one is shown to people as Disconnected.",
            },
            "revokedReason": {**text, "description": "Why it is disconnected."},
            "oauth": oauth,
            "version": {"type": "integer", "minimum": 1, "description": "One more at each change by people."},
        },
        *("lastUsedDate", "expirationDate", "revokedReason"),
    )


def _security(account: Account) -> Schema:
    actions = " and ".join(dict.fromkeys(filter(None, (account.list_action, account.token_action))))
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "session",
            "description": "The session of the user who is signed in at the host; its cookie is the host's, whatever"
            " its name is.",
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": f"An access token, for reading alone: its scope must cover {actions or 'what none does'}.",
        },
    }
