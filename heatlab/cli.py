"""The ``heatlab`` command: serve the apps, check the installation, write a report, run a study."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import heatlab
from heatlab.errors import HeatlabError, ParameterError

PLANNED = ("liquidation", "risk", "volatility", "trend", "leverage", "stops")

SOURCE_HELP = (
    "Where the market comes from: 'simulated' (the default; 'simulated:SEED' for another one), a folder of Parquet or "
    "CSV files, or exchanges by name, for example 'binanceusdm,okx'."
)
source_option = click.option("--source", "spec", default="simulated", metavar="SOURCE", help=SOURCE_HELP)
positions_option = click.option(
    "--positions",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE.csv",
    help="Your positions from a file, instead of those of the source.",
)


class _Front(click.Group):
    """A group that runs ``serve`` when no command is named, and shows errors of heatlab as one line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if not args or (args[0] not in self.commands and args[0].startswith("-") and args[0] not in own):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeatlabError as error:
            raise _OneLine(str(error)) from error


class _OneLine(click.ClickException):
    """A mistake in what was asked, said in one line; exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - the signature is click's
        click.echo(f"heatlab: {' '.join(self.message.split())}", err=True)


@click.group(cls=_Front, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(heatlab.__version__, prog_name="heatlab")
def cli() -> None:
    """See the risk of a leveraged crypto book. Without a command, heatlab serves its apps."""


@cli.command()
@source_option
@positions_option
@click.option("--ip", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any free one. [default: 8866, or a free one where it is taken]",
)
@click.option(
    "--token",
    envvar="HEATLAB_TOKEN",
    help="Ask every visitor for this token. Beyond this machine a random one is made. Other users of this machine see "
    "the arguments of a command, but not its environment: HEATLAB_TOKEN takes the token out of their sight.",
)
@click.option("--browser/--no-browser", default=True, help="Open the gallery in a browser.")
@click.option("--preheat", type=click.IntRange(0, 8), default=1, show_default=True, help="Kernels kept ready per app.")
@click.option(
    "--idle",
    type=click.IntRange(2),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="End a kernel without an open page after this long.",
)
@click.option("--verbose", is_flag=True, help="Print the server's own log.")
@click.option(
    "--notebooks",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    hidden=True,
    help="Serve another folder of notebooks.",
)
def serve(
    *,
    spec: str,
    positions: Path | None,
    ip: str,
    port: int | None,
    token: str | None,
    browser: bool,
    preheat: int,
    idle: int,
    verbose: bool,
    notebooks: Path | None,
) -> None:
    """Serve the apps on this machine and print where they are."""
    os.environ.pop("HEATLAB_TOKEN", None)  # the kernels have no use for it
    source = _open(spec, positions)
    _hand_over(spec, positions)
    from heatlab.apps import serve as server
    from heatlab.apps.address import Settings, choose_token

    settings = Settings(
        ip=ip,
        port=port,
        token=choose_token(ip, token),
        notebooks=notebooks or server.notebooks_dir(),
        open_browser=browser,
        preheat=preheat,
        idle=idle,
        verbose=verbose,
    )
    server.serve(settings, announce=lambda url: click.echo(f"heatlab is at {url} ({source.name}). Ctrl-C ends it."))


@cli.command()
@source_option
@positions_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, spec: str, positions: Path | None, as_json: bool) -> None:
    """Check Python, packages, data, keys and venues; exit code 1 if something is broken."""
    from heatlab.apps.doctor import examine

    findings = examine(spec, positions=positions)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.state.upper():>6}  {finding.name}: {finding.message}")
    if any(finding.state == "broken" for finding in findings):
        sys.exit(1)


@cli.command()
@source_option
@positions_option
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    metavar="FOLDER",
    help="Folder for report.html and its CSV files; made where it is missing.",
)
@click.option("--max-age", metavar="TIME", help="Fail if the data are older than this, for example '3h' or '1d'.")
@click.option("--quiet", is_flag=True, help="Print nothing unless it fails.")
def report(*, spec: str, positions: Path | None, out: Path, max_age: str | None, quiet: bool) -> None:
    """Write one self-contained HTML report of the book, and CSV files; exit code 2 on failure.

    For a nightly job: each file is replaced whole or left as it was. Progress is shown on a terminal only.
    """
    limit = _length(max_age)
    source = _open(spec, positions)
    from heatlab.apps.report_app import report as make

    at = None if source.is_simulated else _now()
    with _progress(quiet) as (progress, say):
        made, paths = make(source, out, max_age=limit, at=at, progress=progress, say=say)
    if not quiet:
        click.echo(f"{paths[-1]}: {made.positions} positions, {made.alerts} alerts, {made.reds} of them red.")


@cli.command()
@click.argument("name")
@click.option(
    "--market",
    required=True,
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    metavar="FOLDER",
    help="Folder of market data.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def study(*, name: str, market: Path, as_json: bool) -> None:
    """Run the study NAME on a folder of market data and print its metrics."""
    result = _study(name)(market)
    click.echo(json.dumps(_plain(result), indent=2, default=str) if as_json else str(result))


def main() -> None:
    """Run the command; an interrupt is a way to end it, not a failure."""
    try:
        cli.main(prog_name="heatlab", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(0)


def _open(spec: str, positions: Path | None) -> Any:
    """Open the source and read the positions now, so that a mistake shows here and not in a browser."""
    from heatlab import sources
    from heatlab.apps.doctor import venues_of

    source = sources.open_source(spec, positions=positions)
    venues_of(source)
    if positions is not None:
        source.positions()
    return source


def _length(text: str | None) -> Any:
    """Read a length of time such as '3h'."""
    if text is None:
        return None
    import pandas as pd

    try:
        length = pd.Timedelta(text)
    except ValueError as error:
        raise ParameterError(f"--max-age must be a length of time such as '3h' or '1d'. Got {text!r}.") from error
    if pd.isna(length) or length <= pd.Timedelta(0):
        raise ParameterError(f"--max-age must be a length of time above zero, such as '3h'. Got {text!r}.")
    return length


def _now() -> Any:
    import pandas as pd

    return pd.Timestamp.now("UTC")


@contextmanager
def _progress(quiet: bool) -> Iterator[tuple[Any, Any]]:
    """Show progress on one line of a terminal; in a pipe, and when quiet, show nothing."""
    if quiet or not sys.stderr.isatty():
        yield None, None
        return

    def line(text: str) -> None:
        click.echo(f"\r\033[2Kheatlab: {text}", nl=False, err=True)

    try:
        yield lambda done, total, what: line(f"loading {done:g} of {total:g}: {what}"), line
    finally:
        click.echo("\r\033[2K", nl=False, err=True)


def _hand_over(spec: str, positions: Path | None) -> None:
    """Tell the kernels through the environment what to open."""
    folder = Path(spec).expanduser()
    os.environ["HEATLAB_SOURCE"] = str(folder.resolve()) if folder.is_dir() else spec
    if positions is not None:
        os.environ["HEATLAB_POSITIONS"] = str(positions)


def _study(name: str) -> Callable[[Path], Any]:
    available = {"liquidation": "liquidation_study", "risk": "risk_study"}
    if name not in available:
        later = ", ".join(sorted(set(PLANNED) - set(available)))
        raise ParameterError(
            f"The study {name!r} is not available{' yet' if name in PLANNED else ''}. Available: "
            f"{', '.join(available)}. Not yet: {later}."
        )
    from heatlab import apps

    function: Callable[[Path], Any] = getattr(apps, available[name])
    return function


def _plain(result: Any) -> Any:
    """Turn a result into what JSON knows."""
    if hasattr(result, "to_dict"):
        return result.to_dict()
    return dataclasses.asdict(result) if dataclasses.is_dataclass(result) and not isinstance(result, type) else result


if __name__ == "__main__":
    main()
