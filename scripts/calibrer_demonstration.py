"""Écrire l'offre de démonstration des territoires embarqués, calibrée sur les taux publiés.

Usage : python scripts/calibrer_demonstration.py [--territoires DOSSIER] [--document FICHIER]

Aucun chiffre ouvert ne donne les places par établissement ni les assistantes maternelles par
commune. Les lignes écrites ici sont des exemples : elles redonnent les taux publiés, suivent les
naissances et les établissements recensés, et n'ajoutent aucun autre contraste entre communes.
Sans hasard : deux exécutions écrivent les mêmes octets.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tables_territoires import (
    DOCUMENT,
    NOMS,
    TERRITOIRES,
    Ligne,
    ecrire,
    lire,
    typographier,
)

ANNEE = "2023"
ANNEES_NAISSANCES = ("2021", "2022", "2023")
ANNEE_BPE = "2025"
# Au-delà de 12 places, un établissement n'est plus une micro-crèche.
PLACES_MICRO_CRECHE = 12
PLACES_MULTI_ACCUEIL = (10, 60)
# À partir de cette taille, une place agréée sur vingt est dite gelée : l'écart se voit à l'écran.
SEUIL_PLACES_GELEES, UNE_PLACE_GELEE_SUR = 50, 20
PLACES_PAR_AM = 2.6
PLACES_MAX_PAR_AM = 4
PART_NON_ACTIVES, PART_55_59, PART_60_PLUS, PART_MAM = 0.15, 0.17, 0.14, 0.10
MODES = {"txcouv_eaje": "EAJE", "txcouv_am_ind": "assistantes maternelles"}

SOURCE_EAJE = typographier(
    "Données d'exemple de Boussole CTG, calibrées sur les taux de couverture EAJE 2023 (Cnaf), les "
    "naissances 2021-2023 et les établissements de la BPE 2025 (Insee)"
)
SOURCE_LIEUX = typographier(
    "Données d'exemple de Boussole CTG, calibrées sur le nombre d'établissements de la BPE 2025 "
    "(Insee)"
)
SOURCE_AM = typographier(
    "Données d'exemple de Boussole CTG, calibrées sur les taux de couverture assistantes "
    "maternelles 2023 (Cnaf) et les naissances 2021-2023 (Insee)"
)
# Indicateur de la BPE : type, sigle du code, nom affiché. Ces lieux n'ont pas de places.
LIEUX = {
    "bpe_relais_petite_enfance": ("rpe", "RPE", "Relais petite enfance"),
    "bpe_accueil_loisirs": ("alsh", "ALSH", "Accueil de loisirs"),
    "bpe_ecole_maternelle": ("ecole", "MAT", "École maternelle"),
    "bpe_ecole_primaire": ("ecole", "PRI", "École primaire"),
    "bpe_ecole_elementaire": ("ecole", "ELE", "École élémentaire"),
}


@dataclass(frozen=True)
class Base:
    """Réunir ce que la calibration lit d'un territoire : tables, codes triés et EPCI."""

    nom: str
    epci: str
    communes: dict[str, str]
    enfants: dict[str, int]
    bpe: dict[tuple[str, str], int]
    taux: dict[str, Ligne]

    def cible(self, code: str, mode: str, enfants: int) -> float:
        """Rendre les places que donne le taux publié d'un périmètre."""
        return float(self.taux[code][mode]) * enfants / 100

    def officielles(self) -> list[str]:
        """Lister les communes du territoire dont le taux est publié (plus de 10 000 habitants)."""
        return [code for code in self.communes if code in self.taux]

    def autres(self) -> list[str]:
        """Lister les communes sans taux publié, dont l'offre est répartie."""
        return [code for code in self.communes if code not in self.taux]

    def publiees(self, mode: str) -> dict[str, int]:
        """Rendre les places entières des communes dont le taux est publié."""
        return {
            code: round(self.cible(code, mode, self.enfants[code])) for code in self.officielles()
        }

    def reste(self, mode: str) -> int:
        """Rendre les places à répartir : total au taux de l'EPCI, moins les communes publiées."""
        total = round(self.cible(self.epci, mode, sum(self.enfants.values())))
        return total - sum(self.publiees(mode).values())


def charger(dossier: Path) -> Base:
    """Lire les tables officielles d'un territoire déjà construit."""
    fiche = tomllib.loads((dossier / "territoire.toml").read_text(encoding="utf-8"))
    enfants = dict.fromkeys(fiche["communes"], 0)
    for ligne in lire(dossier / "naissances.csv"):
        if ligne["annee"] in ANNEES_NAISSANCES:
            enfants[ligne["code_commune"]] += int(ligne["naissances"])
    return Base(
        nom=fiche["nom"],
        epci=fiche["epci"][0]["code"],
        communes={li["code_commune"]: li["nom_commune"] for li in lire(dossier / "communes.csv")},
        enfants=enfants,
        bpe={
            (li["code"], li["indicateur"]): int(li["valeur"])
            for li in lire(dossier / "statistiques.csv")
            if li["indicateur"].startswith("bpe_") and li["annee"] == ANNEE_BPE
        },
        taux={
            li["code"]: li
            for li in lire(dossier / "taux_couverture.csv")
            if li["annee"] == ANNEE and li["statut"] == "officiel"
        },
    )


# --- Répartition ------------------------------------------------------------------------------


def repartir(
    total: int,
    poids: Mapping[str, float],
    minima: Mapping[str, int],
    maxima: Mapping[str, int],
) -> dict[str, int]:
    """Répartir un total entier au prorata des poids (Sainte-Laguë), entre des bornes.

    Chaque unité va à la clé la moins servie pour son poids ; à égalité, à la première. Un total
    hors des bornes lève ValueError.
    """
    if not sum(minima.values()) <= total <= sum(maxima.values()):
        raise ValueError(f"{total} ne tient pas entre les bornes.")
    parts = dict(minima)
    for _ in range(total - sum(parts.values())):
        libres = [cle for cle in parts if parts[cle] < maxima[cle]]
        parts[max(libres, key=lambda cle: poids[cle] / (parts[cle] + 0.5))] += 1
    return parts


def places_eaje(base: Base) -> dict[str, int]:
    """Fixer les places EAJE des communes : au taux publié s'il existe, sinon au prorata.

    Les communes sans établissement recensé ont 0 place. Les bornes viennent des tailles
    plausibles : 12 places par micro-crèche, 10 à 60 par multi-accueil.
    """
    mini, maxi = PLACES_MULTI_ACCUEIL
    eaje = {c: base.bpe[c, "bpe_eaje"] for c in base.autres()}
    micro = {c: base.bpe[c, "bpe_micro_creche"] * PLACES_MICRO_CRECHE for c in base.autres()}
    return base.publiees("txcouv_eaje") | repartir(
        base.reste("txcouv_eaje"),
        base.enfants,
        {c: micro[c] + mini * eaje[c] for c in base.autres()},
        {c: micro[c] + maxi * eaje[c] for c in base.autres()},
    )


def actives(base: Base) -> dict[str, int]:
    """Fixer les assistantes maternelles actives des communes, à 2,6 places chacune."""
    publiees = base.publiees("txcouv_am_ind")
    reste = round(base.reste("txcouv_am_ind") / PLACES_PAR_AM)
    minima, maxima = dict.fromkeys(base.autres(), 0), dict.fromkeys(base.autres(), reste)
    return {code: round(places / PLACES_PAR_AM) for code, places in publiees.items()} | repartir(
        reste, base.enfants, minima, maxima
    )


def places_am(base: Base, effectifs: Mapping[str, int]) -> dict[str, int]:
    """Fixer les places des assistantes maternelles : au taux publié, sinon selon les effectifs."""
    minima = {code: effectifs[code] for code in base.autres()}
    maxima = {code: nombre * PLACES_MAX_PAR_AM for code, nombre in minima.items()}
    repartis = repartir(base.reste("txcouv_am_ind"), effectifs, minima, maxima)
    return base.publiees("txcouv_am_ind") | repartis


# --- Lignes -----------------------------------------------------------------------------------


def lieu(code: str, commune: str, type_: str, sigle: str, libelle: str, rang: int) -> Ligne:
    """Écrire un lieu d'exemple, sans nom réel, sans gestionnaire et sans position."""
    return {
        "code_equipement": f"EX-{code}-{sigle}-{rang}",
        "nom": typographier(f"{libelle} — exemple {rang} ({commune})"),
        "type": type_,
        "code_commune": code,
        "annee": ANNEE,
        "statut": "exemple",
        "source": SOURCE_LIEUX,
    }


def etapes_places(agreees: int, psu: bool) -> Ligne:
    """Décliner les places agréées : installées, ouvertes (quelques places gelées), financées."""
    gelees = agreees // UNE_PLACE_GELEE_SUR if agreees >= SEUIL_PLACES_GELEES else 0
    ouvertes = agreees - gelees
    return {
        "capacite_agreee": str(agreees),
        "places_installees": str(agreees),
        "places_ouvertes": str(ouvertes),
        "places_financees": str(ouvertes if psu else 0),
        "source": SOURCE_EAJE,
    }


def etablissements(base: Base, code: str, places: int) -> list[Ligne]:
    """Écrire les EAJE d'une commune : micro-crèches à 12 places, le reste en multi-accueils."""
    commune = base.communes[code]
    nombre_micro = base.bpe[code, "bpe_micro_creche"]
    rangs = [str(rang) for rang in range(1, base.bpe[code, "bpe_eaje"] + 1)]
    reste = places - nombre_micro * PLACES_MICRO_CRECHE
    tailles = repartir(
        reste, dict.fromkeys(rangs, 1), dict.fromkeys(rangs, 0), dict.fromkeys(rangs, reste)
    )
    return [
        lieu(code, commune, "eaje_psu", "EAJE", "Multi-accueil", int(rang))
        | etapes_places(taille, psu=True)
        for rang, taille in tailles.items()
    ] + [
        lieu(code, commune, "micro_creche_paje", "MIC", "Micro-crèche", rang)
        | etapes_places(PLACES_MICRO_CRECHE, psu=False)
        for rang in range(1, nombre_micro + 1)
    ]


def lieux_sans_places(base: Base, code: str) -> list[Ligne]:
    """Écrire les relais, accueils de loisirs et écoles d'une commune, au nombre de la BPE."""
    return [
        lieu(code, base.communes[code], *modele, rang)
        for indicateur, modele in LIEUX.items()
        for rang in range(1, base.bpe[code, indicateur] + 1)
    ]


def equipements(base: Base) -> list[Ligne]:
    """Écrire tous les équipements d'exemple d'un territoire."""
    places = places_eaje(base)
    return [
        ligne
        for code in base.communes
        for ligne in etablissements(base, code, places[code]) + lieux_sans_places(base, code)
    ]


def ligne_am(code: str, effectif: int, places: int) -> Ligne:
    """Écrire l'effectif d'exemple d'une commune : des comptes, jamais un nom."""
    mam = round(effectif * PART_MAM)
    return {
        "code_commune": code,
        "annee": ANNEE,
        "agreees": str(effectif + round(effectif * PART_NON_ACTIVES)),
        "actives": str(effectif),
        "places": str(places),
        "agees_55_59": str(round(effectif * PART_55_59)),
        "agees_60_plus": str(round(effectif * PART_60_PLUS)),
        # Une maison d'assistantes maternelles en réunit au moins deux.
        "dont_mam": str(mam if mam >= 2 else 0),
        "statut": "exemple",
        "source": SOURCE_AM,
    }


def assistantes_maternelles(base: Base) -> list[Ligne]:
    """Écrire les assistantes maternelles d'exemple : une ligne par commune, 0 compris."""
    effectifs = actives(base)
    places = places_am(base, effectifs)
    return [ligne_am(code, effectifs[code], places[code]) for code in base.communes]


# --- Compte rendu -----------------------------------------------------------------------------


def nombre(valeur: float, decimales: int) -> str:
    """Écrire un nombre à la française : fine insécable, virgule, vrai signe moins."""
    texte = f"{valeur:,.{decimales}f}".replace(",", "\u202f").replace(".", ",")
    return texte.replace("-", "−")


def places_obtenues(lignes: Mapping[str, list[Ligne]], mode: str, code: str) -> int:
    """Additionner les places écrites d'une commune pour un mode."""
    table, colonne = {
        "txcouv_eaje": ("equipements", "capacite_agreee"),
        "txcouv_am_ind": ("assistantes_maternelles", "places"),
    }[mode]
    return sum(int(li.get(colonne) or 0) for li in lignes[table] if li["code_commune"] == code)


def residus(base: Base, lignes: Mapping[str, list[Ligne]]) -> list[list[str]]:
    """Comparer taux visé et taux obtenu, par commune officielle puis pour le territoire."""
    perimetres = [(code, base.communes[code], [code]) for code in base.officielles()]
    perimetres.append((base.epci, f"Territoire ({base.nom})", list(base.communes)))
    tableau = []
    for code, libelle, communes in perimetres:
        enfants = sum(base.enfants[c] for c in communes)
        for mode, nom_mode in MODES.items():
            vise, cible = float(base.taux[code][mode]), base.cible(code, mode, enfants)
            places = sum(places_obtenues(lignes, mode, c) for c in communes)
            obtenu = 100 * places / enfants
            tableau.append(
                [
                    libelle,
                    nom_mode,
                    nombre(enfants, 0),
                    nombre(vise, 1),
                    nombre(obtenu, 2),
                    nombre(obtenu - vise, 2),
                    nombre(cible, 2),
                    str(places),
                    nombre(places - cible, 2),
                ]
            )
    return tableau


def detail(base: Base, lignes: Mapping[str, list[Ligne]]) -> list[list[str]]:
    """Donner, par commune, les enfants, les places d'exemple et les taux qui en découlent."""
    tableau = []
    for code, commune in base.communes.items():
        eaje, am = (places_obtenues(lignes, mode, code) for mode in MODES)
        enfants = base.enfants[code]
        etablis = f"{base.bpe[code, 'bpe_eaje']} + {base.bpe[code, 'bpe_micro_creche']}"
        taux = [nombre(100 * places / enfants, 1) for places in (eaje, am)]
        tableau.append(
            [code, commune, nombre(enfants, 0), etablis, str(eaje), taux[0], str(am), taux[1]]
        )
    return tableau


ENTETES_RESIDUS = [
    "périmètre",
    "mode",
    "enfants",
    "taux visé",
    "taux obtenu",
    "écart",
    "places visées",
    "places obtenues",
    "écart en places",
]
ENTETES_DETAIL = [
    "code",
    "commune",
    "enfants",
    "EAJE + micro-crèches (BPE)",
    "places EAJE",
    "taux EAJE",
    "places AM",
    "taux AM",
]


def tableau_md(entetes: list[str], lignes: list[list[str]]) -> str:
    """Écrire un tableau Markdown."""
    rangs = [entetes, ["---"] * len(entetes), *lignes]
    return "\n".join(f"| {' | '.join(rang)} |" for rang in rangs)


METHODE = """\
# Calibration de l'offre de démonstration

Document écrit par `scripts/calibrer_demonstration.py`, avec les tables `equipements.csv` et
`assistantes_maternelles.csv` des territoires embarqués. **Ces places sont des exemples**, pas
l'offre réelle : aucun fichier ouvert ne donne les places par établissement ni les assistantes
maternelles par commune. Le fichier du territoire les remplace.

## Ce qui est publié, et que l'exemple redonne

- Les taux 2023 de la Cnaf (places pour 100 enfants de moins de 3 ans) des communes de plus de
  10 000 habitants et des deux EPCI, en places entières, à moins d'une place près.
- Le nombre d'établissements de la BPE 2025 (Insee), commune par commune.
- Enfants de moins de 3 ans : naissances domiciliées de 2021, 2022 et 2023, estimateur (a). La Cnaf
  emploie un autre dénombrement : les places obtenues diffèrent donc des places réelles.

## Ce qui est une convention

- **Total du territoire.** Les 44 communes du Gard rhodanien sont tout leur EPCI : leur total suit
  son taux. Les 8 communes de Costières Camargue reçoivent le taux de Nîmes Métropole, qui compte
  39 communes : c'est une convention, leur vrai total est inconnu. Le taux EAJE de Saint-Gilles
  étant bas, les sept autres communes montent à 32 environ par construction, non par constat.
- **Communes sans taux publié.** Les places restantes suivent les naissances, sans autre contraste.
  Un écart de taux entre ces communes vient des bornes de taille et des arrondis, jamais d'un fait.
- **EAJE et micro-crèches.** Dans la BPE, les deux comptes peuvent se recouvrir. Ils sont ici tenus
  pour distincts : un multi-accueil par EAJE, plus une micro-crèche de 12 places par micro-crèche
  recensée. Deux indices y poussent. Les 13 EAJE recensés dans le Gard rhodanien sont autant que les
  multi-accueils attribués à l'agglomération (à vérifier). L'autre lecture ne laisserait que quatre
  multi-accueils à Caissargues, Générac, Redessan et Rodilhan pour 248 places : 62 chacun en
  moyenne. Aucun total d'établissements n'est calculé.
- **Financement.** Multi-accueils à la PSU, micro-crèches à la Paje : hypothèse de démonstration.
- **Tailles.** De 10 à 60 places par multi-accueil dans les communes sans taux publié. À
  Bagnols-sur-Cèze (2 × 62 places) et à Pont-Saint-Esprit (79 places), le taux publié et le nombre
  d'établissements recensés imposent de dépasser 60. Laudun-l'Ardoise est arrêtée à 60 places.
- **Étapes.** Places installées = agréées. À partir de 50 places, une place sur vingt est gelée.
  Places financées = ouvertes à la PSU, 0 à la Paje.
- **Relais, accueils de loisirs, écoles.** Un lieu par établissement de la BPE, sans places. Un
  accueil de loisirs peut partager les murs d'une école : ne pas additionner les types.
- **Assistantes maternelles.** 2,6 places par active ; actives au prorata des naissances, donc 0
  dans les plus petites communes ; 15 % d'agréées en plus ; 17 % des actives de 55 à 59 ans, 14 % de
  60 ans ou plus, 10 % en MAM à partir de deux : hypothèses, sans source locale.
- **Laissés vides.** Gestionnaire, mode de gestion, position, dates et horaires.

Contrôle de vraisemblance : les multi-accueils du Gard rhodanien totalisent ici {psu_gard} places,
contre 470 attribuées aux 13 multi-accueils de l'agglomération (à vérifier).
"""


def chapitre(base: Base, lignes: Mapping[str, list[Ligne]]) -> str:
    """Écrire le chapitre d'un territoire : résidus puis détail par commune."""
    return (
        f"## {base.nom}\n\n### Taux publiés et taux redonnés\n\n"
        f"{tableau_md(ENTETES_RESIDUS, residus(base, lignes))}\n\n### Communes (exemple)\n\n"
        f"{tableau_md(ENTETES_DETAIL, detail(base, lignes))}\n"
    )


def calibrer(territoires: Path, document: Path) -> None:
    """Écrire les tables d'exemple des deux territoires et le document, et imprimer les résidus."""
    chapitres, psu = [], {}
    for nom in NOMS:
        base = charger(territoires / nom)
        lignes = {
            "equipements": equipements(base),
            "assistantes_maternelles": assistantes_maternelles(base),
        }
        for table, contenu in lignes.items():
            ecrire(territoires / nom, table, contenu)
        chapitres.append(chapitre(base, lignes))
        psu[nom] = sum(
            int(li["capacite_agreee"]) for li in lignes["equipements"] if li["type"] == "eaje_psu"
        )
        print(f"{base.nom}\n{tableau_md(ENTETES_RESIDUS, residus(base, lignes))}")
    methode = METHODE.format(psu_gard=psu["gard_rhodanien"])
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(
        typographier("\n".join([methode, *chapitres])), encoding="utf-8", newline="\n"
    )


def main() -> int:
    """Lire les options et calibrer."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--territoires", type=Path, default=TERRITOIRES)
    options.add_argument("--document", type=Path, default=DOCUMENT)
    choix = options.parse_args()
    calibrer(choix.territoires, choix.document)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
