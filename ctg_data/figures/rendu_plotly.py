"""Dessiner une figure pour l'écran : valeur → dictionnaire Plotly, sans validation coûteuse."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from ctg_data.figures.modele import Colonnes, Empilees, Figure, Nuage
from ctg_data.figures.palette import ACCENT, ENCRE, FILET, NEUTRE, POLICE, SECOND
from ctg_data.textes import FINE

SEPARATEURS = "," + FINE
MARGE_LEGENDE = {"l": 8, "r": 8, "t": 36, "b": 8}


@singledispatch
def dessiner(figure: Figure, taille: int = 15) -> dict[str, Any]:
    """Rendre la figure en dictionnaire Plotly {data, layout}.

    `taille` du texte en pixels ; la hauteur est l'affaire de l'écran. TypeError pour un genre
    inconnu.
    """
    raise TypeError(f"figure inconnue : {type(figure).__name__}")


def mise_en_page(taille: int, **ajouts: Any) -> dict[str, Any]:
    """Rendre la mise en page commune à toutes les figures."""
    return {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "font": {"family": POLICE, "size": taille, "color": ENCRE},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "separators": SEPARATEURS,
        "showlegend": False,
        "dragmode": False,
        "hoverlabel": {"font": {"family": POLICE, "size": taille}, "bgcolor": "white"},
        "modebar": {"remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut"]},
        **ajouts,
    }


def _echelle(**ajouts: Any) -> dict[str, Any]:
    base = {"gridcolor": FILET, "zerolinecolor": NEUTRE, "fixedrange": True, "automargin": True}
    return {**base, "tickfont": {"color": SECOND}, **ajouts}


def _legende(entrees: list[tuple[str, str]], taille: int) -> dict[str, Any]:
    """Coucher la légende en tête de figure : celle de Plotly s'empile dès qu'elle est longue."""
    texte = "   ".join(f'<span style="color:{c}">■</span> {proteger(n)}' for n, c in entrees)
    place = {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container"}
    marge = {"pad": {"t": 8, "l": 8}, "yanchor": "top"}
    return {"text": texte, "font": {"size": taille - 1}, **place, **marge}


def proteger(texte: str) -> str:
    """Rendre inertes les balises que Plotly interpréterait dans un texte."""
    return texte.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def lignes(textes: tuple[str, ...]) -> str:
    """Rendre un survol de plusieurs lignes, la première en gras."""
    tete, *suite = (proteger(t) for t in textes)
    return "<br>".join([f"<b>{tete}</b>", *suite])


@dessiner.register
def _(figure: Empilees, taille: int = 15) -> dict[str, Any]:
    noms = [proteger(nom) for nom, _, _, _ in figure.rangs]
    modes = [s.nom for s in max((r[1] for r in figure.rangs), key=len, default=())]
    traces = [_trace_mode(figure, noms, mode) for mode in modes]
    couleurs = {s.nom: s.couleur for _, segments, _, _ in figure.rangs for s in segments}
    totaux = [sum(s.valeur for s in segments) for _, segments, _, _ in figure.rangs]
    annotations = [
        {
            "x": total,
            "y": nom,
            "text": f"<b>{proteger(texte)}</b>",
            "showarrow": False,
            "xanchor": "left",
            "xshift": 6,
        }
        for nom, total, (_, _, texte, _) in zip(noms, totaux, figure.rangs, strict=True)
    ]
    return {
        "data": traces,
        "layout": mise_en_page(
            taille,
            barmode="stack",
            bargap=0.35,
            title=_legende([(m, couleurs[m]) for m in modes], taille),
            margin=MARGE_LEGENDE,
            annotations=annotations,
            xaxis=_echelle(visible=False, range=[0, max(totaux, default=1) * 1.25]),
            yaxis=_echelle(
                autorange="reversed", type="category", showgrid=False, tickfont={"color": ENCRE}
            ),
        ),
    }


def _trace_mode(figure: Empilees, noms: list[str], mode: str) -> dict[str, Any]:
    segments = [next((s for s in r[1] if s.nom == mode), None) for r in figure.rangs]
    presents = [s for s in segments if s is not None]
    return {
        "type": "bar",
        "orientation": "h",
        "name": mode,
        "y": noms,
        "x": [s.valeur if s else 0 for s in segments],
        "text": [proteger(s.texte) if s else "" for s in segments],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": ENCRE},
        "hoverinfo": "skip",
        "marker": {
            "color": presents[0].couleur,
            "line": {"color": "white", "width": 1},
            "pattern": {
                "shape": ["/" if r[3] else "" for r in figure.rangs],
                "fgcolor": "white",
                "fillmode": "overlay",
                "size": 7,
                "solidity": 0.2,
            },
        },
    }


@dessiner.register
def _(figure: Colonnes, taille: int = 15) -> dict[str, Any]:
    return {
        "data": [_trace_serie(figure, serie) for serie in figure.series],
        "layout": mise_en_page(
            taille,
            barmode="group",
            bargap=0.2,
            title=_legende([(s.nom, s.couleur) for s in figure.series], taille),
            margin=MARGE_LEGENDE,
            hovermode="x unified",
            xaxis=_echelle(
                type="category",
                showgrid=False,
                tickmode="array",
                tickvals=_graduations(figure.categories),
                tickangle=0,
            ),
            yaxis=_echelle(
                rangemode="tozero",
                title={"text": proteger(figure.unite), "font": {"color": SECOND}},
            ),
        ),
    }


def _graduations(categories: tuple[str, ...]) -> list[str]:
    """Choisir les catégories écrites sous l'axe : toutes si elles tiennent, sinon une sur trois."""
    pas = 1 if len(categories) <= 8 else 3
    return list(reversed(categories[::-1][::pas]))


def _trace_serie(figure: Colonnes, serie: Any) -> dict[str, Any]:
    commun = {
        "name": proteger(serie.nom),
        "x": list(figure.categories),
        "y": list(serie.valeurs),
        "hovertext": [proteger(t) for t in serie.textes],
        "hovertemplate": "%{hovertext}",
    }
    if serie.ligne:
        trait = {"color": serie.couleur, "width": 3}
        return {"type": "scatter", "mode": "lines", "line": trait, **commun}
    return {"type": "bar", "marker": {"color": serie.couleur}, **commun}


@dessiner.register
def _(figure: Nuage, taille: int = 15) -> dict[str, Any]:
    points = figure.points
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [p.x for p in points],
        "y": [p.y for p in points],
        "customdata": [p.cle for p in points],
        "text": [proteger(p.nom) if p.nomme or p.cle == figure.choisi else "" for p in points],
        "textposition": "top center",
        "textfont": {"size": taille - 1},
        "cliponaxis": False,
        "hovertext": [lignes(p.survol) for p in points],
        "hoverinfo": "text",
        "marker": {
            "size": [15 if p.cle == figure.choisi else 11 for p in points],
            "color": [p.couleur for p in points],
            "symbol": ["circle-open" if p.incertain else "circle" for p in points],
            "line": {
                "color": [ACCENT if p.cle == figure.choisi else ENCRE for p in points],
                "width": [3 if p.cle == figure.choisi else 1 for p in points],
            },
        },
    }
    x_max = max((p.x for p in points), default=1) * 1.12 or 1
    y_max = max((p.y for p in points), default=1) * 1.15 or 1
    droite = _droite(figure, x_max, y_max, taille)
    return {
        "data": [trace],
        "layout": mise_en_page(
            taille,
            xaxis=_echelle(range=[0, x_max], title={"text": proteger(figure.titre_x)}),
            yaxis=_echelle(range=[0, y_max], title={"text": proteger(figure.titre_y)}),
            **droite,
        ),
    }


def _droite(figure: Nuage, x_max: float, y_max: float, taille: int) -> dict[str, Any]:
    """Tracer la droite de référence, coupée au bord du cadre, et l'étiqueter au bout."""
    if not figure.pente:
        return {}
    x = min(x_max, y_max / figure.pente)
    ligne = {"color": ENCRE, "width": 2, "dash": "dash"}
    forme = {"type": "line", "x0": 0, "y0": 0, "x1": x, "y1": x * figure.pente, "line": ligne}
    etiquette = {
        "x": x,
        "y": x * figure.pente,
        "text": proteger(figure.texte_pente),
        "showarrow": False,
        "xanchor": "right",
        "yanchor": "bottom",
        "font": {"size": taille - 1},
    }
    return {"shapes": [{**forme, "layer": "below"}], "annotations": [etiquette]}
