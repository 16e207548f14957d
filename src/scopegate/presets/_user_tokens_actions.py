"""The actions of `user_tokens`, and the least roles that are stricter than their class.

Every action stands under its level, its resource and its class, as the product declares them. The class is never to
be guessed from the HTTP method: five of the ``write`` actions are a GET, many of the ``read`` ones are a POST.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Names(NamedTuple):
    """What can be done with one kind of resource: names of actions by class, with spaces between."""

    read: str = ""
    write: str = ""
    sensitive: str = ""


ONE: Final = Names("get", "delete patch")
MANY: Final = Names("get", "post")
SEEN: Final = Names("get")
TOKEN: Final = Names("get", "", "delete patch")
TOKENS: Final = Names("get", "", "post")

RESOURCES: Final[Mapping[str, Mapping[str, Names]]] = {
    "User": {
        "applicationTemplate": SEEN,
        "applicationTemplates": Names(read="get getCategories getUniqueKeywords"),
        "instances": SEEN,
        "me": Names(
            read=(
                "deviceCounts fetchRecentItems get invite invites notebookMinuteCounts"
                " payloadCounts payloadCountsBreakdown"
            ),
            write="addRecentItem",
            sensitive=(
                "changePassword delete disableTwoFactorAuth disconnectGithub enableTwoFactorAuth"
                " generateTwoFactorAuth patch refreshToken respondToInvite transferResources"
                " verifyEmail"
            ),
        ),
        "orgs": MANY,
        "userApiToken": TOKEN,
        "userApiTokens": TOKENS,
        "userOauthToken": TOKEN,
        "userOauthTokens": TOKENS,
    },
    "Organization": {
        "applications": Names(read="get periodSummaries", write="import post"),
        "auditLog": SEEN,
        "auditLogs": SEEN,
        "dashboard": Names(write="delete patch sendReport"),
        "dashboards": MANY,
        "org": Names(
            read="deviceCounts get notebookMinuteCounts payloadCounts payloadCountsBreakdown pendingInvites",
            write="delete patch",
            sensitive="inviteMember modifyMember removeMember revokeInvite transferResources",
        ),
    },
    "Instance": {
        "instance": Names(
            read=(
                "deviceCounts generateReport get historicalSummaries notebookMinuteCounts"
                " payloadCounts payloadCountsBreakdown"
            ),
            write="patch",
        ),
        "instanceApiToken": TOKEN,
        "instanceApiTokens": TOKENS,
        "instanceAuditLog": SEEN,
        "instanceAuditLogs": SEEN,
        "instanceCustomNode": Names(read="errors get stats", write="delete patch"),
        "instanceCustomNodes": MANY,
        "instanceMember": TOKEN,
        "instanceMembers": TOKENS,
        "instanceNotificationRule": Names(read="get", write="delete evaluate logs patch"),
        "instanceNotificationRules": MANY,
        "instanceOrg": Names(
            read="deviceCounts get notebookMinuteCounts payloadCounts payloadCountsBreakdown",
            write="delete patch",
        ),
        "instanceOrgInvite": Names(read="get", sensitive="delete resendInvite"),
        "instanceOrgInvites": TOKENS,
        "instanceOrgMember": TOKEN,
        "instanceOrgMembers": TOKENS,
        "instanceOrgs": MANY,
        "instanceSandbox": Names(
            read="deviceCounts get notebookMinuteCounts payloadCounts payloadCountsBreakdown",
            write="delete undelete",
        ),
        "instanceSandboxes": SEEN,
    },
    "Application": {
        "application": Names(
            read=(
                "deviceCounts get importLogs mqttSubscriptionStream notebookMinuteCounts"
                " payloadCounts payloadCountsBreakdown readme search"
            ),
            write=(
                "applyTemplate archiveData backfillArchiveData clone delete export"
                " fullDataTablesArchive fullEventsArchive globals import mqttPublishMessage patch"
                " readmePatch"
            ),
        ),
        "applicationApiToken": TOKEN,
        "applicationApiTokens": TOKENS,
        "applicationCertificate": ONE,
        "applicationCertificateAuthorities": MANY,
        "applicationCertificateAuthority": ONE,
        "applicationCertificates": MANY,
        "applicationDashboard": Names(read="get sendReport", write="delete patch"),
        "applicationDashboards": MANY,
        "applicationJobLog": SEEN,
        "applicationJobLogs": SEEN,
        "applicationKey": ONE,
        "applicationKeys": MANY,
        "credential": Names(read="get linkedResources", write="delete patch"),
        "credentials": MANY,
        "data": Names(read="export lastValueQuery timeSeriesQuery"),
        "dataTable": Names(read="get", write="addColumn delete patch removeColumn"),
        "dataTableRow": ONE,
        "dataTableRows": Names(read="export get query", write="delete post truncate"),
        "dataTables": MANY,
        "device": Names(
            read=(
                "commandStream export get getCommand getCompositeState getLogEntries getState"
                " payloadCounts payloadCountsBreakdown stateStream"
            ),
            write="delete patch removeData sendCommand sendState setConnectionStatus",
        ),
        "deviceAttribute": ONE,
        "deviceAttributes": MANY,
        "deviceRecipe": Names(read="get", write="bulkCreate delete patch"),
        "deviceRecipes": MANY,
        "devices": Names(
            read="attributeNames deviceNames export get getCompositeState payloadCounts tagKeys tagValues",
            write="delete patch post removeData restore sendCommand",
        ),
        "edgeDeployment": SEEN,
        "edgeDeployments": Names(read="get", write="release remove replace"),
        "embeddedDeployment": SEEN,
        "embeddedDeployments": Names(read="export get", write="release remove replace"),
        "event": ONE,
        "events": Names(read="delete export get mostRecentBySeverity", write="patch post"),
        "experience": Names(write="bootstrap delete"),
        "experienceDomain": ONE,
        "experienceDomains": MANY,
        "experienceEndpoint": Names(read="get linkedResources", write="delete patch"),
        "experienceEndpoints": Names(read="get stats", write="post"),
        "experienceGroup": ONE,
        "experienceGroups": MANY,
        "experienceSlug": ONE,
        "experienceSlugs": MANY,
        "experienceUser": ONE,
        "experienceUsers": MANY,
        "experienceVersion": ONE,
        "experienceVersions": MANY,
        "experienceView": Names(read="get linkedResources", write="delete patch"),
        "experienceViews": MANY,
        "file": Names(read="get", write="delete move patch upload"),
        "files": MANY,
        "flow": Names(
            read="errors get getLogEntries getStorageEntries getStorageEntriesMetadata stats",
            write="clearStorageEntries delete patch pressVirtualButton setStorageEntry",
        ),
        "flowVersion": Names(read="errors get getLogEntries stats", write="delete patch"),
        "flowVersions": Names(read="get", write="delete post"),
        "flows": Names(read="get getByVersion palette", write="import post"),
        "integration": ONE,
        "integrations": MANY,
        "notebook": Names(
            read="get logs notebookMinuteCounts requestInputDataExport",
            write="cancelExecution delete execute patch upload",
        ),
        "notebooks": MANY,
        "privateFile": Names(read="get", write="delete move patch upload"),
        "privateFiles": MANY,
        "resourceJob": Names(read="get logs", write="cancelExecution delete execute patch"),
        "resourceJobs": MANY,
        "webhook": ONE,
        "webhooks": MANY,
    },
}
"""Level, resource, class: the names of the actions."""

CLOSED: Final = frozenset(
    {
        "userApiToken.delete",
        "userApiToken.patch",
        "userApiTokens.post",
        "userOauthToken.delete",
        "userOauthToken.patch",
        "userOauthTokens.post",
    }
)
"""A token never mints, widens or removes tokens of its user, itself included, whatever its scopes."""

STRICTER: Final[Mapping[str, str]] = {
    # Only administrators manage the organization and its members, and only they are shown its invitations and its log.
    "org.delete": "admin",
    "org.patch": "admin",
    "org.pendingInvites": "admin",
    "auditLog.get": "admin",
    "auditLogs.get": "admin",
    # Whole applications and dashboards of an organization come and go with editors. A clone or an export carries off
    # all that is in an application, and an import may replace it. They are judged at that application: a host asks for
    # `applications.post` where a clone is to go.
    "applications.import": "edit",
    "applications.post": "edit",
    "application.clone": "edit",
    "application.delete": "edit",
    "application.export": "edit",
    "application.import": "edit",
    "dashboard.delete": "edit",
    "dashboards.post": "edit",
    # Their class is read, so that even a scope that only reads opens them; but one removes events, the other sends
    # mail, and a viewer changes nothing.
    "events.delete": "collaborate",
    "applicationDashboard.sendReport": "collaborate",
}
"""Least roles where the class would be too weak.

All other writes stay with collaborators, who change applications and dashboards that exist and everything inside them.
Some of those reach further than they look, and only the role stands before them: a device access key, a certificate or
a credential outlives the token that made it; ``dataTableRows.truncate``, ``devices.delete`` and ``experience.delete``
empty what they name, as one by one a collaborator could. A host that wants them out of reach of every token makes them
sensitive: ``user_tokens(access={"applicationKeys.post": "sensitive"})``.
"""
