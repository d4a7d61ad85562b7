"""What can go wrong, in one place. Every message says what to do next."""


class FerError(Exception):
    """Base of all errors that fer_nb raises on purpose; catch this one to catch them all."""


class MediaError(FerError):
    """A photo or video cannot be read or written."""


class ModelError(FerError):
    """A model or its weights are missing, broken, or asked for something they cannot do."""


class TableError(FerError):
    """A reaction table lacks columns, or holds values that cannot be."""


class StudyError(FerError):
    """A study's manifest or data cannot be used; lists every problem that was found."""


class MissingExtraError(FerError):
    """An optional part is not installed.

    Parameters
    ----------
    what : str
        What the user wanted to do, as the subject of a sentence.
    extra : str
        The extra of this package that brings it.
    """

    def __init__(self, what: str, extra: str):
        super().__init__(
            f"{what} needs packages that are not installed: pip install 'fer_nb[{extra}]'"
        )
