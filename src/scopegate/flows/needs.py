"""What a protected route or tool needs, and whether that makes sense: asked when a host starts."""

from collections.abc import Collection

from attrs import frozen

from scopegate.errors import ConfigurationError, InvalidValueError
from scopegate.flows.configuration import Configuration


@frozen
class Need:
    """What is needed, as the host wrote it.

    Args:
        actions: the names of the actions that it is; none: any good access token will do.
        organization: the parameter that holds the organization.
        application: the parameter that holds the application.
        resource: the URI of the resource as configured; None: the first one.
    """

    actions: tuple[str, ...] = ()
    organization: str | None = None
    application: str | None = None
    resource: str | None = None


def check(config: Configuration, need: Need, *, what: str, parameters: Collection[str]) -> None:
    """Refuse what could only fail at a request.

    Args:
        config: the server's configuration.
        need: what was written.
        what: whose need it is, for the message.
        parameters: the names of the parameters that it has.

    Raises:
        ConfigurationError: the catalogue has no such action, a parameter or the resource is not there, or nothing says
            where the action happens.
    """
    for parameter in (need.organization, need.application):
        if parameter is not None and parameter not in parameters:
            raise ConfigurationError(f"{what} has no parameter {parameter!r}: {sorted(parameters)}")
    known = list(config.audiences.values())
    if need.resource is not None and need.resource not in known:
        raise ConfigurationError(f"{what}: resource {need.resource!r} is not written as one of {known}")
    try:
        for action in need.actions:
            config.evaluator.place(action, need.organization, need.application)
    except ConfigurationError as error:
        raise ConfigurationError(f"{what}: {error}") from error
    except InvalidValueError as error:
        raise ConfigurationError(f"{what}: {error.problem}") from error
