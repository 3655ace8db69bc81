"""Accueil : le territoire en un écran."""

import datetime as dt

import streamlit as st

from ctg_data import phrases
from ctg_data.indicateurs import BADGES, Resultat, catalogue
from ctg_data.territoire import Territoire
from ctg_data.textes import INSECABLE, date_courte, echapper_markdown, nombre
from pages.composants import cadre, cartes, donnees
from pages.composants.contexte import Contexte

CHIFFRES = (
    "naissances",
    "enfants_moins_3_naissances",
    "taux_couverture",
    "places_manquantes",
    "foyers_paje",
    "taux_emploi_adultes",
)


def page() -> None:
    """Choisir le territoire, calculer six chiffres, montrer le message, la carte, à regarder."""
    contexte = cadre.page("accueil")
    if not cadre.ouvrir_donnees(contexte, *CHIFFRES):
        return
    couverture = donnees.resultat(contexte, "taux_couverture")
    series = donnees.serie(contexte, "naissances").to_dict()
    message = phrases.naissances_en_cinq_ans(contexte.territoire.nom, series)
    cadre.titre(phrases.message(couverture, None, contexte.reference), message)
    if couverture.exemple:
        cadre.ruban("accueil")
    for colonne, code in zip(st.columns(len(CHIFFRES)), CHIFFRES, strict=True):
        with colonne:
            _chiffre(contexte, code)
    gauche, droite = st.columns([3, 2], gap="medium")
    with gauche:
        composee = cartes.carte(contexte, couverture)
        cartes.presenter(contexte, composee, "carte_accueil", 330, 640)
    with droite:
        _a_regarder(contexte, couverture)


def _chiffre(contexte: Contexte, code: str) -> None:
    """Montrer un chiffre-clé : valeur, tendance, référence, fiabilité, millésime."""
    resultat = donnees.resultat(contexte, code)
    serie = donnees.serie(contexte, code).dropna()
    with st.container(border=True, height=205):
        st.metric(
            f"{resultat.fiche.titre_court}",
            resultat.ecrire(resultat.ensemble, unite=resultat.fiche.unite == "%") or "n.d.",
            chart_data=serie.round(1).tolist() if len(serie) > 2 else None,
            help=echapper_markdown(resultat.fiche.definition),
        )
        st.caption(echapper_markdown(_legende(contexte, resultat, serie.to_dict())))


def _legende(contexte: Contexte, resultat: Resultat, serie: dict[int, float]) -> str:
    """Écrire sous un chiffre : unité, tendance de cinq ans ou référence, fiabilité, année."""
    reference = resultat.references.get(contexte.reference)
    morceaux = [resultat.fiche.unite]
    if reference is not None and contexte.reference != "territoire":
        morceaux.append(phrases.comparaison(resultat, reference))
    tendance = _tendance(serie)
    if tendance:
        morceaux.append(tendance)
    morceaux.append(f"{BADGES[resultat.ensemble_statut]}, {resultat.annee}")
    return " · ".join(morceaux)


def _tendance(serie: dict[int, float]) -> str:
    fin = max(serie, default=0)
    debut = fin - 5 if fin - 5 in serie else min(serie, default=0)
    if debut >= fin or not serie[debut] > 0:
        return ""
    ecart = 100 * (serie[fin] / serie[debut] - 1)
    return f"{nombre(ecart, signe=True)}{INSECABLE}% depuis {debut}"


def _a_regarder(contexte: Contexte, couverture: Resultat) -> None:
    """Lister ce que l'officier doit savoir avant de montrer cet écran."""
    st.markdown("#### À regarder")
    for texte in [*_convention(contexte.territoire, contexte.situation), *_reserves(couverture)]:
        st.markdown(f"- {echapper_markdown(texte)}")
    st.markdown("#### Sources et dates")
    for code in CHIFFRES:
        fiche, resultat = catalogue()[code], donnees.resultat(contexte, code)
        ligne = f"{fiche.titre_court}{INSECABLE}: {fiche.source} ({resultat.annee})"
        st.caption(echapper_markdown(ligne))


def _convention(territoire: Territoire, situation: dt.date) -> list[str]:
    ctg = territoire.ctg
    if ctg.annee_fin is None:
        return ["Dates de la convention territoriale globale à renseigner."]
    annees = ctg.annee_fin - situation.year
    etat = "s'achève cette année" if annees == 0 else f"court jusqu'en {ctg.annee_fin}"
    etat = f"s'est achevée en {ctg.annee_fin}" if annees < 0 else etat
    return [f"La CTG {etat} (situation au {date_courte(situation)}). {ctg.reserve}"]


def _reserves(couverture: Resultat) -> list[str]:
    table = couverture.table
    officielles = int((table["statut"] == "officiel").sum())
    fragiles = int((table["fragilite"] == "fragile_fort").sum())
    textes = [
        f"{officielles} communes sur {len(table)} ont un taux de couverture publié par la Cnaf ; "
        "les autres sont des estimations locales."
    ]
    if couverture.exemple:
        textes.append(phrases.estimation("exemple"))
    if fragiles:
        textes.append(
            f"{fragiles} communes ont moins de 30 enfants de moins de 3 ans : "
            "leur taux est hachuré et n'est pas classé."
        )
    return textes


if __name__ == "__main__":
    page()
