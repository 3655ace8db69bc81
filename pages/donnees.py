"""Données : ce que l'outil montre, d'où il le tient, ce qui est à corriger ou à remplacer."""

from pathlib import Path

import pandas as pd
import streamlit as st

from ctg_data.indicateurs import BADGES, catalogue
from ctg_data.schema import dictionnaire, schemas
from ctg_data.territoire import copier
from ctg_data.textes import INSECABLE, compte, echapper_markdown, enumeration
from pages.composants import cadre, donnees
from pages.composants.contexte import Contexte, dossier_donnees

VUES = ("Sources", "Fautes à corriger", "Indicateurs", "Dictionnaire des colonnes", "Mes fichiers")


def page() -> None:
    """Choisir une vue des données du territoire et la montrer."""
    contexte = cadre.page("donnees")
    cadre.ligne_de_contexte(contexte)
    relevees = donnees.anomalies(contexte)
    erreurs = sum(a.erreur for a in relevees)
    etat = compte(erreurs, "faute à corriger", "fautes à corriger") if erreurs else "aucune faute"
    cadre.titre(f"{contexte.territoire.nom}, les données{INSECABLE}: {etat}")
    vue = st.segmented_control("Vue", VUES, default=VUES[0], label_visibility="collapsed")
    {
        VUES[0]: _sources,
        VUES[1]: _fautes,
        VUES[2]: _indicateurs,
        VUES[3]: _dictionnaire,
        VUES[4]: _mes_fichiers,
    }[vue or VUES[0]](contexte)


def _sources(contexte: Contexte) -> None:
    tables = donnees.tables(contexte).tables
    lignes = [
        {
            "Fichier": f"{nom}.csv",
            "Contenu": schemas()[nom].titre,
            "Lignes": len(table),
            "Années": _annees(table),
            "Fiabilité": enumeration([BADGES[s] for s in BADGES if s in set(table["statut"])]),
            "Sources": " / ".join(sorted(set(table["source"]))[:3]),
        }
        for nom, table in tables.items()
    ]
    exemples = [n for n, t in tables.items() if "exemple" in set(t["statut"])]
    if exemples:
        fichiers = enumeration([f"{n}.csv" for n in exemples])
        cadre.titre("À remplacer par vos fichiers", f"{fichiers}.", True, niveau=4)
    st.dataframe(pd.DataFrame(lignes), hide_index=True, height=440)


def _annees(table: pd.DataFrame) -> str:
    if "annee" not in table or table.empty:
        return ""
    debut, fin = int(table["annee"].min()), int(table["annee"].max())
    return str(fin) if debut == fin else f"{debut}–{fin}"


def _fautes(contexte: Contexte) -> None:
    relevees = donnees.anomalies(contexte)
    if not relevees:
        st.success("Tous les fichiers du territoire sont conformes.", icon=":material/check:")
        return
    table = pd.DataFrame(
        {
            "Gravité": ["erreur" if a.erreur else "avertissement" for a in relevees],
            "Fichier": [a.fichier for a in relevees],
            "Ligne": [a.ligne for a in relevees],
            "Colonne": [a.colonne for a in relevees],
            "Règle": [a.regle for a in relevees],
            "Trouvé": [a.valeur for a in relevees],
            "À écrire": [a.correction for a in relevees],
        }
    )
    st.caption(
        "Une erreur écarte le fichier entier : mieux vaut pas de chiffre qu'un chiffre faux."
    )
    st.dataframe(table.astype({"Ligne": "Int64"}), hide_index=True, height=440)


def _indicateurs(contexte: Contexte) -> None:
    fiches = catalogue().values()
    table = pd.DataFrame(
        {
            "Thème": [f.theme for f in fiches],
            "Indicateur": [f.titre for f in fiches],
            "Définition": [f.definition for f in fiches],
            "Calcul": [f.formule for f in fiches],
            "Unité": [f.unite for f in fiches],
            "Source": [f.source for f in fiches],
            "Pièges": [" ".join(f.pieges) for f in fiches],
            "Confidentialité": [f.confidentialite for f in fiches],
            "Licence": [f.licence for f in fiches],
        }
    )
    st.dataframe(table.sort_values(["Thème", "Indicateur"]), hide_index=True, height=480)


def _dictionnaire(contexte: Contexte) -> None:
    noms = list(schemas())
    choix = st.selectbox("Table", noms, format_func=lambda n: f"{schemas()[n].titre} ({n}.csv)")
    schema = schemas()[choix]
    st.caption(echapper_markdown(schema.description))
    st.dataframe(dictionnaire(schema), hide_index=True, height=420)


def _mes_fichiers(contexte: Contexte) -> None:
    """Dire où sont les fichiers du territoire, et en préparer une copie à soi."""
    lu = Path(contexte.marque[0])
    cible = dossier_donnees() / "territoires" / contexte.territoire.code
    st.markdown("#### Ce territoire est lu dans")
    st.code(str(lu), language=None)
    if lu == cible:
        st.markdown(
            "C'est votre dossier. Remplacez-y les fichiers par les vôtres, en gardant les noms et "
            "les colonnes (vue « Dictionnaire des colonnes »), puis rechargez la page."
        )
        return
    st.markdown(
        "C'est le territoire livré. Pour y mettre vos chiffres, préparez votre dossier : l'outil y "
        "copie ces fichiers, et lira désormais les vôtres."
    )
    st.code(str(cible), language=None)
    if st.button("Préparer mon dossier", icon=":material/create_new_folder:"):
        _preparer(lu, cible)


def _preparer(lu: Path, cible: Path) -> None:
    try:
        copier(lu, cible)
    except OSError as faute:
        st.error(f"Le dossier n'a pas pu être créé : {faute.strerror}.")
        st.text("Choisissez un dossier où vous pouvez écrire, par la variable CTG_DONNEES.")
        return
    st.rerun()


if __name__ == "__main__":
    page()
