"""Écrire la légende d'une carte en HTML : classes, communes par classe, repère de référence.

Aucun texte d'utilisateur n'y entre : libellés et couleurs viennent des fiches et de la palette.
"""

from __future__ import annotations

from html import escape

from ctg_data.figures.palette import CERCLE, ENCRE, NEUTRE, SECOND
from ctg_data.phrases import TROP_PEU
from geodata.carte import Carte

_HACHURES = f"repeating-linear-gradient(45deg,#fff 0 4px,{NEUTRE} 4px 5px)"


def legende_html(carte: Carte) -> str:
    """Rendre la légende : une case par classe, large comme les autres, et les marques à côté."""
    plus_grand = max((c.effectif for c in carte.legende), default=0) or 1
    cases = [
        _case(
            classe.libelle,
            classe.couleur,
            classe.effectif,
            classe.effectif / plus_grand,
            carte.reference if rang == carte.rang_reference else "",
        )
        for rang, classe in enumerate(carte.legende)
    ]
    echelle = f'<div style="display:flex;gap:2px;align-items:flex-end">{"".join(cases)}</div>'
    return (
        f'<div style="font-size:.82rem;color:{SECOND};line-height:1.25">'
        f"{echelle if cases else ''}{_marques(carte)}</div>"
    )


def _case(libelle: str, couleur: str, effectif: int, part: float, repere: str) -> str:
    """Écrire une classe : repère de référence, barre haute comme son effectif, libellé."""
    marque = f'<b style="color:{ENCRE};white-space:nowrap">▼ {escape(repere)}</b>' if repere else ""
    hauteur = 4 + 18 * part
    barre = f"height:{hauteur:.0f}px;background:{couleur};border:1px solid {NEUTRE}"
    return (
        '<div style="flex:1 1 0;min-width:0;text-align:center">'
        f"{marque}<div>{effectif}</div>"
        f'<div style="{barre}"></div><div>{escape(libelle)}</div></div>'
    )


def _marques(carte: Carte) -> str:
    marques = []
    if carte.cercles:
        style = f"border-radius:50%;background:{CERCLE}47;border:1.5px solid {CERCLE}"
        marques.append(_marque(style, f"surface du cercle : {carte.titre_cercles}"))
    if carte.officielles:
        marques.append(_marque(f"border:3px solid {ENCRE}", "contour appuyé : taux officiel"))
    if carte.hachures:
        style = f"background:{_HACHURES};border:1px solid {NEUTRE}"
        marques.append(_marque(style, f"hachures : sans donnée, secret ou {TROP_PEU}"))
    style = "display:flex;flex-wrap:wrap;gap:2px 14px;margin-top:3px"
    return f'<div style="{style}">{"".join(marques)}</div>'


def _marque(style: str, texte: str) -> str:
    carre = f"display:inline-block;width:13px;height:13px;box-sizing:border-box;{style}"
    return (
        '<span style="display:inline-flex;gap:5px;align-items:center">'
        f'<i style="{carre}"></i>{escape(texte)}</span>'
    )
