"""Dire si une table est fraîche : l'édition suivante du producteur est-elle attendue, ou parue ?"""

from __future__ import annotations

import datetime as dt

from ctg_data.creation import jeux
from ctg_data.textes import INSECABLE

INCONNUE = "inconnue"


def prochaine_parution(table: str, dernier_millesime: int | None, situation: dt.date) -> str:
    """Dire quand paraîtra l'édition qui suit le dernier millésime d'une table.

    La date annoncée par le producteur l'emporte ; sinon l'année est estimée par le délai constaté
    sur l'édition livrée, pour une table annuelle, et le dit. « inconnue » quand rien ne permet de
    l'estimer. Source des délais : parametres/sources.toml.
    """
    declares = jeux()
    declares = declares[declares["table"] == table]
    annoncees = sorted(d for d in declares["prochaine_parution"] if d)
    if annoncees:
        return str(annoncees[0])
    delais = declares["delai_ans"].dropna()
    if dernier_millesime is None or delais.empty:
        return INCONNUE
    suivant = dernier_millesime + 1
    annee = suivant + int(delais.min())
    if annee <= situation.year - 1:
        return f"{suivant}{INSECABLE}: sans doute parue, à chercher"
    return f"{suivant}{INSECABLE}: en {annee} (estimation)"
