"""Accueil : le territoire en un écran."""

import datetime as dt

import streamlit as st

from ctg_data import phrases
from ctg_data.indicateurs import BADGES, Resultat, catalogue
from ctg_data.territoire import Territoire
from ctg_data.textes import INSECABLE, compte, date_courte, echapper_markdown, nombre
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
    cadre.ligne_de_contexte(contexte)
    calculables = [c for c in CHIFFRES if not donnees.fautes(contexte, c)]
    if len(calculables) < len(CHIFFRES):
        _incomplet(contexte, calculables)
        return
    _titre(contexte, calculables)
    _chiffres(contexte, calculables)
    gauche, droite = st.columns([3, 2], gap="medium")
    with gauche:
        cartes.presenter(contexte, "taux_couverture", "carte_accueil", fenetre=cartes.VIGNETTE)
    with droite:
        _a_regarder(contexte, donnees.resultat(contexte, "taux_couverture"))


def _incomplet(contexte: Contexte, calculables: list[str]) -> None:
    """Montrer les chiffres que l'on a, puis ce qui manque et, à défaut de mieux, qui habite où."""
    if calculables:
        _titre(contexte, calculables)
        _chiffres(contexte, calculables)
    if not donnees.a_charger(contexte, *CHIFFRES):
        cadre.verifier(contexte, *CHIFFRES)
        return
    gauche, droite = st.columns([3, 2], gap="medium")
    with gauche:
        cadre.verifier(contexte, *CHIFFRES)
    with droite:
        cartes.presenter(contexte, "population", "carte_accueil", fenetre=cartes.VIGNETTE)


def _chiffres(contexte: Contexte, calculables: list[str]) -> None:
    for colonne, code in zip(st.columns(len(CHIFFRES)), CHIFFRES, strict=True):
        with colonne:
            _chiffre(contexte, code, code in calculables)


def _titre(contexte: Contexte, calculables: list[str]) -> None:
    """Écrire le message du territoire : sa couverture, puis ses naissances, si elles sont là."""
    message, tendance, exemple = contexte.territoire.nom, "", False
    if "taux_couverture" in calculables:
        couverture = donnees.resultat(contexte, "taux_couverture")
        message = phrases.message(couverture, None, contexte.reference)
        exemple = couverture.exemple
    if "naissances" in calculables:
        serie = donnees.serie(contexte, "naissances").to_dict()
        tendance = phrases.naissances_en_cinq_ans(contexte.territoire.locatif, serie)
    cadre.titre(message, tendance, exemple)


def _chiffre(contexte: Contexte, code: str, calculable: bool) -> None:
    """Montrer un chiffre-clé : valeur, tendance, référence, fiabilité, millésime."""
    if not calculable:
        with st.container(border=True, height="stretch", gap=None, key=f"chiffre_{code}"):
            st.metric(catalogue()[code].titre_court, "—")
            st.caption(f"À compléter : {donnees.fichiers_a_revoir(contexte, code)}")
        return
    resultat = donnees.resultat(contexte, code)
    serie = donnees.serie(contexte, code).dropna()
    with st.container(border=True, height="stretch", gap=None, key=f"chiffre_{code}"):
        st.metric(
            f"{resultat.fiche.titre_court}",
            resultat.ecrire(resultat.ensemble, unite=resultat.fiche.unite == "%") or "n.d.",
            chart_data=serie.round(1).tolist() if len(serie) > 2 else None,
            help=echapper_markdown(resultat.fiche.definition),
        )
        st.caption(echapper_markdown(_legende(contexte, resultat, serie.to_dict())))


def _legende(contexte: Contexte, resultat: Resultat, serie: dict[int, float]) -> str:
    """Écrire sous un chiffre : unité et année, référence ou tendance de cinq ans, fiabilité."""
    reference = resultat.references.get(contexte.reference)
    comparaison = _tendance(serie)
    if reference is not None and contexte.reference != "territoire":
        comparaison = phrases.comparaison(resultat, reference)
    unite = f"{resultat.fiche.unite_courte or resultat.fiche.unite}, {resultat.annee}"
    return " · ".join(t for t in (unite, comparaison, BADGES[resultat.ensemble_statut]) if t)


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
    textes = [phrases.part_officielle(officielles, len(table))]
    if couverture.exemple:
        textes.append(phrases.estimation("exemple"))
    if fragiles:
        textes.append(
            f"{compte(fragiles, 'commune')} comptent {phrases.TROP_PEU} de moins de 3 ans : "
            "leur taux est hachuré et n'est pas classé."
        )
    return textes


if __name__ == "__main__":
    page()
