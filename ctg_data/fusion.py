"""Fondre des lignes neuves dans une table, et dire ce qui change (fonctions pures)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ctg_data.schema import Schema
from ctg_data.textes import INSECABLE, absente, compte, enumeration

EXEMPLE = "exemple"
Cle = tuple[object, ...]


@dataclass(frozen=True)
class Changements:
    """Porter ce qu'un dépôt change dans une table.

    `ajoutees`, `retirees` : lignes entières ; `modifiees` : une ligne par cellule changée (colonnes
    de la clé, puis colonne, avant, apres) ; `lignes_modifiees` : nombre de lignes touchées ;
    `exemples` : parmi les retirées, lignes d'exemple qui cèdent la place.
    """

    table: str
    ajoutees: pd.DataFrame
    modifiees: pd.DataFrame
    retirees: pd.DataFrame
    lignes_modifiees: int
    inchangees: int
    exemples: int

    @property
    def comptes(self) -> dict[str, int]:
        """Rendre les nombres de lignes, à garder avec le dépôt."""
        return {
            "ajoutees": len(self.ajoutees),
            "modifiees": self.lignes_modifiees,
            "retirees": len(self.retirees),
            "inchangees": self.inchangees,
        }

    @property
    def vide(self) -> bool:
        """Dire si rien ne change."""
        return not (len(self.ajoutees) or len(self.modifiees) or len(self.retirees))

    @property
    def phrase(self) -> str:
        """Écrire les comptes : « 12 lignes ajoutées, 3 modifiées et 1 retirée »."""
        ajoutees, modifiees = len(self.ajoutees), self.lignes_modifiees
        parties = [
            compte(ajoutees, "ligne ajoutée", "lignes ajoutées") if ajoutees else "",
            compte(modifiees, "ligne modifiée", "lignes modifiées") if modifiees else "",
            self._retirees(),
        ]
        dites = [p for p in parties if p]
        return enumeration(dites) if dites else "rien ne change"

    def _retirees(self) -> str:
        if not len(self.retirees):
            return ""
        texte = compte(len(self.retirees), "ligne retirée", "lignes retirées")
        dont = f" (dont {compte(self.exemples, 'exemple')})".replace("dont ", f"dont{INSECABLE}")
        return texte + (dont if self.exemples else "")


def fondre(
    avant: pd.DataFrame | None, nouvelles: pd.DataFrame, schema: Schema, remplacer: bool = False
) -> pd.DataFrame:
    """Rendre la table après le dépôt, aux colonnes du schéma puis à celles que l'on garde en plus.

    Une ligne neuve remplace celle de même clé ; les autres restent. Une colonne facultative que le
    fichier neuf ne porte pas, ou porte toute vide, garde ses valeurs. Les lignes d'exemple s'en
    vont dès qu'une vraie ligne arrive. `remplacer` : seules restent les lignes neuves.
    """
    colonnes = _colonnes(avant, nouvelles, schema)
    neuves = nouvelles.reindex(columns=colonnes)
    if avant is None or avant.empty or remplacer:
        return neuves.reset_index(drop=True)
    gardees = avant.reindex(columns=colonnes)
    if "statut" in neuves and (neuves["statut"] != EXEMPLE).any():
        gardees = gardees[gardees["statut"] != EXEMPLE]
    anciennes, recues = par_cle(gardees, schema), par_cle(neuves, schema)
    muettes = [c for c in colonnes if neuves[c].map(absente).all()]
    lignes = {
        **anciennes,
        **{cle: _ligne(ligne, anciennes.get(cle), muettes) for cle, ligne in recues.items()},
    }
    return pd.DataFrame(list(lignes.values()), columns=colonnes).astype(_types(schema, colonnes))


def _colonnes(avant: pd.DataFrame | None, nouvelles: pd.DataFrame, schema: Schema) -> list[str]:
    toutes = [*(() if avant is None else avant.columns), *nouvelles.columns]
    declarees = [c.nom for c in schema.colonnes]
    return declarees + [c for c in dict.fromkeys(toutes) if c not in declarees]


def _ligne(
    neuve: dict[str, object], ancienne: dict[str, object] | None, muettes: list[str]
) -> dict:
    return neuve if ancienne is None else {**neuve, **{c: ancienne[c] for c in muettes}}


def _types(schema: Schema, colonnes: list[str]) -> dict[str, str]:
    nombres = {c.nom for c in schema.colonnes if c.type in ("integer", "number")}
    return {c: "float64" if c in nombres else "object" for c in colonnes}


def par_cle(table: pd.DataFrame, schema: Schema) -> dict[Cle, dict[str, object]]:
    """Ranger les lignes d'une table par clé primaire ; à clé égale, la dernière l'emporte.

    Une partie de clé absente (la borne haute de « 95 ans et plus ») est une valeur comme une autre.
    """
    cles = table[list(schema.cle)].itertuples(index=False, name=None)
    lignes = table.to_dict("records")
    return {
        tuple(None if absente(v) else v for v in cle): {str(c): v for c, v in ligne.items()}
        for cle, ligne in zip(cles, lignes, strict=True)
    }


def comparer(avant: pd.DataFrame | None, apres: pd.DataFrame, schema: Schema) -> Changements:
    """Comparer deux états d'une table, ligne à ligne par clé primaire."""
    vieux = {} if avant is None else par_cle(avant, schema)
    neufs = par_cle(apres, schema)
    cellules = [c for cle in neufs if cle in vieux for c in _cellules(cle, vieux, neufs)]
    touchees = {cle for cle, *_ in cellules}
    retirees = [ligne for cle, ligne in vieux.items() if cle not in neufs]
    return Changements(
        table=schema.nom,
        ajoutees=_en_table([li for cle, li in neufs.items() if cle not in vieux], apres),
        modifiees=_modifiees(cellules, schema),
        retirees=_en_table(retirees, apres if avant is None else avant),
        lignes_modifiees=len(touchees),
        inchangees=len(neufs.keys() & vieux.keys()) - len(touchees),
        exemples=sum(ligne.get("statut") == EXEMPLE for ligne in retirees),
    )


def _cellules(
    cle: Cle, vieux: dict[Cle, dict[str, object]], neufs: dict[Cle, dict[str, object]]
) -> list[tuple[Cle, str, object, object]]:
    """Rendre les cellules d'une ligne dont la valeur change ; vide et vide sont égaux."""
    avant, apres = vieux[cle], neufs[cle]
    changees = []
    for colonne in {**avant, **apres}:
        a, b = avant.get(colonne), apres.get(colonne)
        if a != b and not (absente(a) and absente(b)):
            changees.append((cle, colonne, a, b))
    return changees


def _en_table(lignes: list[dict[str, object]], modele: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(lignes, columns=list(modele.columns))


def _modifiees(cellules: list[tuple[Cle, str, object, object]], schema: Schema) -> pd.DataFrame:
    lignes = [[*cle, colonne, avant, apres] for cle, colonne, avant, apres in cellules]
    return pd.DataFrame(lignes, columns=[*schema.cle, "colonne", "avant", "apres"], dtype=object)
