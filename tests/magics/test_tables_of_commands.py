from __future__ import annotations

import inspect
import pkgutil

import pytest

from jupyter_etl.cli.main import COMMANDS, WITHOUT_LEDGER
from jupyter_etl.language.commands.parser import CLI_COMMANDS, MAGIC_COMMANDS
from jupyter_etl_magics import commands
from jupyter_etl_magics.commands import TOPICS, find_command

MAGIC_NAMES = sorted({spec.name for spec in MAGIC_COMMANDS})


class TestEveryCommandHasItsCode:
    """The tables of the language and the code behind them name the same commands."""

    def test_each_module_of_the_magic_is_a_topic_and_each_command_has_one(self) -> None:
        assert {module.name for module in pkgutil.iter_modules(commands.__path__)} == set(TOPICS)
        assert sorted(name for names in TOPICS.values() for name in names) == MAGIC_NAMES

    @pytest.mark.parametrize("name", MAGIC_NAMES)
    def test_each_can_be_called(self, name: str) -> None:
        signature = inspect.signature(find_command(name))
        assert len(signature.parameters) == 2

    def test_a_function_a_command_of_the_command_line(self) -> None:
        assert not COMMANDS.keys() & WITHOUT_LEDGER.keys()
        names = {spec.name for spec in CLI_COMMANDS}
        assert names == COMMANDS.keys() | WITHOUT_LEDGER.keys()

    @pytest.mark.parametrize("name", sorted(COMMANDS))
    def test_each_function_is_called_like_its_command(self, name: str) -> None:
        assert COMMANDS[name].__name__ == name
        assert COMMANDS[name].__doc__
