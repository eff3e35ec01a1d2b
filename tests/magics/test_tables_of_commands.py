from __future__ import annotations

import inspect
import pkgutil

import pytest

from jupyter_etl.cli.main import COMMANDS
from jupyter_etl.language.commands.declarations import CommandSpec, Request
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS, REQUESTS
from jupyter_etl_magics import commands
from jupyter_etl_magics.commands import TOPICS, find_command

MAGIC_NAMES = sorted(spec.title.replace(" ", "_") for spec in MAGIC_COMMANDS)


class TestEveryCommandHasItsCode:
    """The tables of the language and the code behind them name the same commands."""

    def test_each_module_of_the_magic_is_a_topic_and_each_command_has_one(self) -> None:
        assert {module.name for module in pkgutil.iter_modules(commands.__path__)} == set(TOPICS)
        assert sorted(name for names in TOPICS.values() for name in names) == MAGIC_NAMES

    @pytest.mark.parametrize("request_type", [spec.request for spec in MAGIC_COMMANDS])
    def test_each_takes_its_request(self, request_type: type[Request]) -> None:
        _, taken = inspect.signature(find_command(request_type)).parameters.values()
        assert taken.annotation == request_type.__name__

    def test_each_request_has_a_command(self) -> None:
        assert {spec.request for spec in (*MAGIC_COMMANDS, *CLI_COMMANDS)} == set(REQUESTS)

    def test_a_function_a_command_of_the_command_line(self) -> None:
        assert {spec.name for spec in CLI_COMMANDS} == COMMANDS.keys()

    @pytest.mark.parametrize("spec", CLI_COMMANDS, ids=lambda spec: spec.name)
    def test_each_function_takes_the_request_of_its_command(self, spec: CommandSpec) -> None:
        function = COMMANDS[spec.name]
        *ledger, taken = inspect.signature(function).parameters.values()
        assert (function.__name__, bool(ledger)) == (spec.name, spec.form.ledger)
        assert taken.annotation == spec.request.__name__
        assert function.__doc__
