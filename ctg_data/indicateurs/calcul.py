"""Calculer un indicateur : choisir l'année, taire, agréger, comparer, dire la fiabilité."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ctg_data import textes
from ctg_data.indicateurs.fiche import Fiche, catalogue
from ctg_data.indicateurs.formules import FORMULES
from ctg_data.indicateurs.mesures import ABSENCES, pire
from ctg_data.indicateurs.options import Options
from ctg_data.secret import taire
from ctg_data.territoire import Donnees

BADGES = {
    "officiel": "officiel",
    "calcule": "calculé",
    "estime": "estimé",
    "local": "local",
    "exemple": "exemple",
    "secret": "n.d. (secret)",
    "non_renseigne": "non renseigné",
    "zero_ambigu": "0 à 4 ou non publié",
}
SANS_DENOMINATEUR = "aucun enfant"


@dataclass(frozen=True)
class Reference:
    """Porter une valeur de comparaison : son niveau, son nom, son année, sa sûreté, sa source."""

    niveau: str
    nom: str
    valeur: float
    annee: int
    statut: str
    source: str


@dataclass(frozen=True)
class Resultat:
    """Porter un indicateur calculé, déjà masqué pour son audience.

    `table`, indexée par code de commune : nom, valeur, numerateur, denominateur, statut,
    fragilite ("", "fragile", "fragile_fort"), texte (valeur écrite, ou raison de son absence),
    rang (1 = la plus haute ; absent pour les taux hachurés), annee.
    """

    fiche: Fiche
    annee: int
    table: pd.DataFrame
    nom_ensemble: str
    ensemble: float
    ensemble_statut: str
    renseignees: int
    masquees: int
    references: Mapping[str, Reference]

    @property
    def statuts(self) -> list[str]:
        """Rendre les statuts présents, du plus sûr au moins sûr."""
        presents = set(self.table["statut"])
        return [s for s in BADGES if s in presents]

    @property
    def exemple(self) -> bool:
        """Dire si une donnée de démonstration entre dans le résultat."""
        return "exemple" in (*self.statuts, self.ensemble_statut)

    def ecrire(self, valeur: float | None, *, unite: bool = True, signe: bool = False) -> str:
        """Écrire une valeur de cet indicateur, avec son unité courte."""
        return ecrire(self.fiche, valeur, unite=unite, signe=signe)


def ecrire(fiche: Fiche, valeur: float | None, *, unite: bool = True, signe: bool = False) -> str:
    """Écrire une valeur dans l'unité de la fiche ; chaîne vide si elle manque."""
    if textes.absente(valeur):
        return ""
    assert valeur is not None
    signe = signe or fiche.nature == "evolution"
    texte = textes.nombre(valeur, fiche.decimales, signe=signe)
    return textes.avec_unite(texte, unite_de(fiche, valeur)) if unite else texte


def unite_de(fiche: Fiche, valeur: float) -> str:
    """Rendre l'unité courte, accordée quand elle se compte."""
    if fiche.unite_courte:
        return fiche.unite_courte
    if fiche.nature in ("effectif", "ecart") and abs(round(valeur)) < 2:
        return fiche.unite_singulier or fiche.unite.removesuffix("s")
    return fiche.unite


def calculer(code: str, donnees: Donnees, options: Options) -> Resultat:
    """Calculer l'indicateur `code` sur un territoire.

    KeyError si le code n'est pas au catalogue ou si une table nécessaire est écartée (les pages
    l'ont vérifié avant : voir Donnees.fautes). Le secret est appliqué avant toute autre étape.
    """
    fiche = catalogue()[code]
    publiables = _publiables(fiche, donnees, options)
    annee = options.annee if options.annee is not None else int(publiables["annee"].max())
    # Le total publié est celui des données, pas celui des seules cellules montrées.
    completes = FORMULES[code](donnees, options).query("annee == @annee")
    table = _table(fiche, publiables.query("annee == @annee"), donnees, options)
    ensemble, statut = _ensemble(fiche, completes, annee, donnees)
    resultat = Resultat(
        fiche=fiche,
        annee=annee,
        table=table,
        nom_ensemble=donnees.territoire.nom,
        ensemble=ensemble,
        ensemble_statut=statut,
        renseignees=int(table["valeur"].notna().sum()),
        masquees=int((table["statut"] == "secret").sum()),
        references={},
    )
    return replace(resultat, references=_references(fiche, resultat, donnees))


def _publiables(fiche: Fiche, donnees: Donnees, options: Options) -> pd.DataFrame:
    k = options.parametres.k(fiche.confidentialite, options.audience)
    return taire(FORMULES[fiche.code](donnees, options), k)


def _table(fiche: Fiche, mesures: pd.DataFrame, donnees: Donnees, options: Options) -> pd.DataFrame:
    noms = donnees.noms
    table = mesures.set_index("code_commune").reindex(donnees.territoire.communes)
    table["statut"] = table["statut"].fillna("non_renseigne")
    table["nom"] = [noms[c] for c in table.index]
    table["valeur"] = _valeurs(fiche, table)
    table.loc[table["statut"] == "zero_ambigu", "valeur"] = np.nan
    table["fragilite"] = _fragilite(fiche, table["effectif"], options)
    table["texte"] = [
        _texte(fiche, v, s, d)
        for v, s, d in zip(table["valeur"], table["statut"], table["denominateur"], strict=True)
    ]
    classables = table["valeur"].where(table["fragilite"] != "fragile_fort")
    table["rang"] = classables.rank(ascending=False, method="min")
    return table


def _valeurs(fiche: Fiche, table: pd.DataFrame) -> pd.Series:
    """Rapporter le numérateur au dénominateur ; un dénominateur nul ne donne pas de taux."""
    return (
        fiche.facteur * table["numerateur"] / table["denominateur"].where(table["denominateur"] > 0)
    )


def _fragilite(fiche: Fiche, effectif: pd.Series, options: Options) -> pd.Series:
    seuils = options.parametres.seuils
    niveau = pd.Series("", index=effectif.index, dtype=object)
    if fiche.fragilite == "recensement":
        return niveau.mask(effectif < seuils["recensement"], "fragile")
    if fiche.fragilite == "enfants":
        niveau = niveau.mask(effectif < seuils["fragile"], "fragile")
        return niveau.mask(effectif < seuils["fragile_fort"], "fragile_fort")
    return niveau


def _texte(fiche: Fiche, valeur: float, statut: str, denominateur: float) -> str:
    if not textes.absente(valeur):
        return ecrire(fiche, valeur)
    if statut in ABSENCES:
        return BADGES[statut]
    return SANS_DENOMINATEUR if denominateur == 0 else BADGES["non_renseigne"]


def _ensemble(
    fiche: Fiche, completes: pd.DataFrame, annee: int, donnees: Donnees
) -> tuple[float, str]:
    """Donner la valeur du territoire : publiée, sinon rapport des sommes, jamais une moyenne.

    Une commune non renseignée empêche la somme : mieux vaut « non renseigné » qu'un total
    amputé. Un zéro ambigu (arrondi à 5) compte pour zéro et rend la somme « estimée ».
    """
    publie = _publie_territoire(fiche, annee, donnees)
    if publie is not None:
        return publie.valeur, publie.statut
    if fiche.agregation == "aucune":
        return float("nan"), "non_renseigne"
    numerateur, denominateur = completes["numerateur"], completes["denominateur"]
    incomplet = numerateur.isna().any() or len(completes) < len(donnees.territoire.communes)
    if incomplet:
        return float("nan"), "non_renseigne"
    diviseur = denominateur.sum() if fiche.agregation == "rapport" else 1.0
    if not diviseur > 0:
        return float("nan"), "non_renseigne"
    statuts = ["estime" if s == "zero_ambigu" else s for s in completes["statut"].unique()]
    base = "calcule" if fiche.agregation == "rapport" or len(completes) > 1 else "officiel"
    return fiche.facteur * numerateur.sum() / diviseur, pire(base, *statuts)


def _publie_territoire(fiche: Fiche, annee: int, donnees: Donnees) -> Reference | None:
    """Rendre la valeur publiée de l'EPCI quand il recouvre exactement le territoire."""
    exacts = [e for e in donnees.territoire.epci if e.get("couvre_exactement")]
    if not fiche.colonne_publiee or not exacts:
        return None
    publiee = _publiee(fiche, "epci", str(exacts[0]["code"]), donnees)
    return publiee if publiee and publiee.annee == annee else None


def _references(fiche: Fiche, resultat: Resultat, donnees: Donnees) -> dict[str, Reference]:
    """Réunir les valeurs de comparaison qui existent, du territoire à la France."""
    if fiche.est_effectif or fiche.nature == "ecart":
        return {}
    territoire = donnees.territoire
    references = {}
    if not textes.absente(resultat.ensemble):
        references["territoire"] = Reference(
            "territoire",
            territoire.nom,
            resultat.ensemble,
            resultat.annee,
            resultat.ensemble_statut,
            fiche.source,
        )
    codes = [("epci", str(e["code"])) for e in territoire.epci[:1]]
    codes += [("departement", str(territoire.departement.get("code", "")))]
    codes += [("region", str(territoire.region.get("code", ""))), ("france", "FR")]
    for niveau, code in codes:
        publiee = _publiee(fiche, niveau, code, donnees)
        if publiee is not None:
            references[niveau] = publiee
    return references


def _publiee(fiche: Fiche, niveau: str, code: str, donnees: Donnees) -> Reference | None:
    """Chercher la dernière valeur publiée d'un niveau : taux de couverture ou forme longue."""
    lignes = _lignes_publiees(fiche, niveau, code, donnees)
    if lignes.empty:
        return None
    ligne = lignes.sort_values("annee").iloc[-1]
    return Reference(
        niveau,
        str(ligne["nom"]),
        float(ligne["valeur"]),
        int(ligne["annee"]),
        str(ligne["statut"]),
        str(ligne["source"]),
    )


def _lignes_publiees(fiche: Fiche, niveau: str, code: str, donnees: Donnees) -> pd.DataFrame:
    if fiche.colonne_publiee and "taux_couverture" in donnees.tables:
        table = donnees.tables["taux_couverture"].rename(columns={fiche.colonne_publiee: "valeur"})
    elif "statistiques" in donnees.tables:
        longue = donnees.tables["statistiques"]
        noms = _noms_niveaux(donnees)
        table = longue[longue["indicateur"] == fiche.code].assign(nom=noms.get(niveau, niveau))
    else:
        return pd.DataFrame()
    ici = table[(table["niveau"] == niveau) & (table["code"] == code)]
    return ici[ici["valeur"].notna()]


def _noms_niveaux(donnees: Donnees) -> dict[str, str]:
    territoire = donnees.territoire
    noms = {"france": "France", "departement": str(territoire.departement.get("nom", ""))}
    noms["region"] = str(territoire.region.get("nom", ""))
    if territoire.epci:
        noms["epci"] = str(territoire.epci[0]["nom"])
    return noms


def serie_ensemble(code: str, donnees: Donnees, options: Options) -> pd.Series:
    """Suivre la valeur du territoire d'année en année (index : annee), absente si incomplète."""
    fiche = catalogue()[code]
    toutes = FORMULES[code](donnees, options)
    valeurs = {
        int(annee): _ensemble(fiche, groupe, int(annee), donnees)[0]
        for annee, groupe in toutes.groupby("annee")
    }
    return pd.Series(valeurs, dtype="float64").sort_index()


def serie_commune(code: str, commune: str, donnees: Donnees, options: Options) -> pd.Series:
    """Suivre la valeur d'une commune d'année en année, déjà masquée."""
    fiche = catalogue()[code]
    lignes = _publiables(fiche, donnees, options).query("code_commune == @commune")
    valeurs = _valeurs(fiche, lignes)
    return pd.Series(valeurs.to_numpy(), index=lignes["annee"].astype(int)).sort_index()
