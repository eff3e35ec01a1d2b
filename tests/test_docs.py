"""The documentation against the code: nothing is missing, nothing is named that there is not."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

import jupyter_etl
from fakes.serving import FakeCatalogue
from jupyter_etl import errors
from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.sign_in import SIGN_IN_PATH
from jupyter_etl.language.commands.declarations import CommandSpec
from jupyter_etl.language.commands.parser import parse_command, parse_line
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS
from jupyter_etl.model import RunContext
from jupyter_etl.notebook import api
from jupyter_etl.rest import openapi
from jupyter_etl.rest.routes import ROUTES
from jupyter_etl.runner.channel.sockets import CHANNEL
from jupyter_etl.runner.kernel.kernels import ATTEMPT, BUNDLE, WORKING_FOLDER
from jupyter_etl.services.secrets import EnvironmentSecrets
from jupyter_etl.services.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jupyter_ext" / "jupyter_etl"
DOCS = ROOT / "docs"
GUIDES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
PAPERS = [
    *GUIDES,
    *sorted((DOCS / "adr").glob("*.md")),
    *sorted((DOCS / "examples").glob("*.md")),
    ROOT / "ARCHITECTURE.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
]

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PLACEHOLDER = re.compile(r"\bCOMMAND\b|\.\.\.$")
MAGIC = re.compile(r"^(?:\w+ = )?(%%?)etl(?: (.*))?$")


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of any level; "" without it."""
    found = re.search(
        rf"^#+ `?{re.escape(heading)}`?\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL
    )
    return found[1] if found else ""


def fences(language: str) -> Iterator[tuple[str, str]]:
    """Yield page and content of every fenced block of a language."""
    for page in GUIDES:
        for found in FENCE.finditer(page.read_text("utf-8")):
            if found[2] == language:
                yield page.name, textwrap.dedent(found[3])


def inline_code() -> Iterator[tuple[str, str]]:
    """Yield page and content of every piece of code inside a line."""
    for page in GUIDES:
        for found in INLINE.finditer(FENCE.sub("", page.read_text("utf-8"))):
            yield page.name, found[1].replace("\\|", "|")


def magic_calls() -> Iterator[tuple[str, str, str | None]]:
    """Yield page, line and cell of every ``%etl`` in the guides."""
    for page, block in fences("text"):
        lines = block.splitlines()
        for number, line in enumerate(lines):
            if found := MAGIC.match(line.rstrip()):
                body = []
                for below in lines[number + 1 :]:
                    if not below.strip() or below.startswith("%"):
                        break
                    body.append(below)
                yield page, found[2] or "", "\n".join(body) if found[1] == "%%" else None
    for page, code in inline_code():
        if (found := MAGIC.match(code)) and not PLACEHOLDER.search(code):
            # What is only mentioned has its arguments, or its cell, elsewhere.
            words = found[2] or ""
            line = words if " " in words or not words else f"{words} -h"
            yield page, line, "id: unique" if found[1] == "%%" else None


def shell_calls() -> Iterator[tuple[str, str]]:
    """Yield page and words of every ``jupyter etl`` in the guides."""
    for page, block in fences("text"):
        for line in block.splitlines():
            if line.startswith("jupyter etl"):
                yield page, line
    for page, code in inline_code():
        if code.startswith("jupyter etl ") and not PLACEHOLDER.search(code):
            yield page, code if len(code.split()) > 3 else f"{code} -h"


@pytest.mark.parametrize(
    ("page", "spec"),
    [("language.md", spec) for spec in MAGIC_COMMANDS]
    + [("cli.md", spec) for spec in CLI_COMMANDS],
    ids=lambda value: value.title if isinstance(value, CommandSpec) else value,
)
def test_every_command_is_documented_with_its_options(page: str, spec: CommandSpec) -> None:
    reported = section(text_of(page), spec.title)
    assert reported, f"{page} has no heading `{spec.title}`"
    for argument in spec.arguments:
        shown = argument.shown.replace("|", "\\|")
        assert f"`{shown}`" in reported, f"{page}, {spec.title}: {argument.shown} is missing"


@pytest.mark.parametrize(
    ("page", "specs"), [("language.md", MAGIC_COMMANDS), ("cli.md", CLI_COMMANDS)]
)
def test_no_command_is_documented_that_there_is_not(
    page: str, specs: tuple[CommandSpec, ...]
) -> None:
    reported = re.findall(r"^### `(.+)`$", text_of(page), re.MULTILINE)
    assert reported == [spec.title for spec in specs]


@cache
def settings() -> set[str]:
    names = set(Settings.from_env({}, home="/nowhere").environ())
    kernel = {CHANNEL, ATTEMPT, BUNDLE, WORKING_FOLDER}
    return names | kernel | {EnvironmentSecrets.variable("")}


def test_every_setting_is_documented() -> None:
    reported = section(text_of("operators.md"), "Settings")
    for name in settings():
        assert re.search(rf"^\| `{name}(?:<NAME>)?` \|", reported, re.MULTILINE), name


def test_no_setting_is_named_that_there_is_not() -> None:
    secret = EnvironmentSecrets.variable("")
    for page in PAPERS:
        for name in re.findall(rf"{PREFIX}[A-Z_]+", page.read_text("utf-8")):
            assert name in settings() or name.startswith(secret), f"{page.name}: {name}"


def test_every_trait_of_the_server_extension_is_documented() -> None:
    code = (PACKAGE / "rest" / "application.py").read_text("utf-8")
    tree = ast.parse(code)
    app = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    traits = [
        node.targets[0].id
        for node in app.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and "tag(config=True)" in ast.unparse(node.value)
    ]
    assert traits
    for name in traits:
        assert f"`{app.name}.{name}`" in text_of("operators.md"), name


def documented_routes(heading: str) -> set[str]:
    return set(re.findall(r"`((?:GET|POST|DELETE|PUT|PATCH) /[^\s`]*)`", heading))


def test_openapi_yaml_is_what_the_routes_declare(request: pytest.FixtureRequest) -> None:
    document = PACKAGE / "rest" / "openapi.yaml"
    if request.config.getoption("--write", default=False):
        document.write_text(openapi.render(), "utf-8")
    assert document.read_text("utf-8") == openapi.render(), (
        "openapi.yaml is out of date: make docs WRITE=1, then cd labextension && jlpm build:api"
    )


def test_the_routes_of_the_panel_are_documented() -> None:
    routes = {f"{one.method} {one.path}" for one in ROUTES}
    assert documented_routes(section(text_of("rest.md"), "Routes")) == routes


def test_the_routes_of_the_consumers_service_are_documented() -> None:
    # Nothing is called: the routes are read only.
    app = create_app(FakeCatalogue(), str, endpoints=object())  # type: ignore[arg-type]
    routes = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for route in app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    } | {f"POST {SIGN_IN_PATH}"}
    assert documented_routes(section(text_of("rest.md"), "The consumers' service")) == routes


def test_the_event_is_documented() -> None:
    schema = yaml.safe_load((PACKAGE / "rest" / "events" / "run.yaml").read_bytes())
    reported = section(text_of("rest.md"), "Events")
    assert schema["$id"] in reported
    for name in schema["properties"]:
        assert f'"{name}":' in reported, name


def test_every_block_is_documented() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    reported = section(text_of("blocks.md"), "Ports and entry points")
    assert project["entry-points"]
    for group, points in project["entry-points"].items():
        assert f"`{group}`" in reported, group
        for name, place in points.items():
            assert f"`{name}`" in reported, name
            assert f"`{place.partition(':')[2]}`" in reported, place


def test_every_python_name_is_documented_with_its_arguments() -> None:
    reported = text_of("python.md")
    for name in jupyter_etl.__all__:
        if name == "__version__":
            continue
        if name == "run":
            assert section(reported, "etl.run")
            continue
        assert f"`etl.{name}(" in reported, name
        call = reported.partition(f"`etl.{name}(")[2].partition(")`")[0]
        shown = str(inspect.signature(getattr(api, name)))
        wanted = re.sub(r": [^,=()]+?(?:\[[^\]]*\][^,=()]*)?(?=,| =|\)|$)", "", shown)
        wanted = wanted.partition(") ->")[0].removeprefix("(").replace(" = ", "=")
        assert call == wanted.replace("'", '"'), name


def test_every_field_of_the_run_is_documented() -> None:
    reported = section(text_of("python.md"), "etl.run")
    for field in dataclasses.fields(RunContext):
        assert f"`{field.name}`" in reported, field.name


def test_every_error_is_documented() -> None:
    reported = section(text_of("troubleshooting.md"), "Errors")
    for kind in errors.EtlError.__subclasses__():
        if kind.__module__ == errors.__name__:
            assert f"`{kind.__name__}`" in reported, kind


def test_python_blocks_can_be_parsed() -> None:
    blocks = list(fences("python"))
    assert blocks
    for page, block in blocks:
        try:
            ast.parse(block)
        except SyntaxError as problem:
            pytest.fail(f"{page}: {problem}\n{block}")


def test_etl_lines_can_be_parsed() -> None:
    calls = list(magic_calls())
    assert len(calls) > 50
    for page, line, cell in calls:
        try:
            parse_line(line, cell)
        except errors.EtlError as problem:
            pytest.fail(f"{page}: %etl {line}: {problem}")


def test_jupyter_etl_lines_can_be_parsed() -> None:
    calls = list(shell_calls())
    assert len(calls) > 50
    for page, line in calls:
        words = shlex.split(re.split(r" [|>] ", line)[0], comments=True)[2:]
        try:
            parse_command(words)
        except errors.EtlError as problem:
            pytest.fail(f"{page}: {line}: {problem}")


def links(text: str) -> Iterator[str]:
    prose = INLINE.sub("", FENCE.sub("", text))
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)
    yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', prose)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    prose = FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAPERS, ids=lambda page: page.name)
def test_links_and_images_resolve(page: Path) -> None:
    missing = []
    for link in links(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert not missing, (
        f"{page.name} points at what is not there: {', '.join(sorted(set(missing)))}"
    )


def test_every_guide_is_in_the_index() -> None:
    pointed = set(links(text_of("index.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= pointed


def test_the_version_has_its_entry_in_the_changelog() -> None:
    assert f"## {jupyter_etl.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
