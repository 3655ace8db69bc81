"""Porter ce qu'on sait d'une famille de fichiers publics, et ce qu'on tire d'un fichier."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ctg_data.anomalies import Anomalie

# Natures qui s'additionnent ; un taux, une médiane ou un rapport ne se somme jamais.
ADDITIVES = ("effectif",)


class Annulation(Exception):
    """Dire que l'utilisateur a arrêté la lecture."""


class Refus(Exception):
    """Refuser un fichier national qu'on ne peut pas lire ; porte l'anomalie à montrer."""

    def __init__(self, anomalie: Anomalie) -> None:
        super().__init__(anomalie.message)
        self.anomalie = anomalie


@dataclass(frozen=True)
class Mesure:
    """Déclarer une valeur d'une famille : où la lire, où la ranger, si elle s'additionne.

    `colonne` : motif du nom de la colonne de valeur (sans elle : le rôle valeur, ou le compte des
    lignes) ; `quand` : motif des cellules à retenir, par colonne (« ! » en tête : tout sauf). Les
    groupes nommés des motifs servent : `an` dit l'année, `niv` le niveau, `age` (âge simple) et
    `tranche` la tranche de cinq ans ; tous complètent `cle`. `secours` : ne sert que si aucune
    autre mesure ne donne la case.
    """

    table: str
    cle: Mapping[str, str]
    champ: str = "valeur"
    nature: str = "effectif"
    colonne: str = ""
    quand: Mapping[str, str] = field(default_factory=dict)
    secours: bool = False


@dataclass(frozen=True)
class Niveau:
    """Déclarer un niveau géographique d'une famille : suffixe des valeurs, code et nom."""

    suffixe: str
    code: tuple[str, ...] = ()
    nom: tuple[str, ...] = ()
    code_fixe: str = ""
    nom_fixe: str = ""


@dataclass(frozen=True)
class Famille:
    """Déclarer une famille de fichiers publics, d'après sa fiche TOML.

    `signature` : motifs que des noms de colonnes doivent tous satisfaire ; `sauf` : aucun.
    `roles` : motifs des colonnes qui ne sont pas des valeurs (code, annee, valeur, objet, note…).
    `source` : phrase de la colonne source, avec {annee}, {niveau} et {mention}. `noms` : écriture
    de chaque groupe capturé. `conditions` : motif des lignes à garder, par colonne si elle existe.
    `total` : modalité que doit porter toute dimension dont aucune mesure ne parle ; `attributs` :
    colonnes qui ne sont pas des dimensions. `libre` : mesures nommées d'après les dimensions.
    `iris` : le code est celui d'un Iris, sommé à la commune. `zero_deduit` : une commune décrite
    sans ligne pour une mesure en a zéro. `vide`, `zero` : statut d'une case vide, d'un 0 publié.
    """

    code: str
    titre: str
    producteur: str
    jeu: str
    unite: str
    licence: str
    page: str
    periodicite: str
    source: str
    signature: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    prochaine_parution: str = ""
    reserves: tuple[str, ...] = ()
    sauf: tuple[str, ...] = ()
    mesures: tuple[Mesure, ...] = ()
    niveaux: Mapping[str, Niveau] = field(default_factory=dict)
    decimale: str = "."
    vide: str = "non_renseigne"
    zero: str = "officiel"
    mois: int | None = None
    iris: bool = False
    libre: bool = False
    total: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)
    attributs: tuple[str, ...] = ()
    noms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    zero_deduit: bool = False
    absence: str = ""
    ruptures: tuple[Mapping[str, Any], ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Nommer les tables que cette famille remplit."""
        return tuple(dict.fromkeys(m.table for m in self.mesures))

    def mention(self, annee: int) -> str:
        """Rendre l'avertissement de rupture de série qui vaut pour une année, ou rien."""
        dites = [r["mention"] for r in self.ruptures if annee >= r["depuis"]]
        return f" ({dites[-1]})" if dites else ""


@dataclass(frozen=True)
class Reconnaissance:
    """Dire à quelle famille appartient un fichier, son millésime et le rôle de ses colonnes.

    `millesime` : l'année la plus récente que disent les noms de colonnes, sinon celle du nom de
    fichier ; None quand seules les lignes la disent.
    """

    famille: Famille
    millesime: str | None
    colonnes: Mapping[str, str]
    annee_du_nom: int | None = None


@dataclass(frozen=True)
class Extraction:
    """Porter ce qu'un fichier public donne à un territoire.

    `tables` : une table typée par schéma, colonnes du schéma, prête à déposer. `communes_trouvees`
    : codes actuels du territoire que le fichier décrit. `valeurs_secretes` : cases vides parce que
    le producteur les tait. `extrait` : les lignes gardées d'un fichier national, en CSV UTF-8, pour
    ne jamais le relire (vide pour un petit fichier). Les tables n'ont de sens que si aucune
    anomalie n'est une erreur.
    """

    famille: Famille
    millesime: str | None
    tables: Mapping[str, pd.DataFrame]
    lignes_lues: int
    communes_trouvees: frozenset[str]
    valeurs_secretes: int
    anomalies: tuple[Anomalie, ...]
    extrait: bytes = b""


def correspond(motif: str, texte: str) -> re.Match[str] | None:
    """Confronter un texte entier à un motif déclaré, sans égard à la casse."""
    return re.fullmatch(motif, texte, re.IGNORECASE)
