"""Dessiner en petit les contours de communes choisies : une image SVG, sans texte."""

from __future__ import annotations

from collections.abc import Collection

import shapely

from geodata.contours import communes_de_france, projection_legale

COTE = 1000
FOND, TRAIT, EPAISSEUR = "#DCE5F0", "#1D4E89", 4


def apercu_svg(codes: Collection[str]) -> str:
    """Rendre le dessin des communes, nord en haut, en projection légale.

    L'élément svg est nu : st.image lui donne son espace de noms.

    Lève ErreurContours si un contour manque, ou si métropole et outre-mer sont mêlés.
    """
    communes = communes_de_france(codes=codes)
    metres = communes.to_crs(projection_legale(communes["code"]))
    ouest, sud, est, nord = metres.total_bounds
    echelle = COTE / max(est - ouest, nord - sud)
    largeur, hauteur = (est - ouest) * echelle, (nord - sud) * echelle
    simples = shapely.coverage_simplify(metres.geometry.to_numpy(), 2 / echelle)
    anneaux = [
        "M" + "L".join(f"{(x - ouest) * echelle:.0f} {(nord - y) * echelle:.0f}" for x, y in points)
        for polygone in shapely.get_parts(simples)
        for points in [shapely.get_coordinates(polygone.exterior)]
    ]
    trace = f'fill="{FOND}" stroke="{TRAIT}" stroke-width="{EPAISSEUR}" stroke-linejoin="round"'
    cadre = f'viewBox="-5 -5 {largeur + 10:.0f} {hauteur + 10:.0f}"'
    return f'<svg {cadre}><path {trace} d="{"Z".join(anneaux)}Z"/></svg>'
