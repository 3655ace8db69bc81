"""Commune : un portrait face à une référence qu'on change."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from ctg_data import phrases
from ctg_data.figures import Colonnes, Empilees
from ctg_data.figures.construire import ages, habiller, naissances, offre_par_mode
from ctg_data.indicateurs import BADGES, Resultat
from ctg_data.indicateurs.formules import COMPOSANTES
from ctg_data.indicateurs.options import NIVEAUX
from ctg_data.textes import INSECABLE, a, absente, echapper_markdown
from pages.composants import cadre, cartes, donnees
from pages.composants.contexte import Contexte
from pages.composants.fiche_commune import CHIFFRES, valeur
from pages.composants.figure import montrer, titrer

PORTRAIT = (
    "population",
    "enfants_moins_3_naissances",
    "taux_couverture",
    "places_manquantes",
    "niveau_vie_median",
    "taux_pauvrete",
    "foyers_paje",
    "assistantes_maternelles_actives",
)
NECESSAIRES = (*PORTRAIT, *CHIFFRES, "naissances", "enfants_0_4")


def page() -> None:
    """Choisir une commune, la comparer, montrer offre, naissances, âges et situation."""
    contexte = cadre.page("commune")
    cadre.ligne_de_contexte(contexte)
    if not cadre.verifier(contexte, *NECESSAIRES):
        return
    if contexte.commune is None:
        contexte = replace(contexte, commune=_plus_peuplee(contexte))
        st.caption(
            "Aucune commune choisie : voici la plus peuplée. Choisissez-en une dans la liste."
        )
    couverture = donnees.resultat(contexte, "taux_couverture")
    ligne = couverture.table.loc[contexte.commune]
    message = phrases.message(couverture, contexte.commune, contexte.reference)
    cadre.titre(message, _phrases(contexte, couverture), ligne["statut"] == "exemple")
    _chiffres(contexte)
    gauche, droite = st.columns(2, gap="medium")
    with gauche:
        _figure(_offre(contexte, couverture), "offre_modes", 240)
        _figure(_ages(contexte), "ages", 290)
    with droite:
        _naissances(contexte)
        st.markdown("#### Dans le territoire")
        cartes.presenter(
            contexte, "taux_couverture", "carte_situation", cercles=False, fenetre=cartes.VIGNETTE
        )


def _naissances(contexte: Contexte) -> None:
    resultat = donnees.resultat(contexte, "naissances")
    ligne = resultat.table.loc[contexte.commune]
    serie = donnees.serie(contexte, "naissances", contexte.commune)
    if serie.empty:
        st.caption(echapper_markdown(f"{ligne['nom']} : naissances {ligne['texte']}."))
        return
    nom, source = str(ligne["nom"]), resultat.fiche.source
    _figure(naissances(nom, a(nom), serie, source, ligne["statut"]), "naissances", 290)


def _plus_peuplee(contexte: Contexte) -> str:
    return str(donnees.resultat(contexte, "population").table["valeur"].idxmax())


def _figure(figure: Empilees | Colonnes, cle: str, hauteur: int) -> None:
    titrer(figure.habillage)
    montrer(figure, cle, hauteur)


def _phrases(contexte: Contexte, couverture: Resultat) -> str:
    """Écrire ce que les chiffres de la commune disent, et rien d'autre."""
    ligne = couverture.table.loc[contexte.commune]
    serie = donnees.serie(contexte, "naissances", contexte.commune).to_dict()
    manque = donnees.resultat(contexte, "places_manquantes").table.at[contexte.commune, "valeur"]
    textes = [
        phrases.naissances_en_cinq_ans(a(str(ligne["nom"])), serie),
        phrases.manque(float(manque), contexte.reference),
        phrases.estimation(str(ligne["statut"])),
        f"Taux {phrases.FRAGILITES[ligne['fragilite']]}." if ligne["fragilite"] else "",
    ]
    return " ".join(t for t in textes if t)


def _chiffres(contexte: Contexte) -> None:
    for rang, colonne in enumerate(st.columns(len(PORTRAIT), gap="small")):
        code = PORTRAIT[rang]
        resultat = donnees.resultat(contexte, code)
        ligne = resultat.table.loc[contexte.commune]
        with colonne:
            st.metric(
                resultat.fiche.titre_court,
                valeur(resultat, contexte.commune),
                help=echapper_markdown(resultat.fiche.definition),
            )
            reference = resultat.references.get(contexte.reference)
            comparee = f"{phrases.comparaison(resultat, reference)} · " if reference else ""
            unite = resultat.fiche.unite
            fin = f"{BADGES[str(ligne['statut'])]}, {resultat.annee}"
            st.caption(echapper_markdown(f"{unite} · {comparee}{fin}"))


def _offre(contexte: Contexte, couverture: Resultat) -> Empilees:
    """Empiler l'offre par mode : la commune, puis la référence choisie et la France."""
    modes = donnees.modes(contexte)
    annee = couverture.annee
    ici = modes[(modes["code_commune"] == contexte.commune) & (modes["annee"] == annee)]
    parts_ici = ici.iloc[0].to_dict() if len(ici) else {}
    ligne = couverture.table.loc[contexte.commune]
    estime = ligne["statut"] != "officiel"
    rangs = [(str(ligne["nom"]), parts_ici, float(ligne["valeur"]), estime)]
    message = ""
    for niveau in NIVEAUX:
        if niveau not in (contexte.reference, "epci", "france"):
            continue
        reference = couverture.references.get(niveau)
        parts = donnees.parts_publiees(contexte, niveau)
        if reference is not None and parts:
            nom = f"{reference.nom} ({reference.annee})"
            rangs.append((nom, parts, reference.valeur, reference.statut != "officiel"))
            if niveau == contexte.reference and ligne["fragilite"] != "fragile_fort":
                ou = phrases.DANS[niveau]
                message = phrases.mode_le_plus_loin(str(ligne["nom"]), parts_ici, parts, ou)
    habillage = habiller(couverture, contexte.commune, contexte.reference, "offre_par_mode")
    titre = f"Offre d'accueil par mode, places pour 100 enfants de moins de 3 ans, {annee}"
    return offre_par_mode(
        [r for r in rangs if not absente(r[2])],
        replace(
            habillage,
            message=message or f"{ligne['nom']}{INSECABLE}: d'où viennent les places",
            sous_titre=titre,
            source=f"Source{INSECABLE}: {couverture.fiche.source} · {BADGES[str(ligne['statut'])]}",
            table=_table_modes(rangs),
            exemple=ligne["statut"] == "exemple",
        ),
    )


def _table_modes(rangs: list) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"Ensemble": nom, **{mode: parts.get(mode) for mode in COMPOSANTES}, "total": total}
            for nom, parts, total, _ in rangs
        ]
    ).round(1)


def _ages(contexte: Contexte) -> Colonnes:
    noms = donnees.tables(contexte).noms
    parts = donnees.structure_par_age(contexte)
    assert contexte.commune is not None
    enfants = donnees.resultat(contexte, "enfants_0_4")
    return ages(
        noms[contexte.commune],
        parts[contexte.commune],
        contexte.territoire.nom,
        parts["territoire"],
        enfants.fiche.source,
        enfants.annee,
        str(enfants.table.at[contexte.commune, "statut"]),
        fragile=bool(enfants.table.at[contexte.commune, "fragilite"]),
    )


if __name__ == "__main__":
    page()
