class RequestValidator:
    """Answers to the questions of a grant; every one of them may be overridden, with arguments of any type."""
