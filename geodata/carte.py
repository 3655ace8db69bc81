"""Composer la carte d'un indicateur : une valeur, dessinée ensuite pour l'écran ou le papier."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ctg_data.figures import Figure, Habillage
from ctg_data.figures.construire import etiquette
from ctg_data.figures.palette import CONTEXTE
from ctg_data.indicateurs import Reference, Resultat
from ctg_data.indicateurs.mesures import ABSENCES
from ctg_data.phrases import survol
from geodata.classes import Classe, Classes, classer

CONTOURS = "Contours : IGN, Admin Express COG"


@dataclass(frozen=True)
class Zone:
    """Une commune sur la carte.

    `texte` : valeur et unité ; `etiquette` : valeur seule ; `couleur` None : valeur absente (blanc
    hachuré) ; `hachuree` : absente, ou trop fragile pour être lue seule ; `officielle` : chiffre
    publié, contour appuyé.
    """

    code: str
    nom: str
    texte: str
    etiquette: str
    survol: tuple[str, ...]
    couleur: str | None
    hachuree: bool
    officielle: bool


@dataclass(frozen=True)
class Carte(Figure):
    """La carte d'un territoire : aplats, cercles proportionnels, légende."""

    zones: tuple[Zone, ...]
    cercles: dict[str, float]
    titre_cercles: str
    legende: tuple[Classe, ...]
    titre_legende: str
    reference: str = ""
    rang_reference: int = -1
    choisie: str | None = None
    hachures: bool = False
    officielles: bool = False


def composer(
    resultat: Resultat,
    habillage: Habillage,
    *,
    classes: Classes | None = None,
    cercles: dict[str, float] | None = None,
    titre_cercles: str = "",
    reference: Reference | None = None,
    choisie: str | None = None,
    contours: str = CONTOURS,
) -> Carte:
    """Composer la carte d'un résultat déjà masqué.

    Un effectif se dessine en cercles sur un fond uni ; un taux en aplats, avec des cercles
    d'effectifs si `cercles` est donné (aire proportionnelle). `contours` : leur source, à citer.
    """
    effectif = resultat.fiche.est_effectif
    classes = classes or classer(resultat)
    couleurs = dict.fromkeys(classes.couleurs, CONTEXTE) if effectif else classes.couleurs
    partage = {"officiel"} < set(resultat.statuts) - set(ABSENCES)
    zones = tuple(
        Zone(
            code=str(ligne.Index),
            nom=str(ligne.nom),
            texte=str(ligne.texte),
            etiquette=resultat.ecrire(ligne.valeur, unite=False) or str(ligne.texte),
            survol=survol(resultat, ligne),
            couleur=couleurs.get(str(ligne.Index)),
            hachuree=str(ligne.Index) not in couleurs or ligne.fragilite == "fragile_fort",
            officielle=partage and ligne.statut == "officiel" and not effectif,
        )
        for ligne in resultat.table.itertuples()
    )
    valeurs = resultat.table["valeur"].dropna()
    propres = {str(c): float(v) for c, v in valeurs.items() if v > 0}
    return Carte(
        habillage=replace(habillage, source=f"{habillage.source} · {contours}"),
        zones=zones,
        cercles=propres if effectif else (cercles or {}),
        titre_cercles=resultat.fiche.titre_court if effectif else titre_cercles,
        legende=() if effectif else classes.classes,
        titre_legende=f"{resultat.fiche.titre_court} ({resultat.fiche.unite})",
        reference=etiquette(resultat, reference) if reference and not effectif else "",
        rang_reference=classes.rang(reference.valeur) if reference and not effectif else -1,
        choisie=choisie,
        hachures=any(z.hachuree for z in zones),
        officielles=any(z.officielle for z in zones),
    )
