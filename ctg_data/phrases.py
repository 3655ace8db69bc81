"""Écrire les phrases que les chiffres portent : messages, survols, sources. Aucune sinon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctg_data import textes
from ctg_data.indicateurs import BADGES, Reference, Resultat
from ctg_data.parametres import parametres
from ctg_data.textes import INSECABLE, compte, nombre

MINIMUM = int(parametres().seuils["fragile_fort"])
TROP_PEU = f"moins de {MINIMUM} enfants"
FRAGILITES = {
    "": "",
    "fragile": "fragile : petits effectifs",
    "fragile_fort": f"très fragile : {TROP_PEU}",
}
DANS = {
    "territoire": "dans l'ensemble du territoire",
    "epci": "dans l'EPCI",
    "departement": "dans le département",
    "region": "dans la région",
    "france": "en France",
}
PLACES_DE = {"eaje": "d'EAJE", "am": "chez les assistantes maternelles"}
NIVEAU_DE = {
    "territoire": "de l'ensemble du territoire",
    "epci": "de l'EPCI",
    "departement": "du département",
    "region": "de la région",
    "france": "de la France",
}


def message(resultat: Resultat, commune: str | None, niveau: str) -> str:
    """Écrire le message d'un indicateur : qui, combien, contre combien, quand.

    Sans valeur, rend la raison de son absence ; sans référence, s'arrête à la valeur.
    """
    nom, texte, valeur = _sujet(resultat, commune)
    if textes.absente(valeur):
        etendue = _etendue(resultat) if commune is None else ""
        return f"{nom}{INSECABLE}: {resultat.fiche.titre_court.lower()} {etendue or texte}"
    if commune is not None and trop_peu(resultat, commune):
        return f"{nom}{INSECABLE}: {texte} ({resultat.annee}), trop peu pour comparer un taux"
    debut = f"{nom}{INSECABLE}: {_en_toutes_lettres(resultat, valeur)}"
    reference = resultat.references.get(niveau)
    if reference is None or (commune is None and niveau == "territoire"):
        return f"{debut} ({resultat.annee})" + _part(resultat, commune)
    return f"{debut}, contre {comparaison(resultat, reference)}"


def _sujet(resultat: Resultat, commune: str | None) -> tuple[str, str, float]:
    """Rendre le nom, la valeur écrite (ou la raison de son absence) et la valeur."""
    if commune is not None:
        ligne = resultat.table.loc[commune]
        return str(ligne["nom"]), str(ligne["texte"]), float(ligne["valeur"])
    texte = resultat.ecrire(resultat.ensemble) or _absence_ensemble(resultat)
    return resultat.nom_ensemble, texte, resultat.ensemble


def trop_peu(resultat: Resultat, commune: str) -> bool:
    """Dire si un taux porte sur trop peu d'enfants pour être lu ou comparé."""
    fragilite = resultat.table.at[commune, "fragilite"]
    return resultat.fiche.nature == "taux" and fragilite == "fragile_fort"


def _etendue(resultat: Resultat) -> str:
    """Dire d'où à où vont les communes quand l'ensemble n'a pas de valeur."""
    valeurs = resultat.table["valeur"].dropna()
    if resultat.fiche.agregation != "aucune" or len(valeurs) < 2:
        return ""
    bas, haut = (resultat.table.loc[c] for c in (valeurs.idxmin(), valeurs.idxmax()))
    bornes = f"de {bas['texte']} ({bas['nom']}) à {haut['texte']} ({haut['nom']})"
    return f"{bornes}, {len(valeurs)} communes renseignées sur {len(resultat.table)}"


def _absence_ensemble(resultat: Resultat) -> str:
    total = len(resultat.table)
    if resultat.ensemble_statut == "secret":
        return BADGES["secret"]
    if resultat.fiche.agregation == "aucune":
        return "publié par commune, sans valeur d'ensemble"
    return f"non calculable ({resultat.renseignees} communes renseignées sur {total})"


def _en_toutes_lettres(resultat: Resultat, valeur: float) -> str:
    """Écrire une valeur dans un message : l'unité courte ne dit pas de quoi l'on parle."""
    fiche = resultat.fiche
    if fiche.unite_courte:
        return textes.avec_unite(resultat.ecrire(valeur, unite=False), fiche.unite)
    if fiche.est_effectif or fiche.nature == "ecart":
        return resultat.ecrire(valeur)
    return f"{fiche.titre_court.lower()} {resultat.ecrire(valeur)}"


def _part(resultat: Resultat, commune: str | None) -> str:
    if commune is None or not resultat.fiche.est_effectif or not resultat.ensemble > 0:
        return ""
    part = 100 * float(resultat.table.loc[commune, "valeur"]) / resultat.ensemble
    return f", soit {nombre(part)}{INSECABLE}% du territoire"


def comparaison(resultat: Resultat, reference: Reference) -> str:
    """Écrire la valeur de référence : « 60,9 en France (2023) », avec sa réserve s'il en est."""
    nomme = reference.niveau in ("departement", "region")
    precisions = [reference.nom] * nomme + [str(reference.annee)]
    precisions += ["à confirmer"] * (reference.statut in ("estime", "exemple"))
    valeur = resultat.ecrire(reference.valeur, unite=False)
    return f"{valeur} {DANS[reference.niveau]} ({', '.join(precisions)})"


def survol(resultat: Resultat, ligne: Any) -> tuple[str, ...]:
    """Rendre les lignes lues au survol d'une commune : nom, valeur, fiabilité, fragilité.

    `ligne` : la ligne de sa table (itertuples : chercher chaque commune coûterait dix fois plus).
    """
    lignes = [
        str(ligne.nom),
        f"{resultat.fiche.titre_court}{INSECABLE}: {ligne.texte}",
        f"{resultat.annee} · {BADGES[ligne.statut]}",
        FRAGILITES[ligne.fragilite],
    ]
    return tuple(t for t in lignes if t)


def source(resultat: Resultat) -> str:
    """Écrire la ligne de source : producteur, fiabilités, valeurs masquées ou fragiles."""
    table = resultat.table
    presents = [s for s in resultat.statuts if s not in ("secret", "non_renseigne")]
    badges = [BADGES[s] for s in presents]
    morceaux = [f"Source{INSECABLE}: {resultat.fiche.source}", textes.enumeration(badges)]
    masquees, absentes = resultat.masquees, int((table["statut"] == "non_renseigne").sum())
    fragiles = int((table["fragilite"] == "fragile_fort").sum())
    if masquees:
        morceaux.append(compte(masquees, "valeur masquée", "valeurs masquées") + " (secret)")
    if absentes:
        morceaux.append(compte(absentes, "valeur non renseignée", "valeurs non renseignées"))
    if fragiles:
        morceaux.append(
            compte(fragiles, "taux très fragile hachuré", "taux très fragiles hachurés")
        )
    return " · ".join(m for m in morceaux if m)


def sous_titre(resultat: Resultat) -> str:
    """Écrire indicateur, unité, année et périmètre."""
    fiche = resultat.fiche
    perimetre = f"{resultat.nom_ensemble}, {compte(len(resultat.table), 'commune')}"
    unite = "" if fiche.est_effectif else f" ({fiche.unite})"
    return f"{fiche.titre}{unite}, {resultat.annee} · {perimetre}"


def naissances_en_cinq_ans(lieu: str, serie: dict[int, float]) -> str:
    """Écrire la tendance : « En 2025, 426 naissances à …, 17 % de moins qu'en 2020. »

    `lieu` est écrit tel quel (« à Saint-Gilles », « dans le Gard rhodanien »). Rend une chaîne vide
    si l'une des deux années manque ou si la première vaut zéro.
    """
    if not serie:
        return ""
    fin = max(serie)
    debut = fin - 5
    if textes.absente(serie.get(debut)) or textes.absente(serie[fin]) or not serie[debut] > 0:
        return ""
    ecart = round(100 * (serie[fin] / serie[debut] - 1))
    sens = "de plus" if ecart > 0 else "de moins"
    variation = (
        f"{nombre(abs(ecart))}{INSECABLE}% {sens} qu'en {debut}" if ecart else f"comme en {debut}"
    )
    naissances = compte(serie[fin], "naissance")
    return f"En {fin}, {naissances} {lieu}, {variation}."


def mode_le_plus_loin(
    nom: str, parts: Mapping[str, float], reference: Mapping[str, float], ou: str
) -> str:
    """Nommer le mode d'accueil le plus loin de la référence : « 6,8 places d'EAJE, contre 23,5 ».

    Rend une chaîne vide si aucun mode n'est connu des deux côtés.
    """
    ecarts = {
        mode: abs(parts[mode] - reference[mode])
        for mode in PLACES_DE
        if not (textes.absente(parts.get(mode)) or textes.absente(reference.get(mode)))
    }
    if not ecarts:
        return ""
    mode = max(ecarts, key=lambda m: ecarts[m])
    ici, la = nombre(parts[mode], 1), nombre(reference[mode], 1)
    quoi = f"{ici} places {PLACES_DE[mode]} pour 100 enfants de moins de 3 ans"
    return f"{nom}{INSECABLE}: {quoi}, contre {la} {ou}"


def part_officielle(officielles: int, total: int) -> str:
    """Dire combien de communes ont un taux publié, les autres étant estimées."""
    sujet = f"{compte(officielles, 'commune')} sur {total}"
    verbe = "ont" if officielles > 1 else "a"
    if not officielles:
        return "Aucune commune n'a de taux de couverture publié : tous sont estimés localement."
    suite = "les autres taux sont des estimations locales" if officielles < total else ""
    fin = f" ; {suite}." if suite else "."
    return f"{sujet} {verbe} un taux de couverture publié par la Cnaf{fin}"


def sous_reference(sous: int, total: int, reference: Reference) -> str:
    """Compter les communes sous un taux de référence, parmi celles dont le taux se lit."""
    # Le périmètre est dit : l'école à 2 ans et la garde à domicile n'y sont pas.
    niveau = f"{nombre(reference.valeur, 1)} places d'EAJE et d'AM {DANS[reference.niveau]}"
    if sous == 0:
        return f"Aucune des {total} communes d'au moins {MINIMUM} enfants n'est sous {niveau}"
    verbe = "est" if sous == 1 else "sont"
    quelles = f"{sous} des {total} communes d'au moins {MINIMUM} enfants"
    return f"{quelles} {verbe} sous la référence{INSECABLE}: {niveau}"


def manque(valeur: float, niveau: str) -> str:
    """Écrire l'écart en places à la référence : « Il manque 38 places pour atteindre … »."""
    if textes.absente(valeur):
        return ""
    places = round(abs(valeur))
    niveau_vise = NIVEAU_DE[niveau]
    if places == 0:
        return f"L'offre atteint le niveau {niveau_vise}."
    if valeur > 0:
        return f"Il manque {compte(places, 'place')} pour atteindre le niveau {niveau_vise}."
    return f"L'offre dépasse de {compte(places, 'place')} le niveau {niveau_vise}."


def estimation(statut: str) -> str:
    """Avertir quand une valeur de couverture n'est pas publiée mais estimée."""
    if statut == "exemple":
        return "Offre d'exemple : à remplacer par vos fichiers avant toute présentation."
    if statut in ("estime", "local"):
        seuil = nombre(parametres().seuils["publication_cnaf"])
        return f"Estimation locale : la Cnaf ne publie pas ce taux sous {seuil} habitants."
    return ""
