"""The exception for a user's mistake, which the entry scripts turn into one line and status 2."""


class InputError(ValueError):
    """Says that a file, an option or a record is not what it must be.

    The message is one line that names the file, the field and what was expected. Anything that
    is a defect of the program is another exception and keeps its traceback.
    """
