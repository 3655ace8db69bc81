"""Formules des indicateurs : tables du territoire → mesures par commune et par année.

Chaque fonction porte le nom de sa fiche, reçoit (donnees, options) et rend une table de mesures
(voir mesures.py). Sources des formules : Cnaf et Onape pour la couverture, Insee pour le reste.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from ctg_data.indicateurs.mesures import mesures, pire, pire_present
from ctg_data.indicateurs.options import Options
from ctg_data.territoire import Donnees

TYPES_EAJE = ("eaje_psu", "micro_creche_paje")
BPE_ACCUEIL = ("bpe_eaje", "bpe_micro_creche")
ANNEES_MOINS_3 = 3
RECUL_EVOLUTION = 5
COMPOSANTES = {
    "eaje": "txcouv_eaje",
    "am": "txcouv_am_ind",
    "ecole": "txcouv_prescol",
    "domicile": "txcouv_gad_ind",
}

COLONNES_MODES = ["code_commune", "annee", *COMPOSANTES, "publie", "enfants", "statut"]

Formule = Callable[[Donnees, Options], pd.DataFrame]
FORMULES: dict[str, Formule] = {}


def formule(fonction: Formule) -> Formule:
    """Inscrire une fonction sous son nom, qui est le code de sa fiche."""
    FORMULES[fonction.__name__] = fonction
    return fonction


# --- Démographie -----------------------------------------------------------------------------


@formule
def population(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Rendre la population municipale ; la table n'en porte pas l'année, c'est un paramètre."""
    annee = int(options.parametres.seuils["millesime_population"])
    return mesures(donnees.tables["communes"].assign(annee=annee), "population_municipale")


@formule
def enfants_0_4(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Sommer filles et garçons de 0 à 4 ans ; effectif = la population elle-même."""
    enfants = _population(donnees, 0, 4)
    return mesures(enfants, "population", effectif=enfants["population"])


@formule
def naissances(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Rendre les naissances domiciliées de chaque année."""
    return mesures(donnees.tables["naissances"], "naissances")


@formule
def evolution_naissances(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Comparer les naissances de trois ans à celles de trois ans, cinq ans plus tôt."""
    sommes = _naissances_glissantes(donnees)
    avant = sommes.assign(annee=sommes["annee"] + RECUL_EVOLUTION)
    paire = sommes.merge(avant, on=["code_commune", "annee"], suffixes=("", "_avant"))
    ecart = paire["naissances"] - paire["naissances_avant"]
    depart = paire["naissances_avant"]
    statut = pire_present(donnees.tables["naissances"]["statut"], "calcule")
    return mesures(
        paire.assign(ecart=ecart), "ecart", statut=statut, denominateur=depart, effectif=depart
    )


@formule
def enfants_moins_3_naissances(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Sommer les naissances de l'année et des deux précédentes (estimateur)."""
    statut = pire_present(donnees.tables["naissances"]["statut"], "estime")
    return mesures(_naissances_glissantes(donnees), "naissances", statut=statut)


@formule
def enfants_moins_3_recensement(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Prendre trois cinquièmes des 0–4 ans du recensement (estimateur)."""
    enfants = _population(donnees, 0, 4)
    return mesures(
        enfants.assign(part=enfants["population"] * 3 / 5),
        "part",
        statut=_au_mieux(enfants["statut"], "estime"),
        effectif=enfants["population"],
    )


def _au_mieux(statuts: pd.Series, plafond: str) -> pd.Series:
    """Rabattre chaque statut à ce qu'un calcul permet : un estimé n'est jamais officiel."""
    return statuts.map(lambda s: pire(s, plafond))


def enfants_moins_3(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Compter les moins de 3 ans par l'estimateur choisi : colonnes commune, annee, enfants."""
    table = FORMULES[f"enfants_moins_3_{options.estimateur}"](donnees, options)
    return table[["code_commune", "annee", "numerateur"]].set_axis(
        ["code_commune", "annee", "enfants"], axis=1
    )


def _naissances_glissantes(donnees: Donnees) -> pd.DataFrame:
    table = donnees.tables["naissances"]
    large = table.pivot(index="annee", columns="code_commune", values="naissances").sort_index()
    # Une année manquante au milieu de la série ne doit pas passer pour l'année précédente.
    large = large.reindex(range(int(large.index.min()), int(large.index.max()) + 1))
    sommes = large.rolling(ANNEES_MOINS_3).sum().iloc[ANNEES_MOINS_3 - 1 :]
    return sommes.rename_axis("annee").reset_index().melt("annee", value_name="naissances")


def _population(donnees: Donnees, age_min: int, age_max: int | None) -> pd.DataFrame:
    """Sommer la population d'un âge à l'autre (bornes comprises) : commune, annee, population."""
    table = donnees.tables["population_age"]
    retenues = table["age_min"] >= age_min
    if age_max is not None:
        retenues &= table["age_max"] <= age_max
    somme = table[retenues].groupby(["code_commune", "annee"], as_index=False)
    return somme.agg(population=("population", "sum"), statut=("statut", _pire_groupe))


def _pire_groupe(statuts: pd.Series) -> str:
    return pire(*statuts.unique())


def structure(population_age: pd.DataFrame) -> pd.DataFrame:
    """Rendre la part (%) de chaque tranche d'âge, par commune et pour « territoire ».

    Index : tranches écrites (« 0–4 », « 95 et + »). Le territoire est le rapport des sommes. Seul
    le dernier millésime compte : la table peut en garder plusieurs.
    """
    population_age = population_age[population_age["annee"] == population_age["annee"].max()]
    large = population_age.pivot_table(
        index="age_min", columns="code_commune", values="population", aggfunc="sum"
    )
    large["territoire"] = large.sum(axis=1)
    fins = population_age.drop_duplicates("age_min").set_index("age_min")["age_max"]
    large.index = pd.Index(
        [f"{int(a)} et +" if pd.isna(fins[a]) else f"{int(a)}–{int(fins[a])}" for a in large.index]
    )
    return 100 * large / large.sum()


# --- Places d'accueil ------------------------------------------------------------------------


@formule
def places_eaje(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Sommer les capacités agréées d'EAJE ; zéro seulement quand rien ne le contredit."""
    registre = donnees.tables["equipements"]
    accueil = registre[registre["type"].isin(TYPES_EAJE)]
    # Une année où le registre ne nomme aucun EAJE n'est pas une année sans place.
    annees = (registre if accueil.empty else accueil)["annee"].unique()
    complet = pd.MultiIndex.from_product(
        [sorted(annees), donnees.territoire.communes], names=["annee", "code_commune"]
    )
    sommes = accueil.groupby(["annee", "code_commune"]).agg(
        places=("capacite_agreee", _somme_complete), statut=("statut", _pire_groupe)
    )
    vide = {"places": 0.0, "statut": pire_present(registre["statut"])}
    absentes = pd.DataFrame(vide, index=complet.difference(sommes.index))
    places = pd.concat([sommes, absentes]).reindex(complet).reset_index()
    return mesures(_contredire(places, donnees), "places")


def _somme_complete(capacites: pd.Series) -> float:
    return float(capacites.sum(skipna=False))


def _contredire(places: pd.DataFrame, donnees: Donnees) -> pd.DataFrame:
    """Effacer les zéros des communes où la BPE compte un établissement que le registre ignore."""
    if "statistiques" not in donnees.tables:
        return places
    bpe = donnees.tables["statistiques"]
    presents = bpe[bpe["indicateur"].isin(BPE_ACCUEIL) & (bpe["valeur"] > 0)]["code"]
    douteuses = (places["places"] == 0) & places["code_commune"].isin(presents)
    return places.assign(places=places["places"].mask(douteuses))


@formule
def places_am(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Rendre les places chez les assistantes maternelles en activité."""
    return mesures(donnees.tables["assistantes_maternelles"], "places")


@formule
def places_total(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Sommer places d'EAJE et d'AM ; absente si l'une des deux manque."""
    paire = _places(donnees, options)
    return mesures(paire.assign(total=paire["eaje"] + paire["am"]), "total")


def _places(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Poser côte à côte les places d'EAJE et d'AM : colonnes eaje, am, statut."""
    cle = ["code_commune", "annee"]
    eaje = places_eaje(donnees, options)[[*cle, "numerateur", "statut"]]
    am = places_am(donnees, options)[[*cle, "numerateur", "statut"]]
    paire = eaje.merge(am, on=cle, how="outer", suffixes=("_eaje", "_am"))
    paire = paire.fillna({"statut_eaje": "non_renseigne", "statut_am": "non_renseigne"})
    statuts = [pire(a, b) for a, b in zip(paire["statut_eaje"], paire["statut_am"], strict=True)]
    return paire.rename(columns={"numerateur_eaje": "eaje", "numerateur_am": "am"}).assign(
        statut=statuts
    )


@formule
def assistantes_maternelles_actives(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Rendre l'effectif d'assistantes maternelles en activité."""
    return mesures(donnees.tables["assistantes_maternelles"], "actives")


@formule
def assistantes_maternelles_55_plus(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Sommer les assistantes maternelles de 55 à 59 ans et de 60 ans et plus."""
    table = donnees.tables["assistantes_maternelles"]
    n = table["agees_55_59"] + table["agees_60_plus"]
    return mesures(table.assign(n=n), "n", plafond=table["actives"])


# --- Couverture ------------------------------------------------------------------------------


def composantes(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Décomposer la couverture de chaque commune par mode, pour 100 enfants de moins de 3 ans.

    Colonnes : code_commune, annee, eaje, am, ecole, domicile, publie (le total publié, qui n'est
    pas toujours la somme des parties au dixième près), enfants, statut. Une commune publiée par
    la Cnaf garde ses taux ; ailleurs EAJE et AM viennent des registres, l'école à 2 ans et la
    garde à domicile de l'EPCI publié.
    """
    table = _modes(donnees, options)
    parts = [*COMPOSANTES, "publie"]
    diviseur = table["enfants"].where(table["enfants"] > 0)
    return table.assign(**{p: 100 * table[p] / diviseur for p in parts})


def _modes(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Compter les places par mode : une commune sans enfant garde les siennes dans l'ensemble."""
    enfants = enfants_moins_3(donnees, options)
    communes = pd.concat([_locales(donnees, options, enfants), _officielles(donnees, enfants)])
    # L'officielle est écrite en dernier : elle remplace l'estimation de la même commune.
    uniques = communes.drop_duplicates(["code_commune", "annee"], keep="last")
    return uniques.sort_values(["annee", "code_commune"]).reset_index(drop=True)


def _officielles(donnees: Donnees, enfants: pd.DataFrame) -> pd.DataFrame:
    taux = donnees.tables["taux_couverture"]
    ici = taux[
        (taux["niveau"] == "commune")
        & taux["code"].isin(donnees.territoire.communes)
        & taux["txcouv_global"].notna()
    ].rename(columns={"code": "code_commune"})
    table = ici.merge(enfants, on=["code_commune", "annee"], how="left")
    colonnes = {**COMPOSANTES, "publie": "txcouv_global"}
    places = {mode: table[taux] * table["enfants"] / 100 for mode, taux in colonnes.items()}
    return table.assign(**places)[COLONNES_MODES]


def _locales(donnees: Donnees, options: Options, enfants: pd.DataFrame) -> pd.DataFrame:
    places = _places(donnees, options).merge(enfants, on=["code_commune", "annee"], how="left")
    table = places.merge(_parts_epci(donnees), on="annee", how="left")
    return table.assign(
        ecole=table["ecole"] * table["enfants"] / 100,
        domicile=table["domicile"] * table["enfants"] / 100,
        publie=np.nan,
        statut=_au_mieux(table["statut"], "estime"),
    )[COLONNES_MODES]


def _parts_epci(donnees: Donnees) -> pd.DataFrame:
    """Rendre, par année, les taux d'école à 2 ans et de garde à domicile de l'EPCI."""
    taux = donnees.tables["taux_couverture"]
    codes = [e["code"] for e in donnees.territoire.epci[:1]]
    epci = taux[(taux["niveau"] == "epci") & taux["code"].isin(codes)]
    return epci[["annee", "txcouv_prescol", "txcouv_gad_ind"]].set_axis(
        ["annee", "ecole", "domicile"], axis=1
    )


def _couverture(donnees: Donnees, options: Options, modes: tuple[str, ...]) -> pd.DataFrame:
    """Mesurer la couverture de certains modes : numérateur en places, effectif = enfants."""
    table = _modes(donnees, options)
    places = table[list(modes)].sum(axis=1, skipna=False)
    if set(modes) == set(COMPOSANTES):
        places = table["publie"].fillna(places)
    enfants = table["enfants"]
    return mesures(
        table.assign(places=places.where(enfants.notna())),
        "places",
        denominateur=enfants,
        effectif=enfants,
    )


FORMULES["taux_couverture"] = partial(_couverture, modes=tuple(COMPOSANTES))
FORMULES["taux_couverture_eaje"] = partial(_couverture, modes=("eaje",))
FORMULES["taux_couverture_am"] = partial(_couverture, modes=("am",))


@formule
def places_manquantes(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Compter les places à ajouter pour atteindre le taux de référence (options.taux_reference).

    Sans référence, la mesure est absente ; au-dessus de la référence, elle est négative.
    """
    couverture = FORMULES["taux_couverture"](donnees, options)
    cible = np.nan if options.taux_reference is None else options.taux_reference
    manque = couverture["denominateur"] * cible / 100 - couverture["numerateur"]
    return mesures(
        couverture.assign(manque=manque),
        "manque",
        statut=_au_mieux(couverture["statut"], "calcule"),
        effectif=couverture["effectif"],
    )


# --- Familles, revenus, emploi, établissements -----------------------------------------------


def _prestation(donnees: Donnees, options: Options, prestation: str) -> pd.DataFrame:
    table = donnees.tables["allocataires"]
    return mesures(table[table["prestation"] == prestation], "valeur")


FORMULES["foyers_paje"] = partial(_prestation, prestation="paje")
FORMULES["foyers_allocataires"] = partial(_prestation, prestation="ndur")


def _revenu(donnees: Donnees, options: Options, mesure: str) -> pd.DataFrame:
    table = donnees.tables["revenus"]
    return mesures(table[table["mesure"] == mesure], "valeur")


FORMULES["niveau_vie_median"] = partial(_revenu, mesure="niveau_vie_median")
FORMULES["taux_pauvrete"] = partial(_revenu, mesure="taux_pauvrete")


@formule
def actifs_occupes(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Rendre les habitants en emploi au lieu de résidence."""
    table = donnees.tables["emploi"]
    return mesures(table, "actifs_occupes", effectif=table["actifs_occupes"])


@formule
def taux_emploi_adultes(donnees: Donnees, options: Options) -> pd.DataFrame:
    """Rapporter les actifs occupés aux habitants de 15 ans ou plus."""
    cle = ["code_commune", "annee"]
    adultes = _population(donnees, 15, None)[[*cle, "population"]]
    table = donnees.tables["emploi"].merge(adultes, on=cle, how="left")
    return mesures(
        table,
        "actifs_occupes",
        statut=_au_mieux(table["statut"], "calcule"),
        denominateur=table["population"],
        effectif=table["population"],
    )


def _etablissements(donnees: Donnees, options: Options, codes: tuple[str, ...]) -> pd.DataFrame:
    table = donnees.tables["statistiques"]
    communes = table[(table["niveau"] == "commune") & table["indicateur"].isin(codes)]
    somme = communes.groupby(["code", "annee"], as_index=False)
    lignes = somme.agg(valeur=("valeur", _somme_complete), statut=("statut", _pire_groupe))
    return mesures(lignes.rename(columns={"code": "code_commune"}), "valeur")


FORMULES["etablissements_eaje"] = partial(_etablissements, codes=("bpe_eaje",))
FORMULES["etablissements_micro_creches"] = partial(_etablissements, codes=("bpe_micro_creche",))
FORMULES["etablissements_alsh"] = partial(_etablissements, codes=("bpe_accueil_loisirs",))
FORMULES["ecoles_maternelles_primaires"] = partial(
    _etablissements, codes=("bpe_ecole_maternelle", "bpe_ecole_primaire")
)
