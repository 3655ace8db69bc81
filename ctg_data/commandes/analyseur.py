"""Lire une ligne de commande et en dire les fautes en français."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from ctg_data.textes import INSECABLE

# argparse ne parle qu'anglais : chaque faute a ici sa phrase.
_FAUTES = (
    (r"the following arguments are required: (.*)", "il manque {0}"),
    (r"one of the arguments (.*) is required", "il faut l'une des options {0}"),
    (r"unrecognized arguments: (.*)", "option ou valeur inconnue «\u00a0{0}\u00a0»"),
    (
        r"argument (.*?): invalid choice: (.*) \(choose from (.*)\)",
        "{0}\u00a0: {1} n'est pas l'un de {2}",
    ),
    (r"argument (.*?): expected one argument", "{0} attend une valeur"),
    (r"argument (.*?): expected at least one argument", "{0} attend au moins une valeur"),
    (r"argument (.*?): not allowed with argument (.*)", "{0} ne va pas avec {1}"),
    (r"argument (.*?): ignored explicit argument (.*)", "{0} n'attend pas de valeur ({1})"),
    (r"ambiguous option: (.*) could match (.*)", "«\u00a0{0}\u00a0» peut vouloir dire {1}"),
)


class Analyseur(argparse.ArgumentParser):
    """Analyser des arguments : aide et fautes en français, code de sortie 2 sur une faute."""

    def __init__(self, **options: Any) -> None:
        super().__init__(add_help=False, formatter_class=_Mise, allow_abbrev=False, **options)
        self._positionals.title = "à donner"
        self._optionals.title = "options"
        self.add_argument("-h", "--help", "--aide", action="help", help="montrer cette aide")

    def error(self, message: str) -> NoReturn:
        """Dire la faute et l'usage, puis sortir avec le code 2."""
        self.exit(2, f"{en_francais(message)}.\n{self.format_usage()}")


class _Mise(argparse.HelpFormatter):
    def add_usage(
        self, usage: str | None, actions: Iterable[Any], groups: Iterable[Any], prefix: Any = None
    ) -> None:
        titre = f"Usage{INSECABLE}: " if prefix is None else prefix
        super().add_usage(usage, actions, groups, titre)


def en_francais(message: str) -> str:
    """Traduire une faute d'argparse ; une phrase générale si elle est inconnue."""
    for motif, phrase in _FAUTES:
        trouve = re.fullmatch(motif, message, re.DOTALL)
        if trouve:
            dite = phrase.format(*trouve.groups())
            return dite[:1].upper() + dite[1:]
    return f"Ligne de commande mal formée ({message})"
