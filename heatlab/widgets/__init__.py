"""Widgets the apps are made of: Bokeh panes, a status line, jobs, downloads, presence and the style sheet."""

from heatlab.widgets.downloads import DownloadLink, PictureLink, download_link
from heatlab.widgets.jobs import Cancelled, Job, LatestWins, Runner
from heatlab.widgets.pane import BokehPane
from heatlab.widgets.presence import Presence
from heatlab.widgets.status import Status, guard, log_to_file
from heatlab.widgets.styles import Stylesheet, css, stylesheet

__all__ = [
    "BokehPane",
    "Cancelled",
    "DownloadLink",
    "Job",
    "LatestWins",
    "PictureLink",
    "Presence",
    "Runner",
    "Status",
    "Stylesheet",
    "css",
    "download_link",
    "guard",
    "log_to_file",
    "stylesheet",
]

log_to_file()  # only where HEATLAB_LOG names a file
