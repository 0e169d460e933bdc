"""What a newcomer has to do at a provider before an account can be authorized, step by step.

Sources:
    developers.google.com/health, "Setup", "App verification"; the words of the console as users of
    other collectors report them (read 2026-11-22).
"""

from collections.abc import Mapping
from types import MappingProxyType

_GOOGLE = """\
Before fitbitd can read a watch's data, Google wants an app of your own. In a browser:

 1. A project: https://console.cloud.google.com/projectcreate
    In October 2026 Google said that it takes no new projects for the time being. How it is today,
    https://developers.google.com/health/setup says: look there first. While it is closed there is
    no other way in; a project that has the API already goes on working.
 2. The API: in "APIs & Services", "Library", enable "Google Health API".
 3. The consent screen: "OAuth consent screen", user type External.
 4. The scopes: "Data Access", "Add or remove scopes", those of the Google Health API that end in
    .readonly, as many as you want to collect. Keep settings among them: it tells when the watch
    brought new data.
 5. The client: "Clients", "Create client", type "Desktop app". Its client ID goes into client_id of
    the configuration; its secret into a file of its own, which client_secret_file names.
 6. Testing or published: "Audience". While the app is in Testing, add yourself as a test user, and
    each consent ends after 7 days. Press "Publish app" and it lasts. No verification is needed for
    yourself and up to 100 people. A consent given in Testing keeps its 7 days: after publishing,
    consent once more.
 7. fitbitd authorize ACCOUNT. Google then says that it hasn't verified this app, which is your own:
    "Advanced", "Go to ...". Tick every box.

Consent with the Google account that the watch syncs to. It must have opened the Google Health app
(Fitbit, before) once: if not, the API answers ACCOUNT_NOT_LINKED; open the app, sign in, try again.
"""

_FITBIT = """\
The legacy Fitbit Web API was switched off on 2026-11-02 and answers 410 Gone. An account of it
serves to read what was collected from it (name it in `continues` of its successor), and to try
things out with the simulator (fitbitd simulate --provider fitbit).

 1. The app was registered at https://dev.fitbit.com/apps; its client ID goes into client_id, its
    secret into a file that client_secret_file names.
 2. Its redirect URI is exactly the one that `fitbitd authorize` prints.
"""

WALKS: Mapping[str, str] = MappingProxyType({"google_health": _GOOGLE, "fitbit": _FITBIT})
