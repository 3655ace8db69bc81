"""Dessiner la carte sur papier : Matplotlib, projection légale, légende et source dans l'image."""

from __future__ import annotations

import textwrap

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Trace
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from ctg_data.exports.image import POINTS_PAR_POUCE, image
from ctg_data.figures.palette import ACCENT, CERCLE, ENCRE, FILET, NEUTRE, SECOND
from ctg_data.phrases import TROP_PEU
from ctg_data.textes import nombre
from geodata.carte import Carte, Zone
from geodata.etiquettes import choisir, priorite, textes_etiquettes
from geodata.fond import Fond, cadrer

RAYON_MAX = 17.0
HACHURE = "////"
LARGEUR_CARTE = 0.7
TAILLE_NOMS = 10.0


def image_carte(carte: Carte, fond: Fond, genre: str) -> bytes:
    """Rendre la carte en octets PNG ou SVG, légende comprise."""
    return image(carte, genre, lambda axes: _tracer(carte, fond, axes))


def _tracer(carte: Carte, fond: Fond, axes: Axes) -> None:
    metres = fond.metres.set_index("code")
    x, y, largeur, hauteur = axes.get_position().bounds
    axes.set_position((x, y, largeur * LARGEUR_CARTE, hauteur))
    autour = metres[metres["role"] == "voisine"]
    _remplir(axes, list(autour.geometry), ["#F1F3F6"] * len(autour), FILET, 0.6)
    _communes(carte.zones, metres.geometry.to_dict(), carte.choisie, axes)
    _cadrer(axes, metres[metres["role"] == "territoire"].total_bounds)
    centres = _points(fond, metres.crs)
    _cercles(carte, centres, axes)
    _noms(carte, fond, centres, axes)
    axes.set_axis_off()
    _legende(carte, axes)


def _chemin(geometrie: shapely.Geometry) -> Trace:
    anneaux = [
        shapely.get_coordinates(anneau)
        for polygone in shapely.get_parts(geometrie)
        for anneau in (polygone.exterior, *polygone.interiors)
    ]
    return Trace.make_compound_path(*[Trace(a, closed=True) for a in anneaux])


def _remplir(
    axes: Axes,
    geometries: list[shapely.Geometry],
    couleurs: list[str],
    bord: str,
    largeur: float,
    hachure: str | None = None,
) -> None:
    patches = [PathPatch(_chemin(g)) for g in geometries]
    axes.add_collection(
        PatchCollection(
            patches, facecolors=couleurs, edgecolors=bord, linewidths=largeur, hatch=hachure
        )
    )


def _communes(
    zones: tuple[Zone, ...],
    contours: dict[str, shapely.Geometry],
    choisie: str | None,
    axes: Axes,
) -> None:
    for hachuree in (False, True):
        groupe = [z for z in zones if z.hachuree is hachuree]
        formes = [contours[z.code] for z in groupe]
        couleurs = [z.couleur or "white" for z in groupe]
        _remplir(axes, formes, couleurs, NEUTRE, 0.7, HACHURE if hachuree else None)
    for code, couleur, largeur in (
        *((z.code, ENCRE, 2.2) for z in zones if z.officielle),
        *((z.code, ACCENT, 3.4) for z in zones if z.code == choisie),
    ):
        lignes = [shapely.get_coordinates(p) for p in shapely.get_parts(contours[code].boundary)]
        axes.add_collection(LineCollection(lignes, colors=couleur, linewidths=largeur))


def _cadrer(axes: Axes, bornes: np.ndarray) -> None:
    """Montrer le territoire entier et remplir la fenêtre de ses voisines."""
    ouest, sud, est, nord = bornes
    fenetre = axes.get_window_extent()
    hauteur = 1.08 * max(nord - sud, (est - ouest) * fenetre.height / fenetre.width)
    largeur = hauteur * fenetre.width / fenetre.height
    x, y = (ouest + est) / 2, (sud + nord) / 2
    axes.set_xlim(x - largeur / 2, x + largeur / 2)
    axes.set_ylim(y - hauteur / 2, y + hauteur / 2)


def _points(fond: Fond, crs: object) -> dict[str, tuple[float, float]]:
    import geopandas as gpd

    points = fond.points
    centres = gpd.GeoSeries.from_xy(points["longitude"], points["latitude"], crs=4326).to_crs(crs)
    return {str(c): (p.x, p.y) for c, p in zip(points.index, centres, strict=True)}


def _cercles(carte: Carte, centres: dict[str, tuple[float, float]], axes: Axes) -> None:
    codes = [z.code for z in carte.zones if carte.cercles.get(z.code, 0) > 0]
    if not codes:
        return
    valeurs = np.array([carte.cercles[c] for c in codes])
    x, y = zip(*(centres[c] for c in codes), strict=True)
    aires = (2 * RAYON_MAX) ** 2 * valeurs / valeurs.max()
    axes.scatter(x, y, s=aires, color=CERCLE, alpha=0.28, linewidths=0, zorder=3)
    axes.scatter(x, y, s=aires, facecolors="none", edgecolors=CERCLE, linewidths=1.2, zorder=3)


def _noms(carte: Carte, fond: Fond, centres: dict[str, tuple[float, float]], axes: Axes) -> None:
    textes = textes_etiquettes(carte, str)
    fenetre = axes.get_window_extent()
    cadre = cadrer(fond.cadre, fenetre.height / fenetre.width)
    pixels = TAILLE_NOMS * POINTS_PAR_POUCE / 72
    retenus = choisir(fond.points, textes, priorite(carte), cadre, fenetre.width, pixels)
    for code, (texte, _) in retenus.items():
        axes.annotate(
            texte.replace("<br>", "\n"),
            centres[code],
            ha="center",
            va="center",
            fontsize=TAILLE_NOMS,
            weight="bold",
            zorder=4,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )


def _legende(carte: Carte, axes: Axes) -> None:
    toile = axes.get_figure()
    assert toile is not None
    boite: Bbox = axes.get_position()
    panneau = toile.add_axes((0.73, boite.y0, 0.25, boite.height))
    panneau.set_axis_off()
    marques = [Patch(facecolor=c.couleur, edgecolor=NEUTRE) for c in carte.legende]
    textes = [f"{c.libelle}  ({nombre(c.effectif)})" for c in carte.legende]
    if carte.officielles:
        marques.append(Patch(facecolor="white", edgecolor=ENCRE, linewidth=2.2))
        textes.append("contour appuyé : officiel")
    if carte.hachures:
        marques.append(Patch(facecolor="white", edgecolor=NEUTRE, hatch=HACHURE))
        textes.append(f"hachures : sans donnée, secret\nou {TROP_PEU}")
    if carte.cercles:
        marques.append(Patch(facecolor=CERCLE, alpha=0.28))
        textes.append(textwrap.fill(f"surface du cercle : {carte.titre_cercles}", 30))
    legende = panneau.legend(
        marques,
        textes,
        title=textwrap.fill(carte.titre_legende, 28),
        loc="upper left",
        frameon=False,
        fontsize=12,
        alignment="left",
        borderaxespad=0,
    )
    legende.get_title().set_fontsize(13)
    legende.get_title().set_fontweight("bold")
    if carte.reference:
        panneau.text(0, 0.02, carte.reference, fontsize=13, color=SECOND, va="bottom")
