"""Calculer un indicateur : choisir l'année, taire, agréger, comparer, dire la fiabilité."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from ctg_data import textes
from ctg_data.indicateurs.fiche import Fiche, catalogue
from ctg_data.indicateurs.formules import FORMULES
from ctg_data.indicateurs.mesures import ABSENCES, pire
from ctg_data.indicateurs.options import Options
from ctg_data.secret import taire, total_a_taire
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
    k = options.parametres.k(fiche.confidentialite, options.audience)
    toutes = FORMULES[code](donnees, options)
    annee = options.annee if options.annee is not None else _derniere(fiche, toutes, donnees)
    # Le total publié est celui des données, pas celui des seules cellules montrées.
    completes = toutes[toutes["annee"] == annee]
    table = _table(fiche, taire(completes, k), donnees, options)
    ensemble, statut = _ensemble(fiche, completes, annee, donnees, k)
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


def _derniere(fiche: Fiche, mesures: pd.DataFrame, donnees: Donnees) -> int:
    """Rendre la dernière année qui porte une valeur ; à défaut, la dernière des mesures ou tables.

    Un fichier plus récent que les autres ne doit pas vider l'indicateur qui les réunit.
    """
    tables = [donnees.tables[t] for t in fiche.tables]
    candidates = (
        mesures.loc[mesures["numerateur"].notna(), "annee"],
        mesures["annee"],
        pd.concat([t["annee"] for t in tables if "annee" in t] or [pd.Series([0])]),
    )
    return int(next(annees for annees in candidates if len(annees)).max())


def _table(fiche: Fiche, mesures: pd.DataFrame, donnees: Donnees, options: Options) -> pd.DataFrame:
    noms = donnees.noms
    table = mesures.set_index("code_commune").reindex(donnees.territoire.communes)
    table["nom"] = [noms[c] for c in table.index]
    table["valeur"] = _valeurs(fiche, table)
    table["statut"] = _statuts(table)
    table["fragilite"] = _fragilite(fiche, table["effectif"], options)
    table["texte"] = [_texte(fiche, ligne) for _, ligne in table.iterrows()]
    classables = table["valeur"].where(table["fragilite"] != "fragile_fort")
    table["rang"] = classables.rank(ascending=False, method="min")
    return table


def _valeurs(fiche: Fiche, table: pd.DataFrame) -> pd.Series:
    """Rapporter le numérateur au dénominateur ; sans dénominateur ou ambiguë, pas de valeur."""
    diviseur = table["denominateur"].where(table["denominateur"] > 0)
    taux = fiche.facteur * table["numerateur"] / diviseur
    return taux.mask(table["statut"] == "zero_ambigu")


def _statuts(table: pd.DataFrame) -> pd.Series:
    """Dire pourquoi une valeur manque quand son statut ne le dit pas."""
    statuts = table["statut"].astype(object).where(table["statut"].notna(), "non_renseigne")
    muettes = table["valeur"].isna() & ~statuts.isin(ABSENCES) & (table["denominateur"] != 0)
    return statuts.mask(muettes, "non_renseigne")


def _fragilite(fiche: Fiche, effectif: pd.Series, options: Options) -> pd.Series:
    seuils = options.parametres.seuils
    niveau = pd.Series("", index=effectif.index, dtype=object)
    if fiche.fragilite == "recensement":
        return niveau.mask(effectif < seuils["recensement"], "fragile")
    if fiche.fragilite == "enfants":
        niveau = niveau.mask(effectif < seuils["fragile"], "fragile")
        return niveau.mask(effectif < seuils["fragile_fort"], "fragile_fort")
    return niveau


def _texte(fiche: Fiche, ligne: pd.Series) -> str:
    """Écrire une valeur, la raison de son absence, ou places et enfants si le taux est fragile."""
    statut = str(ligne["statut"])
    if fiche.nature == "taux" and ligne["fragilite"] == "fragile_fort" and ligne["valeur"] >= 0:
        places, enfants = round(ligne["numerateur"]), round(ligne["denominateur"])
        mots = textes.compte(places, "place"), textes.compte(enfants, "enfant")
        return " pour ".join(mots)
    if not textes.absente(ligne["valeur"]):
        return ecrire(fiche, ligne["valeur"])
    return BADGES[statut] if statut in ABSENCES else SANS_DENOMINATEUR


def _ensemble(
    fiche: Fiche, completes: pd.DataFrame, annee: int, donnees: Donnees, k: int
) -> tuple[float, str]:
    """Donner la valeur du territoire : publiée, sinon rapport des sommes, jamais une moyenne.

    Une commune non renseignée empêche la somme : mieux vaut « non renseigné » qu'un total
    amputé. Un zéro ambigu (arrondi à 5) compte pour zéro et rend la somme « estimée ». Un total
    trop petit, ou qui rendrait une commune, est tu comme elle.
    """
    publie = _publie_territoire(fiche, annee, donnees)
    if publie is not None:
        return publie.valeur, publie.statut
    numerateur, denominateur = completes["numerateur"], completes["denominateur"]
    incomplet = (numerateur.isna() | denominateur.isna()).any()
    if (
        fiche.agregation == "aucune"
        or incomplet
        or len(completes) < len(donnees.territoire.communes)
    ):
        return float("nan"), "non_renseigne"
    if k > 0 and total_a_taire(numerateur, k, completes["plafond"]):
        return float("nan"), "secret"
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
    return _publiee(fiche, "epci", exacts[0]["code"], donnees, annee)


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
    codes = [("epci", e["code"]) for e in territoire.epci[:1]]
    codes += [("departement", str(territoire.departement.get("code", "")))]
    codes += [("region", str(territoire.region.get("code", ""))), ("france", "FR")]
    for niveau, code in codes:
        publiee = _publiee(fiche, niveau, code, donnees)
        if publiee is not None:
            references[niveau] = publiee
    return references


def _publiee(
    fiche: Fiche, niveau: str, code: str, donnees: Donnees, annee: int | None = None
) -> Reference | None:
    """Chercher la valeur publiée d'un niveau, cette année-là ou la dernière."""
    lignes = _lignes_publiees(fiche, niveau, code, donnees)
    if annee is not None and len(lignes):
        lignes = lignes[lignes["annee"] == annee]
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
    k = options.parametres.k(fiche.confidentialite, options.audience)
    valeurs = {
        int(annee): _ensemble(fiche, groupe, int(annee), donnees, k)[0]
        for annee, groupe in FORMULES[code](donnees, options).groupby("annee")
    }
    return pd.Series(valeurs, dtype="float64").sort_index()


def serie_commune(code: str, commune: str, donnees: Donnees, options: Options) -> pd.Series:
    """Suivre la valeur d'une commune d'année en année, déjà masquée."""
    fiche = catalogue()[code]
    k = options.parametres.k(fiche.confidentialite, options.audience)
    publiables = taire(FORMULES[code](donnees, options), k)
    lignes = publiables[publiables["code_commune"] == commune]
    valeurs = _valeurs(fiche, lignes)
    return pd.Series(valeurs.to_numpy(), index=lignes["annee"].astype(int)).sort_index()
