"""Construire les figures d'un indicateur : résultat masqué → valeur à dessiner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from ctg_data import phrases
from ctg_data.figures.modele import (
    Barre,
    Barres,
    Colonnes,
    Empilees,
    Habillage,
    Nuage,
    Point,
    Segment,
    Serie,
)
from ctg_data.figures.palette import CONTEXTE, ENCRE, LIEN, MODES, NEUTRE, NOMS_MODES
from ctg_data.indicateurs import BADGES, Reference, Resultat
from ctg_data.textes import INSECABLE, absente, cle_de_tri, nombre

# Place d'une lettre et d'une ligne dans le nuage, en part de sa largeur et de sa hauteur.
LETTRE_NUAGE, LIGNE_NUAGE = 0.022, 0.075


def habiller(resultat: Resultat, commune: str | None, niveau: str, genre: str) -> Habillage:
    """Réunir message, sous-titre, source, texte et table d'un indicateur.

    `niveau` : référence de comparaison ; `genre` : suffixe du nom de fichier (carte, classement…).
    """
    message = phrases.message(resultat, commune, niveau)
    sous_titre = phrases.sous_titre(resultat)
    source = phrases.source(resultat)
    return Habillage(
        message=message,
        sous_titre=sous_titre,
        source=source,
        texte=f"{message}. {sous_titre}. {source}.",
        table=table(resultat),
        nom_fichier=f"{resultat.fiche.code}_{resultat.annee}_{genre}",
        exemple=resultat.exemple,
    )


def table(resultat: Resultat) -> pd.DataFrame:
    """Dresser le tableau d'un indicateur : une ligne par commune, fiabilité et fragilité dites."""
    fiche, donnees = resultat.fiche, resultat.table
    dressee = pd.DataFrame(
        {
            "Code": donnees.index.astype(str),
            "Commune": donnees["nom"].to_numpy(),
            f"{fiche.titre_court} ({fiche.unite})": donnees["valeur"].round(fiche.decimales).array,
            "Rang": donnees["rang"].astype("Int64").array,
            "Année": resultat.annee,
            "Fiabilité": [BADGES[s] for s in donnees["statut"]],
            "Réserve": [phrases.FRAGILITES[f] for f in donnees["fragilite"]],
        }
    )
    return dressee.sort_values("Commune", key=lambda noms: noms.map(cle_de_tri), ignore_index=True)


def classement(
    resultat: Resultat,
    couleurs: Mapping[str, str],
    choisie: str | None,
    niveau: str,
) -> Barres:
    """Classer les communes ; les taux très fragiles puis les valeurs absentes viennent à la fin."""
    reference = resultat.references.get(niveau)
    effectif = resultat.fiche.est_effectif
    ordonnees = sorted(
        resultat.table.itertuples(),
        key=lambda ligne: (
            absente(ligne.valeur),
            ligne.fragilite == "fragile_fort",
            0 if absente(ligne.valeur) else -ligne.valeur,
            cle_de_tri(str(ligne.nom)),
        ),
    )
    barres = tuple(
        Barre(
            cle=str(ligne.Index),
            nom=str(ligne.nom),
            valeur=None if absente(ligne.valeur) else float(ligne.valeur),
            texte=_texte_barre(resultat, ligne),
            couleur=NEUTRE if effectif else couleurs.get(str(ligne.Index), CONTEXTE),
            survol=phrases.survol(resultat, ligne),
            incertaine=(
                ligne.statut in ("estime", "exemple", "local") and "officiel" in resultat.statuts
            )
            or ligne.fragilite == "fragile_fort",
        )
        for ligne in ordonnees
    )
    return Barres(
        habillage=habiller(resultat, choisie, niveau, "classement"),
        barres=barres,
        choisie=choisie,
        reference=reference.valeur if reference else None,
        texte_reference=etiquette(resultat, reference) if reference else "",
    )


def _texte_barre(resultat: Resultat, ligne: object) -> str:
    valeur = ligne.valeur  # type: ignore[attr-defined]
    if absente(valeur):
        return str(ligne.texte)  # type: ignore[attr-defined]
    if ligne.fragilite == "fragile_fort" and resultat.fiche.nature == "taux":  # type: ignore[attr-defined]
        return str(ligne.texte)  # type: ignore[attr-defined]
    return resultat.ecrire(valeur, unite=resultat.fiche.unite == "%")


def etiquette(resultat: Resultat, reference: Reference) -> str:
    """Écrire l'étiquette d'un trait de référence : « France : 60,9 »."""
    noms = {"epci": "EPCI", "france": "France", "territoire": "Ensemble"}
    nom = noms.get(reference.niveau, reference.nom)
    return f"{nom}{INSECABLE}: {resultat.ecrire(reference.valeur, unite=False)}"


def nuage(
    besoin: Resultat,
    offre: Resultat,
    eaje: Resultat,
    am: Resultat,
    couleurs: Mapping[str, str],
    choisie: str | None,
    niveau: str,
) -> Nuage:
    """Croiser besoin (enfants) et offre (places d'EAJE et d'AM) ; la droite est la référence.

    `eaje` et `am` : les deux couvertures dont la somme est le taux de référence, du même périmètre
    que les places (sans l'école à 2 ans ni la garde à domicile) ; elles disent aussi les communes
    trop petites pour être comparées.
    """
    reference = _reference_places(eaje, am, niveau)
    places = offre.table[["valeur", "statut"]].add_suffix("_offre")
    communes = besoin.table.join(places)
    communes["fragilite"] = am.table["fragilite"]
    communes = communes[communes["valeur"].notna() & communes["valeur_offre"].notna()]
    nommees = _a_nommer(communes)
    points = tuple(
        Point(
            cle=str(ligne.Index),
            nom=str(ligne.nom),
            x=float(ligne.valeur),
            y=float(ligne.valeur_offre),
            couleur=couleurs.get(str(ligne.Index), CONTEXTE),
            survol=(
                str(ligne.nom),
                besoin.ecrire(ligne.valeur),
                f"{offre.ecrire(ligne.valeur_offre)} ({BADGES[str(ligne.statut_offre)]})",
            ),
            nomme=ligne.Index in nommees,
        )
        for ligne in communes.itertuples()
    )
    habillage = habiller(offre, choisie, "", "nuage")
    pente = reference.valeur / 100 if reference else None
    return Nuage(
        habillage=_habiller_nuage(habillage, besoin, offre, communes, reference),
        points=points,
        titre_x=f"{besoin.fiche.titre_court}, {besoin.annee}",
        titre_y=f"{offre.fiche.titre_court}, {offre.annee}",
        choisi=choisie,
        pente=pente,
        texte_pente=f"{nombre(reference.valeur, 1)} pour 100" if reference else "",
    )


def _reference_places(eaje: Resultat, am: Resultat, niveau: str) -> Reference | None:
    parts = [r.references.get(niveau) for r in (eaje, am)]
    if parts[0] is None or parts[1] is None:
        return None
    return replace(parts[0], valeur=parts[0].valeur + parts[1].valeur)


def _a_nommer(communes: pd.DataFrame) -> set[str]:
    """Choisir les points nommés, des plus peuplés aux moins, sans que deux noms se couvrent."""
    x = communes["valeur"] / (communes["valeur"].max() or 1)
    y = communes["valeur_offre"] / (communes["valeur_offre"].max() or 1)
    poses: list[tuple[float, float, float]] = []
    nommes = set()
    for code in communes["valeur"].sort_values(ascending=False).index:
        demi = LETTRE_NUAGE * len(communes.at[code, "nom"]) / 2
        libre = all(
            abs(x[code] - px) > demi + large or abs(y[code] - py) > LIGNE_NUAGE
            for px, py, large in poses
        )
        if libre:
            poses.append((float(x[code]), float(y[code]), demi))
            nommes.add(str(code))
    return nommes


def _habiller_nuage(
    habillage: Habillage,
    besoin: Resultat,
    offre: Resultat,
    communes: pd.DataFrame,
    reference: Reference | None,
) -> Habillage:
    donnees = pd.DataFrame(
        {
            "Code": communes.index.astype(str),
            "Commune": communes["nom"].to_numpy(),
            f"{besoin.fiche.titre_court} ({besoin.annee})": communes["valeur"].round().array,
            f"{offre.fiche.titre_court} ({offre.annee})": communes["valeur_offre"].round().array,
            "Fiabilité de l'offre": [BADGES[s] for s in communes["statut_offre"]],
        }
    )
    sous_titre = f"Places d'accueil et enfants de moins de 3 ans, {offre.annee}, par commune"
    source = f"{phrases.source(offre)} · {besoin.fiche.source}"
    return Habillage(
        message=_message_nuage(communes, reference) or habillage.message,
        sous_titre=sous_titre,
        source=source,
        texte=f"{sous_titre}. {source}.",
        table=donnees,
        nom_fichier=f"offre_et_besoin_{offre.annee}",
        exemple=offre.exemple,
    )


def _message_nuage(communes: pd.DataFrame, reference: Reference | None) -> str:
    """Compter les communes sous la droite de référence, taux fragiles mis à part."""
    lues = communes[communes["fragilite"] != "fragile_fort"]
    if reference is None or lues.empty:
        return ""
    sous = int((100 * lues["valeur_offre"] / lues["valeur"] < reference.valeur).sum())
    return phrases.sous_reference(sous, len(lues), reference)


def naissances(nom: str, lieu: str, serie: pd.Series, source: str, statut: str) -> Colonnes:
    """Tracer les naissances d'une année sur l'autre, avec la moyenne glissante de trois ans.

    `statut` : la fiabilité de la série ; la série n'est pas vide.
    """
    annees = [int(a) for a in serie.index]
    valeurs = [None if absente(v) else float(v) for v in serie]
    lisse = [None if absente(v) else float(v) for v in serie.rolling(3, center=True).mean()]
    message = phrases.naissances_en_cinq_ans(lieu, dict(zip(annees, serie, strict=True)))
    sous_titre = f"Naissances domiciliées, {annees[0]}–{annees[-1]}, {nom}"
    donnees = pd.DataFrame({"Année": annees, "Naissances": valeurs, "Moyenne sur 3 ans": lisse})
    return Colonnes(
        habillage=Habillage(
            message=message or f"Naissances{INSECABLE}: {nom}",
            sous_titre=sous_titre,
            source=f"Source{INSECABLE}: {source} · {BADGES[statut]}",
            texte=f"{sous_titre}. {message}",
            table=donnees.round(1),
            nom_fichier="naissances",
            exemple=statut == "exemple",
        ),
        categories=tuple(str(a) for a in annees),
        series=(
            Serie("Naissances", tuple(valeurs), "#B9C4D6", _textes(valeurs, 0)),
            Serie("Moyenne sur 3 ans", tuple(lisse), LIEN, _textes(lisse, 1), ligne=True),
        ),
    )


def _textes(valeurs: list[float | None], decimales: int) -> tuple[str, ...]:
    return tuple(nombre(v, decimales) or "non renseigné" for v in valeurs)


def ages(
    nom: str,
    parts: pd.Series,
    nom_reference: str,
    reference: pd.Series,
    source: str,
    annee: int,
    statut: str,
    *,
    fragile: bool,
) -> Colonnes:
    """Comparer la structure par âge (en % de la population) à celle d'un ensemble de référence.

    `fragile` : trop peu d'enfants recensés pour que leur part fasse un message.
    """
    tranches = [str(t) for t in parts.index]
    jeunes = float(parts.iloc[0] - reference.iloc[0])
    sens = "plus" if jeunes > 0 else "moins"
    message = (
        f"{nom}{INSECABLE}: {nombre(parts.iloc[0], 1)}{INSECABLE}% d'enfants de 0 à 4 ans, "
        f"{sens} que {nom_reference} ({nombre(reference.iloc[0], 1)}{INSECABLE}%)"
    )
    if fragile or parts.isna().any():
        message = f"{nom}{INSECABLE}: les âges de la population"
    donnees = pd.DataFrame(
        {"Âge": tranches, f"{nom} (%)": parts.array, f"{nom_reference} (%)": reference.array}
    )
    return Colonnes(
        habillage=Habillage(
            message=message,
            sous_titre=f"Part de chaque tranche d'âge dans la population (%), {annee}",
            source=f"Source{INSECABLE}: {source} · {BADGES[statut]}" + " · fragile" * fragile,
            texte=message,
            table=donnees.round(2),
            nom_fichier="ages",
            exemple=statut == "exemple",
        ),
        categories=tuple(tranches),
        series=(
            Serie(nom, tuple(map(float, parts)), "#B9C4D6", _pour_cent(parts)),
            Serie(nom_reference, tuple(map(float, reference)), ENCRE, _pour_cent(reference), True),
        ),
        unite="% de la population",
    )


def _pour_cent(parts: pd.Series) -> tuple[str, ...]:
    return tuple(f"{nombre(p, 1)}{INSECABLE}%" for p in parts)


def offre_par_mode(
    rangs: list[tuple[str, Mapping[str, float], float, bool]], habillage: Habillage
) -> Empilees:
    """Empiler l'offre par mode ; `rangs` : (nom, places pour 100 par mode, total, incertain).

    Le total écrit est le total publié quand il existe : les parties n'y tombent pas toujours juste.
    """
    return Empilees(
        habillage=habillage,
        rangs=tuple(
            (
                nom,
                tuple(
                    Segment(NOMS_MODES[m], MODES[m], float(parts[m]), _segment(float(parts[m])))
                    for m in MODES
                    if not absente(parts.get(m))
                ),
                nombre(total, 1) + (" (estimé)" if incertain else ""),
                incertain,
            )
            for nom, parts, total, incertain in rangs
        ),
    )


def _segment(valeur: float) -> str:
    """Taire l'étiquette d'une part trop mince pour la porter."""
    return nombre(valeur, 1) if valeur >= 4 else ""
