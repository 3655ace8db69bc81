"""Dessiner une figure en PNG ou SVG avec Matplotlib : sans navigateur, sans réseau.

Le titre, le sous-titre, la source et la marque « exemple » sont dans l'image : elle peut circuler
seule.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Toile

from ctg_data.figures.modele import Barres, Colonnes, Empilees, Figure, Habillage, Nuage
from ctg_data.figures.palette import ACCENT, ENCRE, FILET, NEUTRE, RUBAN, SECOND
from ctg_data.textes import nombre

LARGEUR, HAUTEUR, POINTS_PAR_POUCE = 12.8, 7.2, 150
BARRES_PAR_PAGE = 24
FORMATS = {"png": "image/png", "svg": "image/svg+xml"}

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "text.color": ENCRE,
    "axes.labelcolor": SECOND,
    "axes.edgecolor": FILET,
    "xtick.color": SECOND,
    "ytick.color": ENCRE,
    "hatch.linewidth": 0.8,
    "hatch.color": SECOND,
    "svg.fonttype": "none",
    # Deux exports de la même figure sont le même fichier.
    "svg.hashsalt": "boussole-ctg",
    "text.parse_math": False,
}


def image(figure: Figure, genre: str, tracer: Callable[[Axes], None] | None = None) -> bytes:
    """Rendre une figure en octets PNG (1 920 × 1 080) ou SVG.

    `tracer` dessine le cœur de la figure quand il demande plus que ses données (une carte et son
    fond) ; sinon le genre de la figure décide. KeyError si le format n'est ni png ni svg.
    """
    FORMATS[genre]
    with matplotlib.rc_context(_STYLE):
        toile = Toile(figsize=(LARGEUR, _hauteur(figure)), dpi=POINTS_PAR_POUCE, facecolor="white")
        haut = _titres(toile, figure.habillage)
        bas = _pied(toile, figure.habillage)
        axes = toile.add_axes((0.04, bas, 0.92, haut - bas))
        if tracer is not None:
            tracer(axes)
        else:
            dessiner(figure, axes)
        return _octets(toile, genre)


def _octets(toile: Toile, genre: str) -> bytes:
    sortie = io.BytesIO()
    toile.savefig(sortie, format=genre, metadata={"Date": None} if genre == "svg" else None)
    return sortie.getvalue()


def _hauteur(figure: Figure) -> float:
    lignes = len(figure.barres) if isinstance(figure, Barres) else 0
    return HAUTEUR * max(1.0, lignes / BARRES_PAR_PAGE)


def _pouces(toile: Toile, mesure: float) -> float:
    return mesure / float(toile.get_size_inches()[1])


def _titres(toile: Toile, habillage: Habillage) -> float:
    """Écrire message et sous-titre ; rend l'ordonnée où la figure peut commencer."""
    haut = 0.45 if habillage.exemple else 0.3
    message = textwrap.fill(habillage.message, 66)
    toile.text(0.04, 1 - _pouces(toile, haut), message, fontsize=21, weight="bold", va="top")
    sous = haut + 0.4 * (message.count("\n") + 1) + 0.08
    titre = textwrap.fill(habillage.sous_titre, 125)
    toile.text(0.04, 1 - _pouces(toile, sous), titre, fontsize=13, color=SECOND, va="top")
    if habillage.exemple:
        _ruban(toile)
    return 1 - _pouces(toile, sous + 0.27 * (titre.count("\n") + 1) + 0.15)


def _ruban(toile: Toile) -> None:
    toile.text(
        0.045,
        1 - _pouces(toile, 0.12),
        "EXEMPLE : données de démonstration",
        ha="left",
        va="top",
        fontsize=11,
        weight="bold",
        color="white",
        bbox={"facecolor": RUBAN, "edgecolor": RUBAN, "boxstyle": "round,pad=0.3"},
    )


def _pied(toile: Toile, habillage: Habillage) -> float:
    source = textwrap.fill(habillage.source, 150)
    toile.text(0.04, _pouces(toile, 0.12), source, fontsize=11, color=SECOND, va="bottom")
    return _pouces(toile, 0.12 + 0.22 * (source.count("\n") + 1) + 0.15)


@singledispatch
def dessiner(figure: Figure, axes: Axes) -> None:
    """Dessiner le cœur d'une figure sur des axes ; TypeError pour un genre inconnu."""
    raise TypeError(f"figure inconnue : {type(figure).__name__}")


def _epurer(axes: Axes, *, garder: tuple[str, ...] = ()) -> None:
    for cote, trait in axes.spines.items():
        trait.set_visible(cote in garder)
    axes.tick_params(length=0)


def _legende(axes: Axes, colonnes: int) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=colonnes, frameon=False, borderaxespad=0.2
    )


@dessiner.register
def _(figure: Barres, axes: Axes) -> None:
    barres = figure.barres
    rangs = np.arange(len(barres))
    dessinees = axes.barh(
        rangs,
        [b.valeur or 0 for b in barres],
        color=[b.couleur for b in barres],
        edgecolor=[ACCENT if b.cle == figure.choisie else NEUTRE for b in barres],
        linewidth=[2.5 if b.cle == figure.choisie else 0.6 for b in barres],
        height=0.72,
    )
    for rectangle, barre in zip(dessinees, barres, strict=True):
        rectangle.set_hatch("//" if barre.incertaine else None)
        droite = (barre.valeur or 0) >= 0
        axes.annotate(
            barre.texte,
            (barre.valeur or 0, rectangle.get_y() + rectangle.get_height() / 2),
            xytext=(5 if droite else -5, 0),
            textcoords="offset points",
            va="center",
            ha="left" if droite else "right",
            fontsize=11,
        )
    axes.set_yticks(rangs, [b.nom for b in barres], fontsize=12)
    axes.set_ylim(len(barres) - 0.4, -0.6)
    axes.xaxis.set_visible(False)
    axes.margins(x=0.22)
    if figure.reference is not None:
        axes.axvline(figure.reference, color=ENCRE, linestyle="--", linewidth=1.6)
        axes.annotate(
            figure.texte_reference,
            (figure.reference, 1),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=11,
        )
    _epurer(axes)
    _faire_place(axes, [b.nom for b in barres])


def _faire_place(axes: Axes, noms: list[str]) -> None:
    """Élargir la marge gauche à la mesure des noms, qui vivent hors des axes."""
    x, y, largeur, hauteur = axes.get_position().bounds
    marge = min(0.0075 * max((len(n) for n in noms), default=0), 0.3)
    axes.set_position((x + marge, y, largeur - marge, hauteur - 0.02))


@dessiner.register
def _(figure: Empilees, axes: Axes) -> None:
    for rang, (_, segments, total, incertain) in enumerate(figure.rangs):
        gauche = 0.0
        for segment in segments:
            axes.barh(
                rang,
                segment.valeur,
                left=gauche,
                color=segment.couleur,
                edgecolor="white",
                height=0.6,
                hatch="//" if incertain else None,
                label=segment.nom if rang == 0 else None,
            )
            if segment.texte:
                axes.text(
                    gauche + segment.valeur / 2, rang, segment.texte, ha="center", va="center"
                )
            gauche += segment.valeur
        axes.annotate(
            total,
            (gauche, rang),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
        )
    axes.set_yticks(range(len(figure.rangs)), [nom for nom, _, _, _ in figure.rangs])
    axes.set_ylim(len(figure.rangs) - 0.4, -0.6)
    axes.xaxis.set_visible(False)
    axes.margins(x=0.2)
    _epurer(axes)
    _faire_place(axes, [nom for nom, _, _, _ in figure.rangs])
    x, y, largeur, hauteur = axes.get_position().bounds
    axes.set_position((x, y, largeur, hauteur - 0.05))
    _legende(axes, 4)


@dessiner.register
def _(figure: Colonnes, axes: Axes) -> None:
    rangs = np.arange(len(figure.categories))
    colonnes = [s for s in figure.series if not s.ligne]
    largeur = 0.8 / max(len(colonnes), 1)
    for indice, serie in enumerate(colonnes):
        decalage = (indice - (len(colonnes) - 1) / 2) * largeur
        valeurs = [v or 0 for v in serie.valeurs]
        axes.bar(rangs + decalage, valeurs, largeur, color=serie.couleur, label=serie.nom)
    for serie in figure.series:
        if serie.ligne:
            valeurs_ligne: list[Any] = [np.nan if v is None else v for v in serie.valeurs]
            axes.plot(rangs, valeurs_ligne, color=serie.couleur, linewidth=3, label=serie.nom)
    axes.set_xticks(rangs, figure.categories, fontsize=11)
    axes.set_ylabel(figure.unite)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda v, _: nombre(v, 0 if float(v).is_integer() else 1))
    axes.grid(axis="y", color=FILET)
    axes.set_axisbelow(True)
    _epurer(axes)
    if len(figure.series) > 1:
        _legende(axes, len(figure.series))
    x, y, longueur, hauteur = axes.get_position().bounds
    axes.set_position((x + 0.03, y + 0.03, longueur - 0.03, hauteur - 0.09))


@dessiner.register
def _(figure: Nuage, axes: Axes) -> None:
    for point in figure.points:
        choisi = point.cle == figure.choisi
        axes.plot(
            point.x,
            point.y,
            "o",
            markersize=11 if choisi else 8,
            markerfacecolor="white" if point.incertain else point.couleur,
            markeredgecolor=ACCENT if choisi else ENCRE,
            markeredgewidth=2.5 if choisi else 1,
        )
        if point.nomme or choisi:
            axes.annotate(
                point.nom,
                (point.x, point.y),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=11,
            )
    x_max = max((p.x for p in figure.points), default=1) * 1.12 or 1
    y_max = max((p.y for p in figure.points), default=1) * 1.15 or 1
    axes.set(xlim=(0, x_max), ylim=(0, y_max), xlabel=figure.titre_x, ylabel=figure.titre_y)
    if figure.pente:
        bout = min(x_max, y_max / figure.pente)
        axes.plot([0, bout], [0, bout * figure.pente], "--", color=ENCRE, linewidth=1.6, zorder=0)
        axes.annotate(figure.texte_pente, (bout, bout * figure.pente), ha="right", va="bottom")
    for axe in (axes.xaxis, axes.yaxis):
        axe.set_major_formatter(lambda v, _: nombre(v))
    axes.grid(color=FILET)
    axes.set_axisbelow(True)
    _epurer(axes)
    x, y, largeur, hauteur = axes.get_position().bounds
    axes.set_position((x + 0.04, y + 0.06, largeur - 0.04, hauteur - 0.08))
