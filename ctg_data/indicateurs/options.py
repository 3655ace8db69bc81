"""Porter les choix dont dépend un calcul : audience, estimateur, référence, seuils."""

from __future__ import annotations

from dataclasses import dataclass, field

from ctg_data.parametres import Parametres, parametres

ESTIMATEURS = ("naissances", "recensement")
NIVEAUX = ("territoire", "epci", "departement", "region", "france")


@dataclass(frozen=True)
class Options:
    """Réunir les arguments d'un calcul d'indicateur.

    `annee` None : la dernière année publiée. `taux_reference` : taux de couverture visé par les
    places manquantes, en places pour 100 enfants.
    """

    audience: str = "public"
    estimateur: str = "naissances"
    annee: int | None = None
    taux_reference: float | None = None
    parametres: Parametres = field(default_factory=parametres)
