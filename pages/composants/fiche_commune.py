"""Résumer la commune choisie (ou le territoire) en quatre chiffres et une phrase."""

from __future__ import annotations

import streamlit as st

from ctg_data import phrases
from ctg_data.indicateurs import BADGES, Resultat
from ctg_data.textes import INSECABLE, absente, echapper_markdown
from pages.composants import cadre, donnees
from pages.composants.contexte import Contexte

CHIFFRES = (
    "enfants_moins_3_naissances",
    "enfants_moins_3_recensement",
    "places_total",
    "taux_couverture",
    "places_manquantes",
)


def resume(contexte: Contexte) -> None:
    """Montrer nom, quatre chiffres, phrase d'écart à la référence et lien vers le portrait."""
    nom = donnees.tables(contexte).noms.get(contexte.commune or "", contexte.territoire.nom)
    titre = f"#### {echapper_markdown(nom)}"
    manquants = donnees.fichiers_a_revoir(contexte, *CHIFFRES)
    if manquants:
        st.markdown(f"{titre}\n\nFiche à compléter{INSECABLE}: {manquants}.")
        return
    resultats = [donnees.enfants(contexte)]
    resultats += [donnees.resultat(contexte, code) for code in CHIFFRES[2:]]
    manque = donnees.resultat(contexte, "places_manquantes")
    lignes = [
        phrases.manque(_nombre(manque, contexte.commune), contexte.reference),
        phrases.estimation(_moins_sur(resultats, contexte.commune)),
    ]
    dit = echapper_markdown(" ".join(ligne for ligne in lignes if ligne))
    # Un seul élément de page : cette fiche est redessinée à chaque geste.
    st.markdown("\n\n".join([titre, _chiffres(resultats, contexte.commune), dit]))
    if contexte.commune:
        libelle = f"Portrait complet{INSECABLE}: {echapper_markdown(nom)}"
        cadre.lien("commune", libelle, ":material/arrow_forward:", contexte.adresse)


def _chiffres(resultats: list[Resultat], commune: str | None) -> str:
    """Écrire les chiffres en une table d'une ligne, sous leurs titres."""
    titres = [echapper_markdown(r.fiche.titre_court) for r in resultats]
    valeurs = [echapper_markdown(valeur(r, commune)) for r in resultats]
    filets = ["---"] * len(resultats)
    return "\n".join(f"| {' | '.join(ligne)} |" for ligne in (titres, filets, valeurs))


def _moins_sur(resultats: list[Resultat], commune: str | None) -> str:
    """Rendre « exemple » si un seul des chiffres montrés l'est, sinon la fiabilité du taux."""
    statuts = {r.fiche.code: statut(r, commune) for r in resultats}
    return "exemple" if "exemple" in statuts.values() else statuts["taux_couverture"]


def _nombre(resultat: Resultat, commune: str | None) -> float:
    return resultat.ensemble if commune is None else float(resultat.table.at[commune, "valeur"])


def statut(resultat: Resultat, commune: str | None) -> str:
    """Rendre la fiabilité de la valeur montrée."""
    return (
        resultat.ensemble_statut if commune is None else str(resultat.table.at[commune, "statut"])
    )


def valeur(resultat: Resultat, commune: str | None) -> str:
    """Écrire une valeur courte : nombre, « places/enfants » si trop peu, ou raison de l'absence."""
    montree = _nombre(resultat, commune)
    if commune is not None and phrases.trop_peu(resultat, commune):
        ligne = resultat.table.loc[commune]
        return f"{ligne['numerateur']:.0f}/{ligne['denominateur']:.0f}"
    if absente(montree):
        return (
            BADGES["non_renseigne"] if commune is None else str(resultat.table.at[commune, "texte"])
        )
    return resultat.ecrire(
        montree, unite=resultat.fiche.unite == "%", signe=resultat.fiche.nature == "ecart"
    )
