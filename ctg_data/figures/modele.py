"""Décrire les figures comme des valeurs : données, textes, source ; le dessin vient après."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Habillage:
    """Porter ce que toute figure dit, à l'écran comme dans un fichier.

    `message` : le titre qui affirme ; `sous_titre` : indicateur, unité, année, périmètre ;
    `source` : la ligne « Source : … · officiel · 2 valeurs masquées » ; `texte` : la phrase lue
    par un lecteur d'écran ; `exemple` : une donnée de démonstration entre dans la figure ;
    `table` : les données montrées, titres de colonnes compris, pour le tableau et le CSV.
    """

    message: str
    sous_titre: str
    source: str
    texte: str
    table: pd.DataFrame
    nom_fichier: str
    exemple: bool = False


@dataclass(frozen=True)
class Figure:
    """Réunir l'habillage d'une figure ; chaque genre ajoute ses données."""

    habillage: Habillage


@dataclass(frozen=True)
class Barre:
    """Une barre du classement ; `incertaine` : hachurée ; valeur None : texte seul."""

    cle: str
    nom: str
    valeur: float | None
    texte: str
    couleur: str
    survol: tuple[str, ...]
    incertaine: bool = False


@dataclass(frozen=True)
class Barres(Figure):
    """Un classement horizontal, première barre en haut, avec un trait de référence."""

    barres: tuple[Barre, ...]
    choisie: str | None = None
    reference: float | None = None
    texte_reference: str = ""


@dataclass(frozen=True)
class Segment:
    """Une part d'une barre empilée."""

    nom: str
    couleur: str
    valeur: float
    texte: str


@dataclass(frozen=True)
class Empilees(Figure):
    """Des barres horizontales empilées ; `rangs` : (nom, segments, texte du total, incertain)."""

    rangs: tuple[tuple[str, tuple[Segment, ...], str, bool], ...]
    unite: str = ""


@dataclass(frozen=True)
class Serie:
    """Une suite de valeurs par catégorie, dessinée en colonnes ou en ligne."""

    nom: str
    valeurs: tuple[float | None, ...]
    couleur: str
    textes: tuple[str, ...]
    ligne: bool = False


@dataclass(frozen=True)
class Colonnes(Figure):
    """Des colonnes (et lignes) par catégorie ordonnée : années, âges."""

    categories: tuple[str, ...]
    series: tuple[Serie, ...]
    unite: str = ""


@dataclass(frozen=True)
class Point:
    """Un point du nuage ; `nomme` : son nom est écrit."""

    cle: str
    nom: str
    x: float
    y: float
    couleur: str
    survol: tuple[str, ...]
    nomme: bool = False
    incertain: bool = False


@dataclass(frozen=True)
class Nuage(Figure):
    """Un nuage de points avec une droite de référence y = pente × x."""

    points: tuple[Point, ...]
    titre_x: str
    titre_y: str
    choisi: str | None = None
    pente: float | None = None
    texte_pente: str = ""
