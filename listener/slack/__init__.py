"""The Bolt app: what people press, type and open in Slack.

app.py       which listener hears what                links.py     the ways in: Socket Mode, or signed HTTP
clicks.py    buttons and forms of a case              guests.py    who may press at all
around.py    what a form must know beside its case
drafts.py    what was typed into a form and closed    raising.py   "Escalate this message", a case raised by hand
home.py      the Home tab                             commands.py  /mentions, /cases, /oncall, /digest
searches.py  saved searches, the channels they tell     finding.py   a search as a form, its hits in the window
pages.py     what a command answers, as blocks        checks.py    what `listener doctor` looks at
unfurls.py   what a shared link to the desk says      who.py       who would be told, and then
letters.py   a digest at its time, and a brief        office.py    what all of them need
workspaces.py  where the app is installed, and the line to each
hearing.py   whether anything reaches us
installing.py  the way there: OAuth                   sealing.py   tokens are kept sealed

Slack wants an answer within three seconds. Whatever a press means is decided and written in one transaction; what must
be said about it is owed to the courier like everything else, so nothing here waits for a message to be sent.
"""

from listener.slack.app import app, listening
from listener.slack.checks import SCOPES, examine, installed
from listener.slack.letters import page
from listener.slack.links import PATH
from listener.slack.office import client
from listener.slack.workspaces import lines

__all__ = ["PATH", "SCOPES", "app", "client", "examine", "installed", "lines", "listening", "page"]
