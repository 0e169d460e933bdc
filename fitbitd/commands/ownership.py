"""A command that root runs becomes the user whom the state directory belongs to."""

import os
import pwd
from pathlib import Path

from fitbitd.errors import OperatorError


def become_owner(state_dir: Path) -> None:
    """Leave root behind, if the state directory belongs to another user.

    A file that root leaves in it could not be opened by the service again.

    Raises:
        OperatorError: the owner is no user of this machine.
    """
    if os.geteuid() != 0 or not state_dir.exists():
        return
    owner = state_dir.stat().st_uid
    if owner == 0:
        return
    try:
        user = pwd.getpwuid(owner)
    except KeyError:
        raise OperatorError(
            f"{state_dir} belongs to uid {owner}, who is no user of this machine.\n"
            "Next: chown it to the user who runs fitbitd",
            code="permission",
        ) from None
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(owner)
