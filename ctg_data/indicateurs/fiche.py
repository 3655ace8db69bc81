"""Lire les fiches d'indicateurs : titre, définition, unité, source, pièges, déclarés une fois."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DOSSIER = Path(__file__).parent / "fiches"


@dataclass(frozen=True)
class Fiche:
    """Déclarer un indicateur : tout ce que titres, unités, aides et notes en disent."""

    code: str
    titre: str
    titre_court: str
    theme: str
    definition: str
    formule: str
    unite: str
    decimales: int
    nature: str  # effectif | taux | evolution | ecart | montant
    agregation: str  # somme | rapport | aucune
    sens: str  # haut_favorable | bas_favorable | neutre
    source: str
    tables: tuple[str, ...]
    fragilite: str  # "" | enfants | recensement
    palette: str  # couverture | besoin | divergente
    confidentialite: str
    licence: str
    pieges: tuple[str, ...]
    facteur: float = 1
    bornes: tuple[float, ...] = ()
    unite_courte: str = ""
    unite_singulier: str = ""
    colonne_publiee: str = ""

    @property
    def est_effectif(self) -> bool:
        """Dire si l'indicateur est un compte : il se dessine en cercles, pas en aplats."""
        return self.nature == "effectif"


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Fiche]:
    """Lire toutes les fiches ; une fiche incomplète lève TypeError dès l'import."""
    fiches: dict[str, Fiche] = {}
    for chemin in sorted(DOSSIER.glob("*.toml")):
        for code, brut in tomllib.loads(chemin.read_text("utf-8")).items():
            listes = {c: tuple(v) for c, v in brut.items() if isinstance(v, list)}
            fiches[code] = Fiche(code=code, **{**brut, **listes})
    return fiches
