"""Lire les paramètres datés : valeur, unité, source, date du barème, vérifié le."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

DOSSIER = Path(__file__).parent
AUDIENCES = ("public", "partenaires", "interne")


@dataclass(frozen=True)
class Parametres:
    """Porter les paramètres dont les calculs ont besoin : seuils et secret."""

    seuils: Mapping[str, float]
    secret: Mapping[tuple[str, str], int]

    def k(self, classe: str, audience: str) -> int:
        """Rendre le plus petit effectif montrable ; 0 quand rien n'est à masquer."""
        return self.secret[(classe, audience)]


def table(nom: str) -> pd.DataFrame:
    """Lire une table de paramètres telle que déclarée, en texte."""
    return pd.read_csv(DOSSIER / f"{nom}.csv", sep=";", dtype=str, keep_default_na=False)


@lru_cache(maxsize=1)
def parametres() -> Parametres:
    """Lire les paramètres livrés avec l'outil."""
    seuils, secret = table("seuils"), table("secret")
    return Parametres(
        seuils={c: float(v) for c, v in zip(seuils["code"], seuils["valeur"], strict=True)},
        secret={
            (c, a): int(k)
            for c, a, k in zip(secret["classe"], secret["audience"], secret["k"], strict=True)
        },
    )
